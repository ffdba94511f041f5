"""An order as one story: what was wanted, what it cost, what was tried, what happened and who caused it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from moneyed import Money

from django_henry_checkout.models import (
    CheckoutSession,
    Delivery,
    Event,
    ItemStatus,
    Order,
    OrderBuyer,
    OrderLine,
    OrderStatus,
    Purchase,
    PurchasePoll,
)
from django_henry_checkout.models.base import money_of
from django_henry_checkout.models.orders import AMOUNTS

#: Of a longer story the newest are told.
MAX_EVENTS = 300
MAX_SESSIONS = 50
_SIGNS = {"subtotal": 1, "shipping": 1, "tax": 1, "fee": 1, "discount": -1}


@dataclass(frozen=True, kw_only=True)
class OrderTotals:
    """The amounts of an order. `difference` is what the total has beyond its parts; None if they add up or are unknown."""

    parts: tuple[tuple[str, Money], ...]
    total: Money | None
    difference: Money | None


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One event with its deliveries."""

    event: Event
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, kw_only=True)
class LineState:
    """A line, and its status at the time that is shown."""

    line: OrderLine
    status: ItemStatus


@dataclass(frozen=True, kw_only=True)
class PurchaseState:
    """A purchase, its status at the time that is shown, and its next poll; None if it is not polled."""

    purchase: Purchase
    status: str
    poll: PurchasePoll | None


@dataclass(frozen=True, kw_only=True)
class OrderHistory:
    """All of an order, now or as it was after one of its events.

    Attributes:
        at: the event after which it is shown; None is now.
        chapters: newest first; those after `at` too.
    """

    order: Order
    status: OrderStatus
    review_reason: str
    buyer: OrderBuyer | None
    sums: OrderTotals
    lines: tuple[LineState, ...]
    sessions: tuple[CheckoutSession, ...]
    purchases: tuple[PurchaseState, ...]
    chapters: tuple[HistoryEntry, ...] = field(repr=False)
    at: Event | None

    @property
    def is_over(self) -> bool:
        """Whether the order had ended at the time that is shown."""
        return not Order.TRANSITIONS.get(self.status)


def get_history(order: Order, *, at: int | None = None) -> OrderHistory:
    """Tell the story of an order.

    Args:
        at: the sequence of the event after which the state is shown; one that there is not means now.

    Effects: six queries, however long the story is.
    """
    events = list(Event.objects.filter(order=order).select_related("line").order_by("-sequence")[:MAX_EVENTS])
    moment = next((event for event in events if event.sequence == at), None)
    then = _PastState(order, [event for event in events if moment and event.sequence <= moment.sequence])
    until = None if moment is None else moment.occurred_at
    return OrderHistory(
        order=order,
        status=OrderStatus(then.status),
        review_reason=then.review_reason,
        buyer=OrderBuyer.objects.filter(order=order).first(),
        sums=sum_totals(then.amounts, then.currency),
        lines=_lines(order, then if moment else None),
        sessions=_sessions(order, until),
        purchases=_purchases(order, then if moment else None, until),
        chapters=_entries(events),
        at=moment,
    )


class _PastState:
    """What events say that an order had come to; without events, what it is now."""

    def __init__(self, order: Order, events: Sequence[Event]) -> None:
        self.lines: dict[str, str] = {}
        self.purchases: dict[str, str] = {}
        self.amounts: dict[str, Decimal | None] = {name: getattr(order, f"{name}_amount") for name in AMOUNTS}
        self.status, self.currency = order.status, order.currency
        self.review_reason = order.review_reason if order.needs_review else ""
        for event in reversed(events):  # oldest first
            self.lines.update(event.state.get("lines", {}))
            self.purchases.update(event.state.get("purchases", {}))
        if events and events[0].state:
            self._take(events[0].state)

    def _take(self, state: dict[str, Any]) -> None:
        self.status, self.currency = state["status"], state["currency"]
        self.review_reason = state["reviewReason"]
        self.amounts = {
            name: Decimal(state["amounts"][name]) if name in state["amounts"] else None for name in AMOUNTS
        }


def sum_totals(amounts: dict[str, Decimal | None], currency: str) -> OrderTotals:
    """Return the known amounts, and whether they add up to the total."""
    known = [(name, money) for name in _SIGNS if (money := money_of(amounts[name], currency)) is not None]
    total = money_of(amounts["total"], currency)
    if total is None or not known:
        return OrderTotals(parts=tuple(known), total=total, difference=None)
    difference = total - sum((_SIGNS[name] * money for name, money in known), Money(0, currency))
    return OrderTotals(parts=tuple(known), total=total, difference=difference if difference.amount else None)


def _lines(order: Order, then: _PastState | None) -> tuple[LineState, ...]:
    def status_of(line: OrderLine) -> ItemStatus:
        if then is None:
            return ItemStatus(line.status)
        return ItemStatus(then.lines.get(str(line.position), ItemStatus.PENDING))

    return tuple(LineState(line=line, status=status_of(line)) for line in order.lines.all())


def _sessions(order: Order, until: datetime | None) -> tuple[CheckoutSession, ...]:
    sessions = CheckoutSession.objects.filter(order=order)
    if until is not None:
        sessions = sessions.filter(created_at__lte=until)
    return tuple(sessions.order_by("pk")[:MAX_SESSIONS])


def _purchases(order: Order, then: _PastState | None, until: datetime | None) -> tuple[PurchaseState, ...]:
    # Kept with the order, so that whoever asks it for them makes no further query.
    polled = Purchase.objects.select_related("poll").order_by("pk")
    prefetch_related_objects([order], Prefetch("purchases", polled))
    return tuple(
        PurchaseState(
            purchase=purchase,
            status=purchase.status if then is None else then.purchases.get(purchase.ulid, "planned"),
            poll=getattr(purchase, "poll", None),
        )
        for purchase in order.purchases.all()
        if until is None or purchase.created_at <= until
    )


def _entries(events: Iterable[Event]) -> tuple[HistoryEntry, ...]:
    events = list(events)
    by_event: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in Delivery.objects.filter(event__in=events).order_by("receiver"):
        by_event[delivery.event_id].append(delivery)
    return tuple(HistoryEntry(event=event, deliveries=tuple(by_event[event.pk])) for event in events)
