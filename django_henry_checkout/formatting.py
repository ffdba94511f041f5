"""Formats amounts of money in the active language, which Django does not do."""

from __future__ import annotations

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language, to_locale
from moneyed import Money, l10n

_LTR_MARK, _RTL_MARK = "\N{LEFT-TO-RIGHT MARK}", "\N{RIGHT-TO-LEFT MARK}"


def locale_name() -> str:
    """Return the active language's name in Babel; "en" if Babel does not know it."""
    name = to_locale(get_language() or "en")
    try:
        return str(Locale.parse(name))
    except (ValueError, UnknownLocaleError):
        return "en"


def format_money(money: Money | None, *, is_taken_off: bool = False) -> str:
    """Return an amount as it is written in the active language; "" for None.

    Args:
        is_taken_off: write a reduction, with the minus sign where the language puts it.
    """
    if money is None:
        return ""
    text = str(l10n.format_money(-money if is_taken_off else money, locale=locale_name()))
    text = text.replace("-", "\N{MINUS SIGN}")
    # In right-to-left text `US$` would be shown as `$US`, so the whole amount is marked left-to-right.
    is_mixed = _RTL_MARK in text
    return f"{_LTR_MARK}{text.replace(_RTL_MARK, '')}{_LTR_MARK}" if is_mixed else text
