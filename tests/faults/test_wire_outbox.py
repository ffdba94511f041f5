"""An outbox that has filled up: it drains in small claims, and no order waits for another one's backlog."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.models import Delivery, DeliveryStatus, Event, Order
from tests.receivers.models import Received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

RECEIVER, KIND = "tests.receivers.apps.record", "order_status_changed"
#: One order has half of all, older than any of the others', to which things have happened side by side.
BIG, SMALL = 10_000, [200] * 50
BATCH = 20


def fill(sizes: list[int], *, since: timedelta) -> list[Order]:
    """Write events, and a delivery of each to one receiver, as many transactions of the past have done."""
    began = timezone.now() - since
    orders = Order.objects.bulk_create(Order(account="default", event_count=size) for size in sizes)
    for order in orders:
        events = Event.objects.bulk_create(
            Event(order=order, sequence=number, type=KIND) for number in range(1, order.event_count + 1)
        )
        Delivery.objects.bulk_create(
            Delivery(
                event=event,
                order=order,
                sequence=event.sequence,
                receiver=RECEIVER,
                due_at=began + timedelta(seconds=event.sequence),
            )
            for event in events
        )
    return orders


def runs_of(orders: list[Order]) -> list[int]:
    runs = Counter(Received.objects.values_list("order_number", flat=True))
    return [runs[order.number] for order in orders]


def statements_of_a_claim() -> int:
    with CaptureQueriesContext(connection) as caught:
        assert deliver_due(limit=1) == 1
    return len(caught)


def test_fault_62_twenty_thousand_events_drain_in_bounded_memory_and_fairly(db: None) -> None:
    fill([10], since=timedelta(days=9))
    alone = statements_of_a_claim()
    Delivery.objects.all().delete()
    [big] = fill([BIG], since=timedelta(days=2))
    small = fill(SMALL, since=timedelta(days=1))
    assert Delivery.objects.count() == 20_000
    assert statements_of_a_claim() == alone

    tracemalloc.start()
    try:
        for claim in range(1, 9):
            assert deliver_due(limit=BATCH) == BATCH
            # A long backlog takes one place of each claim, and the others share what is left.
            assert runs_of([big]) == [1 + claim]
            runs = runs_of(small)
            assert sum(runs) == claim * (BATCH - 1)
            assert max(runs) - min(runs) <= 1
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000

    # As if all had been drained in the same way, but for the last three of each order.
    for order in (big, *small):
        drained = Delivery.objects.filter(order=order, sequence__lte=order.event_count - 3)
        drained.update(status=DeliveryStatus.DONE)
    before = {order.pk: runs for order, runs in zip((big, *small), runs_of([big, *small]), strict=True)}
    while deliver_due(limit=BATCH):
        pass
    assert not Delivery.objects.exclude(status=DeliveryStatus.DONE).exists()
    assert runs_of([big, *small]) == [before[order.pk] + 3 for order in (big, *small)]
    for order in (big, *small[:3]):
        told = Received.objects.filter(order_number=order.number).order_by("pk")
        numbers = {event.ulid: event.sequence for event in Event.objects.filter(order=order)}
        sequence = [numbers[each.event_id] for each in told]
        assert sequence == sorted(sequence)
