from __future__ import annotations

import pytest

from django_henry_checkout.flows.buyer.countries import address_lines
from django_henry_checkout.types import Address


@pytest.mark.parametrize(
    ("country", "province", "city", "postal_code", "lines"),
    [
        ("US", "NY", "New York", "10118", ["Ada Lovelace", "350 Fifth Avenue", "Floor 2", "New York, NY 10118"]),
        ("DE", "", "Berlin", "10115", ["Ada Lovelace", "350 Fifth Avenue", "Floor 2", "10115 Berlin"]),
        ("GB", "", "London", "SW1A 1AA", ["Ada Lovelace", "350 Fifth Avenue", "Floor 2", "London", "SW1A 1AA"]),
        ("JP", "Tokyo", "", "100-0001", ["〒100-0001", "Tokyo", "350 Fifth Avenue", "Floor 2", "Ada Lovelace"]),
        ("US", "", "", "", ["Ada Lovelace", "350 Fifth Avenue", "Floor 2"]),
    ],
)  # fmt: skip
def test_address_lines_follow_the_format_of_the_country(
    country: str, province: str, city: str, postal_code: str, lines: list[str]
) -> None:
    address = Address(
        line1="350 Fifth Avenue",
        line2="Floor 2",
        city=city,
        province=province,
        postal_code=postal_code,
        country_code=country,
    )
    assert address_lines(address, name="Ada Lovelace") == lines
