"""JSON <-> dataclasses: the shapes of henry-api.md; lenient where uncertain, strict for money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moneyed import Money

from django_henry_checkout.exceptions import BadResponse, GatewayError
from django_henry_checkout.gateway import wire
from django_henry_checkout.types import Address, Buyer, Card, LineItem, PurchaseRequest, RawCard

JOB: dict[str, Any] = {
    "refId": "ckp-ref_3fa85f64-5717-4562-b3fc",
    "status": "complete",
    "products": [
        {
            "status": "complete",
            "link": "https://a.example/boots",
            "quantity": 2,
            "merchant": "Alpine",
            "host": "a.example",
            "selectedOptions": ["red", "10"],
        }
    ],
    "details": {
        "hasAccount": False,
        "name": {"firstName": "Ada", "lastName": "Lovelace"},
        "email": "ada@example.com",
        "phone": {"e164": "+15550100"},
        "card": {"details": {"cardNumber": "4242424242424242"}},
        "shippingAddress": {
            "line1": "1 Main St",
            "city": "Springfield",
            "province": "CA",
            "postalCode": "90210",
            "countryCode": "us",
        },
    },
    "result": {
        "items": [
            {
                "productLink": "https://a.example/boots",
                "confirmationNumber": "C-77",
                "costs": {
                    "total": {"value": Decimal("21.60"), "currency": "USD"},
                    "subtotal": {"value": 20, "currency": "USD"},
                    "tax": {"value": "1.60", "currency": "usd"},
                },
            }
        ],
        "costs": {
            "subtotal": {"value": 20, "currency": "USD"},
            "serviceFee": {"value": Decimal("0.50"), "currency": "USD"},
            "total": {"value": Decimal("22.10"), "currency": "USD"},
        },
    },
}


def test_a_purchase_job_is_read_completely() -> None:
    seen = wire.read_observation(JOB)
    assert (seen.ref_id, seen.status) == (JOB["refId"], "complete")
    (item,) = seen.items
    assert (item.link, item.quantity, item.status) == ("https://a.example/boots", 2, "complete")
    assert (item.merchant, item.host, item.selected_options) == ("Alpine", "a.example", ("red", "10"))
    assert item.confirmation_number == "C-77"
    assert item.costs.total == Money("21.60", "USD")
    assert item.costs.tax == Money("1.60", "USD")
    assert seen.costs.total == Money("22.10", "USD")
    assert seen.costs.fee == Money("0.50", "USD")
    assert seen.buyer == Buyer(
        first_name="Ada",
        last_name="Lovelace",
        email="ada@example.com",
        phone="+15550100",
        shipping_address=Address(
            line1="1 Main St", city="Springfield", province="CA", postal_code="90210", country_code="US"
        ),
    )


def test_personal_data_and_cards_are_not_in_repr() -> None:
    shown = repr(wire.read_observation(JOB))
    for secret in ("ada@example.com", "Lovelace", "15550100", "Main St", "4242"):
        assert secret not in shown


def test_the_old_name_of_the_fee_is_read_too() -> None:
    costs = wire.read_costs({"commissionFee": {"value": 3, "currency": "USD"}})
    assert costs.fee == Money(3, "USD")


def test_two_lines_with_one_link_get_a_result_each() -> None:
    product = {"status": "complete", "link": "https://a.example/x", "quantity": 1}
    results = [
        {"productLink": "https://a.example/x", "confirmationNumber": number} for number in ("C-1", "C-2")
    ]
    job = {"refId": "r", "status": "complete", "products": [product, product], "result": {"items": results}}
    assert [item.confirmation_number for item in wire.read_observation(job).items] == ["C-1", "C-2"]


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    turned = dict(reversed(list(JOB.items())))
    assert wire.read_observation(turned).digest == wire.read_observation(JOB).digest
    assert wire.read_observation({**JOB, "status": "failed"}).digest != wire.read_observation(JOB).digest


@pytest.mark.parametrize("ref", [None, "", 7, "x" * 256, "a\nb", ["r"], {}])
def test_an_unusable_id_is_refused(ref: Any) -> None:
    with pytest.raises(BadResponse, match="refId"):
        wire.read_observation({**JOB, "refId": ref})


@pytest.mark.parametrize("status", [None, "", 3, ["complete"]])
def test_an_unusable_status_is_refused(status: Any) -> None:
    with pytest.raises(BadResponse, match="status"):
        wire.read_observation({**JOB, "status": status})


@pytest.mark.parametrize(
    "money",
    [
        {"value": "abc", "currency": "USD"},
        {"value": True, "currency": "USD"},
        {"value": [1], "currency": "USD"},
        {"value": Decimal("1e400"), "currency": "USD"},
        {"value": Decimal("NaN"), "currency": "USD"},
        {"value": 1, "currency": "XXQ"},
        {"value": 1},
        {"currency": "USD"},
    ],
)
def test_money_is_never_guessed(money: Any) -> None:
    with pytest.raises(BadResponse):
        wire.read_money(money)


def test_absent_money_is_none() -> None:
    assert wire.read_money(None) is None
    assert wire.read_money({}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*JOB, "data", "value", "currency", "items", "jobs", "cartId"]), inner, max_size=6
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_malformed_shapes_raise_a_gateway_error_or_are_read(answer: Any) -> None:
    for read in (wire.read_observation, wire.read_cart, wire.read_order_list, wire.read_details_jobs):
        try:
            read(answer)
        except GatewayError:
            continue


def test_details_jobs_are_read() -> None:
    option = {
        "id": "express",
        "name": "Express",
        "cost": {"value": 9, "currency": "USD"},
        "timeEstimate": "2 days",
    }
    job = {
        "refId": "ckd-ref_1",
        "status": "complete",
        "result": {
            "items": [{"shippingOptions": [option], "coupons": [{"code": "SAVE", "available": True}]}]
        },
    }
    (read,) = wire.read_details_jobs({"success": True, "data": {"jobs": [job]}})
    assert read.items[0].shipping_options[0].cost == Money(9, "USD")
    assert read.items[0].coupons == (("SAVE", True),)


def test_an_item_is_written_without_empty_parts() -> None:
    assert wire.write_item(LineItem(link="https://a.example/x")) == {
        "link": "https://a.example/x",
        "quantity": 1,
    }
    full = LineItem(
        link="https://a.example/x",
        quantity=2,
        selected_options=("red",),
        selected_shipping={"id": "express"},
        coupons=("SAVE",),
        metadata={"gift": True},
    )
    assert wire.write_item(full) == {
        "link": "https://a.example/x",
        "quantity": 2,
        "selectedOptions": ["red"],
        "selectedShipping": {"id": "express"},
        "coupons": ["SAVE"],
        "metadata": {"gift": True},
    }


def test_a_purchase_is_written_with_a_card_token_and_no_card() -> None:
    address = Address(
        line1="1 Main St", city="Springfield", postal_code="90210", country_code="US", province="CA"
    )
    buyer = Buyer(
        first_name="Ada",
        last_name="Lovelace",
        email="ada@example.com",
        phone="+1555",
        shipping_address=address,
    )
    request = PurchaseRequest(buyer=buyer, card=Card(token="card_live_x"), coupons=("SAVE",))
    written = wire.write_purchase(request)
    assert written["buyer"]["card"] == {
        "nameOnCard": {"firstName": "Ada", "lastName": "Lovelace"},
        "details": {"cardToken": "card_live_x"},
    }
    assert written["buyer"]["shippingAddress"]["province"] == "CA"
    assert "line2" not in written["buyer"]["shippingAddress"]
    assert written["coupons"] == ["SAVE"]
    assert set(written) == {"buyer", "coupons"}
    assert "card_live_x" not in repr(request)


def test_a_purchase_is_written_with_all_its_parts() -> None:
    address = Address(line1="2 Side St", city="Shelbyville", postal_code="1", country_code="US")
    card = Card(token="card_live_x", first_name="C", last_name="B", billing_address=address)
    request = PurchaseRequest(
        buyer=Buyer(first_name="Ada", middle_name="K", last_name="Lovelace"),
        card=card,
        settings={"collectPhone": False},
        metadata={"shop": "one"},
    )
    written = wire.write_purchase(request)
    assert written["buyer"]["name"] == {"firstName": "Ada", "middleName": "K", "lastName": "Lovelace"}
    assert written["buyer"]["card"] == {
        "nameOnCard": {"firstName": "C", "lastName": "B"},
        "details": {"cardToken": "card_live_x"},
        "billingAddress": {
            "line1": "2 Side St",
            "city": "Shelbyville",
            "postalCode": "1",
            "countryCode": "US",
        },
    }
    assert (written["settings"], written["metadata"]) == ({"collectPhone": False}, {"shop": "one"})
    assert set(written) == {"buyer", "settings", "metadata"}


def test_a_raw_card_is_written_under_the_names_of_early_v1_and_without_a_token() -> None:
    raw = RawCard(number="4111111111111111", expiry_month="12", expiry_year="2039", cvv="123")
    request = PurchaseRequest(buyer=Buyer(), card=Card(token="card_live_x", raw=raw))
    assert wire.write_purchase(request)["buyer"]["card"]["details"] == {
        "cardNumber": "4111111111111111",
        "expiryMonth": "12",
        "expiryYear": "2039",
        "cvv": "123",
    }
