"""Delete rows past their retention, in small batches. Orders, amounts and events are never deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.operations.privacy import erase_order_buyer, overdue_buyers
from django_henry_checkout.models import (
    CallCount,
    Cart,
    CustomerSession,
    Delivery,
    DeliveryStatus,
    IdempotencyRecord,
    WebhookMessage,
    WorkerHeartbeat,
)
from django_henry_checkout.models.webhooks import WAITING_WEBHOOK

BATCH_SIZE = 500
#: Rows that are this long past their retention show that pruning does not run.
OVERDUE = timedelta(days=7)
#: Retention of short-lived rows, which no setting covers.
SHORT_RETENTION = timedelta(days=1)


def prune_batch() -> int:
    """Delete one batch of each kind; return how many rows. RETENTION sets how long each kind is kept."""
    return sum(prune_kind(name) for name in KINDS)


def prune_kind(name: str) -> int:
    """Delete one batch of a kind; return how many rows, 0 when none are left."""
    retention = _retention(name)
    return 0 if retention is None else KINDS[name](timezone.now() - retention)


def _retention(name: str) -> timedelta | None:
    return SHORT_RETENTION if name in _SHORT_LIVED else app_settings.RETENTION[name]


def _webhooks(before: datetime) -> int:
    return _delete(WebhookMessage.objects.exclude(status__in=WAITING_WEBHOOK).filter(received_at__lt=before))


def _deliveries(before: datetime) -> int:
    return _delete(Delivery.objects.filter(status=DeliveryStatus.DONE, done_at__lt=before))


def _carts(before: datetime) -> int:
    """Delete guests' carts without an order. Templates stay."""
    abandoned = Cart.objects.filter(updated_at__lt=before, user=None, orders=None, link=None)
    return _delete(abandoned)


def _customer_sessions(before: datetime) -> int:
    return _delete(CustomerSession.objects.filter(expires_at__lt=before))


def _buyers(before: datetime) -> int:
    orders = overdue_buyers(before, limit=BATCH_SIZE)
    for order in orders:
        erase_order_buyer(order, source="retention")
    return len(orders)


def _idempotency(before: datetime) -> int:
    return _delete(IdempotencyRecord.objects.filter(expires_at__lt=before))


def _heartbeats(before: datetime) -> int:
    return _delete(WorkerHeartbeat.objects.filter(last_seen_at__lt=before))


def _call_counts(before: datetime) -> int:
    return _delete(CallCount.objects.filter(window_at__lt=before - timedelta(days=1)))


#: Kinds of rows, by their names in RETENTION; each function deletes one batch of the rows older than a time.
KINDS: dict[str, Callable[[datetime], int]] = {
    "webhooks": _webhooks,
    "deliveries": _deliveries,
    "carts": _carts,
    "customer_sessions": _customer_sessions,
    "buyers": _buyers,
    "idempotency": _idempotency,
    "call_counts": _call_counts,
    "signs": _heartbeats,
}
_SHORT_LIVED = frozenset({"idempotency", "call_counts", "signs"})


def has_old_rows() -> bool:
    """Return whether the oldest rows are a week or more past their retention. Effects: three short queries."""
    now = timezone.now()
    oldest: dict[str, tuple[QuerySet[Any], str]] = {
        "webhooks": (WebhookMessage.objects.exclude(status__in=WAITING_WEBHOOK), "received_at"),
        "deliveries": (Delivery.objects.filter(status=DeliveryStatus.DONE), "done_at"),
        "idempotency": (IdempotencyRecord.objects.all(), "expires_at"),
    }
    for name, (rows, column) in oldest.items():
        retention = _retention(name)
        first = None if retention is None else rows.order_by("pk").values_list(column, flat=True).first()
        if retention is not None and first is not None and first < now - retention - OVERDUE:
            return True
    return False


def _delete(rows: QuerySet[Model]) -> int:
    batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    if batch:
        rows.model._default_manager.filter(pk__in=batch).delete()  # noqa: SLF001 - Django's public name for it
    return len(batch)
