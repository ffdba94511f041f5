"""Forms of the hosted pages. Card values are never rendered again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.validators import validate_email

from django_henry_checkout.sandbox.engine import cards
from django_henry_checkout.sandbox.engine.state import Address, Buyer, Person, Rules, ShippingOption
from django_henry_checkout.sandbox.pages import countries

_ADDRESS_FIELDS = ("country", "line1", "line2", "city", "province", "postal_code")
# Query keys that prefill the form; `POST /v1/cart/{id}` adds them to the checkout link.
PREFILL_FIELDS = {
    "email": "email",
    "phone": "phone",
    "firstName": "first_name",
    "lastName": "last_name",
    "countryCode": "country",
    "line1": "line1",
    "line2": "line2",
    "city": "city",
    "province": "province",
    "postalCode": "postal_code",
}


class EmptyTextInput(forms.TextInput):
    """An input that is always rendered without its value."""

    def format_value(self, value: Any) -> None:
        return None


def _text_field(
    label: str, autocomplete: str, *, required: bool = True, error: str = "", **attrs: str
) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": autocomplete, **attrs})
    errors = {"required": error or f"Enter your {label.lower()}"}
    return forms.CharField(
        label=label, required=required, max_length=120, widget=widget, error_messages=errors
    )


def _card_field(label: str, autocomplete: str, error: str, **attrs: str) -> forms.CharField:
    shared = {"inputmode": "numeric", "autocomplete": autocomplete, "spellcheck": "false", **attrs}
    errors = {"required": error}
    return forms.CharField(
        label=label, max_length=40, widget=EmptyTextInput(attrs=shared), error_messages=errors
    )


class CardForm(forms.Form):
    """The four fields of a card, alone or as part of the checkout."""

    card_number = _card_field(
        "Card number", "cc-number", "Enter the card number", placeholder="1234 1234 1234 1234"
    )
    card_expiry = _card_field("Expiry", "cc-exp", "Enter the expiry date", placeholder="MM / YY")
    card_cvc = _card_field("CVC", "cc-csc", "Enter the security code", placeholder="123")
    card_name = _card_field("Name on card", "cc-name", "Enter the name on the card", inputmode="text")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        now: datetime,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), label_suffix="")
        self.now = now

    def clean_card_number(self) -> str:
        number = cards.strip_separators(self.cleaned_data["card_number"])
        if not cards.passes_luhn(number):
            raise forms.ValidationError("This card number is not valid. Check the digits")
        return number

    def clean_card_expiry(self) -> str:
        value = re.sub(r"\s", "", self.cleaned_data["card_expiry"])
        match = re.fullmatch(r"(\d{1,2})[/-](?:20)?(\d{2})|(\d{2})(\d{2})", value, re.ASCII)
        if not match:
            raise forms.ValidationError("Enter the date as on the card, such as 04 / 29")
        month, year = int(match[1] or match[3]), 2000 + int(match[2] or match[4])
        if not 1 <= month <= 12:
            raise forms.ValidationError("Enter a month from 01 to 12")
        if (year, month) < (self.now.year, self.now.month):
            raise forms.ValidationError("This card has expired. Use another card")
        return value

    def clean_card_cvc(self) -> str:
        cvc: str = self.cleaned_data["card_cvc"]
        if not re.fullmatch(r"[0-9]{3,4}", cvc):
            raise forms.ValidationError("Enter the 3 or 4 digits of the security code")
        return cvc


class CheckoutForm(CardForm):
    """Contact, address, shipping options and card."""

    email = _text_field("Email", "email", type="email", inputmode="email", error="Enter your email address")
    phone = _text_field("Phone", "tel", type="tel", inputmode="tel", error="Enter your phone number")
    first_name = _text_field("First name", "given-name")
    last_name = _text_field("Last name", "family-name")
    country = forms.ChoiceField(
        label="Country",
        choices=countries.COUNTRIES,
        widget=forms.Select(attrs={"autocomplete": "country"}),
        error_messages={"required": "Select a country", "invalid_choice": "Select a country"},
    )
    line1 = _text_field("Address", "address-line1", error="Enter your street and house number")
    line2 = _text_field("Apartment, suite, floor", "address-line2", required=False)
    city = _text_field("City", "address-level2", error="Enter your town or city")
    province = _text_field("State", "address-level1", required=False)
    postal_code = _text_field("ZIP code", "postal-code", required=False)
    # Errors are listed in the order of the page.
    field_order = ("email", "phone", "first_name", "last_name", *_ADDRESS_FIELDS)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        rules: Rules,
        shipping: Mapping[str, list[ShippingOption]],
        now: datetime,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, now=now, initial=initial)
        self.rules = rules
        self.hosts = list(shipping)
        for index, options in enumerate(shipping.values()):
            choices = [(option.id, option.name) for option in options]
            self.fields[f"shipping_{index}"] = forms.ChoiceField(
                choices=choices,
                initial=choices[0][0],
                error_messages={"required": "Select a shipping option"},
            )
        self._apply_rules()
        self._set_address_labels()

    def _apply_rules(self) -> None:
        """Remove the fields that the integrator does not collect."""
        for name, rule in (("email", self.rules.collect_email), ("phone", self.rules.collect_phone)):
            self._apply_rule(name, rule)
        for name in _ADDRESS_FIELDS:
            if self.rules.collect_address == "off":
                del self.fields[name]
            elif self.rules.collect_address == "optional":
                self.fields[name].required = False

    def _apply_rule(self, name: str, rule: str) -> None:
        if rule == "off":
            del self.fields[name]
        else:
            self.fields[name].required = rule == "required"

    def _set_address_labels(self) -> None:
        if "country" not in self.fields:
            return
        labels = countries.labels_for(str(self["country"].value() or ""))
        self.fields["province"].label = labels.province
        self.fields["postal_code"].label = labels.postal

    # Validation

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email:
            try:
                validate_email(email)
            except forms.ValidationError:
                raise forms.ValidationError("Enter an email address such as ada@example.com") from None
        return email

    def clean_phone(self) -> str:
        phone = re.sub(r"[\s().-]", "", self.cleaned_data["phone"])
        if phone and not re.fullmatch(r"\+?\d{6,15}", phone):
            raise forms.ValidationError("Enter a phone number such as +1 212 555 0123")
        return phone

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        has_address = "country" in self.fields and (
            values.get("line1") or self.rules.collect_address == "required"
        )
        if has_address:
            self._validate_address(values)
        return values

    def _validate_address(self, values: dict[str, Any]) -> None:
        country = values.get("country", "")
        for name in ("country", "city"):
            if name in values and not values[name]:
                self.add_error(name, self.fields[name].error_messages["required"])
        error = countries.postal_code_error(country, values.get("postal_code", ""))
        if country and error:
            self.add_error("postal_code", error)
        if country in countries.PROVINCE_REQUIRED and not values.get("province"):
            self.add_error("province", f"Enter a {countries.labels_for(country).province.lower()}")

    # Result

    @property
    def choices(self) -> dict[str, str]:
        """The shipping option of each merchant, even if the form is invalid."""
        return {host: str(self[f"shipping_{index}"].value()) for index, host in enumerate(self.hosts)}

    def buyer(self) -> Buyer:
        """Return the buyer of a valid form."""
        values = self.cleaned_data
        first, _, last = values["card_name"].strip().rpartition(" ")
        shipping = None
        if values.get("line1"):
            shipping = Address(
                line1=values["line1"],
                line2=values["line2"],
                city=values["city"],
                province=values["province"],
                postal_code=values["postal_code"],
                country_code=values["country"],
            )
        return Buyer(
            name=Person(values["first_name"], values["last_name"]),
            email=values.get("email", ""),
            phone=values.get("phone", ""),
            shipping=shipping,
            name_on_card=Person(first or last, last if first else ""),
            last4=values["card_number"][-4:],
        )
