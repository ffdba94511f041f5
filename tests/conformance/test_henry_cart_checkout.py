"""Seed 000, Henry's guide to cart checkout, up to the payment method. Each class quotes its headings.

Confirm checkout is in `test_henry_cart_checkout_confirm.py`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from django_henry_checkout.models import Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.conformance.henry_bodies import (
    BOOTS,
    DETAILS,
    HOSTS,
    MOVED,
    MUG,
    SHIPPING,
    SUBTOTAL,
    TAX,
    TOTAL,
    UNKNOWN_ID,
    ok,
    option,
    quoted,
    server,
    session_of,
    start,
    time_passes,
)
from tests.support.api import Api, assert_problem, guest
from tests.support.inline import VERSIONS, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("polls_at_once")]

CHECKOUT, QUOTE, CARD = "cart/checkout", "checkout/session/quote", "checkout/session/card"
PRODUCTS, SHIPS, CONFIRM = (
    "checkout/session/products",
    "checkout/session/shipping",
    "checkout/session/confirm",
)
PERSON = {
    "name": {"firstName": "John", "lastName": "Doe"},
    "email": "john@example.com",
    "phone": "+12125550123",
    "shippingAddress": {
        "line1": "350 5th Ave",
        "city": "New York",
        "province": "NY",
        "postalCode": "10001",
        "countryCode": "US",
    },
}


@pytest.fixture(params=VERSIONS)
def version(request: Any, settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, request.param)


@pytest.fixture
def v1(settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, "v1")


@pytest.fixture
def v0(settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, "v0")


def asked(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    return [row for row in sandbox.requests() if row["path"] == path]


class TestOverview:
    """Heading: Overview."""

    def test_both_approaches_reuse_the_cart_and_its_order(self, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        hosted = ok(holder("POST", CHECKOUT, {"cartId": cart["cartId"]}), 201)
        headless = ok(holder("POST", QUOTE, {"shippingDetails": DETAILS}))
        assert hosted["orderId"] == headless["orderId"]
        assert ok(holder("GET", f"cart/{cart['cartId']}"))["items"] == cart["items"]


class TestHostedCheckout:
    """Headings: Hosted checkout (fastest path), Generate a checkout URL."""

    def test_the_answer_holds_a_url_that_opens(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        begun = ok(holder("POST", CHECKOUT, {"cart_id": cart["cartId"]}), 201)
        assert begun["checkoutUrl"].startswith(f"{sandbox.url}/")
        page = requests.get(begun["checkoutUrl"], timeout=10)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert begun["ignored"] == []
        order = ok(holder("GET", f"orders/{begun['orderId']}"))
        assert (order["status"], order["orderNumber"]) == ("open", begun["orderNumber"])
        viewer = session_of(begun["sessionToken"])
        assert ok(viewer("GET", f"orders/{begun['orderId']}"))["orderId"] == begun["orderId"]
        assert begun["expiresAt"] > order["createdAt"]

    def test_auth_and_region(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS)
        for auth, region in ((True, "us"), (False, "GB")):
            body = {"cartId": cart["cartId"], "auth": auth, "region": region}
            begun = ok(holder("POST", CHECKOUT, body), 201)
            assert begun["ignored"] == ([] if version == "v0" else ["auth", "region"])
            if version == "v0":
                query = parse_qs(asked(sandbox, "/v0/cart/checkout")[-1]["query"])
                assert query == {"auth": [str(auth).lower()], "region": [region.lower()]}

    def test_a_shopper_needs_no_account_unless_the_shop_asks_for_one(
        self, sandbox: Sandbox, v0: str, settings: Any
    ) -> None:
        for signs_in, auth in ((False, "false"), (True, "true")):
            option(settings, HOSTED_SIGN_IN=signs_in)
            holder, cart = guest(BOOTS)
            ok(holder("POST", CHECKOUT, {"cartId": cart["cartId"]}), 201)
            assert asked(sandbox, "/v0/cart/checkout")[-1]["query"] == f"auth={auth}"

    def test_theme_stands_in_the_url(self, version: str) -> None:
        holder, cart = guest(BOOTS)
        for theme in ("light", "dark"):
            begun = ok(holder("POST", CHECKOUT, {"cartId": cart["cartId"], "theme": theme}), 201)
            assert parse_qs(urlsplit(begun["checkoutUrl"]).query)["theme"] == [theme]

    def test_prefill_is_off_until_the_shop_wants_it(self, version: str, settings: Any) -> None:
        holder, cart = guest(BOOTS)
        body = {"cartId": cart["cartId"], "buyer": PERSON}
        assert_problem(holder("POST", CHECKOUT, body), 409, "prefill_off")
        option(settings, PREFILL_HOSTED_PAGE=True)
        answer = holder("POST", CHECKOUT, body)
        if version != "v1":
            assert_problem(answer, 409, "not_supported")
            return
        page = requests.get(ok(answer, 201)["checkoutUrl"], timeout=10)
        assert "john@example.com" in page.text
        assert "350 5th Ave" in page.text

    @pytest.mark.django_db(transaction=True)
    def test_the_order_of_the_page_can_be_monitored(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        begun = ok(holder("POST", CHECKOUT, {"cartId": cart["cartId"]}), 201)
        requests.get(begun["checkoutUrl"], timeout=10)
        who = {"userId" if version == "v0" else "cartId": Order.objects.get().henry_cart_id}
        paid = sandbox.call("POST", "pay", who)
        back = f"checkout/{begun['orderId']}/pay/{begun['sessionToken']}/completed"
        assert Api()("GET", f"{back}?orderId={paid.get('orderId', paid['refId'])}").status_code == 302
        time_passes(sandbox, 60)
        order = ok(holder("GET", f"orders/{begun['orderId']}"))
        assert (order["status"], order["totals"]["total"]["value"]) == ("completed", TOTAL)

    def test_bad_input(self, v1: str) -> None:
        holder, cart = guest(BOOTS)
        assert_problem(holder("POST", CHECKOUT, "{"), 400, "bad_request")
        assert_problem(holder("POST", CHECKOUT, {}), 422, "invalid")
        assert_problem(holder("POST", CHECKOUT, {"cartId": UNKNOWN_ID}), 404, "cart_not_found")
        for wrong in ({"theme": "pink"}, {"auth": "perhaps"}, {"region": "Texas"}, {"return": "x"}):
            assert_problem(holder("POST", CHECKOUT, {"cartId": cart["cartId"], **wrong}), 422, "invalid")

    def test_strangers_and_an_empty_cart(self, version: str) -> None:
        holder, cart = guest()
        body = {"cartId": cart["cartId"]}
        assert_problem(session_of("forged")("POST", CHECKOUT, body), 401, "token_invalid")
        assert_problem(guest(BOOTS)[0]("POST", CHECKOUT, body), 404, "cart_not_found")
        assert_problem(holder("POST", CHECKOUT, body), 409, "cart_empty")


def test_generate_a_checkout_url_is_throttled(v1: str, settings: Any) -> None:
    option(settings, API_THROTTLES={"checkout": "1/min"})
    holder, cart = guest(BOOTS)
    ok(holder("POST", CHECKOUT, {"cartId": cart["cartId"]}), 201)
    answer = holder("POST", CHECKOUT, {"cartId": cart["cartId"]})
    assert_problem(answer, 429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 61


class TestQuote:
    """Headings: Headless checkout API, Create a quote session."""

    def test_session_token_taxes_and_totals(self, version: str) -> None:
        _session, quote = quoted()
        assert len(quote["sessionToken"]) > 20
        shown = quote["orderMetadata"]
        assert shown == {
            "totalPrice": 249.6,
            "tax": 17.6,
            "shippingTotal": 12,
            "shipping": dict.fromkeys(HOSTS, 6),
            "transactionFee": shown["transactionFee"],
            "currency": "USD",
        }
        assert shown["transactionFee"] in (0, None)
        totals = {name: amount and amount["value"] for name, amount in quote["totals"].items()}
        assert (totals["total"], totals["tax"], totals["shipping"]) == (TOTAL, TAX, SHIPPING)
        # Henry's v0 has no subtotal before the order is placed (henry-api.md 3.1.3): it is the shop's own.
        assert totals["subtotal"] == SUBTOTAL
        assert quote["totals"]["total"]["currency"] == "USD"

    def test_a_second_quote_updates_the_session(self, sandbox: Sandbox, version: str) -> None:
        session, first = quoted()
        world(sandbox, prices={BOOTS["link"]: "110.00"})
        again = ok(session("POST", QUOTE, {"shipping_details": MOVED}))
        for same in ("sessionToken", "sessionId", "orderId"):
            assert again[same] == first[same]
        assert again["totals"]["total"]["value"] == "271.20"
        assert again["orderMetadata"]["totalPrice"] == 271.2
        assert ok(session("GET", SHIPS))["shippingDetails"] == MOVED

    def test_each_shipping_detail_is_needed(self, v1: str) -> None:
        holder, _cart = guest(BOOTS)
        refused = {}
        for name in sorted(set(DETAILS) - {"addressLine2"}):
            details = {field: value for field, value in DETAILS.items() if field != name}
            answer = holder("POST", QUOTE, {"shippingDetails": details})
            refused[name] = (answer.status_code, answer.json()["code"])
        by_country = dict.fromkeys(("postalCode", "stateOrProvince"), (422, "buyer_incomplete"))
        assert refused == {**dict.fromkeys(refused, (422, "invalid")), **by_country}

    @pytest.mark.parametrize("name", ["addressLine1", "postalCode", "stateOrProvince"])
    def test_a_missing_detail_is_named_as_it_is_sent(self, v1: str, name: str) -> None:
        holder, _cart = guest(BOOTS)
        details = {field: value for field, value in DETAILS.items() if field != name}
        errors = holder("POST", QUOTE, {"shippingDetails": details}).json()["errors"]
        assert list(errors.get("shippingDetails", errors)) == [name]

    def test_the_second_address_line_may_be_left_out(self, version: str) -> None:
        details = {field: value for field, value in DETAILS.items() if field != "addressLine2"}
        session, _quote = quoted(details=details)
        assert ok(session("GET", SHIPS))["shippingDetails"] == {**DETAILS, "addressLine2": None}

    def test_region(self, sandbox: Sandbox, version: str) -> None:
        holder, _cart = guest(BOOTS)
        ok(holder("POST", QUOTE, {"shippingDetails": DETAILS, "region": "us"}))
        if version == "v0":
            [row] = asked(sandbox, "/v0/checkout/session/quote")
            assert "region" in row["bodyKeys"]

    def test_coupons(self, version: str) -> None:
        holder, _cart = guest(BOOTS, MUG)
        answer = holder("POST", QUOTE, {"shippingDetails": DETAILS, "coupons": ["SAVE10", "NOPE"]})
        if version == "v0":
            assert_problem(answer, 409, "not_supported")
            return
        quote = ok(answer)
        assert quote["totals"]["discount"]["value"] == "22.00"
        assert (quote["coupons"], quote["refusedCoupons"]) == (["SAVE10", "NOPE"], ["NOPE"])

    def test_bad_input(self, v1: str) -> None:
        holder, _cart = guest(BOOTS)
        assert_problem(holder("POST", QUOTE, "["), 400, "bad_request")
        assert_problem(holder("POST", QUOTE, {}), 422, "invalid")
        assert_problem(holder("POST", QUOTE, {"shippingDetails": "home"}), 422, "invalid")
        unknown = {"shippingDetails": DETAILS, "cartId": UNKNOWN_ID}
        assert_problem(holder("POST", QUOTE, unknown), 404, "cart_not_found")
        for wrong in ({"countryCode": "ZZ"}, {"phoneNumber": "555"}, {"email": "john"}):
            body = {"shippingDetails": {**DETAILS, **wrong}}
            assert_problem(holder("POST", QUOTE, body), 422, "invalid_buyer")

    def test_strangers_and_an_empty_cart(self, version: str) -> None:
        holder, cart = guest()
        body = {"cartId": cart["cartId"], "shippingDetails": DETAILS}
        assert_problem(session_of("forged")("POST", QUOTE, body), 401, "token_invalid")
        assert_problem(Api()("POST", QUOTE, body), 404, "cart_not_found")
        assert_problem(holder("POST", QUOTE, body), 409, "cart_empty")

    def test_while_henry_is_slow_or_down(self, sandbox: Sandbox, version: str, settings: Any) -> None:
        holder, _cart = guest(BOOTS)
        paths = {"v1": "/v1/cart/*/details", "v1-rpc": "/v1/cart/details", "v0": "/v0/checkout/*"}
        world(sandbox, faults=[{"fault": "status", "status": 500, "path": paths[version]}])
        answer = holder("POST", QUOTE, {"shippingDetails": DETAILS})
        assert_problem(answer, 503, "henry_unavailable")
        assert int(answer["Retry-After"]) > 0
        if version != "v0":
            option(settings, QUOTE_TIMEOUT=0.1)
            sandbox.scenario(timing={"jobSeconds": 1000})
            answer = holder("POST", QUOTE, {"shippingDetails": DETAILS})
            assert_problem(answer, 503, "quote_pending")
            assert answer["Retry-After"] == "1"

    def test_throttled(self, v1: str, settings: Any) -> None:
        option(settings, API_THROTTLES={"checkout": "1/min"})
        session, _quote = quoted()
        ok(session("POST", QUOTE, {"shippingDetails": DETAILS}))
        assert_problem(session("POST", QUOTE, {"shippingDetails": DETAILS}), 429, "throttled")


class TestSessionState:
    """Heading: Review the session state."""

    def test_products_mirror_the_cart(self, version: str) -> None:
        session, _quote = quoted()
        boots, mug = ok(session("GET", PRODUCTS))["products"]
        known = {**boots, "productId": "any"}
        assert boots["productId"] != mug["productId"]
        assert known == {
            "productId": "any",
            "name": "Boots",
            "price": "100.00",
            "currency": "USD",
            "quantity": 2,
            "productLink": BOOTS["link"],
            "productImageLink": BOOTS["imageUrl"],
            "metadata": {"color": "Black"},
            "selectedOptions": ["10", "Black"],
            "selectedShipping": {},
        }
        assert (mug["name"], mug["price"], mug["quantity"]) == ("Mug", "20.00", 1)
        assert mug["productImageLink"] is None

    def test_shipping_is_told_from_no_shipping(self, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        begun = ok(holder("POST", f"checkout/begin/{cart['cartId']}", {}))
        session = session_of(begun["sessionToken"])
        bare = {"hasShipping": False, "shippingDetails": None, "shippingMethods": []}
        assert ok(session("GET", SHIPS)) == bare

    def test_shipping_echoes_the_validated_address(self, version: str) -> None:
        typed = {**DETAILS, "city": " New York ", "stateOrProvince": "New York", "countryCode": "us"}
        session, _quote = quoted(details=typed)
        shown = ok(session("GET", SHIPS))
        assert (shown["hasShipping"], shown["shippingDetails"]) == (True, DETAILS)
        hosts = [method["merchant"] for method in shown["shippingMethods"]]
        assert hosts == ([] if version == "v0" else HOSTS)
        rates = [rate["cost"]["value"] for method in shown["shippingMethods"] for rate in method["rates"]]
        assert rates == ([] if version == "v0" else ["6.00", "14.00"] * 2)

    @pytest.mark.parametrize("path", [PRODUCTS, SHIPS])
    def test_strangers(self, v1: str, path: str) -> None:
        _session, quote = quoted()
        assert_problem(session_of("forged")("GET", path), 401, "token_invalid")
        assert_problem(Api()("GET", path), 400, "session_not_named")
        other = guest(BOOTS)[0]
        assert_problem(other("GET", f"{path}?sessionId={quote['sessionId']}"), 404, "session_not_found")
        assert ok(server()("GET", f"{path}?sessionId={quote['sessionId']}"))


class TestPaymentMethod:
    """Heading: Collect a payment method."""

    def test_modal_or_element(self, sandbox: Sandbox, version: str, settings: Any) -> None:
        option(settings, CARD_ELEMENT={"publishableKey": "pk_1"})
        session, _quote = quoted()
        form = ok(session("POST", CARD, {}))
        if version == "v0":
            assert (form["kind"], form["settings"]) == ("modal", {})
            assert form["modalUrl"].startswith(f"{sandbox.url}/")
            assert requests.get(form["modalUrl"], timeout=10).status_code == 200
        else:
            assert form == {"kind": "element", "modalUrl": None, "settings": {"publishableKey": "pk_1"}}

    def test_strangers_and_trouble(self, sandbox: Sandbox, v0: str) -> None:
        session, _quote = quoted()
        assert_problem(session_of("forged")("POST", CARD, {}), 401, "token_invalid")
        assert_problem(Api()("POST", CARD, {}), 400, "session_not_named")
        assert_problem(session("POST", CARD, {"cardNumber": "4242"}), 422, "raw_card_refused")
        world(sandbox, faults=[{"fault": "status", "status": 500, "path": "/v0/wallet/*"}])
        assert_problem(session("POST", CARD, {}), 503, "henry_unavailable")
