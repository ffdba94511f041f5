"""Amounts as JSON numbers, for the calls whose pages have numbers there. Everywhere else amounts are text."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import get_currency_precision
from moneyed import Money


def places(money: Money) -> Decimal:
    """Return the amount with its currency's places."""
    return money.amount.quantize(Decimal(1).scaleb(-get_currency_precision(money.currency.code)))


def number(money: Money | None) -> int | float | None:
    """Return an amount in major units as a number for JSON, which has no decimals.

    Exact on the wire up to fifteen digits: the shortest text of the double is then the amount's own.
    """
    if money is None:
        return None
    amount = places(money)
    return int(amount) if amount == amount.to_integral_value() else float(amount)
