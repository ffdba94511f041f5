"""Seed 001, Henry's page Cart Purchase, from top to bottom: request, authorizations, body, response."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache

from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.models import Cart, IdempotencyRecord
from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.conformance.henry_bodies import (
    BOOTS,
    MUG,
    RAW_CARD,
    REF_ID,
    SAMPLE,
    SAMPLE_CART_ID,
    TOTAL,
    UNKNOWN_ID,
    key,
    ok,
    option,
    session_of,
    start,
)
from tests.support.api import Api, assert_problem, guest
from tests.support.headless import purchase_as_henry_shows_it
from tests.support.inline import VERSIONS, buying_calls, buys, use, world
from tests.support.shop import shop_settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("polls_at_once")]

PURCHASE, STATUS = "cart/purchase", "cart/purchase/status"
NUMBER = RAW_CARD["cardNumber"]


@pytest.fixture(params=["v1", "v1-rpc"])
def version(request: Any, settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, request.param)


@pytest.fixture(scope="module")
def raw_sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--allow-raw-card") as sandbox:
        yield sandbox


def sample(
    cart: dict[str, Any], *, token: str = "card_test_pays", card: Any = None, **changes: Any
) -> dict[str, Any]:
    """The page's request for a cart of ours, by default with a token in the place of the card's fields."""
    card = {**SAMPLE["buyer"]["card"], "details": {"cardToken": token} if card is None else card}
    return {**SAMPLE, "cartId": cart["cartId"], "buyer": {**SAMPLE["buyer"], "card": card}, **changes}


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    first, *rest = path
    if rest:
        return {**body, first: without(body[first], *rest)}
    return {name: value for name, value in body.items() if name != first}


def status(holder: Api, job: dict[str, Any]) -> dict[str, Any]:
    return ok(holder("GET", f"{STATUS}?refId={job['refId']}"))


class TestRequest:
    """Heading: POST /cart/purchase, Cart Purchase: the sample request."""

    @pytest.mark.parametrize("generation", VERSIONS)
    def test_the_very_sample(self, sandbox: Sandbox, settings: Any, generation: str) -> None:
        start(settings, sandbox, generation)
        holder, _cart = guest(BOOTS, MUG)
        Cart.objects.update(public_id=UUID(SAMPLE_CART_ID))
        answer = holder("POST", PURCHASE, sample({"cartId": SAMPLE_CART_ID}), **key())
        if generation == "v0":
            assert_problem(answer, 409, "not_supported")
            assert sandbox.requests() == []
            return
        job = ok(answer)
        assert (job["status"], bool(REF_ID.fullmatch(job["refId"]))) == ("pending", True)
        assert [order["refId"] for order in sandbox.orders()] == [job["refId"]]

    @pytest.mark.parametrize("allowed", [False, True])
    def test_raw_card_fields_are_refused_and_not_echoed(
        self, sandbox: Sandbox, version: str, settings: Any, allowed: bool
    ) -> None:
        option(settings, ALLOW_RAW_CARD=allowed)
        holder, cart = guest(BOOTS, MUG)
        card = RAW_CARD if not allowed else {**RAW_CARD, "cvv": "12"}
        answer = holder("POST", PURCHASE, sample(cart, card=card), **key())
        assert_problem(answer, 422, "invalid" if allowed else "raw_card_refused")
        assert NUMBER not in answer.content.decode()
        if allowed:
            short = sample(cart, card=without(RAW_CARD, "expiryYear"))
            answer = holder("POST", PURCHASE, short, **key())
            assert_problem(answer, 422, "invalid")
            assert NUMBER not in answer.content.decode()
        assert (buying_calls(sandbox), IdempotencyRecord.objects.count()) == ([], 0)

    @pytest.mark.parametrize("generation", ["v1", "v1-rpc"])
    def test_raw_card_fields_where_the_shop_and_henry_take_them(
        self, raw_sandbox: Sandbox, settings: Any, generation: str
    ) -> None:
        raw_sandbox.reset()
        cache.clear()
        settings.HENRY_CHECKOUT = shop_settings(raw_sandbox, ALLOW_RAW_CARD=True)
        use(settings, generation)
        holder, _cart = guest(BOOTS, MUG)
        Cart.objects.update(public_id=UUID(SAMPLE_CART_ID))
        answer = holder("POST", PURCHASE, SAMPLE, **key())
        job = ok(answer)
        assert raw_sandbox.orders()[0]["cardLast4"] == NUMBER[-4:]
        shown = holder("GET", f"{STATUS}?refId={job['refId']}")
        assert ok(shown)["details"]["card"]["details"] == {}
        assert NUMBER not in f"{answer.content}{shown.content}{IdempotencyRecord.objects.values()}"


class TestAuthorizations:
    """Heading: Authorizations."""

    @pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
    def test_a_trusted_server(self, version: str, header: str) -> None:
        _holder, cart = guest(BOOTS, MUG)
        secret = create_api_key("till")
        till = Api(**{header: f"Api-Key {secret}" if header == "Authorization" else secret})
        job = ok(till("POST", PURCHASE, sample(cart), **key()))
        assert status(till, job)["refId"] == job["refId"]

    def test_strangers(self, sandbox: Sandbox, version: str) -> None:
        _holder, cart = guest(BOOTS)
        assert_problem(session_of("forged")("POST", PURCHASE, sample(cart), **key()), 401, "token_invalid")
        forged = Api(Authorization="Api-Key hck_forged")
        assert_problem(forged("POST", PURCHASE, sample(cart), **key()), 401, "token_invalid")
        for stranger in (Api(), guest(BOOTS)[0]):
            assert_problem(stranger("POST", PURCHASE, sample(cart), **key()), 404, "cart_not_found")
        assert sandbox.requests() == []


class TestBody:
    """Heading: Body: cartId, buyer, overrideProducts, settings, metadata, and what only the sample has."""

    def test_cart_id_in_the_spelling_of_a_uuid(self, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        uuid = str(Cart.objects.get().public_id)
        assert uuid != cart["cartId"]
        assert ok(holder("POST", PURCHASE, sample({"cartId": uuid.upper()}), **key()))["refId"]

    def test_what_is_required(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS)
        body = sample(cart)
        for path in (
            ["cartId"],
            ["buyer"],
            ["buyer", "name"],
            ["buyer", "email"],
            ["buyer", "phone"],
            ["buyer", "shippingAddress"],
            ["buyer", "shippingAddress", "line1"],
            ["buyer", "shippingAddress", "countryCode"],
            ["buyer", "card", "details"],
        ):
            assert_problem(holder("POST", PURCHASE, without(body, *path), **key()), 422, "invalid")
        for name in ("city", "province", "postalCode"):
            short = without(body, "buyer", "shippingAddress", name)
            problem = assert_problem(holder("POST", PURCHASE, short, **key()), 422, "buyer_incomplete")
            assert list(problem["errors"]) == [name]
        for name in ("firstName", "lastName"):
            short = without(body, "buyer", "name", name)
            problem = assert_problem(holder("POST", PURCHASE, short, **key()), 422, "buyer_incomplete")
            assert list(problem["errors"]) == [name]
        no_card = without(body, "buyer", "card")
        assert_problem(holder("POST", PURCHASE, no_card, **key()), 422, "card_required")
        assert sandbox.requests() == []

    def test_what_is_optional(self, version: str) -> None:
        holder, cart = guest(BOOTS)
        body = without(without(sample(cart), "selectedShippingOption"), "coupons")
        for path in (
            ("name", "middleName"),
            ("shippingAddress", "line2"),
            ("card", "nameOnCard"),
            ("card", "billingAddress"),
        ):
            body = without(body, "buyer", *path)
        job = ok(holder("POST", PURCHASE, body, **key()))
        assert "middleName" not in job["details"]["name"]
        assert job["details"]["card"]["billingAddress"] == job["details"]["shippingAddress"]

    @pytest.mark.parametrize(
        "settings_sent",
        [
            {"options": {"collectBuyerEmail": "never"}},
            {"commissionFeePercent": 5},
            {"commissionFeeFixed": {"value": 1, "currency": "USD"}},
            {"serviceFeePercent": 5},
            {"serviceFeeFixed": {"value": 1, "currency": "USD"}},
            {"events": []},
        ],
        ids=lambda sent: next(iter(sent)),
    )
    def test_settings_that_are_not_the_callers(
        self, sandbox: Sandbox, settings: Any, settings_sent: dict[str, Any]
    ) -> None:
        start(settings, sandbox, "v1-rpc")
        holder, cart = guest(BOOTS)
        body = sample(cart, settings=settings_sent)
        assert_problem(holder("POST", PURCHASE, body, **key()), 422, "invalid")
        assert sandbox.requests() == []

    def test_what_is_invalid(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS)
        for wrong in (
            {"coupon": "X"},
            {"coupons": "SUMMER21"},
            {"metadata": ["x"]},
            {"selectedShippingOption": "express"},
            {"overrideProducts": [BOOTS["link"]]},
            {"overrideProducts": {BOOTS["link"]: 0}},
            {"overrideProducts": {BOOTS["link"]: "many"}},
        ):
            problem = assert_problem(holder("POST", PURCHASE, sample(cart, **wrong), **key()), 422, "invalid")
            assert len(problem["errors"]) == 1
        foreign = sample(cart, overrideProducts={"https://alpine.example/other": 1})
        assert_problem(holder("POST", PURCHASE, foreign, **key()), 422, "invalid_item")
        assert sandbox.requests() == []

    def test_other_refusals(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest()
        assert_problem(holder("POST", PURCHASE, "{", **key()), 400, "bad_request")
        assert_problem(holder("POST", PURCHASE, sample(cart)), 400, "idempotency_key_required")
        for unknown in ("nonsense", UNKNOWN_ID, SAMPLE_CART_ID):
            answer = holder("POST", PURCHASE, sample({"cartId": unknown}), **key())
            assert_problem(answer, 404, "cart_not_found")
        assert_problem(holder("POST", PURCHASE, sample(cart), **key()), 409, "cart_empty")
        for wrong in ({"email": "john"}, {"phone": "555-1234"}):
            body = sample(cart)
            body["buyer"] = {**body["buyer"], **wrong}
            problem = assert_problem(holder("POST", PURCHASE, body, **key()), 422, "invalid_buyer")
            assert list(problem["errors"]) == list(wrong)
        assert sandbox.requests() == []

    def test_override_products(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        override = {BOOTS["link"]: 1, MUG["link"]: None}
        job = ok(holder("POST", PURCHASE, sample(cart, overrideProducts=override), **key()))
        assert [(each["link"], each["quantity"]) for each in job["products"]] == [(BOOTS["link"], 1)]
        [bought] = sandbox.orders()
        assert [(each["link"], each["quantity"]) for each in bought["items"]] == [(BOOTS["link"], 1)]

    def test_settings_reach_henry_and_the_answer(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS)
        wanted = {"collectEmail": False, "collectAddress": True, "collectPhone": False}
        options = {"allowPartialPurchase": True, "collectBuyerEmail": "optional"}
        body = sample(cart, settings={**wanted, "options": options})
        job = ok(holder("POST", PURCHASE, body, **key()))
        assert job["details"]["settings"] == wanted
        at_henry = purchase_as_henry_shows_it(sandbox, version, job["refId"])
        assert at_henry["details"]["settings"] == wanted

    def test_accepted_total_guards_the_price(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        plain = without(without(sample(cart), "selectedShippingOption"), "coupons")
        low = {**plain, "acceptedTotal": {"value": "249.59", "currency": "USD"}}
        problem = assert_problem(holder("POST", PURCHASE, low, **key()), 409, "AMOUNT_CHANGED")
        assert problem["totals"]["total"]["value"] == TOTAL
        assert sandbox.orders() == []
        ok(holder("POST", PURCHASE, {**plain, "acceptedTotal": problem["totals"]["total"]}, **key()))
        assert sandbox.orders()[0]["total"] == Decimal(TOTAL)


class TestRepeating:
    """Heading: Response: one queued purchase for each request, and what Henry refuses (henry-api.md 2.5)."""

    def test_the_same_key_queues_one_purchase(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS, MUG)
        first = ok(holder("POST", PURCHASE, sample(cart), **key()))
        again = holder("POST", PURCHASE, sample(cart), **key())
        assert (ok(again)["refId"], again["Idempotent-Replayed"]) == (first["refId"], "true")
        other = sample(cart, coupons=[])
        assert_problem(holder("POST", PURCHASE, other, **key()), 422, "idempotency_key_reused")
        assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1

    def test_henry_refuses_the_payment(self, sandbox: Sandbox, version: str, settings: Any) -> None:
        option(settings, API_THROTTLES={"refused": "1/hour"})
        world(sandbox, faults=[buys(version, "status", status=402)])
        holder, cart = guest(BOOTS)
        assert_problem(holder("POST", PURCHASE, sample(cart), **key()), 402, "payment_refused")
        assert_problem(holder("POST", PURCHASE, sample(cart), **key()), 429, "throttled")
        assert sandbox.orders() == []

    def test_henry_is_down_before_anything_is_bought(self, sandbox: Sandbox, version: str) -> None:
        holder, cart = guest(BOOTS)
        troubles = {500: "henry_unavailable", 429: "henry_rate_limited", 401: "not_configured"}
        for fault, code in troubles.items():
            world(sandbox, faults=[{"fault": "status", "status": fault, "path": "/v1/cart*"}])
            answer = holder("POST", PURCHASE, sample(cart), **key())
            assert_problem(answer, 503, code)
            assert int(answer["Retry-After"]) > 0
        assert buying_calls(sandbox) == []
        assert ok(holder("POST", PURCHASE, sample(cart), **key()))["status"] == "pending"

    def test_throttled(self, version: str, settings: Any) -> None:
        option(settings, API_THROTTLES={"checkout": "1/min"})
        holder, cart = guest(BOOTS)
        ok(holder("POST", PURCHASE, sample(cart), **key()))
        assert_problem(holder("POST", PURCHASE, sample(cart), **key()), 429, "throttled")
