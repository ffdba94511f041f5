"""The last two calls of the Diddo page (seed 002; diddo-checkout.md 3, 5, 6): shipping method, customer token."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone

from django_henry_checkout.api.diddo import checkout, customer_tokens
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.models import Cart, CustomerSession
from django_henry_checkout.types import parse_public_id
from tests.conformance.test_diddo_checkout import (
    BAD_TOKENS,
    BUYER,
    SHOWN,
    assert_silent_bug,
    begin,
    broken,
    methods,
    ship,
    snake,
)
from tests.conformance.test_diddo_qr import UNKNOWN
from tests.support.api import BOOTS, Api, assert_problem, guest, ok
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]


def choose(api: Api, cart_id: str, method_id: Any, **headers: str) -> Any:
    body = {"cartId": cart_id, "shippingMethodId": method_id}
    return api("POST", "checkout/shipping/method", body, **headers)


def offered(template: Cart) -> tuple[str, Api, list[dict[str, Any]]]:
    """Begin, set an address, and return the cart's id, its holder and the methods on offer."""
    begun, session = begin(template)
    return begun["cartId"], session, methods(ok(ship(session, BUYER)))


def selected(shown: dict[str, Any]) -> list[Any]:
    return [store["offer"]["selectedShippingMethod"] for store in shown["stores"]]


# Set Shipping Method


@pytest.mark.parametrize("spelling", [int, str])
def test_set_shipping_method(template: Cart, version: str, spelling: type) -> None:
    """Set Shipping Method: `shipping_method_id` is an integer; a numeric string is taken too."""
    cart_id, session, found = offered(template)
    if version == "v0":
        assert_problem(choose(session, cart_id, spelling(1)), 409, "not_supported")
        return
    dear = max(found, key=lambda method: method["price"]["value"])
    body = {"cart_id": cart_id, "shipping_method_id": spelling(dear["id"])}
    shown = ok(session("POST", "checkout/shipping/method", body))
    assert dear in selected(shown)
    cost = {name: amount["value"] for name, amount in shown["cost"].items() if name != "isEstimated"}
    assert cost["total"] == cost["subtotal"] + cost["tax"] + cost["shipping"]
    cheap = min(
        next(
            store["offer"]["shippingMethods"]
            for store in shown["stores"]
            if dear in methods({"stores": [store]})
        ),
        key=lambda method: method["price"]["value"],
    )
    cheaper = ok(choose(session, cart_id, spelling(cheap["id"])))
    assert cheap in selected(cheaper)
    saved = dear["price"]["value"] - cheap["price"]["value"]
    assert cost["shipping"] - cheaper["cost"]["shipping"]["value"] == saved > 0
    assert cheap in selected(ok(ship(session, {"firstName": "Augusta"}))), "the choice stays"


def test_method_400_for_one_that_is_not_offered(template: Cart) -> None:
    """400: an id that was never offered, or is another session's."""
    cart_id, session, found = offered(template)
    _cart, _session, theirs = offered(template)
    for method_id in (1, theirs[0]["id"]):
        assert method_id not in {method["id"] for method in found}
        assert_problem(choose(session, cart_id, method_id), 400, "shipping_method_not_offered")
    assert selected(ok(ship(session, {}))) == [None, None]


def test_method_400_before_there_is_an_address(template: Cart) -> None:
    begun, session = begin(template)
    assert_problem(choose(session, begun["cartId"], 1), 400, "quote_required")


def assert_names(answer: Any, name: str) -> None:
    """Accept either spelling here: the tests of shipping and cst require camelCase."""
    assert [snake(each) for each in assert_problem(answer, 400, "invalid")["errors"]] == [name]


def test_method_400_for_a_malformed_body(template: Cart) -> None:
    """400: `cart_id` and `shipping_method_id` are required, the one a string, the other an integer."""
    cart_id, session, _found = offered(template)
    whole = {"cartId": cart_id, "shippingMethodId": 1}
    for name in whole:
        answer = session(
            "POST", "checkout/shipping/method", {key: whole[key] for key in whole if key != name}
        )
        assert_names(answer, snake(name))
    for wrong in ("express", 1.5, True, None, [], {}, "", 0, -1):
        answer = choose(session, cart_id, wrong)
        assert_names(answer, "shipping_method_id")
    assert_problem(session("POST", "checkout/shipping/method", "1"), 400, "bad_request")


def test_method_400_for_a_number_beyond_all_ids(template: Cart) -> None:
    cart_id, session, _found = offered(template)
    for huge in (2**63, 10**40, "9" * 900):
        answer = choose(session, cart_id, huge)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_method_401_for_a_bad_token(template: Cart) -> None:
    begun, _session = begin(template)
    for header in BAD_TOKENS:
        assert_problem(choose(Api(**header), begun["cartId"], 1), 401, "token_invalid")


def test_method_403_without_a_csrf_token(template: Cart, no_csrf_token: Api) -> None:
    begun, _session = begin(template)
    assert_problem(choose(no_csrf_token, begun["cartId"], 1), 403, "forbidden")


def test_method_404_for_nothing_and_for_another_callers(template: Cart) -> None:
    begun, _session = begin(template)
    _other, stranger = begin(template)
    found = [choose(stranger, cart_id, 1) for cart_id in (UNKNOWN, begun["cartId"], "nonsense")]
    assert_problem(found[0], 404, "session_not_found")
    assert found[0].content == found[1].content == found[2].content


def test_method_500_reveals_nothing(template: Cart, calm: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, _session = begin(template)
    monkeypatch.setattr(checkout, "choose_shipping", broken)
    token = {"X-Session-Token": begun["sessionToken"]}
    assert_silent_bug(choose(calm, begun["cartId"], 1, **token))


# Mint a Customer Session Token


def mint(server: Api, buyer: Any = None) -> tuple[str, Api]:
    cst = ok(server("POST", "checkout/cst", buyer))["cst"]
    return cst, Api(Authorization=f"Bearer {cst}")


def parts(cst: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(f"{part}===")) for part in cst.split(".")[:2]]


def test_mint_a_customer_session_token(server: Api, template: Cart) -> None:
    """Mint a Customer Session Token: one field; the ten fields, flat, fill in the checkout that begins with it."""
    for body in (BUYER, {snake(name): value for name, value in BUYER.items()}):
        answer = ok(server("POST", "checkout/cst", body))
        assert set(answer) == {"cst"}
        customer = Api(Authorization=f"Bearer {answer['cst']}")
        assert begin(template, customer)[0]["cart"]["buyerIdentity"] == SHOWN


def test_each_field_is_optional(server: Api, template: Cart) -> None:
    """An empty object, or no body, means a guest."""
    for body in (None, {}, *({name: SHOWN[name]} for name in SHOWN)):
        _cst, customer = mint(server, body)
        shown = begin(template, customer)[0]["cart"]["buyerIdentity"]
        assert {name: value for name, value in shown.items() if value} == (body or {})


def test_the_token_is_a_jwt_for_a_day_with_nothing_personal(server: Api) -> None:
    cst, _customer = mint(server, BUYER)
    header, claims = parts(cst)
    assert set(claims) == {"iss", "aud", "sub", "org", "iat", "exp", "jti"}
    assert (claims["aud"], claims["org"]) == ("checkout", "default")
    assert claims["exp"] - claims["iat"] == 86_400
    assert abs(claims["iat"] - timezone.now().timestamp()) < 30
    assert claims["sub"] == CustomerSession.objects.get().ulid
    assert set(header) == {"alg", "typ", "kid"}
    shown = json.dumps([header, claims]).lower()
    for value in SHOWN.values():
        assert len(value) < 3 or value.lower() not in shown


def test_unknown_keys_of_a_customer_are_ignored(server: Api, template: Cart) -> None:
    _cst, customer = mint(server, {"city": "Albany", "favouriteColor": "green"})
    assert begin(template, customer)[0]["cart"]["buyerIdentity"]["city"] == "Albany"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("countryCode", "QX"),
        ("countryCode", "xyzzy"),
        ("email", "ada-xyzzy"),
        ("phone", "12-xyzzy"),
        ("firstName", ["xyzzy"]),
        ("postalCode", {"xyzzy": 1}),
        ("address1", True),
    ],
)
def test_cst_400_names_the_field_and_not_the_value(server: Api, name: str, value: Any) -> None:
    answer = server("POST", "checkout/cst", {name: value})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), answer.content
    assert list(answer.json()["errors"]) == [name]
    assert b"xyzzy" not in answer.content
    assert not CustomerSession.objects.exists()


def test_cst_400_for_a_malformed_body(server: Api) -> None:
    for body in ("[]", "{", '"ada"', '{"city": NaN}'):
        assert_problem(server("POST", "checkout/cst", body), 400, "bad_request")


def test_cst_401_for_callers_that_may_not_mint(server: Api) -> None:
    """401: no key, a wrong one, a shopper's own token."""
    for header in BAD_TOKENS:
        assert_problem(Api(**header)("POST", "checkout/cst", BUYER), 401, "token_invalid")
    _cst, customer = mint(server)
    holder, _cart = guest(BOOTS)
    for caller in (Api(), customer, holder):
        answer = caller("POST", "checkout/cst", BUYER)
        assert_problem(answer, 401, "unauthenticated")
        assert answer["WWW-Authenticate"].startswith("Bearer")
    assert CustomerSession.objects.count() == 1


def test_a_401_says_how_to_authenticate(template: Cart) -> None:
    """RFC 9110, 401: each response has a `WWW-Authenticate` header."""
    answer = Api(Authorization="Bearer made-up")("POST", f"checkout/begin/{template.ulid}")
    assert answer.status_code == 401
    assert answer.headers.get("WWW-Authenticate", "").startswith("Bearer")


def test_401_for_a_token_that_expired_or_was_tampered_with(
    server: Api, template: Cart, settings: Any
) -> None:
    cst, _customer = mint(server)
    header, claims = parts(cst)
    forged = [cst[:-3], f"{cst}x", jwt.encode(claims, "k" * 32, headers={"kid": header["kid"]})]
    forged.append(".".join([base64.urlsafe_b64encode(b'{"alg":"none"}').decode(), cst.split(".")[1], ""]))
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "CUSTOMER_TOKEN_LIFETIME": timedelta(minutes=-2)}
    forged.append(mint(server)[0])
    for token in forged:
        answer = Api(Authorization=f"Bearer {token}")("POST", f"checkout/begin/{template.ulid}")
        assert_problem(answer, 401, "token_invalid")


def test_a_token_is_revoked_with_its_session(server: Api, template: Cart) -> None:
    _cst, customer = mint(server, BUYER)
    begun, _session = begin(template, customer)
    assert customer("DELETE", "checkout/cst").status_code == 204
    for call in (
        ("POST", f"checkout/begin/{template.ulid}"),
        ("POST", "checkout/shipping", {"cartId": begun["cartId"]}),
        ("GET", f"orders/{begun['orderId']}"),
        ("DELETE", "checkout/cst"),
    ):
        assert_problem(customer(*call), 401, "token_invalid")
    for caller in (Api(), server):
        assert_problem(caller("DELETE", "checkout/cst"), 401, "unauthenticated")


def test_a_token_is_bound_to_its_own_session(server: Api, template: Cart) -> None:
    """The first begin claims a live cart, later ones continue with it; another template is another cart."""
    (_ours, customer), (_theirs, stranger) = mint(server), mint(server)
    first, again = begin(template, customer)[0], begin(template, customer)[0]
    assert first["cartId"] == again["cartId"]
    second = carts.create_cart()
    carts.add_item(second, make_item())
    make_template(second)
    other = begin(second, customer)[0]
    assert other["cartId"] != first["cartId"]
    owners = Cart.objects.filter(template__isnull=False).values_list("customer", flat=True)
    assert len(set(owners)) == 1
    for begun in (again, other):
        assert ok(ship(customer, {"city": "Albany"}, cartId=begun["cartId"]))["id"] == begun["cartId"]
        assert_problem(ship(stranger, {"city": "Rome"}, cartId=begun["cartId"]), 404, "session_not_found")
        assert_problem(stranger("GET", f"orders/{begun['orderId']}"), 404, "order_not_found")
        assert_problem(stranger("POST", f"checkout/begin/{begun['cartId']}"), 404, "cart_not_found")
    assert begin(template, stranger)[0]["cartId"] != first["cartId"]
    assert parse_public_id(parts(_ours)[1]["sub"]) != parse_public_id(parts(_theirs)[1]["sub"])


def test_cst_500_reveals_nothing(server: Api, calm: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_tokens, "create_customer_session", broken)
    assert_silent_bug(calm("POST", "checkout/cst", BUYER, **server._headers))
