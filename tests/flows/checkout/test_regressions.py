"""Regressions found in a review: each one made a shopper pay a wrong amount, pay twice, or not pay at all."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_henry_checkout.conf import app_settings as henry_settings
from django_henry_checkout.exceptions import (
    AmountChanged,
    CartChanged,
    CartNotFound,
    PurchaseUnderWay,
    QuotePending,
    SessionNotFound,
)
from django_henry_checkout.flows.access.tokens import get_caller_by_secret
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.flows.checkout.confirm import Payment, confirm_session, is_under_way
from django_henry_checkout.flows.checkout.hosted import ReturnOutcome, payment_url, resolve_return
from django_henry_checkout.flows.checkout.hosted import find_hosted_session as find_hosted
from django_henry_checkout.flows.checkout.inline import begin_inline, find_inline_session, set_buyer
from django_henry_checkout.flows.checkout.inline_steps import get_inline_state
from django_henry_checkout.flows.checkout.quotes import choose_shipping, quote_session
from django_henry_checkout.flows.checkout.sessions import SessionOptions, begin_checkout, renew_session
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.flows.operations.staff_actions import resolve_not_bought
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.purchase.lifecycle import fetch_observation
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import Cart, CheckoutSession, Order, OrderBuyer, Purchase, SessionKind
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Address, Buyer, Card, PurchaseRequest, staff_source
from tests.support.items import make_item

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


def test_the_secret_of_a_hosted_session_opens_no_inline_session(sandbox: Sandbox, cart: Cart) -> None:
    hosted = begin_checkout(cart)
    session = quoted(cart)
    caller = get_caller_by_secret(hosted.token)
    for named in ({"session_id": session.public_id}, {"cart_id": cart.public_id}):
        with pytest.raises(SessionNotFound):
            find_inline_session(caller, **named)


def test_a_forged_order_id_does_not_cancel_a_v0_payment(sandbox: Sandbox, settings: Any, cart: Cart) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": "v0"}
    started = begin_checkout(cart)
    sandbox.call("POST", "pay", {"userId": started.order.henry_cart_id})
    session = find_hosted(started.order.public_id, started.token)
    made_up = "11111111-1111-4111-8111-111111111111"
    assert resolve_return(session, ReturnOutcome.CANCELED, claimed_id=made_up) is ReturnOutcome.CHECKING
    Purchase.objects.update(deadline_at=timezone.now() - timedelta(hours=1))
    run_once()
    assert Purchase.objects.get().status == "planned"
    assert Order.objects.get().review_reason == "payment_unverified"


def test_an_older_order_cannot_be_paid_while_another_is_in_doubt_or_bought(
    sandbox: Sandbox, cart: Cart
) -> None:
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


def test_a_cart_in_doubt_cannot_be_deleted_and_a_deleted_cart_cannot_be_paid(
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


def test_staff_can_record_that_nothing_was_bought(sandbox: Sandbox, cart: Cart) -> None:
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
    for _attempt in range(200):
        if CheckoutSession.objects.get(pk=session.pk).shipping_locked_until is not None:
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


def test_a_total_above_the_accepted_one_is_flagged_for_review(sandbox: Sandbox, cart: Cart) -> None:
    order = confirm_session(quoted(cart), PAYS)
    Purchase.objects.update(accepted_amount=1)
    sandbox.advance(60)
    for _pass in range(4):
        run_once()
    order.refresh_from_db()
    assert (order.status, order.review_reason) == ("completed", "total_above_accepted")


def test_a_second_click_does_not_accept_an_unseen_price(sandbox: Sandbox, cart: Cart) -> None:
    session = quoted(cart)
    dearer = {"https://alpine.example/products/boots": "900.00"}
    sandbox.scenario(timing={"jobSeconds": 0}, prices=dearer)

    def click(**more: Any) -> Order:
        own = CheckoutSession.objects.select_related("order", "quote").get(pk=session.pk)
        return confirm_session(own, Payment(card=PAYS.card, **more))

    for _click in range(3):
        with pytest.raises(AmountChanged) as caught:
            click()
    assert sandbox.orders() == []
    assert click(accepted=caught.value.totals["total"]).status == "placed"
    assert len(sandbox.orders()) == 1


def test_a_new_quote_may_be_accepted_implicitly(sandbox: Sandbox, cart: Cart) -> None:
    session = quoted(cart)
    sandbox.scenario(timing={"jobSeconds": 0}, prices={"https://alpine.example/products/boots": "900.00"})
    with pytest.raises(AmountChanged):
        confirm_session(session, PAYS)
    quote_session(session)  # this time at the buyer's request
    assert confirm_session(session, PAYS).status == "placed"


def test_an_older_failure_on_henrys_page_does_not_resolve_a_purchase_in_doubt(
    sandbox: Sandbox, cart: Cart
) -> None:
    started = begin_checkout(cart)
    session = renew_session(started.order, options=SessionOptions(kind=SessionKind.INLINE)).session
    set_buyer(session, lambda _before: BUYER, strict=True)
    quote_session(session)
    declined = PurchaseRequest(buyer=BUYER, card=Card(token="card_test_declined"))
    gateway_for(henry_settings.account()).purchase(session.order.henry_cart_id, declined)
    fault = {"fault": "reset", "path": "/v1/cart/*/purchase", "method": "POST"}
    sandbox.scenario(timing={"jobSeconds": 0}, faults=[fault])
    Purchase.objects.all().delete()  # the expected payment would have matched the failure
    confirm_session(session, PAYS)
    sandbox.advance(60)
    for _pass in range(3):
        run_once()
    order = Order.objects.get()
    assert (order.status, Purchase.objects.get().status) == ("open", "in_doubt")


def test_an_old_expected_payment_that_becomes_a_purchase_is_polled_in_full(
    sandbox: Sandbox, cart: Cart
) -> None:
    left_in_doubt(sandbox, cart)
    now = timezone.now()
    Purchase.objects.update(created_at=now - timedelta(days=20), deadline_at=now)
    run_once()
    purchase = Purchase.objects.get()
    assert purchase.poll.due_at > now
    assert purchase.order.review_reason == "in_doubt_not_found"


def test_buyer_details_that_henry_omits_are_kept(sandbox: Sandbox, cart: Cart) -> None:
    order = confirm_session(quoted(cart), PAYS)
    purchase = Purchase.objects.get()
    answer = fetch_observation(purchase)
    assert answer is not None
    scant = replace(answer, buyer=Buyer(email="new@shop.example"), digest="scant")
    apply_observation(purchase, scant, source=staff_source("ada"))
    kept = OrderBuyer.objects.get(order=order).as_buyer()
    assert kept == replace(BUYER, email="new@shop.example")


def test_form_posts_on_a_link_are_counted_per_network(sandbox: Sandbox, settings: Any, cart: Cart) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_THROTTLES": {"network": "2/min"}}
    make_template(cart)
    statuses = [Client(REMOTE_ADDR="8.8.8.8").post(f"/henry/c/{cart.ulid}").status_code for _post in range(3)]
    assert statuses == [303, 303, 429]
    assert Order.objects.count() == 2


def test_an_order_that_was_read_before_its_purchase_ended_is_not_offered_for_payment(cart: Cart) -> None:
    session = quoted(cart)
    read_before = Order.objects.get(pk=session.order_id)
    confirm_session(session, PAYS)
    assert (read_before.status, is_under_way(read_before)) == ("open", True)
    assert get_inline_state(read_before).step == "status"
