"""Countries for the address form, and the few rules that differ between them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from babel import Locale

_FIRST = ("US", "CA", "GB", "AU", "NZ", "IE", "DE", "FR")
# Codes that CLDR lists but to which nothing can be posted.
_NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
NO_POSTAL_CODE = {
    "AE",
    "AG",
    "AO",
    "BS",
    "BZ",
    "FJ",
    "GD",
    "GH",
    "HK",
    "IE",
    "JM",
    "KE",
    "PA",
    "QA",
    "TT",
    "ZW",
}
NEEDS_PROVINCE = {"US", "CA", "AU"}


@dataclass(frozen=True)
class Labels:
    province: str = "State, province or region"
    postal: str = "Postal code"


DEFAULT_LABELS = Labels()
LABELS = {
    "US": Labels("State", "ZIP code"),
    "CA": Labels("Province", "Postal code"),
    "GB": Labels("County", "Postcode"),
    "AU": Labels("State or territory", "Postcode"),
    "NZ": Labels("Region", "Postcode"),
    "IE": Labels("County", "Eircode"),
}
_POSTAL = {
    "US": (r"\d{5}(-?\d{4})?", "Enter a ZIP code such as 10001"),
    "CA": (r"[A-Z]\d[A-Z] ?\d[A-Z]\d", "Enter a postal code such as K1A 0B1"),
    "GB": (r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "Enter a postcode such as SW1A 1AA"),
    "AU": (r"\d{4}", "Enter a four-digit postcode"),
    "NZ": (r"\d{4}", "Enter a four-digit postcode"),
    "DE": (r"\d{5}", "Enter a five-digit postal code"),
    "FR": (r"\d{5}", "Enter a five-digit postal code"),
}


def countries() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Choices for a select: the most frequent destinations first, then all by name."""
    names = {
        code: name
        for code, name in Locale("en").territories.items()
        if re.fullmatch("[A-Z]{2}", code) and code not in _NOT_COUNTRIES
    }
    first = [(code, names[code]) for code in _FIRST]
    rest = sorted(((code, names[code]) for code in set(names) - set(_FIRST)), key=lambda each: each[1])
    return [("", "Select a country"), ("Common destinations", first), ("All countries", rest)]


COUNTRIES = countries()


def labels_for(country: str) -> Labels:
    return LABELS.get(country, DEFAULT_LABELS)


def postal_problem(country: str, postal_code: str) -> str:
    """Say what is wrong with a postal code, or nothing."""
    if not postal_code:
        return "" if country in NO_POSTAL_CODE else f"Enter a {labels_for(country).postal}"
    pattern, message = _POSTAL.get(country, ("", ""))
    return message if pattern and not re.fullmatch(pattern, postal_code.upper()) else ""
