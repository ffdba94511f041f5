"""Another caller's id looks like an unknown one. Each URL of the API needs a row here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from django_henry_checkout.api.urls import urlpatterns
from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.flows.checkout.quotes import MAX_RATE_ID
from django_henry_checkout.flows.checkout.receipts import make_receipt
from django_henry_checkout.models import Cart, CheckoutSession, Order, Purchase, Quote, TemplateLink
from django_henry_checkout.sandbox.engine.cards import passes_luhn
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import local_ref
from tests.support.api import BOOTS, BUYER_INFO, DETAILS, MUG, PERSON, Api, assert_problem, guest, make, ok
from tests.support.shop import shop_settings

pytestmark = pytest.mark.django_db(transaction=True)

MADE_UP = {
    "cart": "01J00000000000000000000000",
    "order": "01J00000000000000000000000",
    "session": "01J00000000000000000000000",
    "ref": "boots-ref_01234567-89ab-4cde-8f01-23456789abcd",
    "local_ref": "hco-ref_01234567-89ab-4cde-8f01",
    "receipt": "eyJhbGciOiJIUzI1NiJ9.e30.made-up",
}
#: Calls without an id in path or body; `orders` has a cursor, which is tested separately.
NO_IDS = {"api-carts", "api-orders", "api-cst", *({"api-schema"} & {each.name for each in urlpatterns})}
KEY = {"Idempotency-Key": "stranger-1"}
CARD = {"details": {"cardToken": "card_test_pays"}}
CONFIRM = {"amount": 1, "transactionId": "INV-1", "paymentStatus": "Captured", "metaData": {"cardToken": "x"}}
Row = tuple[str, str, Any]
CALLS: dict[str, list[Row]] = {
    "api-cart": [("GET", "cart/{cart}", None), ("DELETE", "cart/{cart}", None)],
    "api-cart-item": [
        ("POST", "cart/{cart}/item", {"item": BOOTS}),
        ("PUT", "cart/{cart}/item", {"item": {"link": BOOTS["link"], "quantity": 9}}),
        ("DELETE", "cart/{cart}/item", {"link": BOOTS["link"]}),
    ],
    "api-cart-merge": [
        ("POST", "cart/{cart}/merge", {"cartId": "{own_cart}", "sessionToken": "{own_token}"}),
        ("POST", "cart/{cart}/merge", {"cartId": "{cart}", "sessionToken": "made-up"}),
    ],
    "api-cart-link": [("PUT", "cart/{cart}/link", {"maxUses": 1}), ("DELETE", "cart/{cart}/link", None)],
    "api-cart-checkout": [("POST", "cart/checkout", {"cartId": "{cart}"})],
    "api-cart-purchase": [
        ("POST", "cart/purchase", {"cartId": "{cart}", "buyer": {**PERSON, "card": CARD}}),
    ],
    "api-cart-purchase-status": [
        ("GET", "cart/purchase/status?refId={ref}", None),
        ("GET", "cart/purchase/status?refId={local_ref}", None),
    ],
    "api-qr": [("GET", "checkout/{cart}/qr", None)],
    "api-qr-png": [("GET", "checkout/{cart}/qr.png", None)],
    "api-qr-svg": [("GET", "checkout/{cart}/qr.svg", None)],
    "api-begin": [("POST", "checkout/begin/{cart}", {})],
    "api-shipping": [
        ("POST", "checkout/shipping", {"cartId": "{cart}", "buyerInfo": BUYER_INFO}),
        ("POST", "checkout/shipping", {"paymentIntentId": "{session}", "buyerInfo": BUYER_INFO}),
    ],
    "api-shipping-method": [
        ("POST", "checkout/shipping/method", {"cartId": "{cart}", "shippingMethodId": 1}),
    ],
    "api-session-quote": [
        ("POST", "checkout/session/quote", {"cartId": "{cart}", "shippingDetails": DETAILS}),
    ],
    "api-session-products": [
        ("GET", "checkout/session/products?cartId={cart}", None),
        ("GET", "checkout/session/products?sessionId={session}", None),
    ],
    "api-session-shipping": [
        ("GET", "checkout/session/shipping?cartId={cart}", None),
        ("GET", "checkout/session/shipping?sessionId={session}", None),
    ],
    "api-session-card": [
        ("POST", "checkout/session/card", {"cartId": "{cart}"}),
        ("POST", "checkout/session/card", {"sessionId": "{session}"}),
    ],
    "api-session-confirm": [
        ("POST", "checkout/session/confirm", {"cartId": "{cart}", "cardToken": "x"}),
        ("POST", "checkout/session/confirm", {"sessionId": "{session}", "cardToken": "x"}),
    ],
    "api-receipt": [
        ("POST", "checkout/receipt", {"receipt": "{receipt}", "origin": "https://store.example"})
    ],
    "api-token": [("GET", "checkout/{order}/token", None)],
    "api-initialize": [("GET", "checkout/{order}/initialize", None)],
    "api-confirm": [("POST", "checkout/{order}/confirm", CONFIRM)],
    "api-payment-methods": [("GET", "checkout/{order}/paymentmethods", None)],
    "api-shipping-methods": [("GET", "checkout/{order}/shippingmethods", None)],
    "api-order": [("GET", "orders/{order}", None)],
    "api-order-events": [("GET", "orders/{order}/events", None)],
}
KINDS = ["guest", "shopper", "bearer", "session", "hosted", "customer", "server"]


def test_every_call_has_a_row() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(CALLS) | NO_IDS


@dataclass(frozen=True)
class Victim:
    """A shopper with a quoted checkout of one cart, and another cart that was bought with one call."""

    holder: Api
    buyer: Api
    session: Api
    ids: Mapping[str, str]
    tokens: Mapping[str, str]
    cart: Cart

    def state(self) -> list[Any]:
        """Return the data that no stranger may change."""
        cart = Cart.objects.get(pk=self.cart.pk)
        orders = Order.objects.filter(public_id__in=[Order.objects.get(cart=cart).public_id])
        rows = [
            (order.status, order.event_count, order.sessions.count(), order.sessions.latest("pk").status)
            for order in orders
        ]
        return [cart.version, cart.updated_at, list(cart.lines.values_list("link", "quantity")), rows]


@pytest.fixture
def victim(sandbox: Sandbox, settings: Any) -> Victim:
    accounts = {"default": {}, "uk": {}}
    settings.HENRY_CHECKOUT = shop_settings(
        sandbox, ACCOUNTS=accounts, API_THROTTLES={"checkout": "1000/min"}
    )
    sandbox.scenario(timing={"jobSeconds": 0})
    holder, made = guest(BOOTS, MUG)
    hosted = ok(holder("POST", "cart/checkout", {"cartId": made["cartId"]}), 201)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    assert hosted["orderId"] == quote["orderId"]
    buyer, bought = guest(BOOTS)
    body = {"cartId": bought["cartId"], "buyer": {**PERSON, "card": CARD}}
    job = ok(buyer("POST", "cart/purchase", body, **{"Idempotency-Key": "victim-1"}))
    purchase = Purchase.objects.get(ref_id=job["refId"])
    server = Api(Authorization=f"Api-Key {create_api_key('till')}")
    tokens = {
        "cart token": made["sessionToken"],
        "session token": quote["sessionToken"],
        "pay token": hosted["sessionToken"],
        "CST": ok(server("POST", "checkout/cst", {}))["cst"],
    }
    ids = {
        "cart": made["cartId"],
        "order": quote["orderId"],
        "session": quote["sessionId"],
        "ref": job["refId"],
        "local_ref": local_ref(purchase.public_id),
        "rate": str(quote["shippingMethods"][0]["rates"][0]["id"]),
        "number": quote["orderNumber"],
        "receipt": make_receipt(
            CheckoutSession.objects.latest("pk"),
            Order.objects.get(number=quote["orderNumber"]),
            audience="https://store.example",
        ),
    }
    cart = Order.objects.get(number=quote["orderNumber"]).cart
    assert cart is not None
    return Victim(holder, buyer, Api(**{"X-Session-Token": quote["sessionToken"]}), ids, tokens, cart)


def a_stranger(kind: str) -> Api:
    if kind == "shopper":
        client = Client()
        client.force_login(get_user_model().objects.create_user("stranger"))
        return Api(client)
    if kind == "server":
        return Api(Authorization=f"Api-Key {create_api_key('uk office', account='uk')}")
    if kind == "customer":
        server = Api(Authorization=f"Api-Key {create_api_key('another till')}")
        return Api(Authorization=f"Bearer {ok(server('POST', 'checkout/cst', {}))['cst']}")
    if kind == "guest":
        return Api()
    holder, cart = guest(MUG)
    if kind == "session":
        quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
        return Api(**{"X-Session-Token": quote["sessionToken"]})
    if kind == "hosted":
        begun = ok(holder("POST", "cart/checkout", {"cartId": cart["cartId"]}), 201)
        return Api(**{"X-Session-Token": begun["sessionToken"]})
    return holder


def fill(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in ids.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    return {key: fill(inner, ids) for key, inner in value.items()} if isinstance(value, dict) else value


def seen(answer: Any) -> tuple[int, bytes, dict[str, str]]:
    """Return all that a caller can see of a response, except its request id."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("kind", KINDS)
def test_fault_54_a_stranger_cannot_tell_it_from_nothing(sandbox: Sandbox, victim: Victim, kind: str) -> None:
    own = make(Api(), BOOTS)
    own_ids = {"own_cart": own["cartId"], "own_token": own["sessionToken"]}
    stranger = a_stranger(kind)
    before, asked = victim.state(), len(sandbox.requests())
    differences = {}
    for name, rows in CALLS.items():
        for method, path, body in rows:
            theirs, nothing = (
                seen(stranger(method, fill(path, ids), fill(body, ids), **KEY))
                for ids in ({**victim.ids, **own_ids}, {**MADE_UP, **own_ids})
            )
            if theirs != nothing or theirs[0] != 404:
                differences[f"{name}: {method} {path} {body}"] = (theirs, nothing)
    assert not differences
    assert victim.state() == before
    assert len(sandbox.requests()) == asked
    assert not TemplateLink.objects.exists()


def test_the_rows_reach_their_own(victim: Victim) -> None:
    """Proves that the test above can fail: for the owner, the same rows are not 404."""
    server = Api(Authorization=f"Api-Key {create_api_key('back office')}")
    for name in ("api-order", "api-order-events", "api-payment-methods", "api-shipping-methods", "api-cart"):
        method, path, body = CALLS[name][0]
        assert server(method, fill(path, victim.ids), body).status_code == 200, name
    for rows in (CALLS["api-session-products"], CALLS["api-session-shipping"]):
        for method, path, _body in rows:
            assert victim.holder(method, fill(path, victim.ids)).status_code == 200, path
            assert victim.session(method, fill(path, victim.ids)).status_code == 200, path


@pytest.mark.parametrize("ref", ["ref", "local_ref"])
def test_a_purchase_is_found_by_henrys_ref_and_by_the_one_that_stood_before(victim: Victim, ref: str) -> None:
    found = ok(victim.buyer("GET", f"cart/purchase/status?refId={victim.ids[ref]}"))
    assert found["refId"] == victim.ids["ref"]


@pytest.mark.parametrize("kind", KINDS)
def test_another_callers_order_number_is_no_cursor(victim: Victim, kind: str) -> None:
    stranger = a_stranger(kind)
    theirs, nothing = (
        seen(stranger("GET", f"orders?cursor={number}")) for number in (victim.ids["number"], "H-MADE-UP")
    )
    assert theirs == nothing
    assert theirs[0] == 422
    assert victim.ids["number"].encode() not in stranger("GET", "orders").content


@pytest.mark.parametrize("kind", ["bearer", "session"])
def test_another_sessions_rate_is_like_one_that_was_never_offered(victim: Victim, kind: str) -> None:
    holder, cart = guest(MUG)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    own = quote["shippingMethods"][0]["rates"][0]["id"]
    caller = holder if kind == "bearer" else Api(**{"X-Session-Token": quote["sessionToken"]})

    def choose(rate: int) -> Any:
        body = {"cartId": cart["cartId"], "shippingMethodId": rate}
        return caller("POST", "checkout/shipping/method", body)

    answers = [choose(rate) for rate in (int(victim.ids["rate"]), 1)]
    assert_problem(answers[0], 400, "shipping_method_not_offered")
    assert seen(answers[0]) == seen(answers[1])
    assert choose(own).status_code == 200
    assert not Quote.objects.get(session__order__cart=victim.cart).merchants[0]["chosen"]


def test_a_rate_whose_number_could_be_a_cards_can_be_chosen(
    victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids are shorter than card numbers, and their field is not searched for card numbers."""
    assert MAX_RATE_ID == 10**12
    numbers = itertools.count(4 * 10**13)
    taken = (number for number in numbers if passes_luhn(str(number)))
    monkeypatch.setattr(
        "django_henry_checkout.flows.checkout.quotes.secrets.randbelow", lambda _bound: next(taken) - 1
    )
    holder, cart = guest(MUG)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    rates = [rate["id"] for merchant in quote["shippingMethods"] for rate in merchant["rates"]]
    assert all(passes_luhn(str(rate)) for rate in rates)
    for rate in rates:
        body = {"cartId": cart["cartId"], "shippingMethodId": rate}
        assert holder("POST", "checkout/shipping/method", body).status_code == 200


class TestMerging:
    """`merge` needs the token of the cart that is moved; another secret moves nothing."""

    def merge(self, into: Api, cart_id: str, source: str, token: str) -> Any:
        return into("POST", f"cart/{cart_id}/merge", {"cartId": source, "sessionToken": token})

    def test_its_own_token_moves_a_cart(self, victim: Victim) -> None:
        into, cart = guest()
        answer = self.merge(into, cart["cartId"], victim.ids["cart"], victim.tokens["cart token"])
        assert [item["link"] for item in ok(answer)["items"]] == [BOOTS["link"], MUG["link"]]

    @pytest.mark.parametrize(
        ("shown", "status"),
        [("session token", 404), ("pay token", 404), ("CST", 422), ("API key", 401), ("made-up", 401)],
    )
    def test_another_secret_moves_nothing(self, victim: Victim, shown: str, status: int) -> None:
        into, cart = guest()
        secrets = {**victim.tokens, "API key": create_api_key("leaked"), "made-up": "made-up"}
        before = victim.state()
        theirs, nothing = (
            self.merge(into, cart["cartId"], source, secrets[shown])
            for source in (victim.ids["cart"], MADE_UP["cart"])
        )
        assert theirs.status_code == status
        assert seen(theirs) == seen(nothing)
        assert victim.state() == before

    def test_the_token_of_one_cart_moves_no_other(self, victim: Victim) -> None:
        into, cart = guest()
        _holder, other = guest(MUG)
        before = victim.state()
        theirs, nothing = (
            self.merge(into, cart["cartId"], source, other["sessionToken"])
            for source in (victim.ids["cart"], MADE_UP["cart"])
        )
        assert_problem(theirs, 404, "cart_not_found")
        assert seen(theirs) == seen(nothing)
        assert victim.state() == before
