"""How things are written in the active language where Django has no word for it: amounts of money."""

from __future__ import annotations

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language, to_locale
from moneyed import Money
from moneyed.l10n import format_money

_TO_THE_RIGHT, _TO_THE_LEFT = "\N{LEFT-TO-RIGHT MARK}", "\N{RIGHT-TO-LEFT MARK}"


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
    text = str(format_money(-money if is_taken_off else money, locale=locale_name()))
    text = text.replace("-", "\N{MINUS SIGN}")
    # Between letters that run to the left `US$` would become `$US`: the amount as a whole runs to the right.
    is_mixed = _TO_THE_LEFT in text
    return f"{_TO_THE_RIGHT}{text.replace(_TO_THE_LEFT, '')}{_TO_THE_RIGHT}" if is_mixed else text
