"""Seed 000, Henry's guide to cart checkout. Heading: Confirm checkout, and the order that it leads to."""

from __future__ import annotations

from typing import Any

import pytest

from django_henry_checkout.testing.sandbox import Sandbox
from tests.conformance.henry_bodies import (
    BOOTS,
    DETAILS,
    MOVED,
    MUG,
    SHIPPING,
    SUBTOTAL,
    TAX,
    TOTAL,
    key,
    ok,
    option,
    payment,
    quoted,
    session_of,
    start,
    time_passes,
)
from tests.support.api import Api, assert_problem, guest
from tests.support.inline import VERSIONS, buying_calls, buys, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("polls_at_once")]

CONFIRM = "checkout/session/confirm"
DECLINED = "4000000000000002"


@pytest.fixture(params=VERSIONS)
def version(request: Any, settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, request.param)


@pytest.fixture
def v1(settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, "v1")


@pytest.fixture
def v0(settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, "v0")


def nothing_was_bought(sandbox: Sandbox) -> bool:
    return not buying_calls(sandbox) and not sandbox.orders()


@pytest.mark.django_db(transaction=True)
def test_the_receipt_holds_order_id_breakdown_and_lines(sandbox: Sandbox, version: str) -> None:
    session, quote = quoted()
    receipt = ok(session("POST", CONFIRM, payment(sandbox, version), **key()))
    assert receipt["orderId"] == quote["orderId"]
    names = ("subtotal", "tax", "shipping", "grandTotal", "currency")
    assert [receipt[name] for name in names] == [SUBTOTAL, TAX, SHIPPING, TOTAL, "USD"]
    boots, mug = receipt["products"]
    assert (boots["productName"], boots["quantity"], boots["productMetadata"]) == (
        "Boots",
        2,
        {"color": "Black"},
    )
    assert (mug["productName"], mug["productLink"], mug["quantity"]) == ("Mug", MUG["link"], 1)
    assert receipt["shippingDetails"] == DETAILS
    assert (receipt["status"] in {"placed", "processing"}, bool(receipt["statusMessage"])) == (True, True)

    order = ok(session("GET", f"orders/{receipt['orderId']}"))
    assert order["orderNumber"] == receipt["orderNumber"]
    time_passes(sandbox, 60)
    order = ok(session("GET", f"orders/{receipt['orderId']}"))
    assert (order["status"], order["isTerminal"], order["needsReview"]) == ("completed", True, False)
    assert order["totals"]["total"] == {"value": TOTAL, "currency": "USD"}
    [bought] = sandbox.orders()
    assert (f"{float(bought['total']):.2f}", bought["email"]) == (TOTAL, DETAILS["email"])
    assert len(buying_calls(sandbox)) == 1


def test_the_lines_are_a_snapshot(sandbox: Sandbox, version: str) -> None:
    holder, cart = guest(BOOTS, MUG)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    change = {"item": {"link": BOOTS["link"], "quantity": 5}}
    ok(holder("PUT", f"cart/{cart['cartId']}/item", change))
    session = session_of(quote["sessionToken"])
    receipt = ok(session("POST", CONFIRM, payment(sandbox, version), **key()))
    assert [line["quantity"] for line in receipt["products"]] == [2, 1]
    assert [item["quantity"] for item in sandbox.orders()[0]["items"]] == [2, 1]
    left = ok(holder("GET", f"cart/{cart['cartId']}"))["items"]
    assert [(item["link"], item["quantity"]) for item in left] == [(BOOTS["link"], 3)]


def test_an_address_overrides_that_of_the_quote(sandbox: Sandbox, version: str) -> None:
    session, _quote = quoted()
    body = {**payment(sandbox, version), "shippingDetails": {**MOVED, "email": "jane@example.com"}}
    receipt = ok(session("POST", CONFIRM, body, **key()))
    assert receipt["shippingDetails"] == body["shippingDetails"]
    assert sandbox.orders()[0]["email"] == "jane@example.com"


def test_amount_changed(sandbox: Sandbox, version: str) -> None:
    session, _quote = quoted()
    body = payment(sandbox, version)
    world(sandbox, prices={BOOTS["link"]: "110.00"})
    problem = assert_problem(session("POST", CONFIRM, body, **key()), 409, "AMOUNT_CHANGED")
    assert problem["totals"]["total"] == {"value": "271.20", "currency": "USD"}
    assert nothing_was_bought(sandbox)
    accepted = {**body, "acceptedTotal": problem["totals"]["total"]}
    assert ok(session("POST", CONFIRM, accepted, **key()))["grandTotal"] == "271.20"


def test_quote_required_and_quote_expired(sandbox: Sandbox, version: str, settings: Any) -> None:
    holder, cart = guest(BOOTS, MUG)
    begun = ok(holder("POST", f"checkout/begin/{cart['cartId']}", {}))
    session = session_of(begun["sessionToken"])
    body = {**payment(sandbox, version), "shippingDetails": DETAILS}
    assert_problem(session("POST", CONFIRM, body, **key()), 409, "quote_required")
    option(settings, QUOTE_LIFETIME=0)
    ok(session("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    assert_problem(session("POST", CONFIRM, body, **key()), 409, "quote_expired")
    assert nothing_was_bought(sandbox)


def test_purchase_under_way(sandbox: Sandbox, version: str) -> None:
    holder, cart = guest(BOOTS, MUG)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    session = session_of(quote["sessionToken"])
    body = payment(sandbox, version)
    world(sandbox, faults=[buys(version, "reset")])
    receipt = ok(session("POST", CONFIRM, body, **key()), 202)
    assert (receipt["orderId"], receipt["status"]) == (quote["orderId"], "open")
    again = session("POST", CONFIRM, body, **key())
    assert (ok(again, 202)["orderId"], again["Idempotent-Replayed"]) == (quote["orderId"], "true")
    for path, content in (
        ("cart/checkout", {"cartId": cart["cartId"]}),
        ("checkout/session/quote", {"cartId": cart["cartId"], "shippingDetails": MOVED}),
    ):
        problem = assert_problem(holder("POST", path, content), 409, "purchase_under_way")
        assert problem["orderId"] == quote["orderId"]
    assert (len(buying_calls(sandbox)), sandbox.orders()) == (1, [])


def test_no_new_quote_by_the_session_whose_purchase_is_under_way(sandbox: Sandbox, version: str) -> None:
    session, quote = quoted()
    body = payment(sandbox, version)
    world(sandbox, faults=[buys(version, "lost_reply")])
    ok(session("POST", CONFIRM, body, **key()), 202)
    answer = session("POST", "checkout/session/quote", {"shippingDetails": MOVED})
    assert_problem(answer, 409, "purchase_under_way")
    shown = ok(session("GET", "checkout/session/shipping"))["shippingDetails"]
    assert shown == DETAILS
    assert ok(session("GET", f"orders/{quote['orderId']}"))["status"] == "open"


@pytest.mark.django_db(transaction=True)
def test_a_lost_reply_is_found(sandbox: Sandbox, version: str) -> None:
    session, quote = quoted()
    body = payment(sandbox, version)
    world(sandbox, faults=[buys(version, "lost_reply")])
    ok(session("POST", CONFIRM, body, **key()), 202)
    time_passes(sandbox, 60)
    order = ok(session("GET", f"orders/{quote['orderId']}"))
    # v0 lists no orders: what was bought there can only be found manually.
    assert order["status"] == ("open" if version == "v0" else "completed")
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def test_a_declined_card_of_v0(sandbox: Sandbox, v0: str) -> None:
    session, quote = quoted()
    payment(sandbox, v0, card=DECLINED)
    assert_problem(session("POST", CONFIRM, {}, **key()), 402, "payment_refused")
    assert sandbox.orders() == []
    payment(sandbox, v0)
    assert ok(session("POST", CONFIRM, {}, **key()))["orderId"] == quote["orderId"]
    assert len(sandbox.orders()) == 1


def test_many_declined_cards_are_throttled(sandbox: Sandbox, v0: str, settings: Any) -> None:
    option(settings, API_THROTTLES={"refused": "2/hour"})
    session, _quote = quoted()
    payment(sandbox, v0, card=DECLINED)
    for number in range(2):
        assert_problem(session("POST", CONFIRM, {}, **key(f"try-{number}")), 402, "payment_refused")
    asked = len(buying_calls(sandbox))
    answer = session("POST", CONFIRM, {}, **key("try-3"))
    assert_problem(answer, 429, "throttled")
    assert int(answer["Retry-After"]) > 0
    assert len(buying_calls(sandbox)) == asked


def test_the_card_fits_the_generation(sandbox: Sandbox, version: str) -> None:
    session, _quote = quoted()
    if version == "v0":
        answer = session("POST", CONFIRM, {"cardToken": "card_test_pays"}, **key())
        assert_problem(answer, 409, "not_supported")
    else:
        assert_problem(session("POST", CONFIRM, {}, **key()), 422, "card_required")
    assert nothing_was_bought(sandbox)


def test_strangers_keys_and_bad_input(sandbox: Sandbox, v1: str) -> None:
    session, quote = quoted()
    body = payment(sandbox, v1)
    assert_problem(session_of("forged")("POST", CONFIRM, body, **key()), 401, "token_invalid")
    assert_problem(Api()("POST", CONFIRM, body, **key()), 400, "session_not_named")
    named = {**body, "sessionId": quote["sessionId"]}
    assert_problem(guest(BOOTS)[0]("POST", CONFIRM, named, **key()), 404, "session_not_found")
    assert_problem(session("POST", CONFIRM, body), 400, "idempotency_key_required")
    assert_problem(session("POST", CONFIRM, body, **key("")), 400, "invalid_idempotency_key")
    assert_problem(session("POST", CONFIRM, "{", **key()), 400, "bad_request")
    assert_problem(session("POST", CONFIRM, {**body, "cvv": "123"}, **key()), 422, "raw_card_refused")
    short = {**body, "shippingDetails": {"city": "New York"}}
    assert_problem(session("POST", CONFIRM, short, **key()), 422, "invalid")
    assert nothing_was_bought(sandbox)


def test_a_key_with_another_body(sandbox: Sandbox, v1: str) -> None:
    session, _quote = quoted()
    body = payment(sandbox, v1)
    ok(session("POST", CONFIRM, body, **key()))
    other = {**body, "shippingDetails": MOVED}
    assert_problem(session("POST", CONFIRM, other, **key()), 422, "idempotency_key_reused")
    assert len(sandbox.orders()) == 1


def test_while_henry_is_down_nothing_is_bought(sandbox: Sandbox, version: str) -> None:
    session, quote = quoted()
    body = payment(sandbox, version)
    paths = {"v1": "/v1/cart/*/details", "v1-rpc": "/v1/cart/details", "v0": "/v0/checkout/session/quote"}
    troubles = {500: "henry_unavailable", 429: "henry_rate_limited", 401: "not_configured"}
    for fault, code in troubles.items():
        world(sandbox, faults=[{"fault": "status", "status": fault, "path": paths[version]}])
        answer = session("POST", CONFIRM, body, **key())
        assert_problem(answer, 503, code)
        assert int(answer["Retry-After"]) > 0
    assert nothing_was_bought(sandbox)
    assert ok(session("POST", CONFIRM, body, **key()))["orderId"] == quote["orderId"]
