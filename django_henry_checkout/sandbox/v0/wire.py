"""The v0 spelling: product lines, shipping details and orders. Money is text here but for the quote."""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from django_henry_checkout.sandbox.engine import orders, pricing
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.state import JSON, Address, Buyer, Line, Order, Person
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError

_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
_USER_ID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
# v0 has no word for a purchase of which a part failed. [SIM] What was bought ends as `ordered`: `delivered`
# is a word of v0 too, but nothing says after how long; a scenario that asks for the outcome gets it.
_WORDS = {"complete": "ordered", "partially_complete": "ordered"}
_MESSAGES = {
    "pending": "Order received",
    "processing": "Order is being placed with the merchants",
    "ordered": "Order placed with the merchants",
    "delivered": "Order delivered",
    "cancelled": "Order cancelled",
    "failed": "Order could not be placed",
}


# Headers


def user_of(request: HttpRequest) -> str:
    """The shopper of a call. The length limit is the sandbox's own."""
    user_id = request.headers.get("x-user-id", "").strip()
    if not user_id:
        raise RefusedError("The header x-user-id is required.")
    if not _USER_ID.fullmatch(user_id):
        raise RefusedError("The header x-user-id must be at most 200 plain characters.")
    return user_id


# Products in a cart


def read_product(source: Any, where: str) -> Line:
    if not isinstance(source, dict):
        raise RefusedError(f"{where} must be an object.")
    link = checking.https_link(source.get("productLink"), f"{where}.productLink")
    metadata = read_metadata(source, where)
    affiliate = checking.text(source, "affiliateProductLink", where=where, required=False, limit=2048)
    return Line(
        link=link,
        quantity=checking.whole(source.get("quantity"), f"{where}.quantity", low=1, high=999),
        options=variant_of(metadata),
        metadata=metadata or None,
        affiliate_link=checking.https_link(affiliate, f"{where}.affiliateProductLink") if affiliate else "",
        product_id=checking.text(source, "productId", where=where, required=False, limit=200)
        or _made_up_id(link, metadata),
        title=checking.text(source, "name", where=where),
        price=_read_price(source, where),
        image_link=checking.text(source, "productImageLink", where=where, required=False, limit=2048),
    )


def _read_price(source: JSON, where: str) -> Decimal:
    price = source.get("price")
    if not isinstance(price, str) or not _PRICE.fullmatch(price):
        raise RefusedError(f'{where}.price must be a string such as "149.00".')
    return Decimal(price)


def read_metadata(source: JSON, where: str) -> JSON:
    metadata = checking.mapping(source, "metadata", where=where) or {}
    if not all(isinstance(value, str) for value in metadata.values()):
        raise RefusedError(f"{where}.metadata must map names to strings.")
    return metadata


def variant_of(metadata: JSON) -> tuple[str, ...]:
    """The plain values of a variant; the key `sandbox` steers an item's outcome and is none."""
    return tuple(value for key, value in metadata.items() if key != "sandbox")


def _made_up_id(link: str, metadata: JSON) -> str:
    """The id of a product that came without one. [SIM] Always the same for the same link and variant."""
    seed = json.dumps([link, sorted(metadata.items())])
    return f"prd_{hashlib.sha256(seed.encode()).hexdigest()[:20]}"


def product_json(line: Line) -> JSON:
    optional: JSON = {
        "productId": line.product_id,
        "productImageLink": line.image_link,
        "affiliateProductLink": line.affiliate_link,
        "metadata": line.metadata,
    }
    return {
        "name": line.title,
        "price": str(line.price),
        "quantity": line.quantity,
        "productLink": line.link,
        **{key: value for key, value in optional.items() if value},
    }


# Shipping details


def read_shipping(body: JSON, *, required: bool) -> Buyer | None:
    found = checking.mapping(body, "shippingDetails", required=required)
    if found is None:
        return None
    where = "shippingDetails"
    texts = {
        key: checking.text(found, key, where=where)
        for key in ("fullName", "email", "phoneNumber", "addressLine1", "city", "countryCode")
    }
    if not re.fullmatch(r"[A-Za-z]{2}", texts["countryCode"]):
        raise RefusedError(f"{where}.countryCode must be a two-letter country code.")
    first, _, last = " ".join(texts["fullName"].split()).rpartition(" ")
    return Buyer(
        name=Person(first, last),
        email=checking.email(texts["email"], f"{where}.email"),
        phone=checking.phone(texts["phoneNumber"], f"{where}.phoneNumber"),
        shipping=Address(
            line1=texts["addressLine1"],
            line2=checking.text(found, "addressLine2", where=where, required=False),
            city=texts["city"],
            # Strings that some countries leave empty: only their presence is asked for.
            province=_present(found, "stateOrProvince", where),
            postal_code=_present(found, "postalCode", where),
            country_code=texts["countryCode"].upper(),
        ),
    )


def _present(found: JSON, key: str, where: str) -> str:
    if key not in found:
        raise RefusedError(f"{where}.{key} is required.")
    return checking.text(found, key, where=where, required=found[key] is None)


def shipping_json(buyer: Buyer) -> JSON | None:
    place = buyer.shipping
    if place is None:
        return None
    body: JSON = {
        "fullName": full_name(buyer.name),
        "email": buyer.email,
        "phoneNumber": buyer.phone,
        "addressLine1": place.line1,
        "city": place.city,
        "stateOrProvince": place.province,
        "postalCode": place.postal_code,
        "countryCode": place.country_code,
    }
    return {**body, "addressLine2": place.line2} if place.line2 else body


def full_name(name: Person) -> str:
    return " ".join(part for part in (name.first_name, name.middle_name, name.last_name) if part)


# Orders


def order_status(order: Order) -> str:
    status = orders.order_status(order, store.now(), dialect="six")
    return _WORDS.get(status, status)


def order_json(order: Order) -> JSON:
    """The whole order as it was placed: v0 has no word for a single item."""
    status = order_status(order)
    sums = pricing.totals(order.lines, order.rules)
    body: JSON = {
        "id": order.order_id,
        "userId": order.user_id,
        "status": status,
        "statusMessage": _MESSAGES.get(status, status.replace("_", " ").capitalize()),
        "subtotal": str(sums.subtotal - sums.discount),
        "tax": str(sums.tax),
        "shipping": str(sums.shipping),
        "transactionFee": str(sums.fee),
        "grandTotal": str(sums.total),
        "currency": "USD",
        "products": [_ordered_json(priced.title, priced.line) for priced in order.lines],
    }
    shipping = shipping_json(order.buyer)
    return {**body, "shippingDetails": shipping} if shipping else body


def _ordered_json(title: str, line: Line) -> JSON:
    body: JSON = {"productName": title, "quantity": line.quantity}
    return {**body, "productMetadata": line.metadata} if line.metadata else body
