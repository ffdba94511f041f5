"""A purchase as Henry's early v1 answers it (henry-api.md 3.3): amounts are numbers, as on its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from moneyed import Money

from django_henry_checkout.api.names import JSON
from django_henry_checkout.api.numbers import number
from django_henry_checkout.models import (
    ItemStatus,
    OrderBuyer,
    OrderLine,
    Purchase,
    PurchaseStatus,
)
from django_henry_checkout.types import local_ref

#: Our own words for a purchase that Henry has not answered yet, or has refused, in Henry's.
_WORDS = {
    PurchaseStatus.PLANNED: "pending",
    PurchaseStatus.SENT: "pending",
    PurchaseStatus.IN_DOUBT: "pending",
    PurchaseStatus.STUCK: "processing",
    PurchaseStatus.ABANDONED: "cancelled",
}
_ITEM_WORDS = {ItemStatus.BOUGHT: "complete", ItemStatus.CANCELED: "cancelled"}


def purchase_job(purchase: Purchase, lines: Iterable[OrderLine], buyer: OrderBuyer | None) -> JSON:
    """Write a purchase with its products, its buyer and, once there is one, its result."""
    shown = list(lines)
    content: JSON = {
        "refId": purchase.ref_id or local_ref(purchase.public_id),
        "status": _WORDS.get(PurchaseStatus(purchase.status), purchase.status),
        "products": [_product(line) for line in shown],
        "details": _details(purchase, buyer or OrderBuyer()),
        "orderId": purchase.order.ulid,
    }
    result = _result(purchase.answer, {line.link: line.metadata for line in shown})
    if result is not None:
        content["result"] = result
    if purchase.error:
        content["error"] = {"code": purchase.error}
    return content


def _product(line: OrderLine) -> JSON:
    return {
        "status": _ITEM_WORDS.get(ItemStatus(line.status), line.status),
        "link": line.link,
        "quantity": line.quantity,
        "merchant": line.merchant,
        "host": urlsplit(line.link).hostname or "",
        "variant": ", ".join(line.selected_options),
        "selectedOptions": line.selected_options,
        "metadata": line.metadata,
    }


def _details(purchase: Purchase, buyer: OrderBuyer) -> JSON:
    """Write who buys. Of the card there is only the name on it; `details` is empty, as on the page."""
    options = purchase.settings.get("options", {})

    def collects(what: str) -> bool:
        asked = options.get(f"collect_buyer_{what}", "required") != "off"
        return bool(purchase.settings.get(f"collect_{what}", asked))

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
        number_ = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return {"countryCode": "", "nationalNumber": "", "e164": text, "country": ""}
    return {
        "countryCode": str(number_.country_code),
        "nationalNumber": str(number_.national_number),
        "e164": phonenumbers.format_number(number_, phonenumbers.PhoneNumberFormat.E164),
        "country": phonenumbers.region_code_for_number(number_)
        or phonenumbers.region_code_for_country_code(number_.country_code or 0),
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


def _money(kept: Mapping[str, str] | None) -> JSON | None:
    if kept is None:
        return None
    return {"value": number(Money(kept["value"], kept["currency"])), "currency": kept["currency"]}
