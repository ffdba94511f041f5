"""Forms of the inline checkout. They bound what a browser sends; the flows validate it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from moneyed import Money

from django_henry_checkout.flows.buyer.card_numbers import is_card_number
from django_henry_checkout.flows.buyer.countries import country_choices
from django_henry_checkout.flows.buyer.details import MAX_TEXT_LENGTH
from django_henry_checkout.types import Address, Buyer, Card

MAX_RATES = 100
_PRINTABLE = r"^[!-~]{1,255}$"
#: A token of this shape is a card number, which must never come back in a page.
_CARD_NUMBER = re.compile(r"(?:[0-9][ -]?){12,19}")


class AddressForm(forms.Form):
    """Buyer and delivery address. Every field may be empty: the flow reports all missing ones at once."""

    email = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    phone = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    first_name = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    last_name = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    country_code = forms.CharField(required=False, max_length=2)
    line1 = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    line2 = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    city = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    province = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)
    postal_code = forms.CharField(required=False, max_length=MAX_TEXT_LENGTH)

    def clean_country_code(self) -> str:
        """Accept a country of the list, or none."""
        code: str = self.cleaned_data["country_code"].upper()
        if code and code not in dict(country_choices()):
            raise forms.ValidationError("This is needed.")
        return code

    def entered_values(self) -> dict[str, str]:
        """Return the bounded input for showing it again, without card numbers and unknown countries."""
        self.is_valid()
        bounded = {name: str(self.data.get(name, ""))[:MAX_TEXT_LENGTH] for name in self.fields}
        values = {name: "" if is_card_number(text) else text for name, text in bounded.items()}
        return values | {"country_code": self.cleaned_data.get("country_code", "")}

    def error_texts(self) -> dict[str, str]:
        """Return the first error of each invalid field."""
        return {name: str(errors[0]) for name, errors in self.errors.items()}

    def buyer(self) -> Buyer:
        """Return the buyer of a valid form."""
        data = self.cleaned_data
        person = {name: data[name] for name in ("email", "phone", "first_name", "last_name")}
        parts = ("country_code", "line1", "line2", "city", "province", "postal_code")
        return Buyer(**person, shipping_address=Address(**{name: data[name] for name in parts}))


class CardTokenForm(forms.Form):
    """The token of a card that Henry's card element collected. It is passed on, and stored nowhere."""

    card_token = forms.RegexField(_PRINTABLE, required=False, strip=True)
    card_last4 = forms.RegexField(r"^[0-9]{4}$", required=False)

    def clean_card_token(self) -> str:
        """Reject a card number in place of a token."""
        token: str = self.cleaned_data["card_token"]
        if _CARD_NUMBER.fullmatch(token):
            raise forms.ValidationError("This is not a token.")
        return token

    def token_values(self) -> dict[str, Any]:
        """Return the token and the last digits for the form of the review step; empty without a token."""
        self.is_valid()
        token = self.cleaned_data.get("card_token", "")
        if not token:
            return {}
        return {"card_token": token, "card_last4": self.cleaned_data.get("card_last4", "")}


class ConfirmForm(CardTokenForm):
    """The "Pay" button: the card, the digest of the buyer shown, and the total shown."""

    amount = forms.DecimalField(max_digits=19, decimal_places=4, min_value=Decimal(0))
    currency = forms.RegexField(r"^[A-Z]{3}$")
    buyer = forms.CharField(max_length=64)

    def accepted_total(self) -> Money:
        """Return the total of a valid form, which is the most that may be charged."""
        return Money(self.cleaned_data["amount"], self.cleaned_data["currency"])

    def card(self) -> Card:
        """Return the card of a valid form."""
        return Card(token=self.cleaned_data["card_token"])


def selected_rates(post: QueryDict) -> set[int]:
    """Return the ids of the selected shipping rates. Each merchant has one field named `rate-...`."""
    texts: list[Any] = [value for name, value in post.items() if name.startswith("rate-")]
    return {int(text) for text in texts[:MAX_RATES] if re.fullmatch(r"[0-9]{1,15}", str(text))}
