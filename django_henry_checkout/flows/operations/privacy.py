"""Export, erase and re-encrypt the personal data of buyers.

The buyer of an order is one row, `OrderBuyer`. Customer sessions, webhooks that were not applied, and for two days
stored responses of idempotent calls can contain personal data too. The shop itself cleans what it puts into
`metadata`, its users and its logs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.models import (
    CustomerSession,
    IdempotencyRecord,
    Order,
    OrderBuyer,
    OrderStatus,
    Purchase,
    WebhookMessage,
)
from django_henry_checkout.models.encryption import email_digests

BATCH_SIZE = 200
#: Shorter texts would match unrelated data.
MIN_TRACE_LENGTH = 5
_TEXTS = ("first_name", "middle_name", "last_name", "email", "phone")
_JSON = ("shipping_address", "billing_address", "name_on_card")


#: Columns that contain personal data.
ENCRYPTED_COLUMNS: dict[type[Model], tuple[str, ...]] = {
    OrderBuyer: (*_TEXTS, *_JSON),
    CustomerSession: ("buyer",),
    WebhookMessage: ("body",),
    IdempotencyRecord: ("body",),
}


@dataclass(frozen=True, kw_only=True)
class EraseResult:
    """Number of rows of each kind that were emptied."""

    orders: int
    customer_sessions: int
    webhooks: int
    answers: int


def find_orders_by_email(email: str) -> QuerySet[Order]:
    """Return the orders of a buyer by e-mail; case does not matter."""
    return Order.objects.filter(buyer__email_digest__in=email_digests(email))


def export_buyer(email: str) -> dict[str, Any]:
    """Return all stored data of a buyer, as JSON: `{email, orders: [...], customerSessions: [...]}`.

    Effects: a few queries for each order.
    """
    orders = find_orders_by_email(email).select_related("buyer").order_by("pk")
    sessions = CustomerSession.objects.filter(email_digest__in=email_digests(email)).order_by("pk")
    return {
        "email": email,
        "orders": [_order_json(order) for order in orders.iterator(BATCH_SIZE)],
        "customerSessions": [
            {"createdAt": session.created_at.isoformat(), "buyer": session.buyer} for session in sessions
        ],
    }


def _order_json(order: Order) -> dict[str, Any]:
    buyer = order.buyer
    return {
        "number": order.number,
        "status": order.status,
        "createdAt": order.created_at.isoformat(),
        "total": str(order.total or ""),
        "metadata": order.metadata,
        "buyer": {name: getattr(buyer, name) for name in (*_TEXTS, *_JSON)},
        "lines": [
            {"title": line.title, "link": line.link, "quantity": line.quantity, "metadata": line.metadata}
            for line in order.lines.all()
        ],
        "events": [
            {"type": kind, "occurredAt": moment.isoformat()}
            for kind, moment in order.events.order_by("sequence").values_list("type", "occurred_at")
        ],
    }


def erase_buyer(email: str, *, by: str) -> EraseResult:
    """Erase a buyer. Orders, amounts and events stay, and each order records when its buyer was erased.

    An unpaid order can still be paid: its buyer then enters their details again. For the other orders, buyer data
    that Henry reports later is not stored, even while they are being bought.

    Args:
        by: source of the events: "retention", or the `staff_source` of a person.

    Effects: one transaction for each order. After an interruption it can be repeated, and erases the rest.
    """
    traces: set[str] = {email.strip().casefold()}
    erased = messages = 0
    sessions = CustomerSession.objects.filter(email_digest__in=email_digests(email))
    for session in sessions:
        traces |= set(_traces(session.buyer))
    orders = find_orders_by_email(email).select_related("buyer").order_by("pk")
    while batch := list(orders[:BATCH_SIZE]):  # the query no longer finds an erased buyer
        for order in batch:
            traces |= set(_traces({name: getattr(order.buyer, name) for name in (*_TEXTS, *_JSON)}))
            messages += erase_order_buyer(order, source=by)
        erased += len(batch)
    now = timezone.now()
    emptied = sessions.update(buyer={}, email_digest="", revoked_at=now)
    return EraseResult(
        orders=erased,
        customer_sessions=emptied,
        webhooks=messages + _empty(WebhookMessage.objects.exclude(body=""), traces, body=""),
        answers=_empty(IdempotencyRecord.objects.exclude(body=None).exclude(status=None), traces, body={}),
    )


def erase_order_buyer(order: Order, *, source: str) -> int:
    """Erase the buyer of one order; return how many webhooks about it were emptied."""
    with transaction.atomic():
        order = Order.objects.lock().get(pk=order.pk)
        OrderBuyer.objects.filter(order=order).delete()
        refs = Purchase.objects.filter(order=order).exclude(ref_id="").values_list("ref_id", flat=True)
        messages = WebhookMessage.objects.filter(account=order.account, ref_id__in=list(refs))
        emptied = messages.exclude(body="").update(body="")
        sent = Q(sent_at__isnull=False) | ~Q(ref_id="")
        if order.status != OrderStatus.OPEN or Purchase.objects.filter(sent, order=order).exists():
            order.buyer_erased_at = timezone.now()
            order.save(update_fields=["buyer_erased_at"])
        journal = EventJournal(order, source=source)
        journal.add("buyer_erased")
        journal.write()
    return emptied


def overdue_buyers(before: datetime, *, limit: int) -> list[Order]:
    """Return orders with a stored buyer that ended before a time, or were left open and unchanged since."""
    ended = Q(ended_at__lt=before) | Q(ended_at=None, updated_at__lt=before)
    old = Order.objects.filter(ended, created_at__lt=before, buyer__isnull=False)
    return list(old.order_by("pk")[:limit])


def _traces(content: Any) -> Iterator[str]:
    """Walk through personal data; yield each text that identifies the person."""
    if isinstance(content, dict):
        for value in content.values():
            yield from _traces(value)
    elif isinstance(content, str) and len(content) >= MIN_TRACE_LENGTH:
        yield content.casefold()


def _empty(rows: QuerySet[Any], traces: Iterable[str], **empty: Any) -> int:
    """Empty the rows whose body contains a trace. Bodies can be encrypted, so they are searched in Python."""
    traces, emptied = tuple(traces), 0
    for row in rows.iterator(BATCH_SIZE):
        if any(trace in _folded(row.body) for trace in traces):
            emptied += rows.model.objects.filter(pk=row.pk).update(**empty)
    return emptied


def _folded(body: Any) -> str:
    """Return a body as searchable text: casefolded JSON without escapes."""
    try:
        content = json.loads(body) if isinstance(body, str) else body
    except ValueError:
        return str(body).casefold()
    return json.dumps(content, ensure_ascii=False).casefold()


def reencrypt_batch(model: type[Model], after: int, *, limit: int = BATCH_SIZE) -> int:
    """Re-encrypt the next rows of a table with the first of ENCRYPTION_KEYS.

    Args:
        after: primary key of the last row of the previous batch; 0 starts.

    Returns:
        int: primary key of the last row of this batch; 0 at the end.

    Effects: one transaction with one query, and one update for each row. Without keys it decrypts.
    """
    all_rows = model._default_manager.order_by("pk")  # noqa: SLF001 - Django's public name for it
    with transaction.atomic():
        rows = list(all_rows.select_for_update().filter(pk__gt=after)[:limit])
        for row in rows:
            row.save(update_fields=ENCRYPTED_COLUMNS[model])
    return int(rows[-1].pk) if rows else 0
