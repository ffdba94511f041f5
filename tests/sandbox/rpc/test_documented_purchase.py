"""The purchase of early v1 as documented, and the same body in REST."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.client import ADDRESS, JACKET, MUG, TEAPOT, Client, SandboxProcess
from tests.sandbox.rpc.calls import buy, call, cart, status

NAME = {"firstName": "John", "middleName": "A.", "lastName": "Doe"}
ADDRESS_WITH_LINE2 = {
    "line1": "123 Main St", "line2": "Apt 4B", "city": "Anytown", "province": "CA", "postalCode": "12345",
    "countryCode": "US",
}  # fmt: skip
# The documented body, verbatim except for the cart.
BODY: dict[str, Any] = {
    "buyer": {
        "name": NAME,
        "email": "johnadoe@example.com",
        "phone": "+1234567890",
        "shippingAddress": ADDRESS_WITH_LINE2,
        "card": {
            "nameOnCard": NAME,
            "details": {
                "cardNumber": "4111111111111111",
                "expiryMonth": "12",
                "expiryYear": "2025",
                "cvv": "123",
            },
            "billingAddress": ADDRESS_WITH_LINE2,
        },
    },
    "selectedShippingOption": {"id": "express", "value": "Express Shipping"},
    "coupons": ["SUMMER21", "FREESHIP"],
}
# Fields that the documentation lists but has no example of.
OPTIONAL_FIELDS: dict[str, Any] = {
    "overrideProducts": {TEAPOT: 2},
    "settings": {"collectEmail": True, "collectAddress": True, "collectPhone": False},
    "metadata": {"order": "7", "note": "of the purchase"},
}


@pytest.fixture(scope="module")
def raw_card_sandbox() -> Iterator[Client]:
    running = SandboxProcess("--allow-raw-card")
    client = Client(running.url)
    yield client
    client.session.close()
    running.stop()


def create_cart_of_two(sandbox: Client) -> str:
    return cart(
        sandbox, {"link": MUG, "metadata": {"note": "of the line"}}, {"link": TEAPOT, "variant": "White"}
    )


def test_the_documented_body_is_accepted(raw_card_sandbox: Client) -> None:
    job = call(
        raw_card_sandbox,
        "/cart/purchase",
        cartId=create_cart_of_two(raw_card_sandbox),
        **BODY,
        **OPTIONAL_FIELDS,
    )
    assert set(job) == {"refId", "status", "products", "details"}
    first, second = job["products"]
    assert first == {
        "status": "pending",
        "link": MUG,
        "quantity": 1,
        "merchant": "Kiln & Tide",
        "host": "kilnandtide.example",
        "metadata": {"order": "7", "note": "of the line"},
    }
    assert (second["variant"], second["quantity"]) == ("White", 2)
    assert second["metadata"] == OPTIONAL_FIELDS["metadata"]
    assert job["details"] == {
        "hasAccount": False,
        "name": NAME,
        "card": {"nameOnCard": NAME, "details": {}, "billingAddress": ADDRESS_WITH_LINE2},
        "email": "johnadoe@example.com",
        "phone": {"countryCode": "+1", "nationalNumber": "234567890", "e164": "+1234567890", "country": "US"},
        "shippingAddress": ADDRESS_WITH_LINE2,
        "settings": {"collectEmail": True, "collectAddress": True, "collectPhone": False},
    }


def test_the_completed_purchase_has_the_documented_shape(raw_card_sandbox: Client) -> None:
    ref_id = call(
        raw_card_sandbox,
        "/cart/purchase",
        cartId=create_cart_of_two(raw_card_sandbox),
        **BODY,
        **OPTIONAL_FIELDS,
    )["refId"]
    raw_card_sandbox.advance(7)
    job = status(raw_card_sandbox, ref_id)
    assert set(job) == {"refId", "status", "products", "details", "result"}
    assert job["status"] == "complete"
    assert set(job["result"]) == {"items", "costs"}
    assert set(job["result"]["costs"]) == {"subtotal", "commissionFee", "total"}
    first, second = job["result"]["items"]
    parts = {"productLink", "confirmationNumber", "costs", "shippingOption", "appliedCoupon", "metadata"}
    for item in (first, second):
        assert set(item) == parts
        assert set(item["costs"]) == {"total", "subtotal", "tax", "shipping", "discount"}
        assert all(set(cost) == {"value", "currency"} for cost in item["costs"].values())
        option = item["shippingOption"]
        assert set(option) == {"id", "name", "cost", "timeEstimate", "minDate", "maxDate"}
        assert option["id"] == "express"
        # Only one of the create_cart_of_two codes is known.
        assert item["appliedCoupon"] == {"code": "FREESHIP", "savedAmount": {"value": 0.0, "currency": "USD"}}
        assert item["costs"]["shipping"]["value"] == 0.0
    assert [item["productLink"] for item in (first, second)] == [MUG, TEAPOT]
    assert first["metadata"] == {"order": "7", "note": "of the line"}
    assert second["metadata"] == OPTIONAL_FIELDS["metadata"]
    # 28.00 and twice 76.00, with 7 % tax
    assert job["result"]["costs"]["subtotal"]["value"] == 180.0
    assert job["result"]["costs"]["total"]["value"] == 192.6


def test_the_documented_raw_card_requires_the_option(sandbox: Client) -> None:
    response = sandbox.api(
        "POST", "/cart/purchase", {"cartId": create_cart_of_two(sandbox), **BODY, **OPTIONAL_FIELDS}
    )
    assert response.status_code == 400
    assert "cardToken" in response.json()["message"]
    assert "4111" not in response.text
    source = copy.deepcopy(BODY)
    source["buyer"]["card"]["details"] = {"cardToken": "card_test_pays"}
    assert (
        call(sandbox, "/cart/purchase", cartId=create_cart_of_two(sandbox), **source, **OPTIONAL_FIELDS)[
            "status"
        ]
        == "pending"
    )


def test_rest_accepts_the_same_body(sandbox: Client) -> None:
    item = {"link": TEAPOT, "selectedOptions": ["White"], "affiliateProductLink": f"{TEAPOT}?by=us"}
    cart_id = sandbox.cart({"link": MUG, "metadata": {"note": "of the line"}}, item)
    source = copy.deepcopy(BODY["buyer"])
    source["card"]["details"] = {"cardToken": "card_test_pays"}
    del source["card"]["billingAddress"]
    body = {**BODY, **OPTIONAL_FIELDS, "coupons": ["SAVE10"], "buyer": source}
    job = sandbox.api("POST", f"/cart/{cart_id}/purchase", body).json()
    assert job["products"][1] == {
        "status": "pending",
        "link": TEAPOT,
        "quantity": 2,
        "merchant": "Kiln & Tide",
        "host": "kilnandtide.example",
        "selectedOptions": ["White"],
        "selectedShipping": {"id": "express", "value": "Express"},
        "affiliateProductLink": f"{TEAPOT}?by=us",
    }
    assert not {"variant", "metadata"} & set(job["products"][0])
    # Without a billing address, the shipping address is used.
    assert job["details"]["card"] == {"nameOnCard": NAME, "details": {}, "billingAddress": ADDRESS_WITH_LINE2}
    assert job["details"]["shippingAddress"] == {**ADDRESS_WITH_LINE2, "name": NAME}
    assert job["details"]["settings"] == {"collectEmail": True, "collectAddress": True, "collectPhone": False}
    sandbox.advance(7)
    result = sandbox.status(job["refId"])["result"]
    assert set(result["costs"]) == {"subtotal", "serviceFee", "total"}
    assert [item["metadata"]["note"] for item in result["items"]] == ["of the line", "of the purchase"]
    assert result["items"][0]["appliedCoupon"] == {
        "code": "SAVE10",
        "savedAmount": {"value": 2.8, "currency": "USD"},
    }


def test_settings_of_a_purchase_apply_to_that_purchase_only(sandbox: Client) -> None:
    options = {"collectBuyerEmail": "off", "collectBuyerPhone": "required"}
    expected = {"collectEmail": False, "collectAddress": True, "collectPhone": True}
    first, second = (sandbox.cart(MUG, settings={"options": options}) for _ in range(2))
    assert sandbox.purchase(first).json()["details"]["settings"] == expected
    changed = sandbox.purchase(second, settings={"collectEmail": True, "other": 1}).json()
    assert changed["details"]["settings"] == {**expected, "collectEmail": True}
    stored = sandbox.api("POST", f"/cart/{second}").json()["data"]["data"]["settings"]
    assert stored == {"options": options}


def test_metadata_of_a_purchase_do_not_set_outcomes(sandbox: Client) -> None:
    job = buy(sandbox, cart(sandbox), metadata={"sandbox": "failed"})
    sandbox.advance(7)
    assert status(sandbox, job["refId"])["products"][0]["status"] == "complete"


@pytest.mark.parametrize("coupons", [["SAVE10", "FREESHIP"], ["FREESHIP", "save10 "]])
def test_the_coupon_with_a_discount_is_reported(sandbox: Client, coupons: list[str]) -> None:
    job = buy(sandbox, cart(sandbox), coupons=coupons)
    sandbox.advance(7)
    (item,) = status(sandbox, job["refId"])["result"]["items"]
    assert item["appliedCoupon"]["code"] == "SAVE10"
    assert item["appliedCoupon"]["savedAmount"]["value"] == item["costs"]["discount"]["value"] == 2.8
    assert item["costs"]["shipping"]["value"] == 0.0


# Shipping options


@pytest.mark.parametrize(
    ("choice", "option"),
    [
        ({"id": "express"}, "express"),
        ({"value": "express"}, "express"),
        ({"value": "Express"}, "express"),
        ({"id": "EXPRESS", "value": "no such name"}, "express"),
        ({"id": "no-such-id", "value": "Express"}, "express"),
        # [SIM] An option that the merchant does not offer is ignored.
        ({"id": "pigeon", "value": "By pigeon"}, "standard"),
        ({"value": "pigeon"}, "standard"),
    ],
)
@pytest.mark.parametrize("is_rest", [True, False])
def test_the_shipping_option_of_a_purchase_is_used_if_offered(
    sandbox: Client, choice: Any, option: str, is_rest: bool
) -> None:
    if is_rest:
        job = sandbox.purchase(sandbox.cart(MUG), selectedShippingOption=choice).json()
        assert job["products"][0]["selectedShipping"]["id"] == option
    else:
        job = buy(sandbox, cart(sandbox), selectedShippingOption=choice)
    sandbox.advance(7)
    (item,) = status(sandbox, job["refId"])["result"]["items"]
    assert item["shippingOption"]["id"] == option
    cost = {"express": 18.0, "standard": 8.0}[option]
    assert item["shippingOption"]["cost"]["value"] == item["costs"]["shipping"]["value"] == cost


def test_the_shipping_option_of_a_purchase_overrides_that_of_a_line(sandbox: Client) -> None:
    line = {"link": MUG, "selectedShipping": {"id": "express"}}
    for more, option in (
        ({}, "express"),
        ({"selectedShippingOption": {"id": "standard"}}, "standard"),
        ({"selectedShipping": {"value": "Standard"}}, "standard"),
        ({"selectedShippingOption": {"id": "pigeon"}}, "express"),
        ({"selectedShippingOption": None}, "express"),
    ):
        job = sandbox.purchase(sandbox.cart(line), **more).json()
        assert job["products"][0]["selectedShipping"]["id"] == option, more


# Details jobs: one per merchant, with one item per line


def details(sandbox: Client, cart_id: str, *, is_rest: bool, **more: Any) -> Any:
    body = {"buyer": {"shippingAddress": ADDRESS}, **more}
    if is_rest:
        jobs = sandbox.api("POST", f"/cart/{cart_id}/details", body).json()["data"]["jobs"]
        sandbox.advance(1)
        return [sandbox.api("GET", f"/cart/checkout/status?refId={job['refId']}").json() for job in jobs]
    jobs = call(sandbox, "/cart/details", cartId=cart_id, **body)["data"]["jobs"]
    sandbox.advance(1)
    return [call(sandbox, "/cart/details/status", refId=job["refId"]) for job in jobs]


@pytest.mark.parametrize(
    ("choice", "cost"),
    [
        (None, 8.0), ({"id": "express"}, 18.0), ({"value": "Express"}, 18.0), ({"value": "standard"}, 8.0),
        # [SIM] As in a purchase, an option that the merchant does not offer is ignored.
        ({"id": "pigeon"}, 8.0), ({}, 8.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_rest", [True, False])
def test_the_costs_of_a_quote_depend_on_the_shipping_option_of_the_line(
    sandbox: Client, choice: Any, cost: float, is_rest: bool
) -> None:
    line = {"link": MUG, ("selectedShipping" if is_rest else "shippingOption"): choice}
    cart_id = sandbox.cart(line, JACKET) if is_rest else cart(sandbox, line, JACKET)
    first, second = details(sandbox, cart_id, is_rest=is_rest)
    (item,) = first["result"]["items"]
    assert item["costs"]["shipping"]["value"] == cost
    assert item["costs"]["total"]["value"] == 28.0 + 1.96 + cost
    assert [option["id"] for option in item["shippingOptions"]] == ["standard", "express"]
    # Above the threshold of free shipping, and without an option of its own.
    assert second["result"]["items"][0]["costs"]["shipping"]["value"] == 0.0
    if is_rest:
        assert first["result"]["data"]["costs"]["shipping"]["value"] == cost
    # The purchase costs what was quoted.
    job = sandbox.purchase(cart_id).json()
    sandbox.advance(7)
    assert sandbox.status(job["refId"])["result"]["items"][0]["costs"] == item["costs"]


@pytest.mark.parametrize("is_rest", [True, False])
def test_an_unknown_coupon_is_not_available(sandbox: Client, is_rest: bool) -> None:
    line = {"link": MUG, "coupons": ["OF-THE-LINE"]}
    cart_id = sandbox.cart(line) if is_rest else cart(sandbox, line)
    (job,) = details(sandbox, cart_id, is_rest=is_rest, coupons=["SUMMER21", "SAVE10"])
    (item,) = job["result"]["items"]
    assert item["coupons"] == [
        {"code": code, "available": available, "savedAmount": {"value": saved, "currency": "USD"}}
        for code, available, saved in (
            ("OF-THE-LINE", False, 0.0),
            ("SUMMER21", False, 0.0),
            ("SAVE10", True, 2.8),
        )
    ]
    assert item["costs"]["discount"]["value"] == 2.8
    (plain,) = details(sandbox, cart_id, is_rest=is_rest, coupons=["SUMMER21"])
    assert plain["result"]["items"][0]["costs"]["discount"]["value"] == 0.0
    assert sandbox.purchase(cart_id, coupons=["SUMMER21"]).json()["status"] == "pending"
