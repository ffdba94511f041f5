"""Buyers and addresses as the API takes them, in the spellings of the pages that its calls follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from rest_framework import serializers

from django_henry_checkout.api.inputs import StrictSerializer
from django_henry_checkout.api.names import camel
from django_henry_checkout.flows.buyer.details import NO_ADDRESS
from django_henry_checkout.types import Address, Buyer, Card, RawCard


def _text(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=500, **options)


def _optional() -> serializers.CharField:
    return _text(required=False, default="", allow_blank=True)


class NameInput(StrictSerializer):
    first_name = _optional()
    last_name = _optional()
    middle_name = _optional()


class AddressInput(StrictSerializer):
    """An address as Henry's v1 spells it."""

    line1 = _text()
    line2 = _optional()
    city = _optional()
    province = _optional()
    postal_code = _optional()
    country_code = serializers.CharField(max_length=2)


class ShippingDetailsInput(StrictSerializer):
    """A buyer and his address as Henry's v0 spells them (henry-api.md 3.1)."""

    full_name = _text()
    email = _text()
    phone_number = _text()
    address_line1 = _text()
    address_line2 = _text(required=False, default="", allow_blank=True, allow_null=True)
    city = _text()
    state_or_province = _optional()
    postal_code = _optional()
    country_code = serializers.CharField(max_length=2)


class BuyerInfoInput(StrictSerializer):
    """A buyer as Diddo spells him (diddo-checkout.md 4); null clears a part, an absent one stays."""

    #: Its older pages write these (diddo-checkout.md 4).
    older: ClassVar[Mapping[str, str]] = {"address_1": "address1", "address_2": "address2"}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            data = {**{self.older[name]: data[name] for name in self.older if name in data}, **data}
            data = {name: value for name, value in data.items() if name not in self.older}
        return super().to_internal_value(data)

    first_name = _text(required=False, allow_null=True, allow_blank=True)
    last_name = _text(required=False, allow_null=True, allow_blank=True)
    email = _text(required=False, allow_null=True, allow_blank=True)
    phone = _text(required=False, allow_null=True, allow_blank=True)
    address1 = _text(required=False, allow_null=True, allow_blank=True)
    address2 = _text(required=False, allow_null=True, allow_blank=True)
    city = _text(required=False, allow_null=True, allow_blank=True)
    province_code = _text(required=False, allow_null=True, allow_blank=True)
    postal_code = _text(required=False, allow_null=True, allow_blank=True)
    country_code = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=2)


class CustomerInput(BuyerInfoInput):
    """What is known of a customer. What else a caller knows of him is passed over, as that page proposes."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            data = {name: data[name] for name in data if name in self.fields or name in self.older}
        return super().to_internal_value(data)


class CardDetailsInput(StrictSerializer):
    """A card token; or, with ALLOW_RAW_CARD, the fields of a card as early v1 has them."""

    card_token = serializers.RegexField(r"^[A-Za-z0-9_-]{1,200}$", required=False)
    card_number = serializers.RegexField(r"^[0-9 -]{12,30}$", required=False, write_only=True)
    expiry_month = serializers.RegexField(r"^[0-9]{1,2}$", required=False, write_only=True)
    expiry_year = serializers.RegexField(r"^[0-9]{2,4}$", required=False, write_only=True)
    cvv = serializers.RegexField(r"^[0-9]{3,4}$", required=False, write_only=True)


class CardInput(StrictSerializer):
    name_on_card = NameInput(required=False)
    details = CardDetailsInput()
    billing_address = AddressInput(required=False)


class PurchaseBuyerInput(StrictSerializer):
    """A buyer as Henry's early v1 spells him (henry-api.md 3.3)."""

    name = NameInput()
    email = _text()
    phone = _text()
    shipping_address = AddressInput()
    card = CardInput(required=False)


#: How Diddo calls the parts of an address, and how we do.
DIDDO_ADDRESS = {
    "address1": "line1",
    "address2": "line2",
    "city": "city",
    "province_code": "province",
    "postal_code": "postal_code",
    "country_code": "country_code",
}
#: The same in problems.
DIDDO_NAMES = {ours: camel(theirs) for theirs, ours in DIDDO_ADDRESS.items()}
V0_ADDRESS = {
    "address_line1": "line1",
    "address_line2": "line2",
    "city": "city",
    "state_or_province": "province",
    "postal_code": "postal_code",
    "country_code": "country_code",
}


V0_NAMES = {
    **{ours: camel(theirs) for theirs, ours in V0_ADDRESS.items()},
    **dict.fromkeys(("first_name", "middle_name", "last_name"), "fullName"),
    "phone": "phoneNumber",
}


def buyer_of_details(content: Mapping[str, Any]) -> Buyer:
    """Read ShippingDetails; the last word of the full name is taken for the family name."""
    first, _space, last = content["full_name"].strip().rpartition(" ")
    address = {ours: content.get(theirs) or "" for theirs, ours in V0_ADDRESS.items()}
    return Buyer(
        first_name=first or last,
        last_name=last if first else "",
        email=content["email"],
        phone=content["phone_number"],
        shipping_address=Address(**address),
    )


def details_of_buyer(buyer: Buyer) -> dict[str, Any] | None:
    """Write ShippingDetails, or None where there is no address yet."""
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


def updated_buyer(before: Buyer, changes: Mapping[str, Any]) -> Buyer:
    """Change a buyer by Diddo's fields: null clears a part, an absent one stays."""
    texts = {name: value or "" for name, value in changes.items()}
    address = {DIDDO_ADDRESS[name]: text for name, text in texts.items() if name in DIDDO_ADDRESS}
    person = {name: text for name, text in texts.items() if name not in DIDDO_ADDRESS}
    whole = before.shipping_address
    if address:
        whole = replace(whole or NO_ADDRESS, **address)
    return replace(before, **person, shipping_address=None if whole == NO_ADDRESS else whole)


def buyer_info(buyer: Buyer) -> dict[str, str | None]:
    """Write a buyer as Diddo spells him."""
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


def buyer_of_person(content: Mapping[str, Any]) -> Buyer:
    """Read a buyer as Henry's v1 spells him, without his card."""
    return Buyer(
        **content.get("name", {}),
        email=content["email"],
        phone=content["phone"],
        shipping_address=Address(**content["shipping_address"]),
    )


def card_of(content: Mapping[str, Any] | None) -> Card:
    """Read a card."""
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
