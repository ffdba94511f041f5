"""JSON of v0 <-> dataclasses: quotes with plain numbers, orders with strings, shipping addresses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moneyed import Money

from django_henry_checkout.exceptions import BadResponse, GatewayError, Rejected
from django_henry_checkout.gateway import wire_v0
from django_henry_checkout.types import Address, Buyer, LineItem, MerchantQuote

ITEMS = [LineItem(link="https://a.example/x", unit_price=Money(1, "EUR"))]
ADDRESS = Address(
    line1="1 Main St", city="Springfield", province="NY", postal_code="10001", country_code="US"
)
SUMS: dict[str, Any] = {
    "total_price": Decimal("272.51"),
    "tax": Decimal("19.51"),
    "shipping_total": 8,
    "shipping": {"kiln.example": 8, "fernhill.example": None},
    "transaction_fee": Decimal("0.5"),
    "transaction_fee_percentage": 0,
}
ORDER: dict[str, Any] = {
    "id": "123e4567-e89b-12d3-a456-426614174000",
    "status": "pending",
    "subtotal": "245.00",
    "grandTotal": "272.51",
    "tax": "19.51",
    "shipping": "",
    "currency": "USD",
}


def quote(sums: Any = SUMS, token: Any = "tok") -> dict[str, Any]:
    return {"success": True, "data": {"session_token": token, "order_metadata": sums}}


# Quotes ------------------------------------------------------------------------------------------


def test_a_quote_is_read_in_the_currency_of_the_prices() -> None:
    read = wire_v0.read_quote(quote(), ITEMS)
    assert read.token == "tok"
    assert read.costs.total == Money("272.51", "EUR")
    assert read.costs.tax == Money("19.51", "EUR")
    assert read.costs.shipping == Money(8, "EUR")
    assert read.costs.fee == Money("0.5", "EUR")
    assert (read.costs.subtotal, read.costs.discount, read.coupons) == (None, None, ())
    assert read.merchants == (
        MerchantQuote(host="kiln.example", shipping=Money(8, "EUR")),
        MerchantQuote(host="fernhill.example", shipping=None),
    )


def test_a_quote_requires_only_a_token_and_a_total() -> None:
    read = wire_v0.read_quote(quote({"total_price": 0}), ITEMS)
    assert read.costs.total == Money(0, "EUR")
    assert (read.costs.tax, read.costs.shipping, read.costs.fee, read.merchants) == (None, None, None, ())


@pytest.mark.parametrize("shipping", [None, [], "free", 8, [{"a.example": 1}]])
def test_a_malformed_shipping_map_has_no_merchants(shipping: Any) -> None:
    assert wire_v0.read_quote(quote({**SUMS, "shipping": shipping}), ITEMS).merchants == ()


@pytest.mark.parametrize("name", ["total_price", "tax", "shipping_total", "transaction_fee"])
@pytest.mark.parametrize(
    "amount", ["much", True, [1], {}, Decimal("1e400"), Decimal("NaN"), Decimal(10) ** 15]
)
def test_an_amount_is_never_guessed(name: str, amount: Any) -> None:
    with pytest.raises(BadResponse):
        wire_v0.read_quote(quote({**SUMS, name: amount}), ITEMS)


@pytest.mark.parametrize("sums", [None, [], "x", {}, {"total_price": None}, {"tax": 1}])
def test_a_quote_without_a_total_is_refused(sums: Any) -> None:
    with pytest.raises(BadResponse, match="total"):
        wire_v0.read_quote(quote(sums), ITEMS)


@pytest.mark.parametrize("token", [None, "", 7, ["t"], "a\nb", "a\x00b", "\u202e", "x" * 4001])
def test_an_unusable_token_is_refused(token: Any) -> None:
    with pytest.raises(BadResponse, match="session token"):
        wire_v0.read_quote(quote(token=token), ITEMS)


def test_a_token_may_be_as_long_as_a_signed_one() -> None:
    assert wire_v0.read_quote(quote(token="x" * 4000), ITEMS).token == "x" * 4000


@pytest.mark.parametrize("currencies", [[], [None], ["USD", "EUR"], ["USD", None, "EUR"]], ids=str)
def test_an_ambiguous_currency_is_refused(currencies: list[str | None]) -> None:
    items = [
        LineItem(link=f"https://a.example/{at}", unit_price=None if code is None else Money(1, code))
        for at, code in enumerate(currencies)
    ]
    with pytest.raises(Rejected, match="currency"):
        wire_v0.read_quote(quote(), items)


# Addresses ---------------------------------------------------------------------------------------


def test_shipping_details_are_written_under_the_names_of_v0() -> None:
    buyer = Buyer(
        first_name="Ada",
        middle_name="K",
        last_name="Lovelace",
        email="ada@example.com",
        phone="+12125550123",
        shipping_address=ADDRESS,
    )
    assert wire_v0.write_shipping_details(buyer) == {
        "fullName": "Ada K Lovelace",
        "email": "ada@example.com",
        "phoneNumber": "+12125550123",
        "addressLine1": "1 Main St",
        "city": "Springfield",
        "stateOrProvince": "NY",
        "postalCode": "10001",
        "countryCode": "US",
    }


def test_empty_parts_are_written_except_the_second_line() -> None:
    bare = Address(line1="1 Main St", city="Dublin", postal_code="", country_code="IE")
    written = wire_v0.write_shipping_details(Buyer(last_name="Lovelace", shipping_address=bare))
    assert (written["fullName"], written["stateOrProvince"], written["postalCode"]) == ("Lovelace", "", "")
    assert "addressLine2" not in written
    full = Address(line1="1 Main St", line2="Flat 3", city="Dublin", postal_code="", country_code="IE")
    assert wire_v0.write_shipping_details(Buyer(shipping_address=full))["addressLine2"] == "Flat 3"


def test_a_missing_address_is_refused() -> None:
    with pytest.raises(Rejected, match="address") as caught:
        wire_v0.write_shipping_details(Buyer(first_name="Ada"))
    assert not caught.value.maybe_sent


# Orders ------------------------------------------------------------------------------------------


def test_amounts_of_an_order_are_strings_and_empty_ones_are_none() -> None:
    owner, seen = wire_v0.read_order({"data": ORDER})
    assert owner == ""
    assert (seen.costs.total, seen.costs.subtotal) == (Money("272.51", "USD"), Money(245, "USD"))
    assert (seen.costs.tax, seen.costs.shipping, seen.costs.fee) == (Money("19.51", "USD"), None, None)


MALFORMED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SUMS, "a.example"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["session_token", "order_metadata"]), MALFORMED) | MALFORMED)
def test_malformed_quotes_raise_a_gateway_error_or_are_read(data: Any) -> None:
    for answer in (data, {"data": data}, quote(data), quote(token=data)):
        try:
            wire_v0.read_quote(answer, ITEMS)
        except GatewayError:
            continue


@pytest.mark.parametrize("malformed", [[1], {"value": 1}], ids=str)
def test_an_order_with_a_malformed_amount_is_a_gateway_error(malformed: Any) -> None:
    for name in ("grandTotal", "subtotal", "tax", "shipping", "transactionFee"):
        with pytest.raises(GatewayError):
            wire_v0.read_order({"data": {**ORDER, name: malformed}})
