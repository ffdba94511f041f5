"""Claim polls that are due, and reschedule unchanged ones: one statement per batch each.

A claim is a lease: it moves `due_at` to the end of the lease and raises `fence`. A worker that lost its lease
writes nothing, because its fence is outdated.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.queue.clock import record_database_time
from django_henry_checkout.flows.queue.retry import run_with_retries
from django_henry_checkout.models import Purchase, PurchasePoll
from django_henry_checkout.types import format_public_id

#: Columns of a `ClaimedPoll`, in order: those of the poll, then those of its purchase.
_POLL = ("pk", "fence", "errors", "digest", "text_digest", "account")
_PURCHASE = ("ref_id", "henry_cart_id", "claimed_id", "status", "public_id", "deadline_at")
_ROW = (*_POLL, *(f"purchase__{name}" for name in _PURCHASE), "followed_since")
_FOLLOWED_SINCE = Coalesce("purchase__found_at", "purchase__sent_at", "purchase__created_at")


class ClaimedPoll(NamedTuple):
    """A purchase leased to this worker, as it was when it was claimed."""

    pk: int
    fence: int
    errors: int
    digest: str
    text_digest: str
    account: str
    ref_id: str
    henry_cart_id: str
    claimed_id: str
    status: str
    public_id: UUID | str
    deadline_at: datetime
    followed_since: datetime

    @property
    def ulid(self) -> str:
        """The public id of the purchase, for logs."""
        return format_public_id(UUID(str(self.public_id)))


class Reschedule(NamedTuple):
    """Next due time of a claimed poll. `errors` counts consecutive errors."""

    claimed: ClaimedPoll
    due_at: datetime
    errors: int
    text_digest: str


def claim_polls(account: str, *, limit: int) -> list[ClaimedPoll]:
    """Claim up to `limit` polls of an account that are due, longest overdue first.

    Effects: one statement on PostgreSQL, elsewhere a short transaction of two, independent of the
    limit and the size of the table.
    """
    claim = _claim_in_one_statement if connection.vendor == "postgresql" else _claim
    return run_with_retries(lambda: claim(account, limit))


def _claim(account: str, limit: int) -> list[ClaimedPoll]:
    now = timezone.now()
    with transaction.atomic():
        due = PurchasePoll.objects.due(account, now).annotate(followed_since=_FOLLOWED_SINCE)
        rows: list[tuple[Any, ...]] = list(due.values_list(*_ROW)[:limit])
        # Compare-and-set, because SQLite has no row locks.
        PurchasePoll.objects.filter(pk__in=[row[0] for row in rows], due_at__lte=now).update(
            due_at=now + app_settings.POLL_LEASE, fence=F("fence") + 1, worker=_worker_name()
        )
    return [ClaimedPoll(row[0], row[1] + 1, *row[2:]) for row in rows]


#: Times and ids are returned as text: parsing them takes a tenth of the time of the driver's conversions.
_CLAIM = """
    WITH due AS (
        SELECT purchase_id FROM {poll} WHERE account = %s AND due_at <= statement_timestamp()
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE {poll} AS poll SET due_at = statement_timestamp() + %s, fence = fence + 1, worker = %s
        FROM due WHERE poll.purchase_id = due.purchase_id
        RETURNING poll.purchase_id, fence, errors, digest, text_digest, account
    )
    SELECT purchase_id, fence, errors, digest, text_digest, claimed.account,
        ref_id, henry_cart_id, claimed_id, status, public_id::text,
        deadline_at::text, coalesce(found_at, sent_at, created_at)::text, statement_timestamp()::text
    FROM claimed JOIN {purchase} AS purchase ON purchase.id = claimed.purchase_id
"""


def _claim_in_one_statement(account: str, limit: int) -> list[ClaimedPoll]:
    quote = connection.ops.quote_name
    tables = {"poll": PurchasePoll._meta.db_table, "purchase": Purchase._meta.db_table}  # noqa: SLF001 - public
    statement = _CLAIM.format(**{name: quote(table) for name, table in tables.items()})
    with connection.cursor() as cursor:
        values: list[Any] = [account, limit, app_settings.POLL_LEASE, _worker_name()]
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    read = datetime.fromisoformat
    if rows:
        record_database_time(read(rows[0][-1]))
    return [ClaimedPoll(*(*row[:-3], read(row[-3]), read(row[-2]))) for row in rows]


def find_unclaimed_polls(account: str, refs: Collection[str], *, due_before: datetime) -> list[ClaimedPoll]:
    """Return the polls of these purchases that are due before a time, without claiming them.

    A worker that claims one meanwhile raises its fence, so that a reschedule from here is dropped.

    Effects: one statement.
    """
    polls = PurchasePoll.objects.filter(account=account, due_at__lt=due_before)
    named = polls.filter(purchase__account=account, purchase__ref_id__in=refs)
    rows: list[tuple[Any, ...]] = list(named.annotate(followed_since=_FOLLOWED_SINCE).values_list(*_ROW))
    return [ClaimedPoll(*row) for row in rows]


def _worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def reschedule(rows: Sequence[Reschedule]) -> None:
    """Set the next due times of unchanged polls. Rows whose lease was lost are left to their new owner.

    Effects: one statement on PostgreSQL, one per row elsewhere.
    """
    if rows:
        run_with_retries(lambda: _reschedule(sorted(rows, key=lambda row: row.claimed.pk)))


_SET = "SET due_at = {due_at}, errors = {errors}, text_digest = {text_digest}, attempts = attempts + 1"


def _reschedule(rows: Sequence[Reschedule]) -> None:
    table = connection.ops.quote_name(PurchasePoll._meta.db_table)  # noqa: SLF001 - Django's public name for it
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            new = _SET.format(due_at="new.due_at", errors="new.errors", text_digest="new.text_digest")
            cursor.execute(
                f"UPDATE {table} {new} FROM json_to_recordset(%s::json)"
                " AS new (due_at timestamptz, errors int, text_digest text, pk bigint, fence int)"
                f" WHERE {table}.purchase_id = new.pk AND {table}.fence = new.fence",
                [_as_json(rows)],
            )
        else:
            new = _SET.format(due_at="%s", errors="%s", text_digest="%s")
            moment = connection.ops.adapt_datetimefield_value
            cursor.executemany(
                f"UPDATE {table} {new} WHERE purchase_id = %s AND fence = %s",
                [
                    (moment(row.due_at), row.errors, row.text_digest, row.claimed.pk, row.claimed.fence)
                    for row in rows
                ],
            )


def _as_json(rows: Sequence[Reschedule]) -> str:
    """Return the rows as one JSON text: arrays would take several times as long."""
    return json.dumps(
        [
            {
                "due_at": row.due_at.isoformat(),
                "errors": row.errors,
                "text_digest": row.text_digest,
                "pk": row.claimed.pk,
                "fence": row.claimed.fence,
            }
            for row in rows
        ]
    )
