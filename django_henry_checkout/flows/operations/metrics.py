"""Queue metrics for a monitoring system. Each number is one index lookup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from django_henry_checkout.flows.queue.clock import database_now
from django_henry_checkout.models import (
    AccountRateLimit,
    Delivery,
    DeliveryStatus,
    Order,
    Purchase,
    PurchasePoll,
    PurchaseStatus,
    WebhookMessage,
    WebhookStatus,
)

#: Upper limit of each count.
MAX_COUNT = 10_000


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """Work that is due. `lag` is how long the oldest item has been due; zero if there is none."""

    due: int
    lag: timedelta


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """Rate limit of one account in calls per second, and whether its polling is paused."""

    account: str
    rate: float
    is_paused: bool
    circuit_open: bool


@dataclass(frozen=True, kw_only=True)
class QueueMetrics:
    """State of all queues at one moment. No count is above `MAX_COUNT`.

    Attributes:
        oldest_open: age of the oldest purchase that is still polled.
        rejected_webhooks: those that failed for good, or named another account's purchase.
    """

    polls: QueueDepth
    deliveries: QueueDepth
    webhooks: QueueDepth
    open_purchases: int
    oldest_open: timedelta
    in_doubt: int
    stuck: int
    needs_review: int
    dead_deliveries: int
    rejected_webhooks: int
    accounts: tuple[AccountState, ...]


def collect_metrics() -> QueueMetrics:
    """Collect the metrics.

    Effects: fourteen statements, on PostgreSQL one more for the time; none reads more than `MAX_COUNT` rows.
    """
    now = database_now()
    oldest = Purchase.objects.filter(poll__isnull=False).order_by("pk").first()
    return QueueMetrics(
        polls=_depth(PurchasePoll.objects.filter(due_at__lte=now), now),
        deliveries=_depth(Delivery.objects.filter(status=DeliveryStatus.PENDING, due_at__lte=now), now),
        webhooks=_depth(WebhookMessage.objects.due(now), now),
        open_purchases=_count(PurchasePoll.objects.all()),
        oldest_open=timedelta() if oldest is None else now - oldest.followed_since,
        in_doubt=_count(Purchase.objects.filter(status=PurchaseStatus.IN_DOUBT)),
        stuck=_count(Purchase.objects.filter(status=PurchaseStatus.STUCK)),
        needs_review=_count(Order.objects.filter(needs_review=True)),
        dead_deliveries=_count(Delivery.objects.filter(status=DeliveryStatus.DEAD)),
        rejected_webhooks=_count(
            WebhookMessage.objects.filter(status__in=[WebhookStatus.DEAD, WebhookStatus.REFUSED])
        ),
        accounts=tuple(_state(limit, now) for limit in AccountRateLimit.objects.order_by("account")),
    )


def _count(rows: QuerySet[Any]) -> int:
    return int(rows.order_by().values("pk")[:MAX_COUNT].count())


def _depth(rows: QuerySet[Any], now: datetime) -> QueueDepth:
    first = rows.order_by("due_at").values_list("due_at", flat=True).first()
    return QueueDepth(due=_count(rows), lag=timedelta() if first is None else now - first)


def _state(limit: AccountRateLimit, now: datetime) -> AccountState:
    is_paused = limit.paused_until is not None and limit.paused_until > now
    return AccountState(
        account=limit.account, rate=limit.rate, is_paused=is_paused, circuit_open=limit.circuit_open
    )
