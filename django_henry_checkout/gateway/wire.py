"""JSON of Henry's v1 generations <-> dataclasses, one function per message.

Reading is lenient where henry-api.md marks a shape as uncertain: a missing or malformed optional part becomes
empty. It is strict where a mistake would cost money: ids, statuses and amounts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from moneyed import Currency, CurrencyDoesNotExist, Money, get_currency

from django_henry_checkout.exceptions import BadResponse, Rejected
from django_henry_checkout.types import (
    Address,
    Buyer,
    Card,
    Costs,
    DetailsJob,
    HenryCart,
    ItemDetails,
    ItemOutcome,
    LineItem,
    Observation,
    PurchaseRequest,
    RawCard,
    ShippingOption,
)

MAX_ID_LENGTH = 255
#: Maximum number of orders of one cart that are read; one is usual.
ORDERS_OF_A_CART = 20
MAX_AMOUNT = Decimal(10) ** 15


# Reading: building blocks ----------------------------------------------------------------------


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def text(value: object, *, limit: int = 500) -> str:
    """Return text cut to `limit`, without NUL and lone surrogates, which databases reject."""
    if not isinstance(value, str):
        return ""
    return value[:limit].replace("\x00", "").encode("utf-8", "ignore").decode()


def read_id(value: object, *, name: str, limit: int = MAX_ID_LENGTH) -> str:
    """Read an opaque id: printable text of at most `limit` characters, in any format."""
    if not isinstance(value, str) or not 0 < len(value) <= limit or not value.isprintable():
        raise BadResponse(f"Henry's answer has no usable {name}.")
    return value


def read_money(value: object) -> Money | None:
    """Read `{value, currency}`; the value may be a number or text, never a float. None if absent."""
    if value is None:
        return None
    content = _object(value)
    amount, currency = content.get("value", content.get("amount")), content.get("currency")
    if amount is None and currency is None:
        return None
    return Money(_read_amount(amount), _read_currency(currency))


def _read_amount(amount: object) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, int | str | Decimal):
        raise BadResponse("Henry's answer contains an amount that is not a number.")
    try:
        parsed = Decimal(amount)
    except InvalidOperation:
        raise BadResponse("Henry's answer contains an amount that is not a number.") from None
    if not parsed.is_finite() or abs(parsed) >= MAX_AMOUNT:
        raise BadResponse("Henry's answer contains an amount out of range.")
    return parsed.quantize(Decimal("0.0001"))


def _read_currency(code: object) -> Currency:
    try:
        return get_currency(str(code).upper())
    except CurrencyDoesNotExist:
        raise BadResponse(f"Henry's answer contains an unknown currency: {text(code, limit=10)!r}.") from None


def read_costs(value: object) -> Costs:
    """Read a costs object. The fee is `serviceFee`, in older answers `commissionFee` (henry-api.md 1.2)."""
    content = _object(value)
    return Costs(
        total=read_money(content.get("total")),
        subtotal=read_money(content.get("subtotal")),
        tax=read_money(content.get("tax")),
        shipping=read_money(content.get("shipping")),
        discount=read_money(content.get("discount")),
        fee=read_money(content.get("serviceFee", content.get("commissionFee"))),
    )


def read_address(value: object) -> Address | None:
    """Read an address; None if it has no first line."""
    content = _object(value)
    if not text(content.get("line1")):
        return None
    return Address(
        line1=text(content.get("line1")),
        line2=text(content.get("line2")),
        city=text(content.get("city")),
        province=text(content.get("province")),
        postal_code=text(content.get("postalCode")),
        country_code=text(content.get("countryCode"), limit=2).upper(),
    )


def read_buyer(value: object) -> Buyer | None:
    """Read the `details` of a purchase, without the card, which must not be read."""
    content = _object(value)
    name, phone = _object(content.get("name")), content.get("phone")
    buyer = Buyer(
        first_name=text(name.get("firstName")),
        middle_name=text(name.get("middleName")),
        last_name=text(name.get("lastName")),
        email=text(content.get("email"), limit=254),
        phone=text(phone if isinstance(phone, str) else _object(phone).get("e164"), limit=50),
        shipping_address=read_address(content.get("shippingAddress")),
    )
    return None if buyer == Buyer() else buyer


# Reading: messages -----------------------------------------------------------------------------


def not_in_this_generation() -> Rejected:
    """Return the error for a call that this generation of the API does not have."""
    return Rejected("This version of Henry's API has no such call.", maybe_sent=False)


def read_cart(answer: object) -> HenryCart:
    """Read a CartResponse (henry-api.md 3.2); note its nested `data.data`."""
    data = _object(_object(answer).get("data"))
    items = _list(_object(data.get("data")).get("items"))
    return HenryCart(
        cart_id=read_id(data.get("cartId"), name="cartId"),
        checkout_url=text(data.get("checkoutUrl"), limit=4000),
        links=tuple(text(_object(item).get("link"), limit=2048) for item in items),
    )


def read_observation(job: object) -> Observation:
    """Read a PurchaseJob: the answer to a purchase and to its status, and a row of the order list."""
    content = _object(job)
    result = _object(content.get("result"))
    outcomes = [_object(item) for item in _list(result.get("items"))]
    return Observation(
        ref_id=read_id(content.get("refId"), name="refId"),
        status=read_id(content.get("status"), name="status"),
        items=_read_items(_list(content.get("products")), outcomes),
        digest=digest(content),
        buyer=read_buyer(content.get("details")),
        costs=read_costs(result.get("costs")),
        error=_read_error(content.get("error")),
    )


def _read_items(products: Sequence[Any], outcomes: list[Mapping[str, Any]]) -> tuple[ItemOutcome, ...]:
    """Join products with their results by link. A link may occur twice, so each result is used once."""
    items = []
    for product in map(_object, products):
        link = text(product.get("link"), limit=2048)
        outcome = next((found for found in outcomes if found.get("productLink") == link), None)
        if outcome is not None:
            outcomes.remove(outcome)
        quantity = product.get("quantity", 1)
        items.append(
            ItemOutcome(
                link=link,
                quantity=quantity if isinstance(quantity, int) else 1,
                status=text(product.get("status"), limit=64),
                merchant=text(product.get("merchant"), limit=200),
                host=text(product.get("host"), limit=200),
                selected_options=_read_options(product),
                confirmation_number=text(_object(outcome).get("confirmationNumber"), limit=200),
                costs=read_costs(_object(outcome).get("costs")),
                shipping_option=_read_option(_object(outcome).get("shippingOption")),
                coupon=_read_coupon(_object(outcome).get("appliedCoupon")),
            )
        )
    return tuple(items)


def _read_option(value: object) -> ShippingOption | None:
    """Read the shipping option of an item; None if it is missing."""
    content = _object(value)
    if not text(content.get("id")) and not text(content.get("name")):
        return None
    return ShippingOption(
        option_id=text(content.get("id"), limit=MAX_ID_LENGTH),
        name=text(content.get("name")),
        cost=read_money(content.get("cost")),
        time_estimate=text(content.get("timeEstimate")),
        min_date=text(content.get("minDate"), limit=40),
        max_date=text(content.get("maxDate"), limit=40),
    )


def _read_coupon(value: object) -> tuple[str, Money | None] | None:
    """Read the applied coupon and the amount that it saved; None if there is none."""
    content = _object(value)
    code = text(content.get("code"), limit=200)
    return (code, read_money(content.get("savedAmount"))) if code else None


def _read_options(product: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the selected options: a list, or in early v1 a `variant`, which is a string or an object."""
    variant = product.get("variant")
    if isinstance(variant, dict):
        return tuple(text(value) for value in variant.values())
    if isinstance(variant, str) and variant:
        return tuple(part.strip() for part in text(variant).split(","))
    return tuple(text(option) for option in _list(product.get("selectedOptions")))


def _read_error(value: object) -> str:
    """Return the code of a job's `error` object, whose keys are undocumented (henry-api.md 2.5).

    Its message is not read: it may contain personal data, and it would be stored.
    """
    content = _object(value)
    code = text(content.get("code"), limit=64)
    if code and all(character.isalnum() or character in "_-." for character in code):
        return code
    return "unspecified" if content else ""


def digest(content: Mapping[str, Any]) -> str:
    """Return a digest that is equal for equal content, in any order of keys."""
    canonical = json.dumps(content, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_order_list(answer: object) -> tuple[Observation, ...]:
    """Read the order list: an envelope whose `data` is a bare array of PurchaseJobs."""
    data = _object(answer).get("data")
    if not isinstance(data, list):
        raise BadResponse("Henry's order list has no array.")
    return tuple(read_observation(job) for job in data)


def read_details_jobs(answer: object) -> tuple[DetailsJob, ...]:
    """Read the answer to a details call: one job per merchant."""
    data = _object(_object(answer).get("data"))
    return tuple(read_details_job(job) for job in _list(data.get("jobs")))


def read_details_job(job: object) -> DetailsJob:
    """Read one details job."""
    content = _object(job)
    items = _list(_object(content.get("result")).get("items"))
    return DetailsJob(
        ref_id=read_id(content.get("refId"), name="refId"),
        status=read_id(content.get("status"), name="status"),
        items=tuple(_read_item_details(_object(item)) for item in items),
        error=_read_error(content.get("error")),
    )


def _read_item_details(item: Mapping[str, Any]) -> ItemDetails:
    options = (_read_option(option) for option in _list(item.get("shippingOptions")))
    coupons = (_object(coupon) for coupon in _list(item.get("coupons")))
    return ItemDetails(
        shipping_options=tuple(option for option in options if option is not None and option.option_id),
        costs=read_costs(item.get("costs")),
        coupons=tuple((text(coupon.get("code")), coupon.get("available") is True) for coupon in coupons),
    )


# Writing ---------------------------------------------------------------------------------------


def write_subscription(uuid: str, events: Sequence[str]) -> dict[str, Any]:
    """Write the part of a cart that subscribes the webhook `uuid` to its events; empty without a uuid."""
    if not uuid:
        return {}
    action = {"type": "send_webhook", "webhookUUID": uuid}
    return {"settings": {"events": [{"type": event, "data": [action]} for event in events]}}


def write_item(item: LineItem) -> dict[str, Any]:
    """Write a CartItem of current v1, without empty optional parts."""
    content: dict[str, Any] = {"link": item.link, "quantity": item.quantity}
    if item.selected_options:
        content["selectedOptions"] = list(item.selected_options)
    if item.selected_shipping:
        content["selectedShipping"] = dict(item.selected_shipping)
    if item.coupons:
        content["coupons"] = list(item.coupons)
    if item.metadata:
        content["metadata"] = dict(item.metadata)
    return content


def write_item_with_variant(item: LineItem) -> dict[str, Any]:
    """Write a CartItem of early v1: options are one string, `variant`; shipping is `shippingOption`."""
    content = write_item(item)
    if "selectedOptions" in content:
        content["variant"] = ", ".join(content.pop("selectedOptions"))
    if "selectedShipping" in content:
        content["shippingOption"] = content.pop("selectedShipping")
    return content


def write_address(address: Address) -> dict[str, str]:
    """Write an Address, without empty optional lines."""
    content = {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "province": address.province,
        "postalCode": address.postal_code,
        "countryCode": address.country_code,
    }
    return {key: value for key, value in content.items() if value or key not in {"line2", "province"}}


def write_names(content: Mapping[str, Any]) -> dict[str, Any]:
    """Convert names to camelCase, in nested objects too: `collect_email` becomes `collectEmail`."""
    written = {}
    for name, value in content.items():
        first, *rest = name.split("_")
        inner = write_names(value) if isinstance(value, Mapping) else value
        written[first + "".join(part.capitalize() for part in rest)] = inner
    return written


def write_buyer(buyer: Buyer) -> dict[str, Any]:
    """Write the buyer, without a card."""
    name = {"firstName": buyer.first_name, "lastName": buyer.last_name}
    if buyer.middle_name:
        name["middleName"] = buyer.middle_name
    person: dict[str, Any] = {"name": name, "email": buyer.email, "phone": buyer.phone}
    if buyer.shipping_address is not None:
        person["shippingAddress"] = write_address(buyer.shipping_address)
    return person


def write_purchase(request: PurchaseRequest) -> dict[str, Any]:
    """Write the body of a headless purchase (henry-api.md 3.4.5)."""
    person = {**write_buyer(request.buyer), "card": _write_card(request.card, request.buyer)}
    content: dict[str, Any] = {"buyer": person}
    if request.settings:
        content["settings"] = write_names(request.settings)
    if request.metadata:
        content["metadata"] = dict(request.metadata)
    if request.coupons:
        content["coupons"] = list(request.coupons)
    return content


def _write_card(card: Card, buyer: Buyer) -> dict[str, Any]:
    name = {
        "firstName": card.first_name or buyer.first_name,
        "lastName": card.last_name or buyer.last_name,
    }
    if card.middle_name:
        name["middleName"] = card.middle_name
    content: dict[str, Any] = {
        "nameOnCard": name,
        "details": {"cardToken": card.token} if card.raw is None else _write_raw_card(card.raw),
    }
    if card.billing_address is not None:
        content["billingAddress"] = write_address(card.billing_address)
    return content


def _write_raw_card(card: RawCard) -> dict[str, str]:
    """Write card fields as early v1 names them (henry-api.md 3.3)."""
    return {
        "cardNumber": card.number,
        "expiryMonth": card.expiry_month,
        "expiryYear": card.expiry_year,
        "cvv": card.cvv,
    }
