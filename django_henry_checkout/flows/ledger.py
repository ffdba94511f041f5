"""The signal ledger: events are written with the change, deliveries with the event, signals are run later.

A delivery is claimed by a lease, then run and marked done in one transaction. So a crash at any point
costs one lease at most, and what a receiver writes to the same database happens exactly once.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from django_henry_checkout import signals
from django_henry_checkout.conf import settings
from django_henry_checkout.exceptions import ReceiverMissing
from django_henry_checkout.flows.clock import queue_now
from django_henry_checkout.flows.leases import take_leases
from django_henry_checkout.flows.nudging import Work, nudge
from django_henry_checkout.models import Delivery, DeliveryStatus, Event, Order, OrderLine, Purchase
from django_henry_checkout.models.orders import AMOUNTS
from django_henry_checkout.telemetry import note_delivery, span
from django_henry_checkout.types import Claim, format_public_id

logger = logging.getLogger("django_henry_checkout.ledger")

RETRY_CAP = timedelta(hours=1)
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


class Journal:
    """Collects what happens to one order within a transaction, and writes it at the end.

    Args:
        order: locked by the caller, or new and not saved yet.
        source: who or what caused it: a `Source`, "shopper", "worker", a user's name.
    """

    def __init__(self, order: Order, *, source: str) -> None:
        self.order = order
        self._source = source
        self._events: list[Event] = []
        self._lines: dict[str, str] = {}

    @property
    def has_events(self) -> bool:
        """Whether anything was noted."""
        return bool(self._events)

    def add(
        self, kind: str, *, purchase: Purchase | None = None, line: OrderLine | None = None, **payload: Any
    ) -> None:
        """Note an event. `kind` is the name of a signal, or of something that is only recorded."""
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

    def note_lines(self, lines: Iterable[OrderLine]) -> None:
        """Keep what these lines have come to beside the events."""
        self._lines.update({str(line.position): str(line.status) for line in lines})

    def _state(self) -> dict[str, Any]:
        """What a look back at this moment shows: the order whole, of the rest what may have changed."""
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
        """Save the order, its events, and a delivery for each receiver that is connected now."""
        is_new = self.order.pk is None
        # Only what flows decide: other columns may be changed beside us, without this lock.
        self.order.save(update_fields=None if is_new else ORDER_STATE)
        if not self._events:
            return
        state = self._state()
        for event in self._events:
            event.order, event.state = self.order, state
        Event.objects.bulk_create(self._events)
        due_at = queue_now()
        deliveries = [
            Delivery(event=event, order=self.order, sequence=event.sequence, receiver=name, due_at=due_at)
            for event in self._events
            for name in receivers_of(event.type)
        ]
        if deliveries:
            Delivery.objects.bulk_create(deliveries)
            nudge(Work.DELIVERIES)


def receivers_of(kind: str) -> dict[str, signals.Receiver]:
    """Return the receivers that are connected to a kind of event in this process, by name."""
    signal = signals.BY_NAME.get(kind)
    return {} if signal is None else signal.receivers_by_name()


def deliver_due(*, limit: int | None = None, seconds: float = float("inf")) -> int:
    """Run the receivers that are due; return how many were run, whatever became of them.

    Args:
        limit: how many at most; None means DELIVERY_BATCH.
        seconds: how long to go on beginning with one more.

    Effects: a few claims; for each delivery one short transaction that holds whatever the
    receiver writes. Safe to run in any number of workers at once.
    """
    left = batch = limit or settings.DELIVERY_BATCH
    ends_at = time.monotonic() + seconds
    # What follows in the same order can be claimed only when its predecessor is done: hence the loop.
    while left > 0 and (claims := _claim(left)):
        for number, claim in enumerate(claims):
            if time.monotonic() >= ends_at:
                _give_back(claims[number:])
                return batch - left + number
            _deliver(claim)
        left -= len(claims)
    return batch - left


def _claim(limit: int) -> list[Claim]:
    return take_leases(Delivery.objects.runnable, limit=limit, lasts=settings.DELIVERY_LEASE)


def _give_back(claims: Sequence[Claim]) -> None:
    """Let others have what there is no time for."""
    for claim in claims:
        Delivery.objects.filter(pk=claim.pk, fence=claim.fence).update(due_at=queue_now())


def _deliver(claim: Claim) -> None:
    mine = Delivery.objects.filter(pk=claim.pk, fence=claim.fence, status=DeliveryStatus.PENDING)
    # Committed before the receiver runs, so that one which kills its process is counted too.
    if not mine.update(tries=F("tries") + 1):
        return
    delivery = Delivery.objects.select_related("event__order", "event__purchase", "event__line").get(
        pk=claim.pk
    )
    # A try that neither ended well nor failed has killed its worker, or was killed with it.
    if delivery.tries - 1 - delivery.failures >= settings.DELIVERY_CRASHES:
        _park(delivery, reason="The worker died each time that this receiver ran.")
        return
    try:
        with transaction.atomic():
            if not mine.update(status=DeliveryStatus.DONE, done_at=timezone.now()):
                return
            _call(delivery)
        note_delivery(receiver=delivery.receiver, outcome="done")
    except Exception as error:  # the task boundary: a receiver may raise anything
        logger.exception("Receiver %s failed on event %s.", delivery.receiver, delivery.event)
        note_delivery(receiver=delivery.receiver, outcome="failed")
        _note_failure(delivery, error)


def _call(delivery: Delivery) -> None:
    event = delivery.event
    receiver = receivers_of(event.type).get(delivery.receiver)
    if receiver is None:
        raise ReceiverMissing(
            f"No receiver named {delivery.receiver} is connected to {event.type} in this process. "
            "Import the module that connects it in an AppConfig.ready()."
        )
    run = async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver
    with span("receiver", parent=event.order.traceparent, receiver=delivery.receiver, event=event.type):
        run(
            sender=Order,
            signal=signals.BY_NAME[event.type],
            order=event.order,
            event_id=format_public_id(event.public_id),
            occurred_at=event.occurred_at,
            account=event.order.account,
            purchase=event.purchase,
            item=event.line,
            status=event.payload.get("status", event.order.status),
            previous_status=event.payload.get("previous_status", ""),
        )


def _note_failure(delivery: Delivery, error: Exception) -> None:
    """Set the next try, or park the delivery. The type of the error is kept, not its text: that may be personal."""
    if delivery.failures + 1 >= settings.DELIVERY_TRIES:
        _park(delivery, reason=_describe(error))
        return
    ceiling = min(timedelta(seconds=4**delivery.tries), RETRY_CAP)
    pause = ceiling * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
    Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, status=DeliveryStatus.PENDING).update(
        due_at=queue_now() + pause, last_error=_describe(error), failures=F("failures") + 1
    )


def _park(delivery: Delivery, *, reason: str) -> None:
    parked = Delivery.objects.filter(
        pk=delivery.pk, fence=delivery.fence, status=DeliveryStatus.PENDING
    ).update(status=DeliveryStatus.PARKED, last_error=reason)
    if parked:
        note_delivery(receiver=delivery.receiver, outcome="parked")
        logger.error(
            "Delivery %s is parked after %s tries: resume it in the admin.", delivery, delivery.tries
        )


def _describe(error: Exception) -> str:
    if isinstance(error, ReceiverMissing):
        return str(error)[:1000]
    return f"{type(error).__module__}.{type(error).__qualname__}"
