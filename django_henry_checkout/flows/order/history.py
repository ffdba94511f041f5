"""History of an order: its lines, amounts, sessions and purchases, and each event with its source."""

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

#: A longer history contains only its newest events.
MAX_EVENTS = 300
MAX_SESSIONS = 50
_SIGNS = {"subtotal": 1, "shipping": 1, "tax": 1, "fee": 1, "discount": -1}


@dataclass(frozen=True, kw_only=True)
class OrderTotals:
    """The amounts of an order. `difference` is the total minus its parts; None if it is zero or unknown."""

    parts: tuple[tuple[str, Money], ...]
    total: Money | None
    difference: Money | None


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One event and its deliveries."""

    event: Event
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, kw_only=True)
class LineState:
    """A line and its status at the time shown."""

    line: OrderLine
    status: ItemStatus


@dataclass(frozen=True, kw_only=True)
class PurchaseState:
    """A purchase, its status at the time shown, and its next poll, which is None if it is not polled."""

    purchase: Purchase
    status: str
    poll: PurchasePoll | None


@dataclass(frozen=True, kw_only=True)
class OrderHistory:
    """An order and its parts, now or as they were after one of its events.

    Attributes:
        at: the event after which the order is shown; None means now.
        entries: all entries, newest first, including those after `at`.
    """

    order: Order
    status: OrderStatus
    review_reason: str
    buyer: OrderBuyer | None
    totals: OrderTotals
    lines: tuple[LineState, ...]
    sessions: tuple[CheckoutSession, ...]
    purchases: tuple[PurchaseState, ...]
    entries: tuple[HistoryEntry, ...] = field(repr=False)
    at: Event | None

    @property
    def is_over(self) -> bool:
        """Whether the order had ended at the time shown."""
        return not Order.TRANSITIONS.get(self.status)


def get_history(order: Order, *, at: int | None = None) -> OrderHistory:
    """Return the history of an order.

    Args:
        at: sequence of the event after which the order is shown; None or an unknown one means now.

    Effects: six queries, however long the history is.
    """
    events = list(Event.objects.filter(order=order).select_related("line").order_by("-sequence")[:MAX_EVENTS])
    event_at = next((event for event in events if event.sequence == at), None)
    past = _PastState(order, [event for event in events if event_at and event.sequence <= event_at.sequence])
    until = None if event_at is None else event_at.occurred_at
    return OrderHistory(
        order=order,
        status=OrderStatus(past.status),
        review_reason=past.review_reason,
        buyer=OrderBuyer.objects.filter(order=order).first(),
        totals=sum_totals(past.amounts, past.currency),
        lines=_lines(order, past if event_at else None),
        sessions=_sessions(order, until),
        purchases=_purchases(order, past if event_at else None, until),
        entries=_entries(events),
        at=event_at,
    )


class _PastState:
    """State of an order, rebuilt from its events up to a time; without events, the current state."""

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
            self._restore(events[0].state)

    def _restore(self, state: dict[str, Any]) -> None:
        self.status, self.currency = state["status"], state["currency"]
        self.review_reason = state["reviewReason"]
        self.amounts = {
            name: Decimal(state["amounts"][name]) if name in state["amounts"] else None for name in AMOUNTS
        }


def sum_totals(amounts: dict[str, Decimal | None], currency: str) -> OrderTotals:
    """Return the known amounts, and the difference if they do not add up to the total."""
    known = [(name, money) for name in _SIGNS if (money := money_of(amounts[name], currency)) is not None]
    total = money_of(amounts["total"], currency)
    if total is None or not known:
        return OrderTotals(parts=tuple(known), total=total, difference=None)
    difference = total - sum((_SIGNS[name] * money for name, money in known), Money(0, currency))
    return OrderTotals(parts=tuple(known), total=total, difference=difference if difference.amount else None)


def _lines(order: Order, past: _PastState | None) -> tuple[LineState, ...]:
    def status_of(line: OrderLine) -> ItemStatus:
        if past is None:
            return ItemStatus(line.status)
        return ItemStatus(past.lines.get(str(line.position), ItemStatus.PENDING))

    return tuple(LineState(line=line, status=status_of(line)) for line in order.lines.all())


def _sessions(order: Order, until: datetime | None) -> tuple[CheckoutSession, ...]:
    sessions = CheckoutSession.objects.filter(order=order)
    if until is not None:
        sessions = sessions.filter(created_at__lte=until)
    return tuple(sessions.order_by("pk")[:MAX_SESSIONS])


def _purchases(order: Order, past: _PastState | None, until: datetime | None) -> tuple[PurchaseState, ...]:
    # Prefetched on the order, so that a later `order.purchases.all()` makes no query.
    with_polls = Purchase.objects.select_related("poll").order_by("pk")
    prefetch_related_objects([order], Prefetch("purchases", with_polls))
    return tuple(
        PurchaseState(
            purchase=purchase,
            status=purchase.status if past is None else past.purchases.get(purchase.ulid, "planned"),
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
