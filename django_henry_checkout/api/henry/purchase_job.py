"""A purchase in the shape of Henry's early v1 (henry-api.md 3.3): amounts are numbers, as on its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from moneyed import Money

from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.money import to_number
from django_henry_checkout.models import (
    ItemStatus,
    OrderBuyer,
    OrderLine,
    Purchase,
    PurchaseStatus,
)
from django_henry_checkout.types import local_ref

#: Henry's status words for statuses that only we have.
_STATUSES = {
    PurchaseStatus.PLANNED: "pending",
    PurchaseStatus.SENT: "pending",
    PurchaseStatus.IN_DOUBT: "pending",
    PurchaseStatus.STUCK: "processing",
    PurchaseStatus.ABANDONED: "cancelled",
}
_ITEM_STATUSES = {ItemStatus.BOUGHT: "complete", ItemStatus.CANCELED: "cancelled"}


def serialize_purchase(purchase: Purchase, lines: Iterable[OrderLine], buyer: OrderBuyer | None) -> JSON:
    """Return a purchase with its products, its buyer and, once there is one, its result."""
    lines = list(lines)
    content: JSON = {
        "refId": purchase.ref_id or local_ref(purchase.public_id),
        "status": _STATUSES.get(PurchaseStatus(purchase.status), purchase.status),
        "products": [_product(line) for line in lines],
        "details": _details(purchase, buyer or OrderBuyer()),
        "orderId": purchase.order.ulid,
    }
    result = _result(purchase.answer, {line.link: line.metadata for line in lines})
    if result is not None:
        content["result"] = result
    if purchase.error:
        content["error"] = {"code": purchase.error}
    return content


def _product(line: OrderLine) -> JSON:
    return {
        "status": _ITEM_STATUSES.get(ItemStatus(line.status), line.status),
        "link": line.link,
        "quantity": line.quantity,
        "merchant": line.merchant,
        "host": urlsplit(line.link).hostname or "",
        "variant": ", ".join(line.selected_options),
        "selectedOptions": line.selected_options,
        "metadata": line.metadata,
    }


def _details(purchase: Purchase, buyer: OrderBuyer) -> JSON:
    """Return the buyer. The card has only the name on it; its `details` are empty, as on Henry's page."""
    options = purchase.settings.get("options", {})

    def collects(detail: str) -> bool:
        default = options.get(f"collect_buyer_{detail}", "required") != "off"
        return bool(purchase.settings.get(f"collect_{detail}", default))

    return {
        "hasAccount": purchase.order.user_id is not None,
        "name": _name(vars(buyer)),
        "card": {
            "nameOnCard": _name(buyer.name_on_card),
            "details": {},
            "billingAddress": _address(buyer.billing_address or buyer.shipping_address),
        },
        "email": buyer.email,
        "phone": _phone(buyer.phone),
        "shippingAddress": _address(buyer.shipping_address),
        "settings": {
            "collectEmail": collects("email"),
            "collectAddress": collects("address"),
            "collectPhone": collects("phone"),
        },
    }


def _name(parts: Mapping[str, Any]) -> JSON:
    name = {"firstName": parts.get("first_name", ""), "lastName": parts.get("last_name", "")}
    middle = parts.get("middle_name", "")
    return {**name, "middleName": middle} if middle else name


def _address(parts: Mapping[str, str]) -> JSON:
    content = {
        "line1": parts.get("line1", ""),
        "city": parts.get("city", ""),
        "province": parts.get("province", ""),
        "postalCode": parts.get("postal_code", ""),
        "countryCode": parts.get("country_code", ""),
    }
    return {**content, "line2": parts["line2"]} if parts.get("line2") else content


def _phone(text: str) -> JSON:
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return {"countryCode": "", "nationalNumber": "", "e164": text, "country": ""}
    return {
        "countryCode": str(number.country_code),
        "nationalNumber": str(number.national_number),
        "e164": phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        "country": phonenumbers.region_code_for_number(number)
        or phonenumbers.region_code_for_country_code(number.country_code or 0),
    }


def _result(answer: Mapping[str, Any], metadata: Mapping[str, Any]) -> JSON | None:
    costs = answer.get("costs", {})
    if "total" not in costs:
        return None
    return {
        "items": [_result_item(item, metadata) for item in answer["items"]],
        "costs": {
            "subtotal": _money(costs.get("subtotal")),
            "commissionFee": _money(costs.get("fee")),
            "total": _money(costs["total"]),
        },
    }


def _result_item(item: Mapping[str, Any], metadata: Mapping[str, Any]) -> JSON:
    names = ("total", "subtotal", "tax", "shipping", "discount")
    content: JSON = {
        "productLink": item["link"],
        "confirmationNumber": item["confirmationNumber"],
        "costs": {name: _money(item["costs"].get(name)) for name in names if name in item["costs"]},
        "metadata": metadata.get(item["link"], {}),
    }
    if "shippingOption" in item:
        option = item["shippingOption"]
        content["shippingOption"] = {**option, "cost": _money(option["cost"])}
    if "appliedCoupon" in item:
        coupon = item["appliedCoupon"]
        content["appliedCoupon"] = {**coupon, "savedAmount": _money(coupon["savedAmount"])}
    return content


def _money(stored: Mapping[str, str] | None) -> JSON | None:
    if stored is None:
        return None
    return {"value": to_number(Money(stored["value"], stored["currency"])), "currency": stored["currency"]}
