"""Buyer details: what is normalized, what is refused, what is missing, country by country."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_henry_checkout.exceptions import BuyerIncomplete, InvalidBuyer
from django_henry_checkout.flows.buyer.details import (
    MAX_TEXT_LENGTH,
    clean_address,
    clean_buyer,
    get_buyer,
    missing_parts,
    require_complete,
    save_buyer,
)
from django_henry_checkout.models import Order
from django_henry_checkout.types import Address, Buyer, Card
from tests.support.inline import ADDRESS, BUYER, moved


def address(country: str, line1: str, city: str, province: str, postal_code: str) -> Address:
    return Address(line1=line1, city=city, province=province, postal_code=postal_code, country_code=country)


#: An address as entered, and the official spelling of its province and postal code.
WRITTEN = [
    (address("US", "350 Fifth Avenue", "New York", "new york", "10118"), "NY", "10118"),
    (address("us", "350 Fifth Avenue", "New York", "ny", "10118-0110"), "NY", "10118-0110"),
    (address("GB", "10 Downing Street", "London", "", "sw1a 2aa"), "", "SW1A 2AA"),
    (address("JP", "1-1 Chiyoda", "Chiyoda-ku", "Tokyo", "100-8111"), None, "100-8111"),
    (address("CA", "111 Wellington Street", "Ottawa", "Ontario", "k1a 0a9"), "ON", "K1A 0A9"),
    (address("HK", "1 Queen's Road", "Central", "Hong Kong Island", ""), None, ""),
    (address("IE", "1 O'Connell Street", "Dublin", "", ""), "", ""),
    (address("IE", "1 O'Connell Street", "Dublin", "Co. Dublin", "D01 F5P2"), "Co. Dublin", "D01 F5P2"),
]
#: An address that does not exist in its country, and the invalid part.
WRONG = [
    (moved(province="Ontario"), {"province"}),
    (moved(postal_code="SW1A 2AA"), {"postal_code"}),
    (moved(postal_code="94105"), {"postal_code"}),  # of California
    (address("GB", "10 Downing Street", "London", "", "10118"), {"postal_code"}),
    (address("CA", "111 Wellington Street", "Ottawa", "NY", "K1A 0A9"), {"province"}),
    (address("JP", "1-1 Chiyoda", "Chiyoda-ku", "Texas", "100-8111"), {"province"}),
    (address("HK", "1 Queen's Road", "Central", "Texas", ""), {"province"}),
]


@pytest.mark.parametrize(("written", "province", "postal_code"), WRITTEN)
@pytest.mark.parametrize("strict", [True, False])
def test_an_address_gets_its_official_spelling(
    written: Address, province: str | None, postal_code: str, strict: bool
) -> None:
    found = clean_address(written, strict=strict)
    assert found.country_code == written.country_code.upper()
    assert found.postal_code == postal_code
    if province is not None:
        assert found.province == province
    assert (found.line1, found.city) == (written.line1, written.city)
    assert missing_parts(Buyer(shipping_address=found)) == {}


@pytest.mark.parametrize(
    ("country", "province", "code"),
    [("GB", "", "sw1a 2aa"), ("CA", "ON", "k1a 0a9"), ("IE", "", "d01 f5p2"), ("IE", "", "D01F5P2")],
)
def test_a_postal_code_may_be_lowercase(country: str, province: str, code: str) -> None:
    written = address(country, "1 Long Lane", "Here", province, code)
    assert clean_address(written, strict=True).postal_code == code.upper()


@pytest.mark.parametrize(("written", "wrong"), WRONG)
def test_parts_that_the_country_does_not_have_are_refused_only_if_strict(
    written: Address, wrong: set[str]
) -> None:
    with pytest.raises(InvalidBuyer) as caught:
        clean_address(written, strict=True)
    assert set(caught.value.errors) == wrong
    assert clean_address(written, strict=False) == written


@pytest.mark.parametrize("strict", [True, False])
def test_a_partial_address_is_normalized_and_its_missing_parts_are_named(strict: bool) -> None:
    nothing = Address(line1="", city="", postal_code="", country_code="")
    assert clean_address(nothing, strict=strict) == nothing
    only = Address(line1="  350 Fifth Avenue ", city="", postal_code="", country_code="us")
    found = clean_address(only, strict=strict)
    assert (found.line1, found.country_code) == ("350 Fifth Avenue", "US")
    assert set(missing_parts(Buyer(shipping_address=found))) == {"city", "province", "postal_code"}


@pytest.mark.parametrize(
    ("country", "needed"),
    [
        ("US", {"city", "province", "postal_code"}),
        ("GB", {"city", "postal_code"}),
        ("JP", {"province", "postal_code"}),
        ("CA", {"city", "province", "postal_code"}),
        ("HK", {"province"}),
        ("IE", {"city"}),
    ],
)
def test_each_country_has_its_required_parts(country: str, needed: set[str]) -> None:
    only = Address(line1="1 Long Lane", city="", postal_code="", country_code=country)
    missing = set(missing_parts(Buyer(shipping_address=only)))
    assert missing - {"city"} == needed - {"city"}
    assert country == "JP" or missing == needed


def test_payment_requires_more_than_a_quote() -> None:
    require_complete(Buyer(shipping_address=ADDRESS))
    require_complete(BUYER, to_pay=True)
    with pytest.raises(BuyerIncomplete) as caught:
        require_complete(Buyer(shipping_address=ADDRESS), to_pay=True)
    assert set(caught.value.errors) == {"first_name", "last_name", "email", "phone"}
    with pytest.raises(BuyerIncomplete) as caught:
        require_complete(Buyer(), to_pay=True)
    assert {"country_code", "line1"} <= set(caught.value.errors)


@pytest.mark.parametrize("code", ["XX", "USA", "U", "United States", "12"])
@pytest.mark.parametrize("strict", [True, False])
def test_an_unknown_country_is_refused(code: str, strict: bool) -> None:
    with pytest.raises(InvalidBuyer) as caught:
        clean_address(moved(country_code=code), strict=strict)
    assert set(caught.value.errors) == {"country_code"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("+1 212-555-0123", "+12125550123"),
        ("+44 (20) 7946.0958", "+442079460958"),
        ("+81 3-3213-1111", "+81332131111"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_phone_number_is_normalized(given: str, found: str, strict: bool) -> None:
    assert clean_buyer(replace(BUYER, phone=given), strict=strict).phone == found


def test_a_number_without_country_code_uses_the_address_if_strict() -> None:
    assert clean_buyer(replace(BUYER, phone="(212) 555-0123"), strict=True).phone == "+12125550123"
    london = replace(BUYER, phone="020 7946 0958", shipping_address=WRITTEN[2][0])
    assert clean_buyer(london, strict=True).phone == "+442079460958"
    with pytest.raises(InvalidBuyer):
        clean_buyer(replace(BUYER, phone="020 7946 0958"), strict=False)
    with pytest.raises(InvalidBuyer):
        clean_buyer(replace(BUYER, phone="2125550123", shipping_address=None), strict=True)


@pytest.mark.parametrize(
    "phone", ["+1 999", "call me", "+", "+0123456789", "+1212555012345678901", "٣٤٥٦٧٨٩"]
)
def test_an_invalid_phone_number_is_refused(phone: str) -> None:
    with pytest.raises(InvalidBuyer) as caught:
        clean_buyer(replace(BUYER, phone=phone), strict=True)
    assert set(caught.value.errors) == {"phone"}


@pytest.mark.parametrize(
    "email", ["ada", "ada@", "@shop.example", "a b@shop.example", "ada@shop", "a@b@c.de"]
)
@pytest.mark.parametrize("strict", [True, False])
def test_an_invalid_email_address_is_refused(email: str, strict: bool) -> None:
    with pytest.raises(InvalidBuyer) as caught:
        clean_buyer(replace(BUYER, email=email), strict=strict)
    assert set(caught.value.errors) == {"email"}


@pytest.mark.parametrize("field", ["first_name", "middle_name", "last_name"])
@pytest.mark.parametrize(
    "text", ["Ada\x00Byron", "Ada\nByron", "Ada\x1b[31m", "Ada\u202eByron", "x" * (MAX_TEXT_LENGTH + 1)]
)
def test_a_name_is_printable_and_bounded(field: str, text: str) -> None:
    with pytest.raises(InvalidBuyer) as caught:
        clean_buyer(replace(BUYER, **{field: text}), strict=False)
    assert set(caught.value.errors) == {field}


@pytest.mark.parametrize("field", ["line1", "line2", "city", "province", "postal_code"])
def test_an_address_is_printable_and_bounded(field: str) -> None:
    for text in ("1\x00Lane", "1\r\nLane", "x" * (MAX_TEXT_LENGTH + 1)):
        with pytest.raises(InvalidBuyer) as caught:
            clean_address(moved(**{field: text}))
        assert set(caught.value.errors) == {field}


def test_international_names_are_kept_and_surrounding_whitespace_is_not() -> None:
    names = Buyer(first_name="  Seán ", middle_name="d'Ünal", last_name="山田 ")
    found = clean_buyer(names, strict=True)
    assert (found.first_name, found.middle_name, found.last_name) == ("Seán", "d'Ünal", "山田")


def test_an_error_never_repeats_the_value() -> None:
    canary = "CANARY77"
    bad = Buyer(
        first_name=f"{canary}\n{canary}",
        last_name=f"{canary}\x00{canary}",
        email=f"{canary}@",
        phone=f"+1{canary}",
        shipping_address=moved(line1=f"{canary}\t{canary}", province=canary, postal_code=canary),
    )
    for strict in (True, False):
        with pytest.raises(InvalidBuyer) as caught:
            clean_buyer(bad, strict=strict)
        assert {"first_name", "last_name", "email", "phone", "line1"} <= set(caught.value.errors)
        assert canary not in f"{caught.value!r} {caught.value} {caught.value.errors}"
    assert canary not in f"{bad!r}"
    with pytest.raises(InvalidBuyer) as caught:
        clean_address(moved(country_code=canary))
    assert canary not in str(caught.value.errors)


@pytest.mark.django_db(transaction=True)
def test_a_buyer_is_stored_in_one_row_and_of_a_card_only_the_name() -> None:
    order = Order.objects.create(account="default")
    assert get_buyer(order) == Buyer()
    save_buyer(order, Buyer(first_name="Eve"))
    save_buyer(order, BUYER, card=Card(token="card_canary", first_name="A", last_name="L"))
    assert get_buyer(order) == BUYER
    row = Order.objects.get().buyer
    assert row.name_on_card == {"first_name": "A", "last_name": "L"}
    assert "card_canary" not in str(vars(row))
