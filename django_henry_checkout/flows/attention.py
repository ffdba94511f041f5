"""What needs a person: counted and listed by indexes that hold nothing else, so that a big shop costs no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from django_henry_checkout.models import (
    AccountPace,
    Delivery,
    DeliveryStatus,
    Order,
    OrderStatus,
    Purchase,
    PurchaseStatus,
    WebhookMessage,
    WebhookStatus,
)

#: How many of each kind are shown, and counted.
MOST = 20


@dataclass(frozen=True, kw_only=True)
class Concern:
    """One kind of trouble: its name, the newest rows of it, and whether there are more."""

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


def _parked() -> QuerySet[Delivery]:
    return Delivery.objects.filter(status=DeliveryStatus.PARKED).select_related("event", "order")


def _odd_webhooks() -> QuerySet[WebhookMessage]:
    return WebhookMessage.objects.filter(status__in=[WebhookStatus.DEAD, WebhookStatus.REFUSED]).defer("body")


def _paused() -> QuerySet[AccountPace]:
    return AccountPace.objects.filter(Q(is_broken=True) | Q(paused_until__gt=timezone.now()))


CONCERNS: dict[str, Callable[[], QuerySet[Any]]] = {
    "in_doubt": _in_doubt,
    "stuck": _stuck,
    "flagged": _flagged,
    "partial": _partial,
    "parked": _parked,
    "webhooks": _odd_webhooks,
    "accounts": _paused,
}


def concerns() -> list[Concern]:
    """Return what needs a person, the newest first, by kind; kinds without trouble too.

    Effects: one query for each kind, of at most `MOST` + 1 rows.
    """
    return [_look(name, rows()) for name, rows in CONCERNS.items()]


def _look(name: str, rows: QuerySet[Model]) -> Concern:
    found = list(rows.order_by("-pk")[: MOST + 1])
    return Concern(name=name, rows=found[:MOST], has_more=len(found) > MOST)
