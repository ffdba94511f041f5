"""Row 10 and a part of row 46: two sessions stand in each other's way. Collected on PostgreSQL only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from django_henry_checkout.models import Cart, Delivery, Order, Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import (
    FaultyWorker,
    Shop,
    assert_all_is_told_once,
    is_quiet,
    reads_of,
    told,
    wait_until_quiet,
)
from tests.faults.test_processes_receivers import three
from tests.support.inline import buying_calls, buys
from tests.support.workers import _database_environment, wait_until

__all__ = ["three"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

Start = Callable[..., FaultyWorker]
NAME = "faulty"
PATIENCE = "-c lock_timeout=300"
GAVE_UP = "could not be polled"


class Session:
    """Somebody else in the same database."""

    def __init__(self) -> None:
        url = _database_environment()["DATABASE_URL"]
        self._looks = psycopg.connect(url, autocommit=True)
        # Whoever waits for it finds out about a deadlock first.
        self.theirs = psycopg.connect(url, options="-c deadlock_timeout=1min")

    def lock(self, row: Cart | Order) -> None:
        table = row._meta.db_table
        self.theirs.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE", [row.pk])

    def is_waited_for(self) -> bool:
        """Whether the process with faults waits right now to lock an order, not only to refer to one."""
        query = (
            "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
            " AND query LIKE 'SELECT%%'"
        )
        return bool(self._looks.execute(query, [NAME]).fetchall())

    def wait_until_waited_for(self, sandbox: Sandbox) -> None:
        """Whoever waits may be another thread of the process; that Henry was asked is sure."""
        wait_until(lambda: reads_of(sandbox) and self.is_waited_for(), what="an answer waits for a lock")

    def wait_until_given_up(self, sandbox: Sandbox) -> None:
        self.wait_until_waited_for(sandbox)
        wait_until(lambda: not self.is_waited_for(), what="a wait for a lock has ended")

    def close(self) -> None:
        self.theirs.close()
        self._looks.close()


@pytest.fixture
def session(db: None) -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


def with_options(options: str = "", **more: Any) -> dict[str, str]:
    """Options of a process's connection to the database."""
    return {"TEST_POSTGRES": json.dumps({"options": f"-c application_name={NAME} {options}", **more})}


def test_fault_10_a_deadlock_is_tried_again_without_asking_henry_again(
    sandbox: Sandbox, start: Start, session: Session, paid: Order, cart: Cart
) -> None:
    session.lock(paid)
    worker = start(**with_options())
    session.wait_until_waited_for(sandbox)  # it has the cart
    asked = len(sandbox.requests())
    session.lock(cart)
    session.theirs.rollback()
    wait_until_quiet()
    assert reads_of(sandbox, asked) == 0
    assert GAVE_UP not in worker.output()
    assert_all_is_told_once(sandbox)


def test_fault_10_a_lost_race_of_snapshots_is_tried_again_without_asking_henry_again(
    sandbox: Sandbox, start: Start, session: Session, paid: Order
) -> None:
    session.theirs.execute("UPDATE henry_checkout_order SET metadata = '{\"erp\": 7}'")
    worker = start(**with_options(isolation_level=psycopg.IsolationLevel.REPEATABLE_READ))
    session.wait_until_waited_for(sandbox)
    asked = len(sandbox.requests())
    session.theirs.commit()
    wait_until_quiet()
    assert reads_of(sandbox, asked) == 0
    assert GAVE_UP not in worker.output()
    assert Order.objects.get().metadata == {"erp": 7}
    assert_all_is_told_once(sandbox)


def test_fault_10_a_lock_that_is_not_had_in_time_is_tried_again_without_asking_henry_again(
    sandbox: Sandbox, start: Start, session: Session, paid: Order
) -> None:
    session.lock(paid)
    worker = start(**with_options(PATIENCE))
    session.wait_until_given_up(sandbox)
    asked = len(sandbox.requests())
    session.theirs.rollback()
    wait_until_quiet()
    assert reads_of(sandbox, asked) == 0
    assert GAVE_UP not in worker.output()
    assert_all_is_told_once(sandbox)


def test_fault_10_a_lock_that_is_not_had_at_all_is_given_up_for_a_while(
    sandbox: Sandbox, start: Start, session: Session, paid: Order
) -> None:
    session.lock(paid)
    worker = start(**with_options(PATIENCE))
    wait_until(lambda: GAVE_UP in worker.output(), what="it gives up")
    session.theirs.rollback()
    wait_until_quiet()
    assert worker.lives
    assert_all_is_told_once(sandbox)


def test_fault_10_a_purchase_that_does_not_get_its_locks_is_not_sent(
    sandbox: Sandbox, at_once: None, start: Start, shop: Shop, session: Session, cart: Cart
) -> None:
    session.lock(cart)
    failed = shop.start(f"buy {cart.pk}", **with_options(PATIENCE))
    _said, errors = failed.communicate(timeout=60)
    assert (failed.returncode, "LockNotAvailable" in errors) == (1, True)
    assert buying_calls(sandbox) == sandbox.orders() == []

    session.theirs.rollback()
    shop.run(f"buy {cart.pk}")
    start()
    wait_until_quiet()
    assert_all_is_told_once(sandbox)


def test_fault_10_an_answer_that_gets_no_lock_is_found_and_nothing_is_bought_twice(
    sandbox: Sandbox, at_once: None, start: Start, shop: Shop, session: Session
) -> None:
    begun = shop.run("form 1")
    faults = [buys("v1", "delay", seconds=1, process=True)]
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0}, faults=faults)
    buying = shop.start(f"buy {begun['cart']}", lease=30, **with_options(PATIENCE))
    wait_until(sandbox.orders, what="Henry has bought")
    session.lock(Order.objects.get(number=begun["number"]))
    _said, errors = buying.communicate(timeout=60)
    assert (buying.returncode, "LockNotAvailable" in errors) == (1, True)
    assert Purchase.objects.get().status == "sent"

    session.theirs.rollback()
    shop.run("late")
    start()
    wait_until_quiet()
    assert len(buying_calls(sandbox)) == 1
    assert_all_is_told_once(sandbox)


def test_fault_46_a_receiver_that_hangs_holds_up_only_itself(
    sandbox: Sandbox, start: Start, three: list[Order]
) -> None:
    """SQLite has one write lock, which whoever hangs holds. With one worker only, its other receivers wait too."""
    lease = 1.0
    more = {"lease": lease, "TEST_RECEIVERS": "hangs", "TEST_POISONED": three[0].number}
    options = {"DELIVERY_CRASHES": 1}
    hung = start(**more, options=options)
    it_hangs = Delivery.objects.filter(receiver="tests.faults.hooks.hangs", order=three[0])
    wait_until(lambda: it_hangs.filter(attempts=1).exists(), what="it hangs")
    start(**more, options=options)
    hangs_since = timezone.now()
    others = Delivery.objects.filter(status="pending").exclude(pk__in=it_hangs)
    wait_until(
        lambda: not others.exists() and timezone.now() > hangs_since + 2 * timedelta(seconds=lease),
        what="all others are told, and two leases have passed",
    )
    assert_all_is_told_once(sandbox, orders=3)
    assert (it_hangs.get().status, it_hangs.get().attempts, told("hangs")) == ("pending", 1, 2)

    hung.kill()
    wait_until(is_quiet, what="what hangs is parked")
    assert (it_hangs.get().status, told("hangs")) == ("dead", 2)
