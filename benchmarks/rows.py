"""Fills tables with rows in bulk: straight SQL, for millions."""

from __future__ import annotations

import json

from django.db import connection

from benchmarks.henry import EPOCH, job


def clear() -> None:
    """Empty every table of the app."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'henry_checkout%'")
        tables = ", ".join(name for (name,) in cursor.fetchall())
        cursor.execute(f"TRUNCATE {tables} CASCADE")


def make_purchases(*, ended: int, open_: int) -> None:
    """Make so many purchases; the last `open_` of them are open and due, each of an order of its own.

    Their refIds and times are those of `benchmarks.henry`. Those that have ended share one order.
    """
    total = ended + open_
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        # Foreign keys are right by construction; ids rise, as ULIDs do.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            """
            INSERT INTO henry_checkout_order
                (id, public_id, number, account, status, henry_cart_id, currency, needs_review, review_reason,
                 event_count, link_epoch, cart_digest, hosted_url, created_at, updated_at, metadata, traceparent)
            SELECT n, lpad(to_hex(n), 32, '0')::uuid, 'N' || n, 'default', 'processing', 'crt_' || n, 'USD', false, '', 0, 0,
                   '', '', now(), now(), '{}', ''
            FROM generate_series(%s, %s) AS n
            """,
            [ended, total],
        )
        cursor.execute(
            """
            INSERT INTO henry_checkout_purchase
                (id, public_id, order_id, account, ref_id, henry_cart_id, claimed_id, status, error,
                 accepted_currency, settings, answer, drift, created_at, found_at, deadline_at)
            SELECT n, lpad(to_hex(n), 32, '0')::uuid, greatest(n, %(ended)s), 'default',
                   'ckp-ref_' || lpad((n - 1)::text, 8, '0') || '-5717-4562-b3fc', 'crt_' || n, '',
                   CASE WHEN n <= %(ended)s THEN 'complete' ELSE 'processing' END, '', '', '{}', '{}', '[]',
                   %(epoch)s::timestamptz + (n - 1) * interval '10 milliseconds',
                   %(epoch)s::timestamptz + (n - 1) * interval '10 milliseconds', now() + interval '30 days'
            FROM generate_series(1, %(total)s) AS n
            """,
            {"ended": ended, "total": total, "epoch": EPOCH},
        )
        cursor.execute(
            """
            INSERT INTO henry_checkout_purchasepoll
                (purchase_id, account, due_at, fence, attempts, errors, digest, text_digest, worker)
            SELECT n, 'default', now() - random() * interval '1 minute', 0, 0, 0, '', '', ''
            FROM generate_series(%s + 1, %s) AS n
            """,
            [ended, total],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")


def ref_of_order(number: int) -> str:
    """Return the refId of an order that `make_orders` made."""
    return f"ckp-ref_{number:08d}-5717-4562-b3fc"


def make_orders(count: int) -> None:
    """Make so many orders as a shop has them after years: nearly all completed, each with its buyer and its story.

    A hundred failed, as many are partly completed, to be reviewed, and in doubt: pages of them are full at any size.
    """
    from django_henry_checkout.models.encryption import email_digest

    sizes = {"count": count, "each": count // 100}
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_ORDERS, sizes)
        cursor.execute(_PURCHASES, sizes)
        cursor.execute(_LINES, {"count": count})
        cursor.execute(_EVENTS, {"count": count})
        with cursor.copy(
            "COPY henry_checkout_orderbuyer (order_id, first_name, middle_name, last_name, email, email_digest, phone,"
            " shipping_address, billing_address, name_on_card) FROM STDIN"
        ) as copy:
            for number in range(1, count + 1):
                email = f"buyer{number}@shop.example"
                digest = email_digest(email)
                copy.write_row(
                    (number, "Ada", "", f"Number {number}", email, digest, "+12125550123", "{}", "{}", "{}")
                )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # what is still to be written would slow down whatever is measured next


_STATUS = """CASE n %% %(each)s WHEN 1 THEN 'failed' WHEN 2 THEN 'partially_completed' WHEN 3 THEN 'open' ELSE 'completed' END"""
_ORDERS = f"""
    INSERT INTO henry_checkout_order
        (id, public_id, number, account, status, henry_cart_id, currency, total_amount, needs_review, review_reason,
         event_count, link_epoch, cart_digest, hosted_url, created_at, updated_at, metadata, traceparent)
    SELECT n, lpad(to_hex(n), 32, '0')::uuid, 'N' || n, 'default', {_STATUS}, 'crt_' || n, 'USD', 12.5, n %% %(each)s = 4,
           CASE WHEN n %% %(each)s = 4 THEN 'items_differ' ELSE '' END, 4, 0, '', '',
           now() - (%(count)s - n) * interval '1 minute', now(), '{{}}', ''
    FROM generate_series(1, %(count)s) AS n
"""
_PURCHASES = """
    INSERT INTO henry_checkout_purchase
        (id, public_id, order_id, account, ref_id, henry_cart_id, claimed_id, status, error, accepted_currency, settings,
         answer, drift, created_at, deadline_at)
    SELECT n, lpad(to_hex(n), 32, '0')::uuid, n, 'default', 'ckp-ref_' || lpad(n::text, 8, '0') || '-5717-4562-b3fc',
           'crt_' || n, '', CASE WHEN n %% %(each)s = 3 THEN 'in_doubt' ELSE 'complete' END, '', '', '{}', '{}', '[]', now(), now()
    FROM generate_series(1, %(count)s) AS n
"""
_LINES = """
    INSERT INTO henry_checkout_orderline
        (id, order_id, position, key, link, quantity, selected_options, selected_shipping, coupons, metadata, title,
         image_url, currency, merchant, status, confirmation_number)
    SELECT n, n, 1, '', 'https://alpine.example/products/boots', 1, '[]', '{}', '[]', '{}', 'Boots', '', 'USD', 'Alpine',
           'bought', 'A-' || n
    FROM generate_series(1, %(count)s) AS n
"""
_EVENTS = """
    INSERT INTO henry_checkout_event (id, public_id, order_id, sequence, type, source, payload, state, occurred_at, purchase_id)
    SELECT 4 * n + step, (lpad(to_hex(n), 24, '0') || lpad(step::text, 8, '0'))::uuid, n, step,
           'order_status_changed', 'poll', '{}', '{}', now(), n
    FROM generate_series(1, %(count)s) AS n, generate_series(1, 4) AS step
"""


def know_answers() -> None:
    """Note the answers of `benchmarks.henry` as those that were seen last: applying them is not measured here."""
    from django_henry_checkout.gateway import wire
    from django_henry_checkout.models import PurchasePoll

    with connection.cursor() as cursor:
        found = list(PurchasePoll.objects.values_list("pk", "purchase__ref_id"))
        digests = [wire.digest(json.loads(job(ref_id))) for _pk, ref_id in found]
        cursor.execute(
            "UPDATE henry_checkout_purchasepoll SET digest = known.digest"
            " FROM unnest(%s::bigint[], %s::text[]) AS known (pk, digest) WHERE purchase_id = known.pk",
            [[pk for pk, _ref_id in found], digests],
        )


def make_due() -> None:
    """Make every open purchase due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE henry_checkout_purchasepoll SET due_at = now() - random() * interval '1 minute'"
        )
