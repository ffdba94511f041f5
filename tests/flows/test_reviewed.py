"""What a review broke: each test is a way in which a shopper paid wrongly, twice, or not at all."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_henry_checkout.exceptions import (
    CartChanged,
    CartNotFound,
    PurchaseUnderWay,
    QuotePending,
    SessionNotFound,
)
from django_henry_checkout.flows import carts
from django_henry_checkout.flows.confirming import Payment, confirm_session
from django_henry_checkout.flows.hosted import Ending, payment_url, return_from_payment
from django_henry_checkout.flows.hosted import find_session as find_hosted
from django_henry_checkout.flows.inline import begin_inline, find_session, set_buyer
from django_henry_checkout.flows.purchases import resolve_not_bought
from django_henry_checkout.flows.quotes import choose_shipping, quote_session
from django_henry_checkout.flows.sessions import begin_checkout, renew_session
from django_henry_checkout.flows.tokens import caller_of_secret
from django_henry_checkout.flows.working import run_once
from django_henry_checkout.models import Cart, CheckoutSession, Order, Purchase
from django_henry_checkout.types import Address, Buyer, Card
from tests.conftest import make_item
from tests.henry import Sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

BUYER = Buyer(
    first_name="Ada",
    last_name="Lovelace",
    email="ada@shop.example",
    phone="+12125550123",
    shipping_address=Address(
        line1="350 5th Ave", city="New York", province="NY", postal_code="10001", country_code="US"
    ),
)
PAYS = Payment(card=Card(token="card_test_pays"))
LAMP = "https://alpine.example/products/lamp"


@pytest.fixture(autouse=True)
def _quick_jobs(sandbox: Sandbox) -> None:
    sandbox.scenario(timing={"jobSeconds": 0})


def quoted(cart: Cart) -> CheckoutSession:
    session = begin_inline(cart).session
    set_buyer(session, lambda _before: BUYER, strict=True)
    quote_session(session)
    return session


def left_in_doubt(sandbox: Sandbox, cart: Cart) -> Order:
    session = quoted(cart)
    sandbox.scenario(
        timing={"jobSeconds": 0}, faults=[{"fault": "reset", "path": "/v1/cart/*/purchase", "method": "POST"}]
    )
    order = confirm_session(session, PAYS)
    assert Purchase.objects.get(order=order).status == "in_doubt"
    return order


def test_a_secret_that_stands_in_addresses_opens_no_session(sandbox: Sandbox, cart: Cart) -> None:
    hosted = begin_checkout(cart)
    session = quoted(cart)
    caller = caller_of_secret(hosted.token)
    for named in ({"session_id": session.public_id}, {"cart_id": cart.public_id}):
        with pytest.raises(SessionNotFound):
            find_session(caller, **named)


def test_a_made_up_order_id_does_not_unmake_a_v0_payment(sandbox: Sandbox, settings: Any, cart: Cart) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": "v0"}
    begun = begin_checkout(cart)
    sandbox._call("POST", "pay", {"userId": begun.order.henry_cart_id})
    session = find_hosted(begun.order.public_id, begun.token)
    made_up = "11111111-1111-4111-8111-111111111111"
    assert return_from_payment(session, Ending.CANCELED, claimed_id=made_up) is Ending.CHECKING
    Purchase.objects.update(deadline_at=timezone.now() - timedelta(hours=1))
    run_once()
    assert Purchase.objects.get().status == "planned"
    assert Order.objects.get().review_reason == "wait_unverified"


def test_an_older_order_cannot_be_paid_beside_one_in_doubt_or_bought(sandbox: Sandbox, cart: Cart) -> None:
    older = begin_checkout(cart)
    carts.add_item(cart, make_item(LAMP))
    left_in_doubt(sandbox, cart)
    with pytest.raises(PurchaseUnderWay):
        renew_session(older.order)
    with pytest.raises(PurchaseUnderWay):
        payment_url(older.session, return_url="https://shop.example/back")
    purchase = Purchase.objects.get(status="in_doubt")
    Order.objects.filter(pk=purchase.order_id).update(status="placed", placed_at=timezone.now())
    Purchase.objects.filter(pk=purchase.pk).update(status="pending", ref_id="ckp-ref_1")
    with pytest.raises(CartChanged):
        renew_session(older.order)
    assert sandbox.orders() == []


def test_a_cart_in_doubt_cannot_be_deleted_and_a_deleted_one_not_be_paid(
    sandbox: Sandbox, cart: Cart
) -> None:
    session = quoted(cart)
    carts.add_item(cart, make_item(LAMP))
    left_in_doubt(sandbox, cart)
    with pytest.raises(PurchaseUnderWay):
        carts.delete_cart(cart)
    assert resolve_not_bought(Purchase.objects.get(status="in_doubt"), by="ada")
    carts.delete_cart(cart)
    session = CheckoutSession.objects.get(pk=session.pk)
    with pytest.raises(CartNotFound):
        confirm_session(session, PAYS)
    assert sandbox.orders() == []


def test_a_person_can_say_that_nothing_was_bought(sandbox: Sandbox, cart: Cart) -> None:
    order = left_in_doubt(sandbox, cart)
    purchase = Purchase.objects.get()
    assert resolve_not_bought(purchase, by="ada")
    assert not resolve_not_bought(purchase, by="ada")
    assert order.events.get(type="purchase_not_bought").source == "staff:ada"
    session = CheckoutSession.objects.live().get()
    sandbox.scenario(timing={"jobSeconds": 0})
    assert confirm_session(session, PAYS).status == "placed"
    assert len(sandbox.orders()) == 1


def test_nothing_is_bought_while_shipping_is_being_chosen(sandbox: Sandbox, cart: Cart) -> None:
    session = quoted(cart)
    dearest = max(session.quote.rates.values(), key=lambda rate: float(rate["cost"]))
    slow = {"fault": "delay", "seconds": 1.5, "path": "/v1/cart/*/item", "method": "PUT"}
    sandbox.scenario(timing={"jobSeconds": 0}, faults=[slow])
    chosen: list[Any] = []

    def choose() -> None:
        try:
            own = CheckoutSession.objects.select_related("order", "quote").get(pk=session.pk)
            chosen.append(choose_shipping(own, dearest["rateId"]))
        finally:
            connection.close()

    thread = threading.Thread(target=choose)
    thread.start()
    for _look in range(200):
        if CheckoutSession.objects.get(pk=session.pk).choosing_until is not None:
            break
        threading.Event().wait(0.01)
    with pytest.raises(QuotePending):
        confirm_session(CheckoutSession.objects.select_related("order", "quote").get(pk=session.pk), PAYS)
    thread.join(20)
    assert sandbox.orders() == []
    again = CheckoutSession.objects.select_related("order", "quote").get(pk=session.pk)
    order = confirm_session(again, PAYS)
    assert [float(row["total"]) for row in sandbox.orders()] == [float(chosen[0].total_amount)]
    assert order.total == chosen[0].total


def test_another_checkout_of_the_cart_does_not_inherit_a_chosen_shipping(
    sandbox: Sandbox, cart: Cart
) -> None:
    session = quoted(cart)
    usual = session.quote.total
    dearest = max(session.quote.rates.values(), key=lambda rate: float(rate["cost"]))
    assert choose_shipping(session, dearest["rateId"]).total > usual
    fresh = quoted(cart)
    assert fresh.order_id != session.order_id
    assert fresh.quote.total == usual


def test_a_total_above_the_accepted_one_is_shown_to_staff(sandbox: Sandbox, cart: Cart) -> None:
    order = confirm_session(quoted(cart), PAYS)
    Purchase.objects.update(accepted_amount=1)
    sandbox.advance(60)
    for _round in range(4):
        run_once()
    order.refresh_from_db()
    assert (order.status, order.review_reason) == ("completed", "total_above_accepted")
