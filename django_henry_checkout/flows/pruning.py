"""Deletes what has done its work, in small batches. Orders, money and events are never touched."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Model, QuerySet
from django.utils import timezone

from django_henry_checkout.conf import settings
from django_henry_checkout.flows.signs import FORGET_AFTER
from django_henry_checkout.models import (
    Delivery,
    DeliveryStatus,
    IdempotencyRecord,
    SignOfLife,
    WebhookMessage,
)
from django_henry_checkout.models.webhooks import WAITING_WEBHOOK

BATCH = 500
#: Nobody prunes where rows are still there so long after their time.
OVERDUE = timedelta(days=7)


def prune_batch() -> int:
    """Delete one batch of each kind; return how many rows.

    Gone are, after PRUNE_AFTER, webhooks that were settled and deliveries that were made; and idempotency
    records whose time is over, and signs of life of processes that have ended.
    """
    now = timezone.now()
    before = now - settings.PRUNE_AFTER
    settled = WebhookMessage.objects.exclude(status__in=WAITING_WEBHOOK).filter(received_at__lt=before)
    made = Delivery.objects.filter(status=DeliveryStatus.DONE, done_at__lt=before)
    lapsed = IdempotencyRecord.objects.filter(expires_at__lt=now - timedelta(days=1))
    ended = SignOfLife.objects.filter(seen_at__lt=now - FORGET_AFTER)
    return sum(_delete(each) for each in (settled, made, lapsed, ended))


def has_old_rows() -> bool:
    """Tell whether the oldest rows should have been deleted a week ago or earlier. Effects: three short queries."""
    now = timezone.now()
    before = now - settings.PRUNE_AFTER - OVERDUE
    message = WebhookMessage.objects.order_by("pk").exclude(status__in=WAITING_WEBHOOK)[:1]
    delivery = Delivery.objects.order_by("pk").filter(status=DeliveryStatus.DONE)[:1]
    record = IdempotencyRecord.objects.order_by("pk")[:1]
    return (
        any(each.received_at < before for each in message)
        or any(each.done_at is not None and each.done_at < before for each in delivery)
        or any(each.expires_at < now - OVERDUE for each in record)
    )


def _delete(rows: QuerySet[Model]) -> int:
    batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    return rows.model._default_manager.filter(pk__in=batch).delete()[0] if batch else 0  # noqa: SLF001 - Django's public name for it
