from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.client import ADDRESS, CARD, JACKET, MUG, NAME, TEAPOT, Client, SandboxProcess, buyer
from tests.sandbox.rpc.calls import buy, call, cart, status

RAW = {"cardNumber": CARD, "expiryMonth": "12", "expiryYear": "2039", "cvv": "123"}


def test_a_purchase_has_the_documented_shape(sandbox: Client) -> None:
    item = {"link": JACKET, "variant": {"size": "M", "color": "Pine"}, "metadata": {"note": "x"}}
    cart_id = cart(sandbox, item, settings={"commissionFeeFixed": {"value": 2, "currency": "USD"}})
    job = buy(
        sandbox,
        cart_id,
        overrideProducts={JACKET: 2},
        settings={"collectPhone": True, "collectAddress": False},
        metadata={"order": "7"},
        selectedShippingOption={"id": "express", "value": "Express Shipping"},
        coupons=["SAVE10"],
    )
    assert re.fullmatch(r"ckp-ref_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}", job["refId"])
    assert job["products"] == [
        {
            "status": "pending",
            "link": JACKET,
            "quantity": 2,
            "merchant": "Fernhill Outfitters",
            "host": "fernhill.example",
            "variant": "M, Pine",
            "metadata": {"order": "7", "note": "x"},
        }
    ]
    details = job["details"]
    assert details["card"] == {"nameOnCard": NAME, "details": {}, "billingAddress": ADDRESS}
    assert details["shippingAddress"] == ADDRESS
    assert details["settings"] == {"collectEmail": True, "collectAddress": False, "collectPhone": True}
    sandbox.advance(7)
    ended = status(sandbox, job["refId"])
    assert ended["status"] == "complete"
    assert ended["result"]["costs"]["commissionFee"] == {"value": 2.0, "currency": "USD"}
    bought = ended["result"]["items"][0]
    assert bought["shippingOption"]["id"] == "express"
    assert bought["appliedCoupon"]["code"] == "SAVE10"
    assert call(sandbox, "/cart/fetch", cartId=cart_id)["data"]["data"]["items"][0]["quantity"] == 1
    assert sandbox.api("POST", "/cart/purchase", {"cartId": cart_id, "buyer": buyer()}).status_code == 409


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("card_test_some_items_fail", "complete"),
        ("card_test_all_items_fail", "complete"),
        ("card_test_cancelled", "cancelled"),
        ("card_test_declined", "cancelled"),
    ],
)
def test_orders_of_early_v1_have_four_statuses(sandbox: Client, token: str, expected: str) -> None:
    ref_id = buy(sandbox, cart(sandbox, MUG, TEAPOT), token)["refId"]
    sandbox.advance(7)
    ended = status(sandbox, ref_id)
    assert ended["status"] == expected
    # The dialect depends on the cart, not on the call.
    assert sandbox.status(ref_id)["status"] == expected
    assert {line["status"] for line in ended["products"]} != {"complete"}


def test_the_scenario_overrides_the_dialect(sandbox: Client) -> None:
    sandbox.scenario(dialect="six")
    ref_id = buy(sandbox, cart(sandbox, MUG, TEAPOT), "card_test_some_items_fail")["refId"]
    sandbox.advance(7)
    assert status(sandbox, ref_id)["status"] == "partially_complete"
    assert "serviceFee" in status(sandbox, ref_id)["result"]["costs"]
    sandbox.scenario(dialect="four")
    rest_ref_id = sandbox.purchase(sandbox.cart(MUG, TEAPOT), "card_test_some_items_fail").json()["refId"]
    sandbox.advance(7)
    assert sandbox.status(rest_ref_id)["status"] == "complete"


def test_raw_cards_require_the_option(sandbox: Client) -> None:
    source = buyer()
    source["card"]["details"] = RAW
    response = sandbox.api("POST", "/cart/purchase", {"cartId": cart(sandbox), "buyer": source})
    assert response.status_code == 400
    assert CARD not in response.text
    running = SandboxProcess("--allow-raw-card")
    client = Client(running.url)
    bought = call(client, "/cart/purchase", cartId=cart(client), buyer=source)
    assert bought["details"]["card"]["details"] == {}
    assert client.orders()[0]["cardLast4"] == "4242"
    for change in (
        {"cardNumber": "4242424242424241"},
        {"cvv": "x"},
        {"expiryMonth": ""},
        {"expiryYear": 2039},
    ):
        source["card"]["details"] = {**RAW, **change}
        body = {"cartId": cart(client), "buyer": source}
        assert client.api("POST", "/cart/purchase", body).status_code == 400
    client.session.close()
    running.stop()


def test_details_have_one_job_per_merchant(sandbox: Client) -> None:
    cart_id = cart(sandbox, MUG, JACKET)
    body = {"cartId": cart_id, "buyer": {"shippingAddress": ADDRESS}, "coupons": ["SAVE10"]}
    jobs = call(sandbox, "/cart/details", **body)["data"]["jobs"]
    assert [job["status"] for job in jobs] == ["pending", "pending"]
    sandbox.advance(1)
    ended = call(sandbox, "/cart/details/status", refId=jobs[0]["refId"])
    assert set(ended["result"]) == {"items"}
    assert ended["result"]["items"][0]["costs"]["subtotal"]["value"] == 28.0
    assert sandbox.api("POST", "/cart/details/status", {"refId": "ckd-ref_x"}).status_code == 404


def test_orders_can_be_listed(sandbox: Client) -> None:
    carts = [cart(sandbox) for _ in range(3)]
    refs = [buy(sandbox, cart_id)["refId"] for cart_id in carts]
    found = call(sandbox, "/orders/fetch", limit=2)
    assert [job["refId"] for job in found["data"]] == refs[:0:-1]
    assert found["data"][0] == status(sandbox, refs[2])
    assert len(call(sandbox, "/orders/fetch", cartId=carts[0])["data"]) == 1
    assert call(sandbox, "/orders/fetch", status="complete")["data"] == []
    assert call(sandbox, "/orders/fetch", cursor="2023-01-01T00:00:00.000Z")["data"] == []


def test_merchants_can_be_listed(sandbox: Client) -> None:
    assert len(call(sandbox, "/merchants/fetch")["data"]) == 6
    (found,) = call(sandbox, "/merchants/fetch", name="fern")["data"]
    assert found["website"] == {"urls": [{"value": "https://fernhill.example", "type": "landing"}]}
    assert found["categories"] == ["sports_and_outdoor"]
    assert sandbox.session.get(found["logo"]["urls"][0]["value"], timeout=5).status_code == 200
    assert [each["host"] for each in call(sandbox, "/merchants/fetch", categories=["food", "travel"])["data"]]
    assert call(sandbox, "/merchants/fetch", host="unknown.example")["data"] == []
    first = call(sandbox, "/merchants/fetch", limit=2)["data"]
    second = call(sandbox, "/merchants/fetch", limit=2, cursor=first[1]["host"])["data"]
    assert not {each["host"] for each in first} & {each["host"] for each in second}


@pytest.mark.parametrize(
    "more",
    [
        {"selectedShippingOption": {}},
        {"selectedShippingOption": "express"},
        {"selectedShippingOption": {"id": 7}},
        {"settings": {"collectEmail": 1}},
        {"settings": "all"},
        {"metadata": []},
        {"coupons": "SAVE10"},
        {"overrideProducts": [MUG]},
    ],
)
def test_an_invalid_purchase_is_refused(sandbox: Client, more: Any) -> None:
    (name,) = more
    rpc = sandbox.api("POST", "/cart/purchase", {"cartId": cart(sandbox), "buyer": buyer(), **more})
    rest = sandbox.purchase(sandbox.cart(MUG), **more)
    for response in (rpc, rest):
        assert response.status_code == 400
        assert name in response.json()["message"]
    assert sandbox.orders() == []
