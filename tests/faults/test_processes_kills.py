"""Rows 1 to 4: a worker is killed at each boundary between asking Henry and telling a receiver."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from django_henry_checkout.models import Delivery, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import (
    READY,
    FaultyWorker,
    Mark,
    assert_all_is_told_once,
    hold,
    reads_of,
    told,
    types_of,
    wait_until_quiet,
)
from tests.receivers.models import Received
from tests.support.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

Start = Callable[..., FaultyWorker]
LEASE = 1.5
#: What a busy machine may add to what is promised.
MARGIN = timedelta(seconds=5)


def die(start: Start, mark: Mark, *others: object) -> None:
    """Let a worker run into a fault that kills it. It tells nobody anything."""
    worker = start(lease=LEASE, faults=[mark, hold("operations.run.deliver_due"), *others])
    mark.wait()
    assert worker.wait_for_death() == -signal.SIGKILL


def test_fault_01_what_a_dead_worker_had_claimed_is_asked_for_by_another_after_the_lease(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    asked = len(sandbox.requests())
    mark = Mark(tmp_path, "kill", "after", "polling.poller.claim_polls")
    die(start, mark)
    claimed = PurchasePoll.objects.get()
    assert (claimed.fence, len(sandbox.requests())) == (1, asked)
    assert claimed.due_at > mark.struck_at + timedelta(seconds=LEASE / 2)

    rescuer = start(lease=LEASE)
    wait_until(lambda: READY in rescuer.output())
    since = max(claimed.due_at, timezone.now())
    wait_until_quiet()
    found_at = Purchase.objects.get().found_at
    assert found_at is not None
    assert claimed.due_at <= found_at <= since + MARGIN
    assert_all_is_told_once(sandbox)


def test_fault_02_an_answer_that_died_with_its_worker_is_asked_for_again(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    asked = len(sandbox.requests())
    die(start, Mark(tmp_path, "kill", "before", "polling.poller.apply_observation"))
    paid.refresh_from_db()
    assert (paid.status, types_of(paid)) == ("open", ["checkout_started"])
    assert reads_of(sandbox, asked) == 1

    start(lease=LEASE)
    wait_until_quiet()
    assert reads_of(sandbox, asked) == 2
    assert types_of(paid).count("purchase_completed") == 1
    assert_all_is_told_once(sandbox)


def test_fault_03_what_was_applied_is_told_after_the_death_of_whoever_applied_it(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    asked = len(sandbox.requests())
    die(start, Mark(tmp_path, "kill", "committed", "polling.poller.apply_observation"))
    paid.refresh_from_db()
    assert paid.status == "completed"
    assert not Received.objects.exists()
    waiting = Delivery.objects.filter(status="pending").values_list("event__type", flat=True)
    assert {"checkout_started", "purchase_completed"} <= set(waiting)

    start(lease=LEASE)
    wait_until_quiet()
    assert reads_of(sandbox, asked) == 1
    assert_all_is_told_once(sandbox)


def test_fault_04_what_a_receiver_wrote_before_it_died_is_undone_and_written_once(
    sandbox: Sandbox, start: Start, paid: Order, tmp_path: Path
) -> None:
    mark = Mark(tmp_path, "kill", "after", "example_project.shop.receivers.send_receipt")
    worker = start(lease=LEASE, faults=[mark])
    mark.wait()
    assert worker.wait_for_death() == -signal.SIGKILL
    assert not paid.receipts.exists()
    died_in = Delivery.objects.get(receiver__endswith="send_receipt")
    assert (died_in.status, died_in.attempts) == ("pending", 1)

    start(lease=LEASE)
    wait_until_quiet()
    died_in.refresh_from_db()
    assert (died_in.status, died_in.attempts) == ("done", 2)
    assert told("purchase_completed") == 1
    assert_all_is_told_once(sandbox)
