"""The v0 wire format: products, shipping details and orders. Amounts are strings, except in the quote."""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from django_henry_checkout.sandbox.engine import orders, pricing, validation
from django_henry_checkout.sandbox.engine.state import JSON, Address, Buyer, Line, Order, Person
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError

_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
_USER_ID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
# [SIM] v0 has no status for a partly failed purchase: it ends as `ordered`. `delivered` is a status of v0 too, but
# it is not documented when it follows; a scenario can set it as the outcome.
_STATUSES = {"complete": "ordered", "partially_complete": "ordered"}
_STATUS_MESSAGES = {
    "pending": "Order received",
    "processing": "Order is being placed with the merchants",
    "ordered": "Order placed with the merchants",
    "delivered": "Order delivered",
    "cancelled": "Order cancelled",
    "failed": "Order could not be placed",
}


# Headers


def read_user_id(request: HttpRequest) -> str:
    """Return the user of a call. The length limit is the sandbox's own."""
    user_id = request.headers.get("x-user-id", "").strip()
    if not user_id:
        raise ApiError("The header x-user-id is required.")
    if not _USER_ID.fullmatch(user_id):
        raise ApiError("The header x-user-id must be at most 200 plain characters.")
    return user_id


# Products in a cart


def read_product(source: Any, where: str) -> Line:
    if not isinstance(source, dict):
        raise ApiError(f"{where} must be an object.")
    link = validation.parse_https_url(source.get("productLink"), f"{where}.productLink")
    metadata = read_metadata(source, where)
    affiliate = validation.read_text(source, "affiliateProductLink", where=where, required=False, limit=2048)
    return Line(
        link=link,
        quantity=validation.parse_integer(source.get("quantity"), f"{where}.quantity", low=1, high=999),
        options=read_variant(metadata),
        metadata=metadata or None,
        affiliate_link=validation.parse_https_url(affiliate, f"{where}.affiliateProductLink")
        if affiliate
        else "",
        product_id=validation.read_text(source, "productId", where=where, required=False, limit=200)
        or _derive_id(link, metadata),
        title=validation.read_text(source, "name", where=where),
        price=_read_price(source, where),
        image_link=validation.read_text(source, "productImageLink", where=where, required=False, limit=2048),
    )


def _read_price(source: JSON, where: str) -> Decimal:
    price = source.get("price")
    if not isinstance(price, str) or not _PRICE.fullmatch(price):
        raise ApiError(f'{where}.price must be a string such as "149.00".')
    return Decimal(price)


def read_metadata(source: JSON, where: str) -> JSON:
    metadata = validation.read_object(source, "metadata", where=where) or {}
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ApiError(f"{where}.metadata must map names to strings.")
    return metadata


def read_variant(metadata: JSON) -> tuple[str, ...]:
    """Return the values of a variant. The key `sandbox` sets the outcome of an item and is not part of it."""
    return tuple(value for key, value in metadata.items() if key != "sandbox")


def _derive_id(link: str, metadata: JSON) -> str:
    """Return an id for a product without one. [SIM] It is derived from the link and the variant."""
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
    details = validation.read_object(body, "shippingDetails", required=required)
    if details is None:
        return None
    where = "shippingDetails"
    texts = {
        key: validation.read_text(details, key, where=where)
        for key in ("fullName", "email", "phoneNumber", "addressLine1", "city", "countryCode")
    }
    if not re.fullmatch(r"[A-Za-z]{2}", texts["countryCode"]):
        raise ApiError(f"{where}.countryCode must be a two-letter country code.")
    first, _, last = " ".join(texts["fullName"].split()).rpartition(" ")
    return Buyer(
        name=Person(first, last),
        email=validation.parse_email(texts["email"], f"{where}.email"),
        phone=validation.parse_phone(texts["phoneNumber"], f"{where}.phoneNumber"),
        shipping=Address(
            line1=texts["addressLine1"],
            line2=validation.read_text(details, "addressLine2", where=where, required=False),
            city=texts["city"],
            # Empty in some countries: only their presence is required.
            province=_read_present(details, "stateOrProvince", where),
            postal_code=_read_present(details, "postalCode", where),
            country_code=texts["countryCode"].upper(),
        ),
    )


def _read_present(details: JSON, key: str, where: str) -> str:
    if key not in details:
        raise ApiError(f"{where}.{key} is required.")
    return validation.read_text(details, key, where=where, required=details[key] is None)


def shipping_json(buyer: Buyer) -> JSON | None:
    address = buyer.shipping
    if address is None:
        return None
    body: JSON = {
        "fullName": full_name(buyer.name),
        "email": buyer.email,
        "phoneNumber": buyer.phone,
        "addressLine1": address.line1,
        "city": address.city,
        "stateOrProvince": address.province,
        "postalCode": address.postal_code,
        "countryCode": address.country_code,
    }
    return {**body, "addressLine2": address.line2} if address.line2 else body


def full_name(name: Person) -> str:
    return " ".join(part for part in (name.first_name, name.middle_name, name.last_name) if part)


# Orders


def order_status(order: Order) -> str:
    """Return the status of an order in the terms of v0."""
    status = orders.order_status(order, store.now(), dialect="six")
    return _STATUSES.get(status, status)


def order_json(order: Order) -> JSON:
    """Serialize an order as it was placed: v0 has no status per item."""
    status = order_status(order)
    sums = pricing.compute_totals(order.lines, order.rules)
    body: JSON = {
        "id": order.order_id,
        "userId": order.user_id,
        "status": status,
        "statusMessage": _STATUS_MESSAGES.get(status, status.replace("_", " ").capitalize()),
        "subtotal": str(sums.subtotal - sums.discount),
        "tax": str(sums.tax),
        "shipping": str(sums.shipping),
        "transactionFee": str(sums.fee),
        "grandTotal": str(sums.total),
        "currency": "USD",
        "products": [_order_product_json(priced.title, priced.line) for priced in order.lines],
    }
    shipping = shipping_json(order.buyer)
    return {**body, "shippingDetails": shipping} if shipping else body


def _order_product_json(title: str, line: Line) -> JSON:
    body: JSON = {"productName": title, "quantity": line.quantity}
    return {**body, "productMetadata": line.metadata} if line.metadata else body
