"""The v1 REST spelling: neutral state to JSON and back. No other module knows these field names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from django_henry_checkout.sandbox.engine import orders, pricing
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.purchase_cache import Shown
from django_henry_checkout.sandbox.engine.responses import iso
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
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.engine.webhooks import events as webhooks

_COLLECT = ("off", "required", "optional")
_COLLECTED = ("Email", "Address", "Phone")
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
        raise RefusedError(f"{where} must be an object.")
    affiliate = source.get("affiliateProductLink")
    return Line(
        link=checking.https_link(source.get("link"), f"{where}.link"),
        quantity=checking.whole(source.get("quantity", 1), f"{where}.quantity", low=1, high=999),
        options=checking.texts(source, "selectedOptions", where=where),
        shipping=checking.mapping(source, "selectedShipping", where=where),
        coupons=checking.texts(source, "coupons", where=where),
        metadata=checking.mapping(source, "metadata", where=where),
        affiliate_link=checking.https_link(affiliate, f"{where}.affiliateProductLink") if affiliate else "",
    )


def read_rules(settings: JSON | None) -> Rules:
    source = settings or {}
    webhooks.check_events(source)
    options = checking.mapping(source, "options", where="settings") or {}
    where = "settings.options"
    fee = "serviceFee" if {"serviceFeePercent", "serviceFeeFixed"} & set(source) else "commissionFee"
    fixed = checking.mapping(source, f"{fee}Fixed", where="settings")
    percent = checking.amount(source.get(f"{fee}Percent") or 0, f"settings.{fee}Percent", high=100)
    return Rules(
        collect_email=checking.one_of(
            options, "collectBuyerEmail", _COLLECT, default="required", where=where
        ),
        collect_address=checking.one_of(
            options, "collectBuyerAddress", _COLLECT, default="required", where=where
        ),
        collect_phone=checking.one_of(
            options, "collectBuyerPhone", _COLLECT, default="optional", where=where
        ),
        allow_partial=checking.switch(options, "allowPartialPurchase", where=where),
        fee_percent=percent,
        fee_fixed=checking.amount(fixed.get("value"), f"settings.{fee}Fixed.value")
        if fixed
        else pricing.ZERO,
    )


def read_collected(body: JSON, rules: Rules) -> Rules:
    """The rules of one purchase. Only their answer is known, `collectEmail` and the like; it is taken as input too."""
    settings = checking.mapping(body, "settings")
    if settings is None:
        return rules
    chosen = {}
    for name in _COLLECTED:
        if f"collect{name}" in settings:
            wanted = checking.switch(settings, f"collect{name}", where="settings")
            chosen[f"collect_{name.lower()}"] = "required" if wanted else "off"
    return Rules(**{**vars(rules), **chosen})


# People and places


def read_name(source: JSON, key: str, *, where: str = "buyer", required: bool = True) -> Person | None:
    found = checking.mapping(source, key, where=where, required=required)
    if found is None:
        return None
    where = f"{where}.{key}"
    return Person(
        checking.text(found, "firstName", where=where, limit=100),
        checking.text(found, "lastName", where=where, limit=100),
        checking.text(found, "middleName", where=where, required=False, limit=100),
    )


def read_address(source: JSON, key: str, *, where: str = "buyer", required: bool = True) -> Address | None:
    found = checking.mapping(source, key, where=where, required=required)
    if found is None:
        return None
    where = f"{where}.{key}"
    country = checking.text(found, "countryCode", where=where)
    if not re.fullmatch(r"[A-Za-z]{2}", country):
        raise RefusedError(f"{where}.countryCode must be a two-letter country code.")
    return Address(
        line1=checking.text(found, "line1", where=where),
        city=checking.text(found, "city", where=where),
        province=checking.text(found, "province", where=where, required=False),
        postal_code=checking.text(found, "postalCode", where=where, required=False),
        country_code=country.upper(),
        line2=checking.text(found, "line2", where=where, required=False),
    )


def name_json(person: Person | None) -> JSON:
    if person is None:
        return {"firstName": "", "lastName": ""}
    named = {"firstName": person.first_name, "lastName": person.last_name}
    return {**named, "middleName": person.middle_name} if person.middle_name else named


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
    bare = phone.lstrip("+")
    for size in (1, 2, 3):
        country = _CALLING_CODES.get(bare[:size])
        if phone.startswith("+") and country:
            code, national = bare[:size], bare[size:]
            return {
                "countryCode": f"+{code}",
                "nationalNumber": national,
                "e164": phone,
                "country": country,
            }
    return {"countryCode": "", "nationalNumber": bare, "e164": phone, "country": ""}


# Jobs and orders


def job_json(job: Job) -> JSON:
    age = (store.now() - job.created_at).total_seconds()
    if age < job.seconds / 2:
        return {"refId": job.ref_id, "status": "pending"}
    if age < job.seconds:
        return {"refId": job.ref_id, "status": "processing"}
    return {"refId": job.ref_id, "status": "complete", "result": job.result}


def purchase_json(order: Order, now: datetime | None = None, *, usual_fee: str = "service") -> JSON:
    """Render a purchase job as it stands now; the scenario may give the fee another name than the usual one."""
    now = now or store.now()
    status = orders.status_now(store, order, now=now)
    body: JSON = {
        "refId": order.ref_id,
        "status": status,
        "products": [_product_json(order, at, now) for at in range(len(order.lines))],
        "details": _details_json(order),
    }
    bought = orders.bought_lines(order, now)
    if bought:
        body["result"] = {"items": [_bought_json(order, line) for line in bought]}
    if status in orders.TERMINAL and (bought or status in ("complete", "partially_complete")):
        body.setdefault("result", {"items": []})["costs"] = _costs_json(order, bought, usual_fee)
    error = orders.error_of(order, status) if status in ("failed", "cancelled") else None
    return {**body, "error": error} if error else body


purchases = Shown(purchase_json)


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


def metadata_of(order: Order, line: Line) -> JSON:
    """What is shown with an item: the metadata of its line and of the purchase.

    [SIM] Henry passes the metadata of a line through. The purchase has metadata too and its answer has no place
    of their own for them, so they stand with every item; where both use a name the line's value is shown.
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


def option_json(option: ShippingOption, from_day: datetime) -> JSON:
    days = f"{option.min_days}-{option.max_days} business days"
    return {
        "id": option.id,
        "name": option.name,
        "cost": money(option.cost),
        "timeEstimate": days,
        "minDate": iso(from_day + timedelta(days=option.min_days)),
        "maxDate": iso(from_day + timedelta(days=option.max_days)),
    }


def _bought_json(order: Order, priced: PricedLine) -> JSON:
    body: JSON = {
        "productLink": priced.line.link,
        "confirmationNumber": orders.confirmation_number(order, priced),
        "costs": line_costs_json(priced),
        "shippingOption": option_json(priced.option, order.created_at),
        "metadata": metadata_of(order, priced.line),
    }
    if priced.coupon:
        body["appliedCoupon"] = {"code": priced.coupon, "savedAmount": money(priced.discount)}
    return body


def _costs_json(order: Order, bought: Iterable[PricedLine], usual_fee: str) -> JSON:
    sums = pricing.totals(bought, order.rules)
    fee = f"{store.scenario.fees or usual_fee}Fee"
    return {"subtotal": money(sums.subtotal), fee: money(sums.fee), "total": money(sums.total)}


def read_buyer(source: JSON, *, last4: str = "") -> Buyer:
    """Read the buyer of a purchase; the card itself is read apart and never reaches the state."""
    name = read_name(source, "name")
    card = checking.mapping(source, "card", where="buyer") or {}
    assert name is not None  # noqa: S101 - read_name was asked for a required name
    return Buyer(
        name=name,
        email=checking.email(checking.text(source, "email", where="buyer"), "buyer.email"),
        phone=checking.phone(checking.text(source, "phone", where="buyer", required=False), "buyer.phone"),
        shipping=read_address(source, "shippingAddress"),
        name_on_card=read_name(card, "nameOnCard", where="buyer.card", required=False),
        billing=read_address(card, "billingAddress", where="buyer.card", required=False),
        last4=last4,
    )
