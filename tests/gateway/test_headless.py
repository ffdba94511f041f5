"""Headless purchases against the sandbox: v0's confirmed session, and all parts of a v1 purchase."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from django_henry_checkout.exceptions import BadResponse, GatewayError, GatewayTimeout, NotFound, Rejected
from django_henry_checkout.gateway import Gateway
from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from django_henry_checkout.types import Address, Buyer, Card, PurchaseRequest, RawCard
from tests.gateway.conftest import GatewayOf
from tests.support.headless import (
    ADDRESS,
    BUYER,
    HOMELESS,
    ITEMS,
    V1,
    calls_since,
    charged,
    pays,
    purchase_as_henry_shows_it,
    store_card,
    usd,
)
from tests.support.rejections import refused

DECLINED = "4000000000000002"
NO_FUNDS = "4000000000009995"
CONFIRM = "/v0/checkout/session/confirm"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
RAW = RawCard(number="4111111111111111", expiry_month="12", expiry_year="2039", cvv="123")


# v0: a quoted session is confirmed ---------------------------------------------------------------


@pytest.fixture
def v0(sandbox: Sandbox, gateway_of: GatewayOf) -> Gateway:
    return gateway_of(sandbox, "v0")


@pytest.fixture
def cart_id(v0: Gateway) -> str:
    return v0.create_cart(ITEMS).cart_id


@pytest.fixture
def token(v0: Gateway, cart_id: str) -> str:
    return v0.quote(cart_id, items=ITEMS, buyer=BUYER).token


def confirms(token: str, **more: Any) -> PurchaseRequest:
    return PurchaseRequest(**{"buyer": BUYER, "quote_token": token, **more})


def test_a_quoted_session_is_confirmed_and_tracked(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox
) -> None:
    store_card(sandbox, cart_id)
    placed = v0.purchase(cart_id, confirms(token))
    assert re.fullmatch(UUID, placed.ref_id)
    assert (placed.status, placed.items, placed.buyer) == ("pending", (), BUYER)
    assert placed.costs.total == charged(sandbox) == usd("106.81")
    assert placed.costs.subtotal == usd("85.00")
    (bought,) = sandbox.orders()
    assert (bought["orderId"], bought["userId"], bought["cardLast4"]) == (placed.ref_id, cart_id, "4242")
    sandbox.advance(60)
    ended = v0.purchase_status(placed.ref_id)
    assert (ended.ref_id, ended.status, ended.costs) == (placed.ref_id, "complete", placed.costs)
    assert v0.find_purchases(cart_id, claimed_id=placed.ref_id) == (ended,)


def test_a_confirmation_carries_the_token_the_address_and_no_card(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox
) -> None:
    store_card(sandbox, cart_id)
    card = Card(token="card_canary", raw=RAW, first_name="A", last_name="L", billing_address=ADDRESS)
    v0.purchase(cart_id, confirms(token, card=card))
    request = sandbox.requests()[-1]
    assert (request["method"], request["path"], request["query"]) == ("POST", CONFIRM, "")
    assert {key.partition(".")[0] for key in request["bodyKeys"]} == {"shippingDetails"}


def test_the_address_of_the_purchase_is_used_not_that_of_the_quote(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox
) -> None:
    store_card(sandbox, cart_id)
    moved = Address(
        line1="2 Side St",
        line2="Flat 3",
        city="Boston",
        province="MA",
        postal_code="02101",
        country_code="US",
    )
    buyer = Buyer(
        first_name="Ada",
        last_name="King",
        email="king@example.com",
        phone=BUYER.phone,
        shipping_address=moved,
    )
    assert v0.purchase(cart_id, confirms(token, buyer=buyer)).buyer == buyer


@pytest.mark.parametrize(("number", "reason"), [(DECLINED, "declined"), (NO_FUNDS, "insufficient funds")])
def test_a_declined_card_is_a_refusal_after_which_another_card_pays(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox, number: str, reason: str
) -> None:
    store_card(sandbox, cart_id, card=number)
    with refused(Rejected, reason) as caught:
        v0.purchase(cart_id, confirms(token))
    assert (caught.value.status, caught.value.retryable) == (402, False)
    assert sandbox.orders() == []
    store_card(sandbox, cart_id)
    assert v0.purchase(cart_id, confirms(token)).status == "pending"
    assert len(sandbox.orders()) == 1


def test_without_a_stored_card_nothing_is_bought(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox
) -> None:
    store_card(sandbox, "hc-another-user")
    with refused(Rejected, "No payment card") as caught:
        v0.purchase(cart_id, confirms(token))
    assert caught.value.status == 409
    assert sandbox.orders() == []


def test_a_stale_token_buys_nothing_until_there_is_a_new_quote(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox
) -> None:
    store_card(sandbox, cart_id)
    sandbox.advance(31 * 60)
    with refused(Rejected, "expired") as caught:
        v0.purchase(cart_id, confirms(token))
    assert caught.value.status == 409
    assert sandbox.orders() == []
    fresh = v0.quote(cart_id, items=ITEMS, buyer=BUYER).token
    assert fresh != token
    v0.purchase(cart_id, confirms(fresh))
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize(
    ("wrong", "status", "reason"),
    [("", 400, "x-session-token"), ("nonsense", 404, "not found"), ("another cart's", 404, "not found")],
)
def test_a_token_of_another_cart_buys_nothing(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox, wrong: str, status: int, reason: str
) -> None:
    other = v0.create_cart(ITEMS).cart_id
    store_card(sandbox, cart_id)
    store_card(sandbox, other)
    foreign = v0.quote(other, items=ITEMS, buyer=BUYER).token
    with refused(Rejected, reason) as caught:
        v0.purchase(cart_id, confirms(foreign if wrong == "another cart's" else wrong))
    assert caught.value.status == status
    assert isinstance(caught.value, NotFound) == (status == 404)
    assert sandbox.orders() == []


def test_a_purchase_without_an_address_is_not_sent(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox
) -> None:
    before = len(sandbox.requests())
    with pytest.raises(Rejected, match="address") as caught:
        v0.purchase(cart_id, confirms(token, buyer=HOMELESS))
    assert not caught.value.maybe_sent
    assert calls_since(sandbox, before) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"fault": "lost_reply"},
        {"fault": "status", "status": 500, "process": True},
        {"fault": "status", "status": 429, "process": True},
        {"fault": "garbage", "kind": "truncated", "process": True},
        {"fault": "garbage", "kind": "wrong_type", "process": True},
        {"fault": "redirect", "location": "https://evil.example/", "process": True},
        {"fault": "body", "json": {"success": True, "data": {"status": "pending"}}, "process": True},
    ],
)
def test_a_lost_response_may_have_bought_and_did(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox, entry: dict[str, Any]
) -> None:
    store_card(sandbox, cart_id)
    sandbox.scenario(faults=[{"path": CONFIRM, "times": 0, **entry}])
    before = len(sandbox.requests())
    with pytest.raises(GatewayError) as caught:
        v0.purchase(cart_id, confirms(token))
    assert caught.value.maybe_sent
    assert calls_since(sandbox, before) == [f"POST {CONFIRM}"]
    (bought,) = sandbox.orders()
    # The empty cart shows that it was paid; only the browser can report the id of the order.
    with pytest.raises(BadResponse, match="paid"):
        v0.find_purchases(cart_id)
    (found,) = v0.find_purchases(cart_id, claimed_id=bought["orderId"])
    assert found.costs.total == usd("106.81")


@pytest.mark.parametrize("amount", [[], {}])
def test_a_malformed_amount_in_the_answer_to_a_purchase_is_a_gateway_error(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox, amount: Any
) -> None:
    store_card(sandbox, cart_id)
    answer = {"success": True, "data": {"id": "x", "status": "pending", "grandTotal": amount}}
    sandbox.scenario(faults=[{"path": CONFIRM, "fault": "body", "json": answer, "process": True}])
    with pytest.raises(GatewayError):
        v0.purchase(cart_id, confirms(token))


def test_a_slow_confirmation_is_sent_once(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox, settings: Any
) -> None:
    store_card(sandbox, cart_id)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "PURCHASE_TIMEOUT": 0.3}
    sandbox.scenario(faults=[{"fault": "delay", "seconds": 1}])
    before = len(sandbox.requests())
    with pytest.raises(GatewayTimeout) as caught:
        v0.purchase(cart_id, confirms(token))
    assert caught.value.maybe_sent
    assert calls_since(sandbox, before) == [f"POST {CONFIRM}"]


def test_a_confirmation_may_take_longer_than_a_read(
    v0: Gateway, cart_id: str, token: str, sandbox: Sandbox, settings: Any
) -> None:
    store_card(sandbox, cart_id)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "READ_TIMEOUT": 0.2, "TOTAL_TIMEOUT": 0.2}
    sandbox.scenario(faults=[{"fault": "delay", "seconds": 0.6}])
    assert v0.purchase(cart_id, confirms(token)).status == "pending"


# v1: a purchase with more than buyer and card ---------------------------------------------------


@pytest.mark.parametrize("version", V1)
def test_all_parts_of_a_purchase_request_arrive(
    sandbox: Sandbox, gateway_of: GatewayOf, version: str
) -> None:
    henry = gateway_of(sandbox, version)
    cart_id = henry.create_cart(ITEMS).cart_id
    request = pays(coupons=("SAVE10",), settings={"collectPhone": False}, metadata={"shop": "one"})
    ref_id = henry.purchase(cart_id, request).ref_id
    sandbox.advance(60)
    shown = purchase_as_henry_shows_it(sandbox, version, ref_id)
    assert shown["details"]["settings"] == {
        "collectEmail": True,
        "collectAddress": True,
        "collectPhone": False,
    }
    assert [item["metadata"] for item in shown["result"]["items"]] == [{"shop": "one"}] * 2
    ended = henry.purchase_status(ref_id)
    assert [item.coupon for item in ended.items] == [("SAVE10", usd("2.90")), ("SAVE10", usd("5.60"))]
    assert [item.costs.discount for item in ended.items] == [usd("2.90"), usd("5.60")]


@pytest.mark.parametrize("choice", [{"id": "express"}, {"value": "Express"}, {"id": "express", "value": "x"}])
def test_the_selected_shipping_of_an_early_v1_purchase_arrives(
    sandbox: Sandbox, gateway_of: GatewayOf, choice: dict[str, str]
) -> None:
    henry = gateway_of(sandbox, "v1-rpc")
    cart_id = henry.create_cart(ITEMS).cart_id
    ref_id = henry.purchase(cart_id, pays(selected_shipping=choice)).ref_id
    request = sandbox.requests()[-1]
    assert {f"selectedShippingOption.{name}" for name in choice} <= set(request["bodyKeys"])
    sandbox.advance(60)
    ended = henry.purchase_status(ref_id)
    options = [item.shipping_option for item in ended.items]
    assert [option and (option.option_id, option.cost) for option in options] == [
        ("express", usd("16.00")),
        ("express", usd("18.00")),
    ]


@pytest.mark.parametrize("version", V1)
def test_a_minimal_purchase_sends_only_buyer_and_card(
    sandbox: Sandbox, gateway_of: GatewayOf, version: str
) -> None:
    henry = gateway_of(sandbox, version)
    henry.purchase(henry.create_cart(ITEMS).cart_id, pays(quote_token="canary"))
    request = set(sandbox.requests()[-1]["bodyKeys"])
    assert {key for key in request if "." not in key} - {"cartId"} == {"buyer"}
    assert {key for key in request if key.startswith("buyer.card.")} == {
        "buyer.card.nameOnCard",
        "buyer.card.nameOnCard.firstName",
        "buyer.card.nameOnCard.lastName",
        "buyer.card.details",
        "buyer.card.details.cardToken",
    }


@pytest.mark.parametrize("version", V1)
def test_the_holder_and_the_billing_address_of_the_card_arrive(
    sandbox: Sandbox, gateway_of: GatewayOf, version: str
) -> None:
    henry = gateway_of(sandbox, version)
    billing = Address(line1="2 Side St", city="Boston", postal_code="02101", country_code="US")
    card = Card(token="card_test_pays", first_name="Card", last_name="Holder", billing_address=billing)
    ref_id = henry.purchase(henry.create_cart(ITEMS).cart_id, PurchaseRequest(buyer=BUYER, card=card)).ref_id
    shown = purchase_as_henry_shows_it(sandbox, version, ref_id)["details"]
    assert shown["card"]["nameOnCard"] == {"firstName": "Card", "lastName": "Holder"}
    assert shown["card"]["billingAddress"]["line1"] == "2 Side St"
    assert shown["name"] == {"firstName": "Ada", "lastName": "Lovelace"}
    assert shown["shippingAddress"]["line1"] == "1 Main St"


# A raw card --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--allow-raw-card") as found:
        yield found


def with_raw(number: str = RAW.number) -> PurchaseRequest:
    raw = RawCard(number=number, expiry_month="12", expiry_year="2039", cvv="123")
    return PurchaseRequest(buyer=BUYER, card=Card(raw=raw))


@pytest.mark.parametrize("version", V1)
def test_a_raw_card_is_refused_by_an_ordinary_sandbox(
    sandbox: Sandbox, gateway_of: GatewayOf, version: str
) -> None:
    henry = gateway_of(sandbox, version)
    cart_id = henry.create_cart(ITEMS).cart_id
    with refused(Rejected, "Raw card numbers are refused") as caught:
        henry.purchase(cart_id, with_raw())
    assert caught.value.status == 400
    assert RAW.number not in f"{caught.value!r} {caught.value.detail}"
    assert sandbox.orders() == []


@pytest.mark.parametrize("version", V1)
@pytest.mark.parametrize(("number", "status"), [(RAW.number, "complete"), (DECLINED, "failed")])
def test_a_raw_card_is_accepted_where_it_is_allowed(
    open_sandbox: Sandbox, gateway_of: GatewayOf, version: str, number: str, status: str
) -> None:
    open_sandbox.reset()
    open_sandbox.scenario(dialect="six")
    henry = gateway_of(open_sandbox, version)
    ref_id = henry.purchase(henry.create_cart(ITEMS).cart_id, with_raw(number)).ref_id
    open_sandbox.advance(60)
    assert henry.purchase_status(ref_id).status == status
    paid = [order["cardLast4"] for order in open_sandbox.orders()]
    assert paid == (["1111"] if status == "complete" else [])


@pytest.mark.parametrize("version", V1)
def test_an_invalid_raw_card_is_refused_where_it_is_allowed(
    open_sandbox: Sandbox, gateway_of: GatewayOf, version: str
) -> None:
    open_sandbox.reset()
    henry = gateway_of(open_sandbox, version)
    with refused(Rejected, r"buyer\.card\.details\.cardNumber"):
        henry.purchase(henry.create_cart(ITEMS).cart_id, with_raw("4111111111111112"))
    assert open_sandbox.orders() == []
