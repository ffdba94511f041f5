"""Detect card numbers, so that none is stored by mistake."""

from __future__ import annotations

import re
from typing import Any

#: Consecutive digits, or groups of four.
_PATTERNS = (re.compile(r"\d{13,19}"), re.compile(r"\d{4}([ .-])\d{4}\1\d{4}\1\d{1,7}"))


def is_card_number(value: Any) -> bool:
    """Return whether a value contains 13 to 19 digits of a card network with a valid check digit."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    text = str(value)
    runs = [found.group() for pattern in _PATTERNS for found in pattern.finditer(text)]
    return any(_has_valid_check_digit(re.sub(r"[ .-]", "", run)) for run in [text, *runs])


def _has_valid_check_digit(text: str) -> bool:
    if not (text.isascii() and text.isdigit() and 13 <= len(text) <= 19 and text[0] in "3456"):
        return False
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(text))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0
