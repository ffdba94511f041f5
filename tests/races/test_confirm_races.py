"""Buying at once: fifty clicks, two ways to pay, a poll in between. Henry is asked to buy once at most."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.exceptions import CheckoutError, GatewayError, OrderNotOpen
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.models import Cart, CheckoutSession, Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.inline import (
    BOOTS,
    BUYER,
    TOTAL,
    buying_calls,
    buys,
    card_of,
    confirm,
    follow,
    quoted,
    use,
    world,
)
from tests.support.threads import THREADS, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def tried(work: Any, *arguments: Any, **more: Any) -> Any:
    """The result, or the error that a shopper would be told. Anything else ends the test."""
    try:
        return work(*arguments, **more)
    except (CheckoutError, GatewayError) as error:
        return error


def settle(sandbox: Sandbox) -> None:
    PurchasePoll.objects.update(due_at=timezone.now())
    follow(sandbox)


@pytest.mark.parametrize(("name", "threads"), [("v1", 50), ("v1-rpc", THREADS), ("v0", THREADS)])
def test_fault_40_clicks_on_pay_at_once_are_one_call_and_one_order(
    sandbox: Sandbox, cart: Cart, settings: Any, name: str, threads: int
) -> None:
    world(sandbox)
    use(settings, name)
    begun = quoted(sandbox, cart, name)
    said = at_once(lambda _number: tried(confirm, begun, name, accepted=TOTAL), threads=threads)
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1
    assert Purchase.objects.count() == Event.objects.filter(type="purchase_sent").count() == 1
    # Nobody is told of trouble: each sees the order, or hears that it is being bought.
    orders = [each for each in said if isinstance(each, Order)]
    assert orders
    assert {order.pk for order in orders} == {begun.order.pk}
    others = [each for each in said if not isinstance(each, Order)]
    assert [each for each in others if not isinstance(each, OrderNotOpen)] == []
    settle(sandbox)
    assert (Order.objects.get().status, Order.objects.get().total) == ("completed", TOTAL)
    assert CheckoutSession.objects.get().status == "completed"


def test_clicks_at_once_while_the_answer_is_lost_are_one_call(sandbox: Sandbox, cart: Cart) -> None:
    world(sandbox)
    begun = quoted(sandbox, cart, "v1")
    world(sandbox, faults=[buys("v1", "lost_reply")])
    at_once(lambda _number: tried(confirm, begun, "v1"), threads=12)
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1
    assert Event.objects.filter(type="purchase_sent").count() == 1
    settle(sandbox)
    assert Order.objects.get().status == "completed"
    assert CheckoutSession.objects.get().status == "completed"


def test_paying_here_and_going_to_henrys_page_at_once(sandbox: Sandbox, version: str, cart: Cart) -> None:
    begun = quoted(sandbox, cart, version)

    def work(number: int) -> Any:
        if number % 2:
            return tried(confirm, begun, version, accepted=TOTAL)
        begin = begin_checkout if number % 4 else begin_inline
        return tried(begin, Cart.objects.get(pk=cart.pk))

    at_once(work)
    # Whoever was sent to the page pays there as well, if it lets him.
    who = {"userId": begun.order.henry_cart_id} if version == "v0" else {"cartId": begun.order.henry_cart_id}
    sandbox._http.post(f"{sandbox.url}/__sandbox__/pay", json=who, timeout=20)
    settle(sandbox)
    assert len(sandbox.orders()) == 1
    assert len(buying_calls(sandbox)) <= 1
    order = Order.objects.get()
    assert order.sessions.exclude(status__in=["canceled", "completed", "errored", "expired"]).count() <= 1
    if version != "v0":  # which has no list to find an order in
        assert (order.status, order.needs_review) == ("completed", False)


@pytest.mark.parametrize("is_paid", [True, False])
def test_paying_and_polling_at_once(sandbox: Sandbox, version: str, cart: Cart, is_paid: bool) -> None:
    """A wait for Henry's page is polled while its order is bought here; it may even be paid there."""
    begin_checkout(cart)
    begun = quoted(sandbox, cart, version)
    if is_paid:
        who = "userId" if version == "v0" else "cartId"
        sandbox.call("POST", "pay", {who: begun.order.henry_cart_id})
    PurchasePoll.objects.update(due_at=timezone.now())

    def work(number: int) -> Any:
        return tried(confirm, begun, version) if number % 2 else [poll_due() for _round in range(3)]

    at_once(work)
    settle(sandbox)
    assert len(sandbox.orders()) == 1
    assert len(buying_calls(sandbox)) == (0 if is_paid else 1)
    assert Event.objects.filter(type="purchase_submitted").count() == (
        0 if is_paid and version == "v0" else 1
    )
    if not (is_paid and version == "v0"):
        assert Order.objects.get().status == "completed"
    sequence = list(Event.objects.values_list("sequence", flat=True))
    assert sorted(sequence) == list(range(1, len(sequence) + 1))


def test_one_call_purchases_at_once_buy_the_cart_once(sandbox: Sandbox, cart: Cart) -> None:
    world(sandbox)
    payment = Payment(card=card_of("v1"))
    at_once(lambda _number: tried(buy_cart, Cart.objects.get(pk=cart.pk), BUYER, payment))
    settle(sandbox)
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1
    assert cart.lines.count() == 0


def test_one_call_purchases_at_once_of_different_quantities_buy_no_product_twice(
    sandbox: Sandbox, cart: Cart
) -> None:
    """Each makes an order of its own, but the cart holds one pair of boots."""
    world(sandbox)
    payment = Payment(card=card_of("v1"))

    def work(number: int) -> Any:
        changes = Changes(quantities={BOOTS: number + 1})
        return tried(buy_cart, Cart.objects.get(pk=cart.pk), BUYER, payment, changes=changes)

    at_once(work, threads=4)
    settle(sandbox)
    assert len(sandbox.orders()) == 1


def test_refusals_and_clicks_at_once_leave_one_order(sandbox: Sandbox, cart: Cart) -> None:
    world(sandbox)
    begun = quoted(sandbox, cart, "v1")
    world(sandbox, faults=[buys("v1", "status", status=402, times=3)])
    for _round in range(4):
        at_once(lambda _number: tried(confirm, begun, "v1"), threads=4)
    settle(sandbox)
    assert len(sandbox.orders()) == 1
    assert Purchase.objects.filter(status="abandoned").count() == 3
    assert Order.objects.get().status == "completed"
