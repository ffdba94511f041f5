"""Countries of the address form, and the rules that differ between them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from babel import Locale

_COMMON = ("US", "CA", "GB", "AU", "NZ", "IE", "DE", "FR")
# Codes in CLDR that are not destinations of mail.
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
PROVINCE_REQUIRED = {"US", "CA", "AU"}


@dataclass(frozen=True)
class Labels:
    """The labels of the fields whose name differs between countries."""

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
_POSTAL_CODES = {
    "US": (r"\d{5}(-?\d{4})?", "Enter a ZIP code such as 10001"),
    "CA": (r"[A-Z]\d[A-Z] ?\d[A-Z]\d", "Enter a postal code such as K1A 0B1"),
    "GB": (r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "Enter a postcode such as SW1A 1AA"),
    "AU": (r"\d{4}", "Enter a four-digit postcode"),
    "NZ": (r"\d{4}", "Enter a four-digit postcode"),
    "DE": (r"\d{5}", "Enter a five-digit postal code"),
    "FR": (r"\d{5}", "Enter a five-digit postal code"),
}


def _list_countries() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Return the choices of a select: the most frequent destinations, then all by name."""
    names = {
        code: name
        for code, name in Locale("en").territories.items()
        if re.fullmatch("[A-Z]{2}", code) and code not in _NOT_COUNTRIES
    }
    common = [(code, names[code]) for code in _COMMON]
    others = sorted(((code, names[code]) for code in set(names) - set(_COMMON)), key=lambda choice: choice[1])
    return [("", "Select a country"), ("Common destinations", common), ("All countries", others)]


COUNTRIES = _list_countries()


def labels_for(country: str) -> Labels:
    """Return the field labels of a country."""
    return LABELS.get(country, DEFAULT_LABELS)


def postal_code_error(country: str, postal_code: str) -> str:
    """Return what is wrong with a postal code, or ""."""
    if not postal_code:
        label = labels_for(country).postal
        label = label if label.startswith("ZIP") else label.lower()
        return "" if country in NO_POSTAL_CODE else f"Enter a {label}"
    pattern, message = _POSTAL_CODES.get(country, ("", ""))
    return message if pattern and not re.fullmatch(pattern, postal_code.upper()) else ""
