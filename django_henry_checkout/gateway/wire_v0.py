"""JSON of Henry's v0 generation <-> dataclasses (henry-api.md 3.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from moneyed import Money

from django_henry_checkout.exceptions import BadResponse, Rejected
from django_henry_checkout.gateway import wire
from django_henry_checkout.types import (
    Address,
    Buyer,
    Costs,
    HenryQuote,
    HenryStatus,
    LineItem,
    MerchantQuote,
    Observation,
)

MAX_TOKEN_LENGTH = 4000
# Statuses of a bought order in v0; all others are the same as in v1 (henry-api.md 7.1).
_BOUGHT = frozenset({"ordered", "delivered", "completed"})


def data_of(answer: object) -> Mapping[str, Any]:
    """Return the `data` of an envelope."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise BadResponse("Henry's answer has no data.")
    return data


def product_id(item: LineItem) -> str:
    """Return the id of an item in a v0 cart, which depends on its link and options."""
    return hashlib.sha256("\n".join([item.link, *item.selected_options]).encode()).hexdigest()[:24]


def write_product(item: LineItem) -> dict[str, Any]:
    """Write a ProductLine; its price and all metadata values are strings.

    Raises:
        Rejected: the item has no price, which this generation requires.
    """
    if item.unit_price is None:
        raise Rejected("Henry's v0 API accepts only items with a price.", maybe_sent=False)
    metadata = {name: str(value) for name, value in item.metadata.items()}
    if item.selected_options:
        metadata["options"] = ", ".join(item.selected_options)
    content: dict[str, Any] = {
        "name": item.title or item.link,
        "price": str(item.unit_price.amount.quantize(Decimal("0.01"))),
        "quantity": item.quantity,
        "productLink": item.link,
        "productId": product_id(item),
    }
    if item.image_url:
        content["productImageLink"] = item.image_url
    if metadata:
        content["metadata"] = metadata
    return content


def read_products(answer: object) -> Sequence[Mapping[str, Any]]:
    """Read the lines of a cart."""
    products = data_of(answer).get("products")
    return (
        [product for product in products if isinstance(product, dict)] if isinstance(products, list) else []
    )


def read_order(answer: object) -> tuple[str, Observation]:
    """Read an order; return its owner (the `x-user-id`) and the observation.

    Its products have neither link nor status, so the observation has no items.
    """
    data = data_of(answer)
    status = wire.read_id(data.get("status"), name="status")
    observation = Observation(
        ref_id=wire.read_id(data.get("id"), name="order id"),
        status=HenryStatus.COMPLETE if status in _BOUGHT else status,
        items=(),
        digest=wire.digest(data),
        buyer=_read_buyer(data.get("shippingDetails")),
        costs=_read_costs(data),
    )
    return wire.text(data.get("userId")), observation


def _read_costs(data: Mapping[str, Any]) -> Costs:
    """Read the amounts, which are strings in v0 and share one currency."""

    def money(name: str) -> Any:
        amount = data.get(name)
        return None if amount is None or amount == "" else {"value": amount, "currency": data.get("currency")}

    return Costs(
        total=wire.read_money(money("grandTotal")),
        subtotal=wire.read_money(money("subtotal")),
        tax=wire.read_money(money("tax")),
        shipping=wire.read_money(money("shipping")),
        fee=wire.read_money(money("transactionFee")),
    )


def write_shipping_details(buyer: Buyer) -> dict[str, str]:
    """Write a ShippingDetails (henry-api.md 3.1), without an empty second line.

    Raises:
        Rejected: there is no address.
    """
    address = buyer.shipping_address
    if address is None:
        raise Rejected("Henry's v0 API requires an address.", maybe_sent=False)
    content = {
        "fullName": " ".join(part for part in (buyer.first_name, buyer.middle_name, buyer.last_name) if part),
        "email": buyer.email,
        "phoneNumber": buyer.phone,
        "addressLine1": address.line1,
        "addressLine2": address.line2,
        "city": address.city,
        "stateOrProvince": address.province,
        "postalCode": address.postal_code,
        "countryCode": address.country_code,
    }
    return {name: value for name, value in content.items() if value or name != "addressLine2"}


def currency_of(items: Sequence[LineItem]) -> str:
    """Return the currency of the items' prices.

    Raises:
        Rejected: there is none, or more than one.
    """
    currencies = {item.unit_price.currency.code for item in items if item.unit_price is not None}
    if len(currencies) != 1:
        raise Rejected("Henry's v0 API can only quote carts with prices in one currency.", maybe_sent=False)
    return currencies.pop()


def read_quote(answer: object, items: Sequence[LineItem]) -> HenryQuote:
    """Read a quote. Its amounts are plain numbers, in the currency of the items' prices.

    Raises:
        Rejected: the items' prices are in several currencies.
        BadResponse: the session token or the total is missing.
    """
    currency = currency_of(items)

    def money(amount: object) -> Money | None:
        return None if amount is None else wire.read_money({"value": amount, "currency": currency})

    data = data_of(answer)
    sums = data.get("order_metadata")
    if not isinstance(sums, dict) or sums.get("total_price") is None:
        raise BadResponse("Henry's quote has no total.")
    shipping = sums.get("shipping")
    by_host = shipping if isinstance(shipping, dict) else {}
    return HenryQuote(
        costs=Costs(
            total=money(sums["total_price"]),
            tax=money(sums.get("tax")),
            shipping=money(sums.get("shipping_total")),
            fee=money(sums.get("transaction_fee")),
        ),
        merchants=tuple(
            MerchantQuote(host=wire.text(host, limit=200), shipping=money(amount))
            for host, amount in by_host.items()
        ),
        token=_read_token(data.get("session_token")),
    )


def _read_token(value: object) -> str:
    """Read a token, which is sent back to Henry in a header."""
    token = wire.read_id(value, name="session token", limit=MAX_TOKEN_LENGTH)
    if not token.isascii() or token != token.strip():
        raise BadResponse("Henry's session token cannot be sent in a header.")
    return token


def _read_buyer(value: object) -> Buyer | None:
    details = value if isinstance(value, dict) else {}
    if not details:
        return None
    first, _space, last = wire.text(details.get("fullName")).partition(" ")
    line1 = wire.text(details.get("addressLine1"))
    return Buyer(
        first_name=first,
        last_name=last,
        email=wire.text(details.get("email"))[:254],
        phone=wire.text(details.get("phoneNumber"))[:50],
        shipping_address=Address(
            line1=line1,
            line2=wire.text(details.get("addressLine2")),
            city=wire.text(details.get("city")),
            province=wire.text(details.get("stateOrProvince")),
            postal_code=wire.text(details.get("postalCode")),
            country_code=wire.text(details.get("countryCode"))[:2].upper(),
        )
        if line1
        else None,
    )
