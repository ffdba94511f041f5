"""Event journal: collects the events of one order in a transaction, and writes them at its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django_henry_checkout import signals
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.flows.queue.wakeup import Work, wake_workers
from django_henry_checkout.models import Delivery, Event, Order, OrderLine, Purchase
from django_henry_checkout.models.orders import AMOUNTS

#: The columns of an order that flows change under its lock.
ORDER_STATE = (
    "status",
    "needs_review",
    "review_reason",
    "reviewed_at",
    "event_count",
    "currency",
    *(f"{name}_amount" for name in AMOUNTS),
    "placed_at",
    "ended_at",
    "updated_at",
)


class EventJournal:
    """The events of one order within a transaction.

    Args:
        order: locked by the caller, or new and not saved yet.
        source: who or what caused the events: a `Source`, "shopper", "worker", `staff_source()` of a user.
    """

    def __init__(self, order: Order, *, source: str) -> None:
        self.order = order
        self._source = source
        self._events: list[Event] = []
        self._lines: dict[str, str] = {}

    @property
    def has_events(self) -> bool:
        """Whether there are events to write."""
        return bool(self._events)

    def add(
        self, kind: str, *, purchase: Purchase | None = None, line: OrderLine | None = None, **payload: Any
    ) -> None:
        """Add an event. `kind` is the name of a signal, or of an event that is only recorded."""
        self.order.event_count += 1
        self._events.append(
            Event(
                sequence=self.order.event_count,
                type=kind,
                source=self._source,
                purchase=purchase,
                line=line,
                payload=payload,
            )
        )

    def record_lines(self, lines: Iterable[OrderLine]) -> None:
        """Include the statuses of these lines in the snapshot."""
        self._lines.update({str(line.position): str(line.status) for line in lines})

    def _snapshot(self) -> dict[str, Any]:
        """Return a snapshot of the order, stored with each event."""
        order = self.order
        purchases = {
            event.purchase.ulid: str(event.purchase.status) for event in self._events if event.purchase
        }
        return {
            "status": str(order.status),
            "reviewReason": order.review_reason if order.needs_review else "",
            "currency": order.currency,
            "amounts": {
                name: str(amount)
                for name in AMOUNTS
                if (amount := getattr(order, f"{name}_amount")) is not None
            },
            "lines": self._lines,
            "purchases": purchases,
        }

    def write(self) -> None:
        """Save the order, its events, and a delivery for each receiver that is connected in this process."""
        is_new = self.order.pk is None
        # Only these columns: others may be changed at the same time without this lock.
        self.order.save(update_fields=None if is_new else ORDER_STATE)
        if not self._events:
            return
        snapshot = self._snapshot()
        for event in self._events:
            event.order, event.state = self.order, snapshot
        Event.objects.bulk_create(self._events)
        due_at = queue_now()
        deliveries = [
            Delivery(event=event, order=self.order, sequence=event.sequence, receiver=name, due_at=due_at)
            for event in self._events
            for name in receivers_of(event.type)
        ]
        if deliveries:
            Delivery.objects.bulk_create(deliveries)
            wake_workers(Work.DELIVERIES)


def receivers_of(kind: str) -> dict[str, signals.Receiver]:
    """Return the receivers connected to a kind of event in this process, by name."""
    signal = signals.BY_NAME.get(kind)
    return {} if signal is None else signal.receivers_by_name()
