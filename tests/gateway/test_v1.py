"""The v1 gateway against the sandbox, over HTTP: each call with real answers, and refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from django_henry_checkout import gateway as gateway_module
from django_henry_checkout.conf import app_settings as henry_settings
from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    BadResponse,
    GatewayError,
    GatewayTimeout,
    GatewayUnavailable,
    NotFound,
    Rejected,
)
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.gateway.v1 import GatewayV1
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Address, Buyer, Card, LineItem, Observation, PurchaseRequest
from tests.support.headless import ADDRESS, BEANIE, BOOTS, BUYER, MUG, usd
from tests.support.rejections import refused
from tests.support.shop import shop_settings

NO_CART = "crt_000000000000"
NO_PURCHASE = "ckp-ref_3fa85f64-5717-4562-b3fc"
NO_JOB = "ckd-ref_3fa85f64-5717-4562-b3fc"


@pytest.fixture
def henry(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> GatewayV1:
    monkeypatch.setattr(gateway_module, "_gateways", {})
    found = gateway_for(henry_settings.account())
    assert isinstance(found, GatewayV1)
    return found


@pytest.fixture
def cart_id(henry: GatewayV1) -> str:
    return henry.create_cart([LineItem(link=BOOTS, quantity=2), LineItem(link=MUG)]).cart_id


def pays(token: str = "card_test_pays", **more: Any) -> PurchaseRequest:
    return PurchaseRequest(buyer=BUYER, card=Card(token=token), **more)


# Carts -------------------------------------------------------------------------------------------


def test_a_cart_is_created_fetched_and_deleted(henry: GatewayV1, sandbox: Sandbox) -> None:
    items = [
        LineItem(
            link=BOOTS,
            quantity=3,
            selected_options=("10",),
            selected_shipping={"id": "express"},
            coupons=("SAVE10",),
            metadata={"gift": True, "note": "für Zoë"},
        ),
        LineItem(link=MUG),
    ]
    made = henry.create_cart(items, tags={"shop": "one"})
    assert re.fullmatch(r"crt_[A-Za-z0-9]{12}", made.cart_id)
    assert made.checkout_url == f"{sandbox.url}/cart/{made.cart_id}"
    assert made.links == (BOOTS, MUG)
    assert henry.fetch_cart(made.cart_id) == made
    assert henry.delete_cart(made.cart_id) is None
    with pytest.raises(NotFound) as caught:
        henry.fetch_cart(made.cart_id)
    assert caught.value.status == 404
    (created, *_rest) = sandbox.requests()
    assert (created["method"], created["path"], created["apiKeyOk"]) == ("POST", "/v1/cart", True)
    assert {"tags.shop", "items.[].selectedShipping.id", "items.[].metadata.gift"} <= set(created["bodyKeys"])
    assert created["userAgent"].startswith("django-henry-checkout/")


def test_items_are_added_changed_and_removed(henry: GatewayV1, cart_id: str, sandbox: Sandbox) -> None:
    assert henry.add_item(cart_id, LineItem(link=BEANIE, selected_options=("Pine",))).links == (
        BOOTS,
        MUG,
        BEANIE,
    )
    assert henry.update_item(cart_id, LineItem(link=BOOTS, quantity=5)).links == (BOOTS, MUG, BEANIE)
    assert henry.remove_item(cart_id, MUG).links == (BOOTS, BEANIE)
    bought = henry.purchase(cart_id, pays())
    assert [(item.link, item.quantity) for item in bought.items] == [(BOOTS, 5), (BEANIE, 1)]
    calls = [(row["method"], row["path"]) for row in sandbox.requests()[1:4]]
    assert calls == [(method, f"/v1/cart/{cart_id}/item") for method in ("POST", "PUT", "DELETE")]


def test_an_empty_cart_can_exist_but_not_be_bought(henry: GatewayV1) -> None:
    cart = henry.create_cart([])
    assert cart.links == ()
    with refused(Rejected, "nothing to buy"):
        henry.purchase(cart.cart_id, pays())
    with refused(Rejected, "empty"):
        henry.request_details(cart.cart_id, address=ADDRESS)


Call = Callable[[GatewayV1, str], object]
ON_A_CART: dict[str, Call] = {
    "fetch": lambda henry, cart_id: henry.fetch_cart(cart_id),
    "add": lambda henry, cart_id: henry.add_item(cart_id, LineItem(link=BEANIE)),
    "update": lambda henry, cart_id: henry.update_item(cart_id, LineItem(link=BOOTS, quantity=7)),
    "remove": lambda henry, cart_id: henry.remove_item(cart_id, BOOTS),
    "delete": lambda henry, cart_id: henry.delete_cart(cart_id),
    "details": lambda henry, cart_id: henry.request_details(cart_id, address=ADDRESS),
    "purchase": lambda henry, cart_id: henry.purchase(cart_id, pays()),
}
READS: dict[str, Call] = {
    "fetch": ON_A_CART["fetch"],
    "details status": lambda henry, cart_id: henry.details_status(NO_JOB),
    "purchase status": lambda henry, cart_id: henry.purchase_status(NO_PURCHASE),
    "orders": lambda henry, cart_id: henry.list_orders(cart_id=cart_id),
}
WRITES: dict[str, Call] = {
    "create": lambda henry, cart_id: henry.create_cart([LineItem(link=BOOTS)]),
    **{name: call for name, call in ON_A_CART.items() if name != "fetch"},
}


@pytest.mark.parametrize("call", ON_A_CART)
def test_an_unknown_cart_is_not_found(henry: GatewayV1, call: str) -> None:
    with refused(NotFound, "Cart not found") as caught:
        ON_A_CART[call](henry, NO_CART)
    assert caught.value.status == 404


@pytest.mark.parametrize("cart_id", ["crt", "a/b", "..%2f..", "x?y=1", "ä", "crt_0000000000000"])
def test_a_malformed_cart_id_stays_one_segment_of_the_path(
    henry: GatewayV1, sandbox: Sandbox, cart_id: str
) -> None:
    with pytest.raises(Rejected):
        henry.add_item(cart_id, LineItem(link=BOOTS))
    (request,) = sandbox.requests()
    assert request["path"].endswith("/item")
    assert request["query"] == ""


@pytest.mark.parametrize("call", ["add", "update", "remove", "purchase"])
def test_a_bought_cart_cannot_change_or_be_bought_again(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, call: str
) -> None:
    henry.purchase(cart_id, pays())
    with refused(Rejected, "bought already") as caught:
        ON_A_CART[call](henry, cart_id)
    assert (caught.value.status, caught.value.retryable, caught.value.maybe_sent) == (409, False, True)
    assert len(sandbox.orders()) == 1


def test_an_item_that_is_not_in_the_cart_cannot_be_changed(henry: GatewayV1, cart_id: str) -> None:
    with refused(NotFound, "not in the cart"):
        henry.remove_item(cart_id, BEANIE)
    with refused(NotFound, "not in the cart"):
        henry.update_item(cart_id, LineItem(link=BEANIE))


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (LineItem(link="http://fernhill.example/x"), "https"),
        (LineItem(link=""), "https|URL"),
        (LineItem(link=BOOTS, quantity=0), "quantity"),
        (LineItem(link=BOOTS, quantity=1000), "quantity"),
    ],
)
def test_a_refused_item_has_a_reason(henry: GatewayV1, cart_id: str, item: LineItem, reason: str) -> None:
    for call in (lambda: henry.create_cart([item]), lambda: henry.add_item(cart_id, item)):
        with refused(Rejected, reason) as caught:
            call()
        assert caught.value.status == 400
    assert henry.fetch_cart(cart_id).links == (BOOTS, MUG)


def test_a_wrong_key_is_an_authentication_error(henry: GatewayV1, sandbox: Sandbox, settings: Any) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_KEY="canary-wrong")
    stranger = gateway_for(henry_settings.account())
    assert stranger is not henry
    for call in (lambda: stranger.create_cart([]), stranger.list_orders):
        with pytest.raises(AuthenticationFailed, match="API_KEY") as caught:
            call()
        assert caught.value.status == 401
        assert "canary" not in str(caught.value)
    assert len(sandbox.requests()) == 2


# Details -----------------------------------------------------------------------------------------


def test_details_are_calculated_per_merchant(henry: GatewayV1, cart_id: str, sandbox: Sandbox) -> None:
    sandbox.scenario(timing={"jobSeconds": 60})
    jobs = henry.request_details(cart_id, address=ADDRESS, coupons=["SAVE10", "NONSENSE"])
    assert len(jobs) == 2
    for job in jobs:
        assert re.fullmatch(r"ckd-ref_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}", job.ref_id)
        assert (job.status, job.items) == ("pending", ())
    sandbox.advance(40)
    assert henry.details_status(jobs[0].ref_id).status == "processing"
    sandbox.advance(21)
    boots, mug = (henry.details_status(job.ref_id) for job in jobs)
    assert (boots.status, boots.ref_id, boots.error) == ("complete", jobs[0].ref_id, "")
    (item,) = boots.items
    assert item.costs.subtotal == usd("328.00")
    assert item.costs.total is not None
    assert item.costs.discount == usd("32.80")
    assert item.coupons == (("SAVE10", True), ("NONSENSE", False))
    assert {option.option_id for option in item.shipping_options} == {"standard", "express"}
    assert all(
        option.cost is not None and option.name and option.min_date for option in item.shipping_options
    )
    assert mug.items[0].costs.subtotal == usd("28.00")


def test_an_unknown_job_is_not_found(henry: GatewayV1, cart_id: str) -> None:
    with pytest.raises(NotFound):
        henry.details_status(NO_JOB)
    ref_id = henry.purchase(cart_id, pays()).ref_id
    with pytest.raises(NotFound):
        henry.details_status(ref_id)  # a purchase is not a details job


def test_a_refused_address_has_a_reason(henry: GatewayV1, cart_id: str) -> None:
    nowhere = Address(line1="1 Main St", city="", postal_code="1", country_code="US")
    with refused(Rejected, r"shippingAddress\.city"):
        henry.request_details(cart_id, address=nowhere)


# Purchases ---------------------------------------------------------------------------------------


def test_a_purchase_runs_to_its_end(henry: GatewayV1, cart_id: str, sandbox: Sandbox) -> None:
    card = Card(token="card_test_pays", first_name="A", last_name="L", billing_address=ADDRESS)
    started = henry.purchase(cart_id, PurchaseRequest(buyer=BUYER, card=card))
    assert re.fullmatch(r"ckp-ref_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}", started.ref_id)
    assert started.status == "pending"
    assert {item.status for item in started.items} == {"pending"}
    assert started.buyer == BUYER
    assert started.costs.total is None
    sandbox.advance(2.5)
    running = henry.purchase_status(started.ref_id)
    assert running.status == "processing"
    assert running.digest != started.digest
    sandbox.advance(10)
    ended = henry.purchase_status(started.ref_id)
    assert ended == henry.purchase_status(started.ref_id)
    assert (ended.ref_id, ended.status, ended.error) == (started.ref_id, "complete", "")
    assert [(item.link, item.quantity, item.status) for item in ended.items] == [
        (BOOTS, 2, "complete"),
        (MUG, 1, "complete"),
    ]
    assert [(item.merchant, item.host) for item in ended.items] == [
        ("Fernhill Outfitters", "fernhill.example"),
        ("Kiln & Tide", "kilnandtide.example"),
    ]
    assert all(item.confirmation_number for item in ended.items)
    (bought,) = sandbox.orders()
    assert ended.costs.total == usd(str(bought["total"]))
    assert ended.costs.fee == usd("0")
    parts = [item.costs.total for item in ended.items]
    assert sum(part.amount for part in parts if part is not None) == ended.costs.total.amount


@pytest.mark.parametrize(
    ("token", "status", "items"),
    [
        ("card_test_some_items_fail", "partially_complete", ["complete", "failed"]),
        ("card_test_all_items_fail", "failed", ["failed", "failed"]),
        ("card_test_cancelled", "cancelled", ["cancelled", "cancelled"]),
        ("card_test_declined", "failed", ["failed", "failed"]),
        ("card_test_hidden_failures", "complete", ["failed", "complete"]),
        ("card_test_awaiting_merchant", "awaiting_merchant", None),
    ],
)
def test_each_final_status_is_read(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, token: str, status: str, items: list[str] | None
) -> None:
    ref_id = henry.purchase(cart_id, pays(token)).ref_id
    sandbox.advance(100)
    ended = henry.purchase_status(ref_id)
    assert ended.status == status
    assert items is None or [item.status for item in ended.items] == items
    if status in {"failed", "cancelled"}:
        assert ended.error


def test_a_purchase_buys_the_changed_cart_and_the_old_name_of_the_fee_is_read(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox
) -> None:
    sandbox.scenario(fees="commission")
    henry.update_item(cart_id, LineItem(link=BOOTS, quantity=1))
    henry.remove_item(cart_id, MUG)
    ref_id = henry.purchase(cart_id, pays(coupons=("SAVE10",), metadata={"a": "b"})).ref_id
    sandbox.advance(100)
    ended = henry.purchase_status(ref_id)
    assert [(item.link, item.quantity) for item in ended.items] == [(BOOTS, 1)]
    assert ended.items[0].costs.discount == usd("16.40")
    assert ended.costs.fee == usd("0")


def test_an_unknown_purchase_is_not_found(henry: GatewayV1) -> None:
    with refused(NotFound, "Purchase not found") as caught:
        henry.purchase_status(NO_PURCHASE)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("buyer", "token", "reason"),
    [
        (BUYER, "4242424242424242", "cardToken"),
        (BUYER, "", "cardToken"),
        (Buyer(first_name="Ada", last_name="L", email="a@b.example"), "card_test_pays", "shippingAddress"),
        (
            Buyer(first_name="Ada", last_name="L", email="nonsense", shipping_address=ADDRESS),
            "card_test_pays",
            "email",
        ),
        (Buyer(email="a@b.example", shipping_address=ADDRESS), "card_test_pays", "firstName"),
    ],
)
def test_a_refused_purchase_has_a_reason_and_buys_nothing(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, buyer: Buyer, token: str, reason: str
) -> None:
    with refused(Rejected, reason) as caught:
        henry.purchase(cart_id, PurchaseRequest(buyer=buyer, card=Card(token=token)))
    assert caught.value.status == 400
    assert sandbox.orders() == []


# The order list ----------------------------------------------------------------------------------


def refs(found: tuple[Observation, ...]) -> list[str]:
    return [observation.ref_id for observation in found]


def test_orders_are_found_by_cart_status_limit_and_page(henry: GatewayV1, sandbox: Sandbox) -> None:
    carts = [henry.create_cart([LineItem(link=BOOTS)]).cart_id for _ in range(5)]
    bought = [henry.purchase(cart_id, pays()).ref_id for cart_id in carts[:4]]
    newest_first = bought[::-1]
    assert refs(henry.list_orders()) == newest_first
    assert refs(henry.list_orders(limit=2)) == newest_first[:2]
    assert refs(henry.list_orders(cart_id=carts[1])) == [bought[1]]
    assert henry.list_orders(cart_id=carts[4]) == ()
    assert henry.list_orders(cart_id=NO_CART) == ()

    sandbox.advance(100)
    late = henry.purchase(carts[4], pays()).ref_id
    assert refs(henry.list_orders(status="complete")) == newest_first
    assert refs(henry.list_orders(status="pending")) == [late]
    assert refs(henry.list_orders(status="pending", cart_id=carts[0])) == []
    (listed,) = henry.list_orders(cart_id=carts[0])
    assert listed == henry.purchase_status(bought[0])

    # The cursor is the time of the last row; it is sent unchanged, including plus signs.
    at = {row["refId"]: row["paidAt"] for row in sandbox.orders()}
    page = henry.list_orders(limit=2, cursor=at[late])
    assert refs(page) == newest_first[:2]
    page = henry.list_orders(limit=2, cursor=at[page[-1].ref_id].replace("Z", "+00:00"))
    assert refs(page) == newest_first[2:]
    assert henry.list_orders(limit=2, cursor=at[page[-1].ref_id]) == ()


def test_a_declined_payment_is_listed_with_the_successful_one(henry: GatewayV1, cart_id: str) -> None:
    declined = henry.purchase(cart_id, pays("card_test_declined")).ref_id
    paid = henry.purchase(cart_id, pays()).ref_id
    assert refs(henry.list_orders(cart_id=cart_id)) == [paid, declined]


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 101}, {"cursor": "yesterday"}, {"cart_id": "nonsense"}]
)
def test_invalid_list_parameters_are_refused(henry: GatewayV1, wrong: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        henry.list_orders(**wrong)
    assert caught.value.status == 400


# Failures ----------------------------------------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"fault": "status", "status": 503, "times": 0},
    "reset": {"fault": "reset", "times": 0},
}


def api_calls(sandbox: Sandbox) -> list[str]:
    return [f"{row['method']} {row['path']}" for row in sandbox.requests()]


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module.transport, "RETRY_BASE_SECONDS", 0.001)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", READS)
def test_every_read_is_retried(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, short_pauses: None, call: str, fault: str
) -> None:
    before = len(sandbox.requests())
    sandbox.scenario(faults=[FAULTS[fault]])
    with pytest.raises(GatewayUnavailable):
        READS[call](henry, cart_id)
    calls = api_calls(sandbox)[before:]
    assert len(calls) == 3
    assert len(set(calls)) == 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", WRITES)
def test_every_write_is_sent_once(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, call: str, fault: str
) -> None:
    before = len(sandbox.requests())
    sandbox.scenario(faults=[FAULTS[fault]])
    with pytest.raises(GatewayUnavailable) as caught:
        WRITES[call](henry, cart_id)
    assert caught.value.maybe_sent
    assert len(api_calls(sandbox)[before:]) == 1


def test_a_purchase_with_a_slow_answer_is_sent_once(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, settings: Any
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "READ_TIMEOUT": 0.3, "PURCHASE_TIMEOUT": 0.3}
    sandbox.scenario(faults=[{"fault": "delay", "seconds": 1}])
    with pytest.raises(GatewayTimeout) as caught:
        henry.purchase(cart_id, pays())
    assert caught.value.maybe_sent
    assert api_calls(sandbox)[1:] == [f"POST /v1/cart/{cart_id}/purchase"]


def test_a_read_succeeds_after_the_outage(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, short_pauses: None
) -> None:
    sandbox.scenario(faults=[{"fault": "reset"}, {"fault": "status", "status": 502}])
    assert henry.fetch_cart(cart_id).cart_id == cart_id


@pytest.mark.parametrize(
    "entry",
    [
        {"fault": "lost_reply"},
        {"fault": "status", "status": 500, "process": True},
        {"fault": "garbage", "kind": "truncated", "process": True},
        {"fault": "redirect", "location": "https://evil.example/", "process": True},
    ],
)
def test_a_purchase_whose_answer_is_lost_was_made_once_and_is_found_by_its_cart(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, entry: dict[str, Any]
) -> None:
    sandbox.scenario(faults=[{"path": "*/purchase", **entry}])
    with pytest.raises(GatewayError) as caught:
        henry.purchase(cart_id, pays())
    assert caught.value.maybe_sent
    (bought,) = sandbox.orders()
    assert refs(henry.list_orders(cart_id=cart_id)) == [bought["refId"]]


@pytest.mark.parametrize(
    "kind", ["html", "truncated", "nan", "duplicate_keys", "latin1", "empty", "deep", "wrong_type"]
)
@pytest.mark.parametrize("call", ["fetch", "purchase status", "details status", "orders"])
def test_garbage_is_never_accepted_as_an_answer(
    henry: GatewayV1, cart_id: str, sandbox: Sandbox, kind: str, call: str
) -> None:
    sandbox.scenario(faults=[{"fault": "garbage", "kind": kind}])
    with pytest.raises(BadResponse):
        READS[call](henry, cart_id)
