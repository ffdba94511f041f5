"""The mutating calls of the Diddo page (seed 002; diddo-checkout.md 1 to 8): begin and shipping address."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.api.diddo import checkout
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template, revoke_link
from django_henry_checkout.models import Cart, Order, TemplateLink
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import parse_public_id
from tests.conformance.test_diddo_qr import MALFORMED, UNKNOWN
from tests.support.api import BOOTS, BUYER_INFO, Api, assert_problem, guest, ok

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]

#: All ten fields of `buyer_info`, and how they are returned.
BUYER = {**BUYER_INFO, "address2": "Apt 1"}
SHOWN = {**BUYER, "phone": "+12125550123", "provinceCode": "NY", "countryCode": "US"}
NO_BUYER = dict.fromkeys(SHOWN)
BAD_TOKENS = [
    {"Authorization": "Bearer made-up"},
    {"Authorization": "Bearer a.b.c"},
    {"X-Session-Token": "made-up"},
    {"Api-Key": "made-up"},
]


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def begin(template: Cart, api: Api | None = None) -> tuple[dict[str, Any], Api]:
    """Begin a checkout of a template; return the response, and the holder of its token."""
    begun = ok((api or Api())("POST", f"checkout/begin/{template.ulid}"))
    return begun, Api(**{"X-Session-Token": begun["sessionToken"]})


def ship(api: Api, buyer: dict[str, Any], **more: Any) -> Any:
    return api("POST", "checkout/shipping", {**more, "buyerInfo": buyer})


def methods(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [method for store in shown["stores"] for method in store["offer"]["shippingMethods"]]


def assert_silent_bug(answer: Any) -> None:
    assert_problem(answer, 500, "internal_error")
    for secret in (b"ada@", b"Lovelace", b"RuntimeError", b"Traceback", b".py"):
        assert secret not in answer.content


def broken(*_args: Any, **_options: Any) -> None:
    raise RuntimeError("of ada@shop.example, Lovelace")


# Begin Checkout


def test_begin_checkout_answers_a_session(template: Cart, version: str) -> None:
    """Begin Checkout: begins a checkout session from a cart."""
    begun, session = begin(template)
    live = Cart.objects.get(template=template)
    order = Order.objects.get()
    assert begun == {
        "cartId": live.ulid,
        "templateCartId": template.ulid,
        "status": "IN_PROGRESS",
        "paymentIntentId": order.sessions.get().ulid,
        "sessionToken": begun["sessionToken"],
        "orderId": order.ulid,
        "orderNumber": order.number,
        "expiresAt": begun["expiresAt"],
        "cart": begun["cart"],
    }
    lives_on = datetime.fromisoformat(begun["expiresAt"]) - timezone.now()
    assert timedelta(minutes=25) < lives_on <= timedelta(hours=24)
    shown = begun["cart"]
    assert (shown["id"], shown["status"]) == (live.ulid, "IN_PROGRESS")
    assert shown["cost"]["isEstimated"] is True
    assert shown["cost"]["subtotal"] == {"value": 17350, "displayValue": "$173.50", "currency": "USD"}
    assert (shown["cost"]["tax"], shown["cost"]["shipping"]) == (None, None)
    assert shown["buyerIdentity"] == NO_BUYER
    assert [store["store"] for store in shown["stores"]] == ["alpine.example", "clay.example"]
    assert not any(store["isSubmitted"] or store["offer"] for store in shown["stores"])
    [line] = shown["stores"][0]["cartLines"]
    assert line["quantity"] == 1
    assert line["product"]["price"] == {"value": 14900, "displayValue": "$149.00", "currency": "USD"}
    assert (line["product"]["title"], line["product"]["marketplace"]) == ("boots", "alpine.example")
    assert line["variant"]["isAvailable"] is True
    assert session("GET", f"orders/{begun['orderId']}").status_code == 200


def test_begin_takes_an_id_in_every_spelling(template: Cart) -> None:
    """Template Cart ID: a ULID on the QR calls, a UUID here; one key in either spelling."""
    public_id = template.public_id
    for text in (template.ulid.lower(), str(public_id), str(public_id).upper(), public_id.hex):
        assert ok(Api()("POST", f"checkout/begin/{text}", {}))["templateCartId"] == template.ulid


def test_each_visitor_begins_a_new_cart(template: Cart) -> None:
    begun = [begin(template)[0] for _visit in range(2)]
    assert begun[0]["cartId"] != begun[1]["cartId"]
    assert begun[0]["paymentIntentId"] != begun[1]["paymentIntentId"]
    assert template.lines.count() == 2


def test_begin_goes_on_with_a_live_cart() -> None:
    holder, cart = guest(BOOTS)
    first, again = (ok(holder("POST", f"checkout/begin/{cart['cartId']}")) for _time in range(2))
    assert first["cartId"] == again["cartId"] == cart["cartId"]
    assert first["templateCartId"] is None
    assert first["orderId"] == again["orderId"]


def test_a_repeated_begin_is_done_once(template: Cart, server: Api) -> None:
    """`Idempotency-Key` is honoured on every mutating call (design.md 6)."""
    path, key = f"checkout/begin/{template.ulid}", {"Idempotency-Key": "begin-1"}
    first, again = (ok(server("POST", path, {}, **key)) for _time in range(2))
    assert first["cartId"] == again["cartId"]
    assert TemplateLink.objects.get().uses == 1


def test_begin_400_for_a_malformed_id() -> None:
    for cart_id in MALFORMED:
        assert_problem(Api()("POST", f"checkout/begin/{cart_id}"), 400, "bad_request")


def test_begin_401_for_a_bad_token(template: Cart) -> None:
    for header in BAD_TOKENS:
        assert_problem(Api(**header)("POST", f"checkout/begin/{template.ulid}"), 401, "token_invalid")
    assert not Order.objects.exists()


@pytest.mark.parametrize("how", ["revoked", "expired", "used up"])
def test_begin_403_for_a_closed_link(template: Cart, how: str) -> None:
    if how == "revoked":
        revoke_link(template)
    elif how == "expired":
        make_template(template, expires_at=timezone.now() - timedelta(seconds=1))
    else:
        make_template(template, max_uses=1)
        begin(template)
    assert_problem(Api()("POST", f"checkout/begin/{template.ulid}"), 403, "link_closed")
    assert Order.objects.count() == (how == "used up")


def test_begin_403_without_a_csrf_token(template: Cart, no_csrf_token: Api) -> None:
    assert_problem(no_csrf_token("POST", f"checkout/begin/{template.ulid}"), 403, "forbidden")
    assert not Order.objects.exists()


def test_begin_404_for_nothing_and_for_another_callers() -> None:
    _holder, theirs = guest(BOOTS)
    found = [Api()("POST", f"checkout/begin/{cart_id}") for cart_id in (UNKNOWN, theirs["cartId"])]
    assert_problem(found[0], 404, "cart_not_found")
    assert found[0].content == found[1].content


def test_begin_422_for_a_cart_that_cannot_be_paid(sandbox: Sandbox) -> None:
    """422: an empty cart, an empty template, a cart that was paid already."""
    holder, empty = guest()
    assert_problem(holder("POST", f"checkout/begin/{empty['cartId']}"), 422, "cart_empty")
    bare = carts.create_cart()
    make_template(bare)
    assert_problem(Api()("POST", f"checkout/begin/{bare.ulid}"), 422, "cart_empty")
    holder, cart = guest(BOOTS)
    ok(holder("POST", "cart/checkout", {"cartId": cart["cartId"]}), 201)
    sandbox.pay(Order.objects.get().henry_cart_id)
    assert_problem(holder("POST", f"checkout/begin/{cart['cartId']}"), 422, "order_not_open")


def test_begin_500_reveals_nothing(template: Cart, calm: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "begin_inline", broken)
    assert_silent_bug(calm("POST", f"checkout/begin/{template.ulid}"))


# Set Shipping Address


def test_set_shipping_address_and_see_what_is_offered(template: Cart, version: str) -> None:
    """Set Shipping Address: all ten fields of `buyer_info`, in and out; a whole address gets offers."""
    _begun, session = begin(template)
    shown = ok(ship(session, BUYER))
    assert shown["buyerIdentity"] == SHOWN
    cost = shown["cost"]
    assert cost["isEstimated"] is False
    parts = [cost[name]["value"] for name in ("subtotal", "tax", "shipping")]
    assert all(isinstance(value, int) for value in parts)
    assert cost["total"]["value"] == sum(parts) > 0
    assert cost["total"]["displayValue"] == f"${cost['total']['value'] / 100:,.2f}"
    offered = methods(shown)
    if version == "v0":
        assert offered == []
        return
    assert all(store["offer"]["shippingMethods"] for store in shown["stores"])
    ids = [method["id"] for method in offered]
    assert all(isinstance(each, int) and each > 0 for each in ids)
    assert len(set(ids)) == len(ids), "an id names a rate, and so its store"
    assert all(method["label"] and method["total"]["currency"] == "USD" for method in offered)


def test_both_spellings_of_names(template: Cart) -> None:
    camel, snakes = ({"buyerInfo": BUYER}, {"buyer_info": {snake(name): BUYER[name] for name in BUYER}})
    for body in (camel, snakes):
        _begun, session = begin(template)
        assert ok(session("POST", "checkout/shipping", body))["buyerIdentity"] == SHOWN


def test_older_spellings_of_the_address(template: Cart) -> None:
    """`address_1` and `address_2` of the second design are accepted; only the new names are returned."""
    _begun, session = begin(template)
    body = {"buyer_info": {"address_1": "350 5th Ave", "address_2": "Apt 1"}}
    shown = ok(session("POST", "checkout/shipping", body))["buyerIdentity"]
    assert (shown["address1"], shown["address2"]) == ("350 5th Ave", "Apt 1")
    assert set(shown) == set(SHOWN)


def test_add_or_update_each_field_alone(template: Cart) -> None:
    """Add or update: no field is required, a missing one is kept, null clears."""
    _begun, session = begin(template)
    known = dict(NO_BUYER)
    order = ["countryCode", *(name for name in BUYER if name != "countryCode")]
    for name in order:
        known[name] = SHOWN[name]
        assert ok(ship(session, {name: SHOWN[name]}))["buyerIdentity"] == known
    for name in reversed(order):
        known[name] = None
        shown = ok(ship(session, {name: None}))
        assert shown["buyerIdentity"] == known
    assert ok(session("POST", "checkout/shipping", {}))["buyerIdentity"] == NO_BUYER


def test_country_and_province_are_upper_cased_before_the_address_is_complete(template: Cart) -> None:
    _begun, session = begin(template)
    shown = ok(ship(session, {"countryCode": "us", "provinceCode": "ny"}))["buyerIdentity"]
    assert (shown["countryCode"], shown["provinceCode"]) == ("US", "NY")


def test_an_incomplete_address_has_no_offers(template: Cart) -> None:
    _begun, session = begin(template)
    shown = ok(ship(session, {**BUYER, "postalCode": None}))
    assert shown["cost"]["isEstimated"] is True
    assert [store["offer"] for store in shown["stores"]] == [None, None]


def test_what_names_a_session_must_agree(template: Cart, server: Api) -> None:
    """`cart_id`, `payment_intent_id`, or the token: any of them; all that are given must agree."""
    cst = ok(server("POST", "checkout/cst"))["cst"]
    customer = Api(Authorization=f"Bearer {cst}")
    begun, session = begin(template, customer)
    other, _session = begin(
        template, Api(Authorization=f"Bearer {ok(server('POST', 'checkout/cst'))['cst']}")
    )
    cart, intent = {"cartId": begun["cartId"]}, {"paymentIntentId": begun["paymentIntentId"]}
    uuid = {"cart_id": str(parse_public_id(begun["cartId"]))}
    for caller in (server, customer, session):
        for named in (cart, intent, uuid, {**cart, **intent}):
            assert ok(ship(caller, {"city": "Albany"}, **named))["id"] == begun["cartId"]
        unknown = {"cartId": UNKNOWN}
        disagreeing = {**cart, "paymentIntentId": other["paymentIntentId"]}
        for named in (unknown, {"paymentIntentId": UNKNOWN}, disagreeing):
            assert_problem(ship(caller, {"city": "Rome"}, **named), 404, "session_not_found")
    for caller in (customer, session):
        assert_problem(ship(caller, {"city": "Rome"}, cartId=other["cartId"]), 404, "session_not_found")
    assert_problem(ship(Api(), {"city": "Rome"}, **cart), 404, "session_not_found")
    assert ok(ship(session, {}))["buyerIdentity"]["city"] == "Albany"


def test_a_customers_token_alone_identifies_the_session(template: Cart, server: Api) -> None:
    cst = ok(server("POST", "checkout/cst"))["cst"]
    customer = Api(Authorization=f"Bearer {cst}")
    begun, _session = begin(template, customer)
    assert ok(ship(customer, {"city": "Albany"}))["id"] == begun["cartId"]


def test_shipping_400_where_nothing_names_a_session(server: Api) -> None:
    answer = ship(server, {"city": "Albany"})
    assert answer.status_code == 400, answer.content


@pytest.mark.parametrize("body", ["", "[]", "{", '{"buyerInfo": {}, "buyer_info": {}}', '{"a": 1, "a": 2}'])
def test_shipping_400_for_a_malformed_body(template: Cart, body: str) -> None:
    _begun, session = begin(template)
    if body == "":
        assert ok(session("POST", "checkout/shipping"))["buyerIdentity"] == NO_BUYER
    else:
        assert_problem(session("POST", "checkout/shipping", body), 400, "bad_request")


def test_shipping_401_for_a_bad_token(template: Cart) -> None:
    begun, _session = begin(template)
    for header in BAD_TOKENS:
        assert_problem(ship(Api(**header), BUYER, cartId=begun["cartId"]), 401, "token_invalid")


def test_shipping_403_without_a_csrf_token(template: Cart, no_csrf_token: Api) -> None:
    begun, _session = begin(template)
    assert_problem(ship(no_csrf_token, BUYER, cartId=begun["cartId"]), 403, "forbidden")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("countryCode", "QX"),
        ("countryCode", "USA"),
        ("provinceCode", "Ontario-xyzzy"),
        ("postalCode", "99-xyzzy"),
        ("phone", "12-xyzzy"),
        ("phone", "+1 212 5550"),
        ("email", "ada-xyzzy"),
        ("address1", "xyzzy" * 50),
        ("address2", "xyzzy" * 50),
        ("firstName", "Ada\u0000xyzzy"),
    ],
)
def test_shipping_422_names_the_field_and_not_the_value(template: Cart, name: str, value: str) -> None:
    _begun, session = begin(template)
    ok(ship(session, BUYER))
    answer = ship(session, {name: value})
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json()["errors"]
    named = errors.get("buyerInfo", errors)
    assert list(named) == [name]
    assert named[name], "a message for it"
    assert value not in answer.content.decode()
    assert ok(ship(session, {}))["buyerIdentity"] == SHOWN, "nothing was changed"


def test_shipping_422_for_an_unknown_field(template: Cart) -> None:
    _begun, session = begin(template)
    answer = ship(session, {"adress1": "350 5th Ave"})
    assert_problem(answer, 422, "invalid")
    assert "350" not in answer.content.decode()


def test_shipping_500_reveals_nothing(template: Cart, calm: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, _session = begin(template)
    monkeypatch.setattr(checkout, "set_buyer", broken)
    token = {"X-Session-Token": begun["sessionToken"]}
    assert_silent_bug(calm("POST", "checkout/shipping", {"buyerInfo": BUYER}, **token))
