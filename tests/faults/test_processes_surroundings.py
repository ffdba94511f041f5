"""Rows 49, 50 and 52: what is around a process is wrong: its clock, its log, its parent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from django_henry_checkout.exceptions import TokenInvalid
from django_henry_checkout.flows.access.customer_tokens import get_caller_by_customer_token
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Cart, Order, Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import (
    FaultyWorker,
    Gunicorn,
    Shop,
    assert_all_is_told_once,
    wait_until_quiet,
)
from tests.support.inline import buying_calls
from tests.support.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

Start = Callable[..., FaultyWorker]
FULL = Path("/dev/full")
#: Less than a clock may be off, and more.
SOME, MUCH = 45, 3600


# Row 49 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [SOME, -SOME])
def test_fault_49_a_token_from_a_server_whose_clock_is_a_little_off_is_good(
    sandbox: Sandbox, shop: Shop, tmp_path: Path, off: int
) -> None:
    assert get_caller_by_customer_token(minted(shop, tmp_path, off=off, lasts=SOME / 2)).customer_id


def test_fault_49_a_token_that_lapsed_long_ago_is_not_good(
    sandbox: Sandbox, shop: Shop, tmp_path: Path
) -> None:
    token = minted(shop, tmp_path, off=-MUCH, lasts=SOME / 2)
    with pytest.raises(TokenInvalid):
        get_caller_by_customer_token(token)


def minted(shop: Shop, folder: Path, *, off: int, lasts: float) -> str:
    """Return a customer's token from a process whose clock is off."""
    clock = folder / "clock"
    clock.write_text(str(off))
    token: str = shop.run("token", TEST_CLOCK=str(clock), options={"CUSTOMER_TOKEN_LIFETIME": lasts})
    return token


# Row 50 -----------------------------------------------------------------------------------


def test_fault_50_a_worker_whose_logs_find_no_room_goes_on(
    sandbox: Sandbox, start: Start, paid: Order
) -> None:
    worker = start(errors=FULL, TEST_LOG="full")
    wait_until_quiet()
    assert worker.lives
    assert_all_is_told_once(sandbox)


def test_fault_50_a_purchase_whose_log_is_down_is_found_and_not_bought_twice(
    sandbox: Sandbox, at_once: None, start: Start, shop: Shop, cart: Cart
) -> None:
    process = shop.start(f"buy {cart.pk}", TEST_LOG="raises", TEST_LOG_ON="/purchase")
    _said, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the log is down" in errors
    assert Purchase.objects.get().status == "sent"
    assert len(sandbox.orders()) == 1

    shop.run("late")
    start()
    wait_until_quiet()
    assert len(buying_calls(sandbox)) == 1
    assert_all_is_told_once(sandbox)


def test_fault_50_a_worker_whose_log_raises_loses_nothing(
    sandbox: Sandbox, start: Start, paid: Order
) -> None:
    worker = start(TEST_LOG="raises")
    wait_until(lambda: "the log is down" in worker.output(), what="its log is down")
    worker.end()
    assert Order.objects.get().status == "open"

    start()
    wait_until_quiet()
    assert_all_is_told_once(sandbox)


# Row 52 -----------------------------------------------------------------------------------


def test_fault_52_a_forked_child_shares_no_socket_and_polls_by_itself(
    sandbox: Sandbox, shop: Shop, polls_at_once: None, cart: Cart
) -> None:
    sandbox.scenario(timing={"pendingSeconds": 1000})
    sandbox.pay(begin_checkout(cart).order.henry_cart_id)
    told = shop.run("fork", lease=60)
    child = told["child"]
    assert told["before"], "nothing was open before the fork, so that nothing could be shared"
    assert told["parent"] == told["before"], "the child has closed its parent's connections"
    assert child["at_once"] == [], "the child holds its parent's connections"
    assert child["later"], "the child could ask nobody"
    assert not set(child["later"]) & set(told["parent"])


@pytest.fixture
def gunicorn(sandbox: Sandbox, tmp_path: Path) -> Iterator[Gunicorn]:
    server = Gunicorn(sandbox, tmp_path, lease=30)
    yield server
    server.end()


def test_fault_52_workers_of_gunicorn_share_no_socket_with_their_parent(
    sandbox: Sandbox, gunicorn: Gunicorn
) -> None:
    parent = gunicorn.sockets(gunicorn.pid)
    assert parent, "nothing was open before the fork"
    children = gunicorn.children()
    assert len(children) == 2
    assert all(not gunicorn.sockets(child) & parent for child in children)

    # Both are kept waiting by Henry at once, so that both have asked.
    sandbox.scenario(faults=[{"fault": "delay", "path": "/v1/cart", "seconds": 1, "times": 2}])
    tokens = [gunicorn.fill_cart() for _number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(gunicorn.begin_checkout, tokens))
    assert [answer.status_code for answer in answers] == [201, 201]
    held = [gunicorn.sockets(pid) for pid in (gunicorn.pid, *children)]
    assert all(held), "somebody has asked nobody"
    assert sum(map(len, held)) == len(set.union(*held))
