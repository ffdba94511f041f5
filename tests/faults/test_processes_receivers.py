"""Rows 46 to 48: receivers that fail, dawdle, write elsewhere, or take their worker with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Delivery, Order
from django_henry_checkout.signals import checkout_started
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import (
    FaultyWorker,
    assert_all_is_told_once,
    is_quiet,
    make_due,
    told,
    wait_until_quiet,
)
from tests.support.items import make_item
from tests.support.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

Start = Callable[..., FaultyWorker]
LEASE = 1.0


@pytest.fixture
def three(sandbox: Sandbox, at_once: None) -> list[Order]:
    """Three orders that were paid on Henry's page."""
    orders = []
    for number in range(3):
        cart = carts.create_cart()
        carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
        orders.append(begin_checkout(cart).order)
        sandbox.pay(orders[-1].henry_cart_id)
    return orders


@pytest.fixture
def forgotten() -> Iterator[None]:
    """A receiver that only the shop's web process knows: in a worker its module is not there."""

    def receiver(**kwargs: Any) -> None: ...

    checkout_started.connect(receiver, weak=False, dispatch_uid="forgotten")
    yield
    checkout_started.disconnect(dispatch_uid="forgotten")


def deliveries(receiver: str) -> Any:
    return Delivery.objects.filter(receiver__endswith=receiver)


def states_of(receiver: str) -> set[tuple[str, int]]:
    return set(deliveries(receiver).values_list("status", "attempts"))


def test_fault_46_broken_and_slow_receivers_disturb_nobody_and_are_dead_in_the_end(
    sandbox: Sandbox, start: Start, forgotten: None, three: list[Order]
) -> None:
    start(TEST_RECEIVERS="raises,imports,slow", options={"DELIVERY_ATTEMPTS": 2})
    broken = ("raises", "imports", "forgotten")
    wait_until(lambda: is_quiet(but_for=Q(last_error__gt="")), what="all is told but by what is broken")
    assert all(states_of(name) <= {("pending", 1), ("dead", 2)} for name in broken)
    assert_all_is_told_once(sandbox, orders=3)

    make_due()
    wait_until_quiet()
    assert {name: states_of(name) for name in broken} == {name: {("dead", 2)} for name in broken}
    reasons = {
        name: deliveries(name).values_list("last_error", flat=True).distinct().get() for name in broken
    }
    assert reasons["raises"] == "builtins.RuntimeError"
    assert reasons["imports"] == "builtins.ImportError"
    assert "AppConfig.ready()" in reasons["forgotten"]
    assert (told("raises"), told("imports"), told("slow")) == (0, 0, 3)
    assert_all_is_told_once(sandbox, orders=3)


def test_fault_47_what_was_done_elsewhere_is_done_again_and_can_be_told_by_its_event_id(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere"
    more = {"TEST_RECEIVERS": "elsewhere", "TEST_ELSEWHERE": str(outside), "lease": LEASE}
    start(**more).wait_for_death()
    assert (len(outside.read_text().split()), told("elsewhere")) == (1, 0)

    start(**more)
    wait_until_quiet()
    event = paid.events.get(type="purchase_submitted")
    assert outside.read_text().split() == [event.ulid, event.ulid]
    assert told("elsewhere") == 1
    assert_all_is_told_once(sandbox)


def test_fault_48_a_receiver_that_kills_its_worker_is_dead_after_three_deaths(
    sandbox: Sandbox, start: Start, three: list[Order]
) -> None:
    poisoned = three[0]
    deaths = 0
    while deaths < 6:
        worker = start(lease=LEASE, TEST_RECEIVERS="poison", TEST_POISONED=poisoned.number)
        wait_until(lambda worker=worker: not worker.lives or is_quiet(), what="it dies, or has no work left")
        if worker.lives:
            break
        assert worker.wait_for_death() == 11
        deaths += 1
    assert deaths == 3
    (dead,) = Delivery.objects.exclude(status="done")
    assert (dead.status, dead.order, dead.receiver) == ("dead", poisoned, "tests.faults.hooks.poison")
    assert told("poison") == 2
    assert_all_is_told_once(sandbox, orders=3)
