"""Promises 2 and 3, nothing lost and one effect, when workers are killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Delivery, Event, Order, PurchasePoll, WebhookMessage
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.shop.models import Receipt
from tests.receivers.models import Received
from tests.support.items import make_item
from tests.support.workers import Worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

PURCHASES = 50
ENDINGS = {"complete": "completed", "failed": "partially_completed"}


@pytest.fixture
def start(sandbox: Sandbox) -> Iterator[Callable[..., Worker]]:
    """Start workers; stop all of them at the end."""
    started: list[Worker] = []

    def start(**how: float) -> Worker:
        started.append(Worker(sandbox, **how))
        return started[-1]

    yield start
    for worker in started:
        worker.end()


def begin_and_pay(sandbox: Sandbox, number: int) -> tuple[str, str]:
    """Pay a cart whose second item fails for each fifth `number`; return number and expected status."""
    ending = "failed" if number % 5 == 0 else "complete"
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    carts.add_item(cart, make_item("https://clay.example/products/mug", metadata={"sandbox": ending}))
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    return order.number, ENDINGS[ending]


def test_a_worker_prunes_old_rows(start: Callable[..., Worker]) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    for number in range(3):
        WebhookMessage.objects.create(
            account="default", digest=str(number), status="done", signed_at=long_ago, received_at=long_ago
        )
    start()
    wait_until(lambda: not WebhookMessage.objects.exists(), what="the old ones are gone")


def test_killed_workers_lose_nothing_and_repeat_nothing(
    sandbox: Sandbox, start: Callable[..., Worker]
) -> None:
    sandbox.scenario(timing={"pendingSeconds": 2, "processingSeconds": 4})
    expected = dict(begin_and_pay(sandbox, number) for number in range(PURCHASES))

    # Slow receivers, so that a kill is likely to interrupt one.
    for progress in (5, 60, 140):
        worker = start(receiver_seconds=0.01)
        wait_until(lambda floor=progress: Received.objects.count() >= floor, what=f"{progress} receivers ran")
        worker.kill()
        assert PurchasePoll.objects.exists() or Delivery.objects.exclude(status="done").exists()

    last = start()
    try:
        wait_until(
            lambda: (
                not PurchasePoll.objects.exists() and not Delivery.objects.exclude(status="done").exists()
            ),
            what="quiet",
        )
    finally:
        last.stop()

    assert dict(Order.objects.values_list("number", "status")) == expected
    assert len(sandbox.orders()) == PURCHASES
    received = Counter(Received.objects.values_list("signal", "order_number"))
    happened = Counter(Event.objects.values_list("type", "order__number"))
    assert received == happened
    per_event = Counter(Received.objects.values_list("event_id", flat=True))
    assert set(per_event.values()) == {1}
    assert len(per_event) == Event.objects.count()
    receipts = Counter(Receipt.objects.values_list("order__number", flat=True))
    assert receipts == dict.fromkeys(expected, 1)


def test_a_worker_that_is_stopped_finishes_its_work(sandbox: Sandbox, start: Callable[..., Worker]) -> None:
    begin_and_pay(sandbox, 1)
    worker = start(receiver_seconds=0.2)
    wait_until(Received.objects.exists)
    worker.stop()
    assert Delivery.objects.filter(status="done").count() == Received.objects.count()
