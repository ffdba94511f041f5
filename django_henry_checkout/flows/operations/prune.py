"""Deletes what has done its work, in small batches. Orders, money and events are never touched."""

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
#: Nobody prunes where rows are still there so long after their time.
OVERDUE = timedelta(days=7)
#: What serves for a moment only, and can be told again by nobody.
SHORT_RETENTION = timedelta(days=1)


def prune_batch() -> int:
    """Delete one batch of each kind; return how many rows. See RETENTION for what is kept how long."""
    return sum(prune_kind(name) for name in KINDS)


def prune_kind(name: str) -> int:
    """Delete one batch of a kind; return how many rows, 0 when there is nothing more."""
    kept = _retention(name)
    return 0 if kept is None else KINDS[name](timezone.now() - kept)


def _retention(name: str) -> timedelta | None:
    return SHORT_RETENTION if name in _SHORT_LIVED else app_settings.RETENTION[name]


def _webhooks(before: datetime) -> int:
    return _delete(WebhookMessage.objects.exclude(status__in=WAITING_WEBHOOK).filter(received_at__lt=before))


def _deliveries(before: datetime) -> int:
    return _delete(Delivery.objects.filter(status=DeliveryStatus.DONE, done_at__lt=before))


def _carts(before: datetime) -> int:
    """Carts of guests that led to nothing. A template stays, and so does a cart that an order came from."""
    left = Cart.objects.filter(updated_at__lt=before, user=None, orders=None, link=None)
    return _delete(left)


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


#: What is pruned, by its name in RETENTION; each deletes one batch of what is older than a time.
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
    """Tell whether the oldest rows should have been deleted a week ago or earlier. Effects: three short queries."""
    now = timezone.now()
    oldest: dict[str, tuple[QuerySet[Any], str]] = {
        "webhooks": (WebhookMessage.objects.exclude(status__in=WAITING_WEBHOOK), "received_at"),
        "deliveries": (Delivery.objects.filter(status=DeliveryStatus.DONE), "done_at"),
        "idempotency": (IdempotencyRecord.objects.all(), "expires_at"),
    }
    for name, (rows, column) in oldest.items():
        kept = _retention(name)
        first = None if kept is None else rows.order_by("pk").values_list(column, flat=True).first()
        if kept is not None and first is not None and first < now - kept - OVERDUE:
            return True
    return False


def _delete(rows: QuerySet[Model]) -> int:
    batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    if batch:
        rows.model._default_manager.filter(pk__in=batch).delete()  # noqa: SLF001 - Django's public name for it
    return len(batch)
