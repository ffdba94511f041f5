"""Conversion of buyers between Diddo's shape and our types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django_henry_checkout.api.common.camel_case import to_camel_case
from django_henry_checkout.flows.buyer.details import NO_ADDRESS
from django_henry_checkout.types import Buyer

#: Diddo's address fields, and ours.
DIDDO_ADDRESS = {
    "address1": "line1",
    "address2": "line2",
    "city": "city",
    "province_code": "province",
    "postal_code": "postal_code",
    "country_code": "country_code",
}
#: Our address fields as Diddo spells them, for problems.
DIDDO_NAMES = {ours: to_camel_case(theirs) for theirs, ours in DIDDO_ADDRESS.items()}


def update_buyer(before: Buyer, changes: Mapping[str, Any]) -> Buyer:
    """Return a buyer with Diddo's fields applied: null clears a field, a missing field is kept."""
    texts = {name: value or "" for name, value in changes.items()}
    address_changes = {DIDDO_ADDRESS[name]: text for name, text in texts.items() if name in DIDDO_ADDRESS}
    person = {name: text for name, text in texts.items() if name not in DIDDO_ADDRESS}
    shipping_address = before.shipping_address
    if address_changes:
        shipping_address = replace(shipping_address or NO_ADDRESS, **address_changes)
    return replace(
        before, **person, shipping_address=None if shipping_address == NO_ADDRESS else shipping_address
    )


def serialize_buyer(buyer: Buyer) -> dict[str, str | None]:
    """Return a buyer in Diddo's shape."""
    address = buyer.shipping_address or NO_ADDRESS
    return {
        "firstName": buyer.first_name or None,
        "lastName": buyer.last_name or None,
        "email": buyer.email or None,
        "phone": buyer.phone or None,
        "address1": address.line1 or None,
        "address2": address.line2 or None,
        "city": address.city or None,
        "provinceCode": address.province or None,
        "postalCode": address.postal_code or None,
        "countryCode": address.country_code or None,
    }
