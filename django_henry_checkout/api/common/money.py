"""Amounts in responses: text by default, JSON numbers where the documented page of a call has numbers."""

from __future__ import annotations

from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision
from django.utils.translation import get_language
from moneyed import Money

from django_henry_checkout.api.common.camel_case import JSON


def round_amount(money: Money) -> Decimal:
    """Return the amount with its currency's decimal places."""
    return money.amount.quantize(Decimal(1).scaleb(-get_currency_precision(money.currency.code)))


def serialize_money(money: Money | None) -> JSON | None:
    """Return an amount as text with its currency's decimal places, so that no client reads it as a float."""
    if money is None:
        return None
    return {"value": str(round_amount(money)), "currency": money.currency.code}


def to_number(money: Money | None) -> int | float | None:
    """Return an amount in major units as a JSON number.

    Exact on the wire up to fifteen digits: the shortest text of the double is then the amount itself.
    """
    if money is None:
        return None
    amount = round_amount(money)
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def format_amount(money: Money) -> str:
    """Return an amount as people write it, in the language of the request."""
    try:
        locale = Locale.parse(get_language() or "en", sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return format_currency(round_amount(money), money.currency.code, locale=locale)
