"""Transactional outbox: events are written with the change, and delivered to signal receivers later.

A delivery is claimed by a lease, then run and marked as done in one transaction. A crash at any point delays
it by one lease at most, and what a receiver writes to the same database happens exactly once.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from datetime import timedelta

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from django_henry_checkout import signals
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ReceiverMissing
from django_henry_checkout.flows.events.journal import receivers_of
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.flows.queue.leases import take_leases
from django_henry_checkout.models import Delivery, DeliveryStatus, Order
from django_henry_checkout.telemetry import record_delivery, span
from django_henry_checkout.types import Claim, format_public_id

logger = logging.getLogger("django_henry_checkout.outbox")

RETRY_CAP = timedelta(hours=1)


def deliver_due(*, limit: int | None = None, seconds: float = float("inf")) -> int:
    """Run the deliveries that are due; return how many were run, successful or not.

    Args:
        limit: maximum number of deliveries; None means DELIVERY_BATCH.
        seconds: time after which no further delivery is started.

    Effects: a few claims; for each delivery one short transaction, which includes the receiver's writes. Safe
    to run in any number of workers at once.
    """
    left = batch = limit or app_settings.DELIVERY_BATCH
    ends_at = time.monotonic() + seconds
    # The next delivery of an order can be claimed only when the previous one is done: hence the loop.
    while left > 0 and (claims := _claim(left)):
        for number, claim in enumerate(claims):
            if time.monotonic() >= ends_at:
                _release(claims[number:])
                return batch - left + number
            _deliver(claim)
        left -= len(claims)
    return batch - left


def _claim(limit: int) -> list[Claim]:
    return take_leases(Delivery.objects.runnable, limit=limit, lasts=app_settings.DELIVERY_LEASE)


def _release(claims: Sequence[Claim]) -> None:
    """Release unprocessed claims."""
    for claim in claims:
        Delivery.objects.filter(pk=claim.pk, fence=claim.fence).update(due_at=queue_now())


def _deliver(claim: Claim) -> None:
    mine = Delivery.objects.filter(pk=claim.pk, fence=claim.fence, status=DeliveryStatus.PENDING)
    # Committed before the receiver runs, so that a crash of the process is counted too.
    if not mine.update(attempts=F("attempts") + 1):
        return
    delivery = Delivery.objects.select_related("event__order", "event__purchase", "event__line").get(
        pk=claim.pk
    )
    # An attempt that neither succeeded nor failed ended with a crash of its worker.
    if delivery.attempts - 1 - delivery.failures >= app_settings.DELIVERY_CRASHES:
        _mark_dead(delivery, reason="The worker crashed each time this receiver ran.")
        return
    try:
        with transaction.atomic():
            if not mine.update(status=DeliveryStatus.DONE, done_at=timezone.now()):
                return
            _call(delivery)
        record_delivery(receiver=delivery.receiver, outcome="done")
    except Exception as error:  # the task boundary: a receiver may raise anything
        logger.exception(
            "Receiver %s failed on event %s (%s).", delivery.receiver, delivery.event.ulid, delivery.event
        )
        record_delivery(receiver=delivery.receiver, outcome="failed")
        _record_failure(delivery, error)


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


def _record_failure(delivery: Delivery, error: Exception) -> None:
    """Schedule the next attempt, or give up. Only the error's type is stored: its text may be personal."""
    if delivery.failures + 1 >= app_settings.DELIVERY_ATTEMPTS:
        _mark_dead(delivery, reason=_describe(error))
        return
    ceiling = min(timedelta(seconds=4**delivery.attempts), RETRY_CAP)
    pause = ceiling * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
    Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, status=DeliveryStatus.PENDING).update(
        due_at=queue_now() + pause, last_error=_describe(error), failures=F("failures") + 1
    )


def _mark_dead(delivery: Delivery, *, reason: str) -> None:
    dead = Delivery.objects.filter(
        pk=delivery.pk, fence=delivery.fence, status=DeliveryStatus.PENDING
    ).update(status=DeliveryStatus.DEAD, last_error=reason)
    if dead:
        record_delivery(receiver=delivery.receiver, outcome="dead")
        logger.error(
            "Delivery %s failed for good after %s attempts: resume it in the admin.",
            delivery,
            delivery.attempts,
        )


def _describe(error: Exception) -> str:
    if isinstance(error, ReceiverMissing):
        return str(error)[:1000]
    return f"{type(error).__module__}.{type(error).__qualname__}"
