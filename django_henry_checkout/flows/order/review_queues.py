"""What needs review, found by partial indexes that contain only such rows, so that a large shop costs no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from django_henry_checkout.models import (
    AccountRateLimit,
    Delivery,
    DeliveryStatus,
    Order,
    OrderStatus,
    Purchase,
    PurchaseStatus,
    WebhookMessage,
    WebhookStatus,
)

#: Number of rows that are listed, and counted, for each queue.
MAX_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class ReviewQueue:
    """One kind of problem: its name, its newest rows, and whether there are more."""

    name: str
    rows: Sequence[Any]
    has_more: bool


def _in_doubt() -> QuerySet[Purchase]:
    return Purchase.objects.filter(status=PurchaseStatus.IN_DOUBT).select_related("order", "poll")


def _stuck() -> QuerySet[Purchase]:
    return Purchase.objects.filter(status=PurchaseStatus.STUCK).select_related("order", "poll")


def _flagged() -> QuerySet[Order]:
    return Order.objects.filter(needs_review=True)


def _partial() -> QuerySet[Order]:
    return Order.objects.filter(status=OrderStatus.PARTIALLY_COMPLETED, reviewed_at=None, needs_review=False)


def _dead_deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.filter(status=DeliveryStatus.DEAD).select_related("event", "order")


def _rejected_webhooks() -> QuerySet[WebhookMessage]:
    return WebhookMessage.objects.filter(status__in=[WebhookStatus.DEAD, WebhookStatus.REFUSED]).defer("body")


def _paused_accounts() -> QuerySet[AccountRateLimit]:
    return AccountRateLimit.objects.filter(Q(circuit_open=True) | Q(paused_until__gt=timezone.now()))


REVIEW_QUEUES: dict[str, Callable[[], QuerySet[Any]]] = {
    "in_doubt": _in_doubt,
    "stuck": _stuck,
    "flagged": _flagged,
    "partial": _partial,
    "dead_deliveries": _dead_deliveries,
    "webhooks": _rejected_webhooks,
    "accounts": _paused_accounts,
}


def get_review_queues() -> list[ReviewQueue]:
    """Return all review queues, each newest first, including the empty ones.

    Effects: one query for each queue, of at most `MAX_ROWS` + 1 rows.
    """
    return [_read_queue(name, rows()) for name, rows in REVIEW_QUEUES.items()]


def _read_queue(name: str, rows: QuerySet[Model]) -> ReviewQueue:
    found = list(rows.order_by("-pk")[: MAX_ROWS + 1])
    return ReviewQueue(name=name, rows=found[:MAX_ROWS], has_more=len(found) > MAX_ROWS)
