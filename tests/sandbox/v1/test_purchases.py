from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.client import ADDRESS, JACKET, MUG, NAME, TEAPOT, Client, buyer

REF = r"{}-ref_[0-9a-f]{{8}}-[0-9a-f]{{4}}-4[0-9a-f]{{3}}-[0-9a-f]{{4}}"


def advance_to_end(sandbox: Client, ref_id: str) -> Any:
    sandbox.advance(6.1)
    return sandbox.status(ref_id)


def test_a_purchase_progresses_with_the_clock(sandbox: Client) -> None:
    sandbox.scenario(timing={"pendingSeconds": 100, "processingSeconds": 300})
    job = sandbox.purchase(sandbox.cart(MUG, TEAPOT)).json()
    assert re.fullmatch(REF.format("ckp"), job["refId"])
    assert job["status"] == "pending"
    assert {line["status"] for line in job["products"]} == {"pending"}
    assert "result" not in job
    sandbox.advance(101)
    assert sandbox.status(job["refId"])["status"] == "processing"
    sandbox.advance(100)
    middle = sandbox.status(job["refId"])
    assert [line["status"] for line in middle["products"]] == ["complete", "processing"]
    assert len(middle["result"]["items"]) == 1
    assert "costs" not in middle["result"]
    sandbox.advance(200)
    end = sandbox.status(job["refId"])
    assert end["status"] == "complete"
    assert len(end["result"]["items"]) == 2
    assert "error" not in end


def test_the_job_has_the_documented_shape(sandbox: Client) -> None:
    item = {"link": JACKET, "selectedOptions": ["M", "Pine"], "selectedShipping": {"value": "express"}}
    job = sandbox.purchase(sandbox.cart({**item, "metadata": {"a": 1}})).json()
    assert job["products"] == [
        {
            "status": "pending",
            "link": JACKET,
            "quantity": 1,
            "merchant": "Fernhill Outfitters",
            "host": "fernhill.example",
            "selectedOptions": ["M", "Pine"],
            "selectedShipping": {"id": "express", "value": "Express"},
        }
    ]
    details = job["details"]
    assert details["card"] == {"nameOnCard": NAME, "details": {}, "billingAddress": ADDRESS}
    phone = {"countryCode": "+1", "nationalNumber": "2125550123", "e164": "+12125550123", "country": "US"}
    assert details["phone"] == phone
    assert details["shippingAddress"] == {**ADDRESS, "name": NAME}
    assert details["settings"] == {"collectEmail": True, "collectAddress": True, "collectPhone": True}
    result = advance_to_end(sandbox, job["refId"])["result"]
    assert set(result["costs"]) == {"subtotal", "serviceFee", "total"}
    assert set(result["items"][0]["costs"]) == {"total", "subtotal", "tax", "shipping", "discount"}
    assert result["items"][0]["shippingOption"]["id"] == "express"
    assert result["items"][0]["metadata"] == {"a": 1}
    assert result["items"][0]["confirmationNumber"]


def test_amounts_have_two_decimals_and_add_up(sandbox: Client) -> None:
    fee = {"serviceFeePercent": 2.5, "serviceFeeFixed": {"value": 0.3, "currency": "USD"}}
    cart_id = sandbox.cart({"link": MUG, "quantity": 3}, TEAPOT, JACKET, settings=fee)
    ref_id = sandbox.purchase(cart_id).json()["refId"]
    sandbox.advance(6.1)
    response = sandbox.api("GET", f"/cart/purchase/status?refId={ref_id}")
    assert not re.search(r'"value": (?!"|\d+\.\d\d[,}])', response.text)
    result = json.loads(response.text, parse_float=Decimal)["result"]
    for item in result["items"]:
        costs = {name: money["value"] for name, money in item["costs"].items()}
        parts = costs["subtotal"] + costs["tax"] + costs["shipping"] - costs["discount"]
        assert costs["total"] == parts
    whole = sum(item["costs"]["total"]["value"] for item in result["items"])
    costs = result["costs"]
    assert costs["serviceFee"]["value"] == (whole * Decimal("0.025")).quantize(Decimal("0.01")) + Decimal(
        "0.30"
    )
    assert costs["total"]["value"] == whole + costs["serviceFee"]["value"]


def test_a_cart_can_be_purchased_once(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    assert sandbox.purchase(cart_id).status_code == 200
    second = sandbox.purchase(cart_id)
    assert (second.status_code, second.json()["success"]) == (409, False)
    assert sandbox.api("POST", f"/cart/{cart_id}/item", {"item": {"link": TEAPOT}}).status_code == 409
    assert len(sandbox.orders()) == 1


def test_quantities_can_be_overridden_for_one_purchase(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG, TEAPOT)
    job = sandbox.purchase(cart_id, overrideProducts={MUG: 4, TEAPOT: None}).json()
    assert [(line["link"], line["quantity"]) for line in job["products"]] == [(MUG, 4)]
    kept = sandbox.api("POST", f"/cart/{cart_id}").json()["data"]["data"]["items"]
    assert [line["quantity"] for line in kept] == [1, 1]
    assert sandbox.purchase(sandbox.cart(MUG), overrideProducts={MUG: None}).status_code == 400


@pytest.mark.parametrize("mode", ["status", "scenario", "metadata"])
def test_one_item_can_fail(sandbox: Client, mode: str) -> None:
    token = "card_test_pays"
    item: dict[str, Any] = {"link": TEAPOT}
    if mode == "status":
        token = "card_test_some_items_fail"
    elif mode == "scenario":
        sandbox.scenario(items={TEAPOT: "failed"})
    else:
        item["metadata"] = {"sandbox": "failed"}
    end = advance_to_end(sandbox, sandbox.purchase(sandbox.cart(MUG, item), token).json()["refId"])
    assert end["status"] == "partially_complete"
    assert [line["status"] for line in end["products"]] == ["complete", "failed"]
    assert [item["productLink"] for item in end["result"]["items"]] == [MUG]
    assert end["result"]["costs"]["subtotal"]["value"] == 28.00


@pytest.mark.parametrize(
    ("token", "outcome", "lines"),
    [
        ("card_test_all_items_fail", "failed", ["failed", "failed"]),
        ("card_test_cancelled", "cancelled", ["cancelled", "cancelled"]),
        ("card_test_declined", "failed", ["failed", "failed"]),
    ],
)
def test_orders_without_any_item_have_an_error(
    sandbox: Client, token: str, outcome: str, lines: list[str]
) -> None:
    end = advance_to_end(sandbox, sandbox.purchase(sandbox.cart(MUG, TEAPOT), token).json()["refId"])
    assert end["status"] == outcome
    assert [line["status"] for line in end["products"]] == lines
    assert end["error"]["code"]
    assert "result" not in end


def test_a_cart_can_be_purchased_after_a_decline(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.purchase(cart_id, "card_test_declined")
    assert sandbox.orders() == []
    assert sandbox.purchase(cart_id).status_code == 200
    assert len(sandbox.orders()) == 1


def test_an_unknown_status_is_permanent(sandbox: Client) -> None:
    ref_id = sandbox.purchase(sandbox.cart(MUG), "card_test_awaiting_merchant").json()["refId"]
    assert advance_to_end(sandbox, ref_id)["status"] == "awaiting_merchant"
    sandbox.advance(30 * 24 * 3600)
    later = sandbox.status(ref_id)
    assert later["status"] == "awaiting_merchant"
    assert "costs" not in later.get("result", {})


def test_complete_can_hide_a_failed_item(sandbox: Client) -> None:
    end = advance_to_end(
        sandbox, sandbox.purchase(sandbox.cart(MUG, TEAPOT), "card_test_hidden_failures").json()["refId"]
    )
    assert end["status"] == "complete"
    assert [line["status"] for line in end["products"]] == ["failed", "complete"]


def test_a_slow_order_settles_after_an_hour(sandbox: Client) -> None:
    ref_id = sandbox.purchase(sandbox.cart(MUG, TEAPOT), "card_test_slow").json()["refId"]
    sandbox.advance(3600)
    waiting = sandbox.status(ref_id)
    assert waiting["status"] == "processing"
    assert [line["status"] for line in waiting["products"]] == ["failed", "complete"]
    assert advance_to_end(sandbox, ref_id)["status"] == "partially_complete"


def test_the_old_dialect_has_four_statuses_and_a_commission_fee(sandbox: Client) -> None:
    sandbox.scenario(dialect="four")
    partly = sandbox.purchase(sandbox.cart(MUG, TEAPOT), "card_test_some_items_fail").json()["refId"]
    nothing = sandbox.purchase(sandbox.cart(MUG), "card_test_all_items_fail").json()["refId"]
    end = advance_to_end(sandbox, partly)
    assert end["status"] == "complete"
    assert set(end["result"]["costs"]) == {"subtotal", "commissionFee", "total"}
    assert sandbox.status(nothing)["status"] == "complete"
    assert sandbox.status(nothing)["products"][0]["status"] == "failed"


@pytest.mark.parametrize("outcome", ["complete", "partially_complete", "failed", "cancelled", "on_hold"])
def test_the_scenario_sets_the_outcome(sandbox: Client, outcome: str) -> None:
    sandbox.scenario(outcome=outcome)
    ref_id = sandbox.purchase(sandbox.cart(MUG, TEAPOT)).json()["refId"]
    assert advance_to_end(sandbox, ref_id)["status"] == outcome


def test_out_of_stock_products_fail(sandbox: Client) -> None:
    ref_id = sandbox.purchase(sandbox.cart("https://haldenaudio.example/products/kitchen-radio")).json()[
        "refId"
    ]
    assert advance_to_end(sandbox, ref_id)["status"] == "failed"


def test_any_https_link_can_be_purchased_at_a_constant_price(sandbox: Client) -> None:
    link = "https://www.some-shop.example/p/blue-lamp.html?x=1"
    ends = [advance_to_end(sandbox, sandbox.purchase(sandbox.cart(link)).json()["refId"]) for _ in range(2)]
    prices = {end["result"]["costs"]["subtotal"]["value"] for end in ends}
    assert len(prices) == 1
    assert min(prices) > 0


def test_sync_mode_waits_for_the_result(sandbox: Client) -> None:
    sandbox.scenario(timing={"pendingSeconds": 0.1, "processingSeconds": 0.1})
    assert sandbox.purchase(sandbox.cart(MUG), mode="sync").json()["status"] == "complete"


def test_raw_card_numbers_are_refused(sandbox: Client) -> None:
    source = buyer()
    raw = {"cardNumber": "4242424242424242", "expiryMonth": "12", "expiryYear": "2030", "cvv": "123"}
    source["card"]["details"] = raw
    response = sandbox.api("POST", f"/cart/{sandbox.cart(MUG)}/purchase", {"buyer": source})
    assert response.status_code == 400
    assert "42424242" not in response.text
    assert sandbox.orders() == []


@pytest.mark.parametrize("missing", ["name", "email", "shippingAddress", "card"])
def test_a_purchase_requires_a_buyer(sandbox: Client, missing: str) -> None:
    source = buyer()
    del source[missing]
    response = sandbox.api("POST", f"/cart/{sandbox.cart(MUG)}/purchase", {"buyer": source})
    assert response.status_code == 400
    assert missing in response.json()["message"]
