"""Rows 5 and 6: the process that buys is killed on either side of the commit that says so."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from django_henry_checkout.exceptions import CheckoutError
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.models import Cart, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import (
    FaultyWorker,
    Mark,
    Shop,
    assert_all_is_told_once,
    types_of,
    wait_until_quiet,
)
from tests.support.inline import BUYER, buying_calls, buys, card_of
from tests.support.workers import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("at_once"),
]

Start = Callable[..., FaultyWorker]
PAYMENT = Payment(card=card_of("v1"))


def assert_a_second_click_buys_nothing(sandbox: Sandbox, cart: Cart) -> None:
    calls = len(buying_calls(sandbox))
    with pytest.raises(CheckoutError):
        buy_cart(Cart.objects.get(pk=cart.pk), BUYER, PAYMENT)
    assert len(buying_calls(sandbox)) == calls


def test_fault_05_an_answer_that_died_with_the_shop_is_found_and_nothing_is_bought_twice(
    sandbox: Sandbox, start: Start, shop: Shop, cart: Cart, tmp_path: Path
) -> None:
    shop.die(
        f"buy {cart.pk}", faults=[Mark(tmp_path, "kill", "before", "checkout.confirm.apply_observation")]
    )
    assert (Order.objects.get().status, Purchase.objects.get().status) == ("open", "sent")
    assert len(sandbox.orders()) == 1
    shop.run("late")
    start()
    wait_until_quiet()
    assert_a_second_click_buys_nothing(sandbox, cart)
    assert len(buying_calls(sandbox)) == 1
    assert_all_is_told_once(sandbox)


def test_fault_05_a_shop_that_is_killed_while_henry_works_buys_once_also_after_another_click(
    sandbox: Sandbox, start: Start, shop: Shop, cart: Cart
) -> None:
    sandbox.scenario(
        timing={"pendingSeconds": 0, "processingSeconds": 0},
        faults=[buys("v1", "delay", seconds=50, process=True)],
    )
    process = shop.start(f"buy {cart.pk}")
    wait_until(sandbox.orders, what="Henry has bought")
    process.kill()
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL
    assert Purchase.objects.get().status == "sent"
    assert_a_second_click_buys_nothing(sandbox, cart)
    assert Order.objects.get().status == "completed", "the second click has not looked at Henry first"

    start()
    wait_until_quiet()
    assert len(buying_calls(sandbox)) == 1
    assert_all_is_told_once(sandbox)


def test_fault_05_what_henry_never_got_stays_in_doubt_and_is_shown_to_staff(
    sandbox: Sandbox, start: Start, shop: Shop, cart: Cart, tmp_path: Path
) -> None:
    shop.die(f"buy {cart.pk}", faults=[Mark(tmp_path, "kill", "after", "checkout.confirm._commit_intent")])
    assert Purchase.objects.get().status == "sent"
    shop.run("late")
    start(options={"IN_DOUBT_TIMEOUT": 0.5})
    wait_until(lambda: Order.objects.get().needs_review, what="staff are told")
    assert Purchase.objects.get().status == "in_doubt"
    assert Order.objects.get().review_reason == "in_doubt_not_found"
    assert types_of(Order.objects.get()).count("purchase_in_doubt") == 1
    assert PurchasePoll.objects.exists(), "it is looked for no longer"
    assert_a_second_click_buys_nothing(sandbox, cart)
    assert buying_calls(sandbox) == sandbox.orders() == []


def test_fault_06_an_intent_that_was_not_committed_was_not_sent_and_may_be_bought_again(
    sandbox: Sandbox, start: Start, shop: Shop, cart: Cart, tmp_path: Path
) -> None:
    shop.die(f"buy {cart.pk}", faults=[Mark(tmp_path, "kill", "before", "tests.faults.shop.about_to_commit")])
    assert not Purchase.objects.exclude(status="planned").exists()
    assert buying_calls(sandbox) == sandbox.orders() == []

    shop.run(f"buy {cart.pk}")
    start()
    wait_until_quiet()
    assert len(buying_calls(sandbox)) == 1
    assert_all_is_told_once(sandbox)
