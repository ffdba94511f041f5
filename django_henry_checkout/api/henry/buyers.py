"""Conversion of buyers and cards between the shapes of Henry's API and our types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from django_henry_checkout.api.common.camel_case import to_camel_case
from django_henry_checkout.types import Address, Buyer, Card, RawCard

#: The address fields of Henry's v0, and ours.
V0_ADDRESS = {
    "address_line1": "line1",
    "address_line2": "line2",
    "city": "city",
    "state_or_province": "province",
    "postal_code": "postal_code",
    "country_code": "country_code",
}
#: Our field names as Henry's v0 spells them, for problems.
V0_NAMES = {
    **{ours: to_camel_case(theirs) for theirs, ours in V0_ADDRESS.items()},
    **dict.fromkeys(("first_name", "middle_name", "last_name"), "fullName"),
    "phone": "phoneNumber",
}


def parse_shipping_details(content: Mapping[str, Any]) -> Buyer:
    """Return the buyer of ShippingDetails; the last word of the full name becomes the family name."""
    first, _space, last = content["full_name"].strip().rpartition(" ")
    address = {ours: content.get(theirs) or "" for theirs, ours in V0_ADDRESS.items()}
    return Buyer(
        first_name=first or last,
        last_name=last if first else "",
        email=content["email"],
        phone=content["phone_number"],
        shipping_address=Address(**address),
    )


def serialize_shipping_details(buyer: Buyer) -> dict[str, Any] | None:
    """Return ShippingDetails, or None if there is no address yet."""
    address = buyer.shipping_address
    if address is None:
        return None
    names = (buyer.first_name, buyer.middle_name, buyer.last_name)
    return {
        "fullName": " ".join(name for name in names if name),
        "email": buyer.email,
        "phoneNumber": buyer.phone,
        "addressLine1": address.line1,
        "addressLine2": address.line2 or None,
        "city": address.city,
        "stateOrProvince": address.province,
        "postalCode": address.postal_code,
        "countryCode": address.country_code,
    }


def parse_buyer(content: Mapping[str, Any]) -> Buyer:
    """Return the buyer of the shape of Henry's v1, without the card."""
    return Buyer(
        **content.get("name", {}),
        email=content["email"],
        phone=content["phone"],
        shipping_address=Address(**content["shipping_address"]),
    )


def parse_card(content: Mapping[str, Any] | None) -> Card:
    """Return the card of a validated input."""
    if not content:
        return Card()
    details, name = content["details"], content.get("name_on_card", {})
    fields = {
        "number": "card_number",
        "expiry_month": "expiry_month",
        "expiry_year": "expiry_year",
        "cvv": "cvv",
    }
    raw = {ours: details[theirs] for ours, theirs in fields.items() if theirs in details}
    if raw and len(raw) < len(fields):
        raise serializers.ValidationError(
            {"details": ["A card needs cardNumber, expiryMonth, expiryYear and cvv."]}
        )
    billing = content.get("billing_address")
    return Card(
        token=details.get("card_token", ""),
        raw=RawCard(**raw) if raw else None,
        **name,
        billing_address=Address(**billing) if billing else None,
    )
