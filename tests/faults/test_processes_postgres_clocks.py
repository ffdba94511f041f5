"""Row 49, leases: the web clock of a worker is an hour off. Collected on PostgreSQL only, whose clock counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from django_henry_checkout.doctor.workers import probe_worker_clocks, probe_workers
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Cart, Delivery, Order, PurchasePoll, WorkerHeartbeat
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.hooks import Fault
from tests.faults.processes import (
    FLOWS,
    READY,
    FaultyWorker,
    Mark,
    assert_all_is_told_once,
    hold,
    wait_until_quiet,
)
from tests.support.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

Start = Callable[..., FaultyWorker]
HOUR = 3600
LONG = 60.0
#: So often whoever might take what is not his has looked.
LOOKS = 20


def look(start: Start, folder: Path, place: str, *, off: int) -> None:
    """Let a worker whose clock is off look at what is due, many times."""
    clock, looks = folder / "clock", folder / "looks"
    clock.write_text(str(off))
    looks.touch()
    counted = Fault(when="before", place=f"{FLOWS}.{place}", act="count")
    start(lease=LONG, faults=[counted], TEST_CLOCK=str(clock), TEST_COUNT=str(looks))
    wait_until(lambda: len(looks.read_text()) >= LOOKS, what="it has looked")


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_fault_49_the_doctor_names_a_worker_whose_clock_is_off(
    sandbox: Sandbox, start: Start, tmp_path: Path, off: int
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(str(off))
    start(TEST_CLOCK=str(clock))
    wait_until(WorkerHeartbeat.objects.exists, what="the worker was heard of")
    assert not list(probe_workers())
    (finding,) = probe_worker_clocks()
    assert finding.name == "worker_clock"


def test_fault_49_a_clock_that_is_ahead_takes_no_poll_from_its_worker(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    claimed = Mark(tmp_path, "stop", "after", "polling.poller.claim_polls")
    owner = start(lease=LONG, faults=[claimed, hold("operations.run.deliver_due")])
    claimed.wait()
    before = PurchasePoll.objects.values().get()
    look(start, tmp_path, "polling.poller.claim_polls", off=HOUR)
    assert PurchasePoll.objects.values().get() == before
    owner.thaw()
    wait_until(lambda: Order.objects.get().status == "completed", what="its owner goes on")


def test_fault_49_a_clock_that_is_ahead_takes_no_delivery_from_its_worker(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    claimed = Mark(tmp_path, "stop", "after", "events.outbox._claim")
    owner = start(lease=LONG, faults=[claimed, hold("operations.run.expire_sessions")])
    claimed.wait()
    before = Delivery.objects.values().get(event__type="checkout_started")
    look(start, tmp_path, "events.outbox._claim", off=HOUR)
    assert Delivery.objects.values().get(event__type="checkout_started") == before
    owner.thaw()
    start()
    wait_until_quiet()
    assert_all_is_told_once(sandbox)


def test_fault_49_a_clock_that_is_behind_waits_no_longer_than_the_lease(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    lease = 1.5
    mark = Mark(tmp_path, "kill", "after", "polling.poller.claim_polls")
    start(lease=lease, faults=[mark, hold("operations.run.deliver_due")]).wait_for_death()
    clock = tmp_path / "clock"
    clock.write_text(str(-HOUR))
    rescuer = start(lease=lease, TEST_CLOCK=str(clock))
    wait_until(lambda: READY in rescuer.output())
    wait_until(lambda: Order.objects.get().status == "completed", seconds=lease + 8, what="followed")


@pytest.mark.parametrize("comes_back", [True, False], ids=["for a while", "for good"])
@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_fault_49_a_clock_that_jumps_puts_nothing_off_for_long(
    sandbox: Sandbox,
    start: Start,
    polls_at_once: None,
    cart: Cart,
    tmp_path: Path,
    off: int,
    comes_back: bool,
) -> None:
    sandbox.scenario(timing={"pendingSeconds": 1000, "processingSeconds": 0})
    sandbox.pay(begin_checkout(cart).order.henry_cart_id)
    clock, looks = tmp_path / "clock", tmp_path / "looks"
    clock.write_text("0")
    looks.touch()
    counted = Fault(when="before", place=f"{FLOWS}.polling.poller.claim_polls", act="count")
    start(faults=[counted], TEST_CLOCK=str(clock), TEST_COUNT=str(looks))
    wait_until(lambda: Order.objects.get().status == "placed", what="it is followed")
    clock.write_text(str(off))
    seen = len(looks.read_text())
    wait_until(lambda: len(looks.read_text()) >= seen + LOOKS, what="it has looked")
    if comes_back:
        clock.write_text("0")
    sandbox.advance(1001)
    wait_until_quiet(seconds=8)
    assert_all_is_told_once(sandbox)
