"""Row 7: a worker sleeps through its leases, and wakes up when others have done its work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Cart, Delivery, Event, Order, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import (
    FaultyWorker,
    Mark,
    assert_all_is_told_once,
    hold,
    told,
    wait_until_quiet,
)
from tests.support.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

LEASE = 1.0
DROPPED = "lease lost, answer dropped"

Start = Callable[..., FaultyWorker]


def wait_for_two_leases(lease_end: Any) -> None:
    wait_until(lambda: timezone.now() > lease_end + timedelta(seconds=LEASE), what="two leases have passed")


def fall_asleep(start: Start, mark: Mark, *others: object) -> FaultyWorker:
    # It does nothing beside: on SQLite it could fall asleep with the lock of the whole database.
    sleeper = start(lease=LEASE, faults=[mark, hold("operations.run.process_webhooks"), *others])
    mark.wait()
    sleeper.wait_until_frozen()
    return sleeper


def test_fault_07_what_a_sleeper_brings_home_late_is_refused_by_its_fence(
    sandbox: Sandbox, start: Start, cart: Cart, polls_at_once: None, tmp_path: Path
) -> None:
    sandbox.scenario(timing={"pendingSeconds": 1000, "processingSeconds": 1000})
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    # Frozen with "pending" in its hands, and before it could begin to tell a receiver.
    mark = Mark(tmp_path, "stop", "before", "polling.poller.apply_observation")
    sleeper = fall_asleep(start, mark, hold("operations.run.deliver_due"))
    claimed = PurchasePoll.objects.get()

    start(lease=LEASE)
    sandbox.advance(1001)
    wait_until(lambda: Order.objects.get().status == "processing", what="another has gone on")
    wait_for_two_leases(claimed.due_at)
    assert PurchasePoll.objects.get().fence > claimed.fence
    before = list(Event.objects.values_list("pk", flat=True))
    sleeper.thaw()
    wait_until(lambda: DROPPED in sleeper.output(), what="its answer is dropped")
    assert list(Event.objects.values_list("pk", flat=True)) == before
    assert Order.objects.get().status == "processing"

    sandbox.advance(1001)
    wait_until_quiet()
    assert_all_is_told_once(sandbox)


def test_fault_07_what_a_sleeper_wanted_to_tell_was_told_by_another(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    asleep = Mark(tmp_path, "stop", "after", "events.outbox._claim")
    went_on = Mark(tmp_path, "nothing", "after", "events.outbox._deliver")
    sleeper = fall_asleep(start, asleep, went_on, hold("operations.run.expire_sessions"))
    lease_end = Delivery.objects.get().due_at
    start(lease=LEASE)
    wait_until_quiet()
    wait_for_two_leases(lease_end)
    sleeper.thaw()
    went_on.wait()
    assert told("checkout_started") == 1
    assert_all_is_told_once(sandbox)
