"""Failures of the call that buys: nothing is sent again, nothing is lost, nothing is guessed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.exceptions import (
    CheckoutError,
    GatewayError,
    GatewayUnavailable,
    PaymentRefused,
    PurchaseUnderWay,
    RateLimited,
)
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.hosted import ReturnOutcome, find_hosted_session, resolve_return
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import quote_session
from django_henry_checkout.flows.checkout.sessions import begin_checkout, expire_sessions, renew_session
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.gateway.v0 import GatewayV0
from django_henry_checkout.gateway.v1 import GatewayV1
from django_henry_checkout.gateway.v1_rpc import GatewayV1RPC
from django_henry_checkout.models import (
    AccountRateLimit,
    Cart,
    CheckoutSession,
    Event,
    Order,
    Purchase,
    PurchasePoll,
)
from django_henry_checkout.testing.sandbox import Sandbox
from tests.receivers.models import Received
from tests.support.inline import (
    BUYER,
    TOTAL,
    buying_calls,
    buys,
    card_of,
    confirm,
    follow,
    fresh,
    quoted,
    use,
    world,
)
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

#: What the sandbox carried out before the answer was lost or spoiled.
DONE = [
    ("lost_reply", {}),
    ("status", {"status": 500, "process": True}),
    ("status", {"status": 503, "process": True}),
    ("status", {"status": 408, "process": True}),
    ("garbage", {"kind": "html", "process": True}),
    ("garbage", {"kind": "truncated", "process": True}),
    ("garbage", {"kind": "wrong_type", "process": True}),
    ("redirect", {"location": "https://evil.example/", "process": True}),
    ("body", {"json": {"success": True}, "process": True}),
    ("body", {"status": 200, "json": {"success": True, "data": {"status": "pending"}}, "process": True}),
]
#: Nothing was carried out, but we cannot know that.
UNDONE = [
    ("reset", {}),
    ("status", {"status": 502}),
    ("garbage", {"kind": "empty"}),
    ("status", {"status": 409}),
]
GATEWAYS = {"v1": GatewayV1, "v1-rpc": GatewayV1RPC, "v0": GatewayV0}


def purchase() -> Purchase:
    return Purchase.objects.get()


def doubted(sandbox: Sandbox, cart: Cart, version: str, fault: str = "reset", **more: Any) -> Any:
    """An order whose purchase is in doubt."""
    begun = quoted(sandbox, cart, version)
    world(sandbox, faults=[buys(version, fault, **more)])
    order = confirm(begun, version, accepted=TOTAL)
    assert (order.status, purchase().status) == ("open", "in_doubt")
    return begun


def time_is_over() -> None:
    Purchase.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    PurchasePoll.objects.update(due_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("version", "fault", "more"),
    [*(("v1", *case) for case in DONE), *(("v1-rpc", *case) for case in (DONE[0], DONE[4]))],
    indirect=["version"],
)
def test_fault_26_a_received_purchase_is_found_and_never_bought_again(
    sandbox: Sandbox, version: str, cart: Cart, fault: str, more: dict[str, Any]
) -> None:
    begun = doubted(sandbox, cart, version, fault, **more)
    assert fresh(begun.session).status == "confirming"
    assert purchase().deadline_at > timezone.now()
    assert confirm(begun, version).status == "open"
    assert len(buying_calls(sandbox)) == 1
    assert cart.lines.count() == 2

    follow(sandbox)
    order = Order.objects.get()
    assert (order.status, order.needs_review, order.total) == ("completed", False, TOTAL)
    assert (purchase().status, fresh(begun.session).status) == ("complete", "completed")
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1
    assert cart.lines.count() == 0
    received = Received.objects.order_by("pk").values_list("signal", flat=True)
    assert [name for name in received if name.startswith("purchase_")] == [
        "purchase_in_doubt",
        "purchase_submitted",
        "purchase_completed",
    ]


def test_a_conflict_is_no_refusal_if_henry_has_the_order(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    begun = quoted(sandbox, cart, v1)
    world(sandbox, faults=[buys(v1, "status", status=409, process=True)])
    confirm(begun, v1)
    assert purchase().status in {"in_doubt", "pending"}
    confirm(begun, v1)
    follow(sandbox)
    assert Order.objects.get().status == "completed"
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def test_a_slow_answer_is_in_doubt_and_found(sandbox: Sandbox, v1: str, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "PURCHASE_TIMEOUT": 0.3}
    doubted(sandbox, cart, v1, "drip", interval=1)
    follow(sandbox)
    assert Order.objects.get().status == "completed"
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def test_in_v0_a_purchase_without_an_order_id_needs_review(
    sandbox: Sandbox, cart: Cart, settings: Any
) -> None:
    use(settings, "v0")
    world(sandbox)
    begun = doubted(sandbox, cart, "v0", "lost_reply")
    for _time in range(2):
        time_is_over()
        follow(sandbox)
        order = confirm(begun, "v0")
        assert (order.status, purchase().status) == ("open", "in_doubt")
        assert order.review_reason == "in_doubt_unverified"
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def test_an_outage_at_the_end_of_the_window_adds_another_window(
    sandbox: Sandbox, v1: str, cart: Cart, settings: Any
) -> None:
    doubted(sandbox, cart, v1)
    world(sandbox, faults=[{"fault": "status", "status": 503, "times": 0}])
    time_is_over()
    run_once()
    assert Order.objects.get().review_reason == "in_doubt_unverified"
    window = timedelta(seconds=1) + settings.HENRY_CHECKOUT.get("IN_DOUBT_TIMEOUT", timedelta(minutes=15))
    assert purchase().deadline_at < timezone.now() + window
    world(sandbox)
    AccountRateLimit.objects.all().delete()  # its pauses
    time_is_over()
    run_once()
    assert Order.objects.get().review_reason == "in_doubt_unverified; in_doubt_not_found"
    assert purchase().status == "in_doubt"
    assert sandbox.orders() == []


@pytest.mark.parametrize(
    ("version", "fault", "more"),
    [*(("v1", *case) for case in UNDONE), ("v1-rpc", *UNDONE[0]), ("v0", *UNDONE[0])],
    indirect=["version"],
)
def test_an_unknown_purchase_is_never_given_up_and_never_sent_again(
    sandbox: Sandbox, version: str, cart: Cart, fault: str, more: dict[str, Any]
) -> None:
    begun = doubted(sandbox, cart, version, fault, **more)
    follow(sandbox)
    assert (purchase().status, Order.objects.get().needs_review) == ("in_doubt", False)

    for _time in range(2):
        time_is_over()
        run_once()
        order = Order.objects.get()
        assert (order.status, order.review_reason) == ("open", "in_doubt_not_found")
        assert (purchase().status, purchase().ended_at) == ("in_doubt", None)
        assert purchase().poll.due_at > timezone.now() + timedelta(minutes=30)
    assert Event.objects.filter(type="order_needs_review").count() == 1
    assert fresh(begun.session).status == "confirming"
    assert len(buying_calls(sandbox)) == 1
    assert sandbox.orders() == []


def test_a_purchase_that_appears_hours_later_is_found(
    sandbox: Sandbox, v1: str, cart: Cart, settings: Any
) -> None:
    doubted(sandbox, cart, v1)
    window = timedelta(minutes=15)
    assert abs(purchase().deadline_at - timezone.now() - window) < timedelta(seconds=30)
    time_is_over()
    run_once()
    # Henry processes the purchase hours later.
    sandbox.call("POST", "pay", {"cartId": Order.objects.get().henry_cart_id})
    PurchasePoll.objects.update(due_at=timezone.now())
    follow(sandbox)
    assert (Order.objects.get().status, purchase().status) == ("completed", "complete")


def test_a_cart_in_doubt_cannot_be_bought_another_way(sandbox: Sandbox, version: str, cart: Cart) -> None:
    begun = doubted(sandbox, cart, version)
    calls_before = len(buying_calls(sandbox))
    for begin in (begin_checkout, begin_inline):
        with pytest.raises(PurchaseUnderWay) as caught:
            begin(cart)
        assert caught.value.order_id == begun.order.public_id
    with pytest.raises(PurchaseUnderWay):
        renew_session(begun.order)
    carts.add_item(cart, make_item("https://alpine.example/products/tent"))
    cart.refresh_from_db()
    with pytest.raises(PurchaseUnderWay):
        begin_checkout(cart)
    if version != "v0":
        with pytest.raises(PurchaseUnderWay):
            buy_cart(cart, BUYER, Payment(card=card_of(version)))
    assert Order.objects.count() == 1
    assert len(buying_calls(sandbox)) == calls_before


def test_another_open_order_of_a_cart_in_doubt_cannot_be_confirmed(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    """Two tabs: the cart was edited between them, so each has its own order."""
    first = quoted(sandbox, cart, version)
    carts.add_item(cart, make_item("https://alpine.example/products/tent"))
    cart.refresh_from_db()
    second = quoted(sandbox, cart, version)
    assert first.order != second.order
    world(sandbox, faults=[buys(version, "lost_reply")])
    confirm(first, version)
    assert Purchase.objects.get(order=first.order).status == "in_doubt"
    with pytest.raises(PurchaseUnderWay):
        confirm(second, version)
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize(
    ("version", "status"),
    [("v1", 400), ("v1", 402), ("v1", 404), ("v1", 422), ("v1-rpc", 402), ("v0", 400), ("v0", 404)],
    indirect=["version"],
)
def test_a_refusal_is_no_doubt(sandbox: Sandbox, version: str, cart: Cart, status: int) -> None:
    begun = quoted(sandbox, cart, version)
    body = {"success": False, "message": "No."}
    world(sandbox, faults=[buys(version, "body", status=status, json=body)])
    with pytest.raises(PaymentRefused):
        confirm(begun, version)
    assert (purchase().status, fresh(begun.session).status) == ("abandoned", "quoted")
    assert not PurchasePoll.objects.exists()
    assert not Event.objects.filter(type="purchase_in_doubt").exists()
    assert confirm(begun, version, accepted=TOTAL).status != "open"
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize(
    ("version", "status"), [("v1", 401), ("v1", 429), ("v1-rpc", 401), ("v0", 429)], indirect=["version"]
)
def test_a_wrong_key_or_a_rate_limit_is_neither_doubt_nor_a_decline(
    sandbox: Sandbox, version: str, cart: Cart, status: int
) -> None:
    begun = quoted(sandbox, cart, version)
    world(sandbox, faults=[buys(version, "status", status=status, headers={"retry-after": "7"})])
    with pytest.raises(GatewayError) as caught:
        confirm(begun, version)
    if status == 429:
        assert isinstance(caught.value, RateLimited)
        assert caught.value.retry_after == 7
    assert (purchase().status, fresh(begun.session).status) == ("abandoned", "quoted")
    assert confirm(begun, version).status != "open"
    assert len(sandbox.orders()) == 1


def test_a_call_that_was_never_sent_is_no_doubt(
    sandbox: Sandbox, version: str, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = quoted(sandbox, cart, version)

    def unplugged(*_arguments: Any) -> Any:
        raise GatewayUnavailable(maybe_sent=False)

    monkeypatch.setattr(GATEWAYS[version], "purchase", unplugged)
    with pytest.raises(GatewayUnavailable):
        confirm(begun, version)
    assert (purchase().status, fresh(begun.session).status) == ("abandoned", "quoted")
    monkeypatch.undo()
    assert confirm(begun, version).status != "open"
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize(("end", "is_done"), [(SystemExit, True), (KeyboardInterrupt, False)])
def test_a_crash_before_the_answer_leaves_the_purchase_in_doubt(
    sandbox: Sandbox,
    v1: str,
    cart: Cart,
    monkeypatch: pytest.MonkeyPatch,
    end: type[BaseException],
    is_done: bool,
) -> None:
    begun = quoted(sandbox, cart, v1)
    real = GATEWAYS[v1].purchase

    def dies(*arguments: Any) -> Any:
        if is_done:
            real(*arguments)
        raise end

    monkeypatch.setattr(GATEWAYS[v1], "purchase", dies)
    with pytest.raises(end):
        confirm(begun, v1)
    monkeypatch.undo()
    assert (purchase().status, fresh(begun.session).status) == ("sent", "confirming")
    run_once()  # the sender still has time to record the answer
    assert purchase().status == "sent"
    assert confirm(begun, v1).status == "open"
    if not is_done:
        with pytest.raises(PurchaseUnderWay):
            begin_checkout(cart)

    time_is_over()
    follow(sandbox)
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == int(is_done)
    if is_done:
        assert (Order.objects.get().status, purchase().status) == ("completed", "complete")
    else:
        assert (Order.objects.get().status, purchase().status) == ("open", "in_doubt")
        assert Event.objects.filter(type="purchase_in_doubt").count() == 1
        assert Received.objects.filter(signal="purchase_in_doubt").count() == 1


def test_neither_expiry_nor_a_browser_ends_a_confirming_session(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    begun = doubted(sandbox, cart, version)
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expire_sessions() == 0
    session = find_hosted_session(begun.order.public_id, begun.token)
    for hint in (ReturnOutcome.CANCELED, ReturnOutcome.ERRORED):
        assert resolve_return(session, hint) is ReturnOutcome.CHECKING
    assert fresh(begun.session).status == "confirming"
    assert not Event.objects.filter(type__in=["checkout_canceled", "checkout_expired"]).exists()


def test_an_order_being_bought_is_neither_quoted_nor_edited(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    begun = doubted(sandbox, cart, version)
    world(sandbox, prices={"https://alpine.example/products/boots": "1.00"})
    with pytest.raises(CheckoutError):
        quote_session(fresh(begun.session))
    assert (fresh(begun.session).status, Order.objects.get().total) == ("confirming", TOTAL)
    with pytest.raises(CheckoutError):
        set_buyer(fresh(begun.session), lambda known: replace(known, first_name="Eve"), strict=True)
    assert Order.objects.get().buyer.first_name == "Ada"


def test_a_quote_requested_before_the_purchase_does_not_reopen_the_session(
    sandbox: Sandbox, version: str, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another tab requests a quote; while Henry calculates it, the first tab's purchase becomes in doubt."""
    begun = quoted(sandbox, cart, version)
    kind = GATEWAYS[version]
    real = kind.quote

    def overtaken(*arguments: Any, **more: Any) -> Any:
        found = real(*arguments, **more)
        monkeypatch.undo()
        world(sandbox, faults=[buys(version, "reset")])
        confirm(begun, version)
        return found

    monkeypatch.setattr(kind, "quote", overtaken)
    with suppress(CheckoutError):
        quote_session(fresh(begun.session))
    assert (purchase().status, fresh(begun.session).status) == ("in_doubt", "confirming")
    CheckoutSession.objects.update(expires_at=timezone.now())
    assert expire_sessions() == 0
