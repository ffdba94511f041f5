"""The v1 wire format: records to JSON and back. Only this module knows the field names of REST."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from django_henry_checkout.sandbox.engine import orders, pricing, validation
from django_henry_checkout.sandbox.engine.purchase_cache import PurchaseCache
from django_henry_checkout.sandbox.engine.responses import to_iso
from django_henry_checkout.sandbox.engine.state import (
    JSON,
    Address,
    Buyer,
    Cart,
    Job,
    Line,
    Order,
    Person,
    PricedLine,
    Rules,
    ShippingOption,
)
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.engine.webhooks import events

_COLLECT_CHOICES = ("off", "required", "optional")
_COLLECTED_FIELDS = ("Email", "Address", "Phone")
_CALLING_CODES = {
    "1": "US", "30": "GR", "31": "NL", "32": "BE", "33": "FR", "34": "ES", "351": "PT", "353": "IE", "358": "FI",
    "36": "HU", "39": "IT", "40": "RO", "41": "CH", "420": "CZ", "43": "AT", "44": "GB", "45": "DK", "46": "SE",
    "47": "NO", "48": "PL", "49": "DE", "52": "MX", "55": "BR", "61": "AU", "64": "NZ", "65": "SG", "81": "JP",
    "82": "KR", "91": "IN",
}  # fmt: skip


def money(value: Decimal) -> JSON:
    return {"value": value, "currency": "USD"}


# Carts


def checkout_url(request: HttpRequest, cart: Cart) -> str:
    return request.build_absolute_uri(f"/cart/{cart.cart_id}")


def cart_json(request: HttpRequest, cart: Cart, *, url: str = "") -> JSON:
    data: JSON = {"items": [line_json(line) for line in cart.lines]}
    if cart.settings is not None:
        data["settings"] = cart.settings
    if cart.tags is not None:
        data["tags"] = cart.tags
    url = url or checkout_url(request, cart)
    return {"cartId": cart.cart_id, "checkoutUrl": url, "data": data, "metadata": {}}


def line_json(line: Line) -> JSON:
    optional: JSON = {
        "selectedOptions": list(line.options),
        "selectedShipping": line.shipping,
        "affiliateProductLink": line.affiliate_link,
        "coupons": list(line.coupons),
        "metadata": line.metadata,
    }
    return {
        "link": line.link,
        "quantity": line.quantity,
        **{key: val for key, val in optional.items() if val},
    }


def read_line(source: Any, where: str) -> Line:
    if not isinstance(source, dict):
        raise ApiError(f"{where} must be an object.")
    affiliate = source.get("affiliateProductLink")
    return Line(
        link=validation.parse_https_url(source.get("link"), f"{where}.link"),
        quantity=validation.parse_integer(source.get("quantity", 1), f"{where}.quantity", low=1, high=999),
        options=validation.read_strings(source, "selectedOptions", where=where),
        shipping=validation.read_object(source, "selectedShipping", where=where),
        coupons=validation.read_strings(source, "coupons", where=where),
        metadata=validation.read_object(source, "metadata", where=where),
        affiliate_link=validation.parse_https_url(affiliate, f"{where}.affiliateProductLink")
        if affiliate
        else "",
    )


def read_rules(settings: JSON | None) -> Rules:
    source = settings or {}
    events.validate_events(source)
    options = validation.read_object(source, "options", where="settings") or {}
    where = "settings.options"
    fee = "serviceFee" if {"serviceFeePercent", "serviceFeeFixed"} & set(source) else "commissionFee"
    fixed = validation.read_object(source, f"{fee}Fixed", where="settings")
    percent = validation.parse_amount(source.get(f"{fee}Percent") or 0, f"settings.{fee}Percent", high=100)
    return Rules(
        collect_email=validation.read_choice(
            options, "collectBuyerEmail", _COLLECT_CHOICES, default="required", where=where
        ),
        collect_address=validation.read_choice(
            options, "collectBuyerAddress", _COLLECT_CHOICES, default="required", where=where
        ),
        collect_phone=validation.read_choice(
            options, "collectBuyerPhone", _COLLECT_CHOICES, default="optional", where=where
        ),
        allow_partial=validation.read_boolean(options, "allowPartialPurchase", where=where),
        fee_percent=percent,
        fee_fixed=validation.parse_amount(fixed.get("value"), f"settings.{fee}Fixed.value")
        if fixed
        else pricing.ZERO,
    )


def read_purchase_rules(body: JSON, rules: Rules) -> Rules:
    """Return the rules of one purchase. [SIM] Only Henry's response is known; its `collectEmail` etc. are read too."""
    settings = validation.read_object(body, "settings")
    if settings is None:
        return rules
    overrides = {}
    for name in _COLLECTED_FIELDS:
        if f"collect{name}" in settings:
            is_collected = validation.read_boolean(settings, f"collect{name}", where="settings")
            overrides[f"collect_{name.lower()}"] = "required" if is_collected else "off"
    return Rules(**{**vars(rules), **overrides})


# Names and addresses


def read_name(source: JSON, key: str, *, where: str = "buyer", required: bool = True) -> Person | None:
    name = validation.read_object(source, key, where=where, required=required)
    if name is None:
        return None
    where = f"{where}.{key}"
    return Person(
        validation.read_text(name, "firstName", where=where, limit=100),
        validation.read_text(name, "lastName", where=where, limit=100),
        validation.read_text(name, "middleName", where=where, required=False, limit=100),
    )


def read_address(source: JSON, key: str, *, where: str = "buyer", required: bool = True) -> Address | None:
    found = validation.read_object(source, key, where=where, required=required)
    if found is None:
        return None
    where = f"{where}.{key}"
    country = validation.read_text(found, "countryCode", where=where)
    if not re.fullmatch(r"[A-Za-z]{2}", country):
        raise ApiError(f"{where}.countryCode must be a two-letter country code.")
    return Address(
        line1=validation.read_text(found, "line1", where=where),
        city=validation.read_text(found, "city", where=where),
        province=validation.read_text(found, "province", where=where, required=False),
        postal_code=validation.read_text(found, "postalCode", where=where, required=False),
        country_code=country.upper(),
        line2=validation.read_text(found, "line2", where=where, required=False),
    )


def name_json(person: Person | None) -> JSON:
    if person is None:
        return {"firstName": "", "lastName": ""}
    body = {"firstName": person.first_name, "lastName": person.last_name}
    return {**body, "middleName": person.middle_name} if person.middle_name else body


def address_json(address: Address | None, *, name: Person | None = None) -> JSON:
    if address is None:
        return {}
    body = {
        "line1": address.line1,
        "city": address.city,
        "province": address.province,
        "postalCode": address.postal_code,
        "countryCode": address.country_code,
    }
    body.update({"line2": address.line2} if address.line2 else {})
    return {**body, "name": name_json(name)} if name else body


def phone_json(phone: str) -> JSON:
    digits = phone.lstrip("+")
    for size in (1, 2, 3):
        country = _CALLING_CODES.get(digits[:size])
        if phone.startswith("+") and country:
            return {
                "countryCode": f"+{digits[:size]}",
                "nationalNumber": digits[size:],
                "e164": phone,
                "country": country,
            }
    return {"countryCode": "", "nationalNumber": digits, "e164": phone, "country": ""}


# Jobs and orders


def job_json(job: Job) -> JSON:
    age = (store.now() - job.created_at).total_seconds()
    if age < job.seconds / 2:
        return {"refId": job.ref_id, "status": "pending"}
    if age < job.seconds:
        return {"refId": job.ref_id, "status": "processing"}
    return {"refId": job.ref_id, "status": "complete", "result": job.result}


def purchase_json(order: Order, now: datetime | None = None, *, default_fee: str = "service") -> JSON:
    """Serialize a purchase job at a time. The scenario may override the name of the fee."""
    now = now or store.now()
    status = orders.current_status(store, order, now=now)
    body: JSON = {
        "refId": order.ref_id,
        "status": status,
        "products": [_product_json(order, index, now) for index in range(len(order.lines))],
        "details": _details_json(order),
    }
    confirmed = orders.confirmed_lines(order, now)
    if confirmed:
        body["result"] = {"items": [_confirmed_json(order, line) for line in confirmed]}
    if status in orders.TERMINAL_STATUSES and (confirmed or status in ("complete", "partially_complete")):
        body.setdefault("result", {"items": []})["costs"] = _costs_json(order, confirmed, default_fee)
    error = orders.build_error(order, status) if status in ("failed", "cancelled") else None
    return {**body, "error": error} if error else body


purchases = PurchaseCache(purchase_json)


def _product_json(order: Order, index: int, now: datetime) -> JSON:
    priced = order.lines[index]
    body = {
        "status": orders.line_status(order, index, now),
        "link": priced.line.link,
        "quantity": priced.line.quantity,
        "merchant": priced.merchant,
        "host": priced.host,
        "selectedOptions": list(priced.line.options),
        "selectedShipping": {"id": priced.option.id, "value": priced.option.name},
    }
    affiliate = priced.line.affiliate_link
    return {**body, "affiliateProductLink": affiliate} if affiliate else body


def item_metadata(order: Order, line: Line) -> JSON:
    """Return the metadata of an item: those of the purchase and of its line.

    [SIM] Henry returns the metadata of a line. Its response has no field for those of the purchase, so every item
    includes them; the line's value wins where both use a name.
    """
    return {**(order.metadata or {}), **(line.metadata or {})}


def _details_json(order: Order) -> JSON:
    buyer, rules = order.buyer, order.rules
    return {
        "hasAccount": False,
        "name": name_json(buyer.name),
        "card": {
            "nameOnCard": name_json(buyer.name_on_card or buyer.name),
            "details": {},
            "billingAddress": address_json(buyer.billing or buyer.shipping),
        },
        "email": buyer.email,
        "phone": phone_json(buyer.phone),
        "shippingAddress": address_json(buyer.shipping, name=buyer.name),
        "settings": {
            "collectEmail": rules.collect_email != "off",
            "collectAddress": rules.collect_address != "off",
            "collectPhone": rules.collect_phone != "off",
        },
    }


def line_costs_json(priced: PricedLine) -> JSON:
    return {
        "total": money(priced.total),
        "subtotal": money(priced.subtotal),
        "tax": money(priced.tax),
        "shipping": money(priced.shipping),
        "discount": money(priced.discount),
    }


def option_json(option: ShippingOption, start: datetime) -> JSON:
    estimate = f"{option.min_days}-{option.max_days} business days"
    return {
        "id": option.id,
        "name": option.name,
        "cost": money(option.cost),
        "timeEstimate": estimate,
        "minDate": to_iso(start + timedelta(days=option.min_days)),
        "maxDate": to_iso(start + timedelta(days=option.max_days)),
    }


def _confirmed_json(order: Order, priced: PricedLine) -> JSON:
    body: JSON = {
        "productLink": priced.line.link,
        "confirmationNumber": orders.confirmation_number(order, priced),
        "costs": line_costs_json(priced),
        "shippingOption": option_json(priced.option, order.created_at),
        "metadata": item_metadata(order, priced.line),
    }
    if priced.coupon:
        body["appliedCoupon"] = {"code": priced.coupon, "savedAmount": money(priced.discount)}
    return body


def _costs_json(order: Order, confirmed: Iterable[PricedLine], default_fee: str) -> JSON:
    sums = pricing.compute_totals(confirmed, order.rules)
    fee = f"{store.scenario.fees or default_fee}Fee"
    return {"subtotal": money(sums.subtotal), fee: money(sums.fee), "total": money(sums.total)}


def read_buyer(source: JSON, *, last4: str = "") -> Buyer:
    """Read the buyer of a purchase. The card is read separately and never stored."""
    name = read_name(source, "name")
    card = validation.read_object(source, "card", where="buyer") or {}
    assert name is not None  # noqa: S101 - it is required above
    return Buyer(
        name=name,
        email=validation.parse_email(validation.read_text(source, "email", where="buyer"), "buyer.email"),
        phone=validation.parse_phone(
            validation.read_text(source, "phone", where="buyer", required=False), "buyer.phone"
        ),
        shipping=read_address(source, "shippingAddress"),
        name_on_card=read_name(card, "nameOnCard", where="buyer.card", required=False),
        billing=read_address(card, "billingAddress", where="buyer.card", required=False),
        last4=last4,
    )
