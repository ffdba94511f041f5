"""What shoppers do meanwhile: other tabs, an edited cart, time that runs out, a cancel in the moment of payment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_henry_checkout.flows.buyer.details import get_buyer
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.hosted import ReturnOutcome, find_hosted_session, resolve_return
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.checkout.sessions import StartedCheckout, begin_checkout
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.webhooks.inbox import process_webhooks
from django_henry_checkout.models import Cart, CheckoutSession, Event, Order, PurchasePoll
from django_henry_checkout.testing.race import race
from django_henry_checkout.testing.sandbox import API_KEY, Sandbox
from tests.faults.wire import SLOW, Ears, due_now, ears, events, options, settle, story_holds
from tests.support.api import BOOTS as BOOTS_JSON
from tests.support.api import DETAILS, Api, guest, ok
from tests.support.inline import (
    BOOTS,
    MUG,
    TOTAL,
    VERSIONS,
    bought,
    buying_calls,
    buys,
    confirm,
    quoted,
    use,
    world,
)
from tests.support.items import make_item
from tests.support.threads import at_once
from tests.views.test_inline import TYPED, Shopper, step_of, text_of

__all__ = ["ears", "options"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

POSTER = "https://alpine.example/products/poster"


def address_at_henry(sandbox: Sandbox) -> str:
    ref = bought(sandbox)["refId"]
    path = f"{sandbox.url}/v1/cart/purchase/status"
    job = requests.get(path, {"refId": ref}, headers={"x-api-key": API_KEY}, timeout=10).json()
    return str(job["details"]["shippingAddress"]["line1"])


# 41: two tabs with different addresses --------------------------------------------------------


def test_fault_41_tabs_that_confirm_with_addresses_of_their_own(sandbox: Sandbox) -> None:
    world(sandbox)
    holder, _cart = guest(BOOTS_JSON)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))

    def tab(number: int) -> Any:
        details = {**DETAILS, "addressLine1": f"{number} Street"}
        body = {"cardToken": "card_test_pays", "shippingDetails": details}
        session = Api(**{"X-Session-Token": quote["sessionToken"]})
        return session("POST", "checkout/session/confirm", body, **{"Idempotency-Key": f"tab-{number}"})

    said = at_once(tab, threads=4)
    assert {each.status_code for each in said} <= {200, 202, 409}
    settle(sandbox, seconds=0)
    late = tab(9)
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1
    # Who comes later reads where it goes, whatever he asks for; and the shop knows it as Henry does.
    address = address_at_henry(sandbox)
    assert ok(late)["shippingDetails"]["addressLine1"] == address
    buyer = get_buyer(Order.objects.get()).shipping_address
    assert buyer is not None
    assert buyer.line1 == address


def test_fault_41_the_form_in_another_tab_shows_the_order_that_was_bought(
    sandbox: Sandbox, cart: Cart
) -> None:
    world(sandbox)
    first = Shopper(begin_inline(cart).order)
    second = Shopper(first.order, first.client)
    review = first.to_review(sandbox, "v1")
    other = first.form(review)
    assert first.buy(review).status_code == 303
    moved = second.post("address", **{**TYPED, "line1": "1 Elsewhere Road"})
    again = second.client.post(second.url, other, follow=True)
    assert (step_of(moved), step_of(again)) == ("status", "status")
    assert first.order.number in text_of(again)
    assert address_at_henry(sandbox) == "350 Fifth Avenue"
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


# 42: the cart is edited while it is bought ------------------------------------------------------

MOMENTS = [
    "django_henry_checkout.flows.checkout.confirm.ensure_unpaid",
    "django_henry_checkout.flows.checkout.confirm.quote_session",
    "django_henry_checkout.flows.checkout.confirm._commit_intent",
    "django_henry_checkout.flows.checkout.confirm.apply_observation",
]


def add_poster(cart: Cart) -> None:
    carts.add_item(cart, make_item(POSTER))


def change_boots(cart: Cart) -> None:
    carts.change_quantity(cart, cart.lines.get(link=BOOTS).pk, 4)


def remove_mug(cart: Cart) -> None:
    carts.remove_line(cart, cart.lines.get(link=MUG).pk)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.rpartition(".")[2])
@pytest.mark.parametrize(
    ("edit", "left"),
    [(add_poster, {POSTER: 1}), (change_boots, {BOOTS: 3}), (remove_mug, {})],
    ids=["added", "changed", "removed"],
)
def test_fault_42_an_edit_meanwhile_stays_in_the_cart_and_out_of_the_order(
    sandbox: Sandbox, cart: Cart, edit: Callable[[Cart], None], left: dict[str, int], moment: str
) -> None:
    world(sandbox)
    shopper = quoted(sandbox, cart, "v1")
    with race(moment, before=lambda: edit(Cart.objects.get())):
        order = confirm(shopper, "v1", accepted=TOTAL)
    settle(sandbox, seconds=60)
    assert {item["link"]: item["quantity"] for item in bought(sandbox)["items"]} == {BOOTS: 1, MUG: 1}
    assert {line.link: line.quantity for line in order.lines.all()} == {BOOTS: 1, MUG: 1}
    order.refresh_from_db()
    assert (order.status, order.needs_review, order.total) == ("completed", False, TOTAL)
    assert {line.link: line.quantity for line in cart.lines.all()} == left
    assert len(buying_calls(sandbox)) == 1


# 44: the session's time runs out during the payment ---------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_fault_44_who_pays_after_the_session_has_expired_is_told_that_he_has_bought(
    sandbox: Sandbox, settings: Any, cart: Cart, client: Client, version: str
) -> None:
    use(settings, version)
    begun = expired(cart)
    who = "userId" if version == "v0" else "cartId"
    paid = sandbox.call("POST", "pay", {who: begun.order.henry_cart_id})
    back = reverse("henry_checkout:completed", args=[begun.order.ulid, begun.token])
    cache.clear()
    page = client.get(back, {"orderId": paid.get("orderId", "")}, follow=True).content.decode()
    assert begun.order.number in page
    assert 'data-status="open"' not in page
    settle(sandbox, seconds=60)
    assert 'data-status="completed"' in client.get(back, follow=True).content.decode()
    was_bought_by_an_expired_session(sandbox)


@pytest.mark.parametrize("version", ["v1", "v1-rpc"])
def test_fault_44_what_was_paid_after_the_session_has_expired_is_found_by_the_worker(
    sandbox: Sandbox, settings: Any, cart: Cart, version: str
) -> None:
    use(settings, version)
    begun = expired(cart)
    sandbox.pay(begun.order.henry_cart_id)  # and the browser is closed
    settle(sandbox, seconds=60)
    was_bought_by_an_expired_session(sandbox)


def expired(cart: Cart) -> StartedCheckout:
    begun = begin_checkout(cart)
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    run_once()
    assert (CheckoutSession.objects.get().status, events("checkout_expired")) == ("expired", 1)
    return begun


def was_bought_by_an_expired_session(sandbox: Sandbox) -> None:
    order = Order.objects.get()
    assert (order.status, order.sessions.get().status) == ("completed", "expired")
    assert (events("purchase_completed"), len(sandbox.orders())) == (1, 1)


# 45: a cancel in the moment of the payment --------------------------------------------------------


def test_fault_45_cancels_polls_and_webhooks_at_once_end_in_what_was_paid(
    sandbox: Sandbox, ears: Ears, cart: Cart
) -> None:
    sandbox.scenario(timing=SLOW)
    ears.listen()
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    ears.heard()
    due_now()

    def work(number: int) -> Any:
        if number % 3 == 0:
            session = find_hosted_session(begun.order.public_id, begun.token)
            return resolve_return(session, ReturnOutcome.CANCELED)
        return poll_due() if number % 3 == 1 else process_webhooks()

    at_once(work, threads=9)
    settle(sandbox)
    order = Order.objects.get()
    assert (order.status, order.sessions.get().status) == ("completed", "completed")
    assert (events("checkout_canceled"), events("purchase_completed")) == (0, 1)
    assert story_holds()
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize("hint", [ReturnOutcome.CANCELED, ReturnOutcome.ERRORED])
def test_fault_45_a_payment_between_henrys_answer_and_the_cancel_is_found(
    sandbox: Sandbox, cart: Cart, hint: ReturnOutcome
) -> None:
    """Henry has just said that nothing was paid: the shopper does so before the session is ended."""
    begun = begin_checkout(cart)
    session = find_hosted_session(begun.order.public_id, begun.token)
    with race(
        "django_henry_checkout.flows.checkout.hosted.end_session",
        before=lambda: sandbox.pay(begun.order.henry_cart_id),
    ):
        resolve_return(session, hint)
    assert Order.objects.get().status == "open"
    assert PurchasePoll.objects.exists()  # a session ends, the wait does not
    settle(sandbox, seconds=60)
    assert Order.objects.get().status == "completed"
    assert events("purchase_completed") == len(sandbox.orders()) == 1
    assert resolve_return(session, hint) is ReturnOutcome.COMPLETED


def test_fault_45_a_poll_between_henrys_answer_and_the_cancel_wins(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    session = find_hosted_session(begun.order.public_id, begun.token)

    def paid_and_found() -> None:
        sandbox.pay(begun.order.henry_cart_id)
        due_now()
        poll_due()

    with race("django_henry_checkout.flows.checkout.hosted.end_session", before=paid_and_found):
        assert resolve_return(session, ReturnOutcome.CANCELED) is ReturnOutcome.COMPLETED
    assert not Event.objects.filter(type="checkout_canceled").exists()
    assert CheckoutSession.objects.get().status == "confirming"


def test_fault_41_the_form_buys_for_the_address_that_it_shows(sandbox: Sandbox, cart: Cart) -> None:
    world(sandbox)
    first = Shopper(begin_inline(cart).order)
    second = Shopper(first.order, first.client)
    review = first.to_review(sandbox, "v1")
    assert "350 Fifth Avenue" in text_of(review)
    second.post("address", **{**TYPED, "line1": "1 Elsewhere Road"})
    first.buy(review)
    assert not sandbox.orders() or address_at_henry(sandbox) == "350 Fifth Avenue"


def test_fault_41_an_answer_tells_the_address_that_was_bought_for(sandbox: Sandbox) -> None:
    world(sandbox)
    holder, _cart = guest(BOOTS_JSON)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))

    def call(path: str, street: str, **more: Any) -> Any:
        body = {"shippingDetails": {**DETAILS, "addressLine1": street}, **more}
        session = Api(**{"X-Session-Token": quote["sessionToken"]})
        return session("POST", f"checkout/session/{path}", body, **{"Idempotency-Key": street})

    world(sandbox, faults=[buys("v1", "lost_reply")])
    moment = "django_henry_checkout.flows.checkout.confirm._commit_intent"
    with race(moment, before=lambda: call("quote", "2 Street")):
        said = call("confirm", "1 Street", cardToken="card_test_pays")
    address = address_at_henry(sandbox) if sandbox.orders() else "none"
    assert said.status_code == 409 or said.json()["shippingDetails"]["addressLine1"] == address
    buyer = get_buyer(Order.objects.get()).shipping_address
    assert buyer is not None
    assert address in {"none", buyer.line1}
