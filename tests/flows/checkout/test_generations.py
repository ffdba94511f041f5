"""The same hosted purchase on each generation of Henry's API, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from django_henry_checkout.exceptions import Rejected
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.hosted import (
    ReturnOutcome,
    find_hosted_session,
    payment_url,
    resolve_return,
)
from django_henry_checkout.flows.checkout.sessions import begin_checkout, renew_session
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import Cart, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


@pytest.fixture(params=["v1", "v1-rpc", "v0"])
def version(request: Any, settings: Any) -> str:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": request.param}
    found: str = request.param
    return found


def pay(sandbox: Sandbox, order: Order, version: str) -> str:
    """Pay as the hosted page would; return the order id that the browser receives."""
    who = {"userId": order.henry_cart_id} if version == "v0" else {"cartId": order.henry_cart_id}
    paid = sandbox.call("POST", "pay", who)
    return str(paid.get("orderId") or paid["refId"])


def finish(sandbox: Sandbox) -> None:
    sandbox.advance(60)
    for _pass in range(6):
        run_once()


def test_a_paid_cart_completes(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = begin_checkout(cart)
    assert payment_url(started.session, return_url="https://shop.example/back").startswith(sandbox.url)
    session = find_hosted_session(started.order.public_id, started.token)
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.CHECKING
    claimed = pay(sandbox, started.order, version)
    assert resolve_return(session, ReturnOutcome.COMPLETED, claimed_id=claimed) is ReturnOutcome.COMPLETED
    finish(sandbox)
    order = Order.objects.get()
    assert order.status == "completed"
    assert [line.status for line in order.lines.all()] == ["bought", "bought"]
    assert order.total is not None
    assert order.buyer.email
    assert len(sandbox.orders()) == 1


def test_the_worker_alone_finds_the_order_if_henry_lists_orders(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = begin_checkout(cart)
    pay(sandbox, started.order, version)
    finish(sandbox)
    order = Order.objects.get()
    if version != "v0":
        assert order.status == "completed"
        return
    # v0 lists no orders: without the order's id nothing can be found, and nothing may be abandoned either.
    Purchase.objects.update(deadline_at=started.order.created_at)
    PurchasePoll.objects.update(due_at=started.order.created_at)
    finish(sandbox)
    order.refresh_from_db()
    assert (order.status, Purchase.objects.get().status) == ("open", "planned")
    assert order.review_reason == "payment_unverified"


def test_the_order_id_of_another_cart_is_not_accepted(sandbox: Sandbox, version: str, cart: Cart) -> None:
    other = carts.create_cart()
    carts.add_item(other, make_item("https://alpine.example/products/lamp"))
    theirs = pay(sandbox, begin_checkout(other).order, version)
    started = begin_checkout(cart)
    session = find_hosted_session(started.order.public_id, started.token)
    for claim in (theirs, "made-up", "..", ""):
        assert resolve_return(session, ReturnOutcome.COMPLETED, claimed_id=claim) is ReturnOutcome.CHECKING
    assert Order.objects.get(pk=started.order.pk).status == "open"


def test_an_expected_payment_that_does_not_arrive_is_abandoned(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = begin_checkout(cart)
    Purchase.objects.update(deadline_at=started.order.created_at)
    finish(sandbox)
    assert Purchase.objects.get().status == "abandoned"
    assert not Order.objects.get().needs_review


def test_a_new_session_of_an_order_uses_the_same_cart(sandbox: Sandbox, version: str, cart: Cart) -> None:
    first = begin_checkout(cart)
    sandbox.advance(3600)  # in v0 the old link has expired by now
    second = renew_session(first.order)
    assert second.order.henry_cart_id == first.order.henry_cart_id
    assert (second.order.hosted_url != first.order.hosted_url) is (version == "v0")


def test_v0_refuses_an_item_without_a_price(sandbox: Sandbox, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": "v0"}
    cart = carts.create_cart()
    carts.add_item(cart, make_item().__class__(link="https://alpine.example/products/boots"))
    with pytest.raises(Rejected, match="price"):
        begin_checkout(cart)
    assert not Order.objects.exists()
