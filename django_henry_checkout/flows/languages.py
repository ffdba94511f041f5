"""How things are written in the active language where Django has no word for it: amounts of money."""

from __future__ import annotations

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language, to_locale
from moneyed import Money
from moneyed.l10n import format_money


def locale_name() -> str:
    """Return the active language as Babel names it; English for one that Babel does not know."""
    name = to_locale(get_language() or "en")
    try:
        return str(Locale.parse(name))
    except (ValueError, UnknownLocaleError):
        return "en"


def money_text(money: Money | None, *, is_taken_off: bool = False) -> str:
    """Return money as people write it in the active language; "" for None.

    Args:
        is_taken_off: write it with a minus, where the language has it.
    """
    if money is None:
        return ""
    if not is_taken_off:
        return str(format_money(money, locale=locale_name()))
    return str(format_money(-money, locale=locale_name())).replace("-", "\N{MINUS SIGN}")
