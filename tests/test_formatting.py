"""Texts, amounts and days follow the active language."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from django.template import Context, Template
from django.utils.translation import override
from moneyed import Money

from django_henry_checkout.components.element import TEXTS, element_texts
from django_henry_checkout.components.inline import BUYER_ERROR_TEXTS, format_day
from django_henry_checkout.flows.buyer.details import MAX_TEXT_LENGTH
from django_henry_checkout.formatting import format_money, locale_name
from scripts.messages import LANGUAGES

PRICE = Money("1149.50", "USD")


def plain(text: str) -> str:
    """Return the text with plain spaces and without invisible characters."""
    text = "".join(" " if unicodedata.category(each) == "Zs" else each for each in text)
    return "".join(each for each in text if unicodedata.category(each) != "Cf")


@pytest.mark.parametrize(
    ("language", "expected", "taken_off"),
    [
        ("en", "$1,149.50", "−$1,149.50"),
        ("de", "1.149,50 $", "−1.149,50 $"),
        ("fr", "1 149,50 $US", "−1 149,50 $US"),
        ("es", "1.149,50 US$", "−1.149,50 US$"),
        ("ja", "$1,149.50", "−$1,149.50"),
        ("ar", "1,149.50 US$", "−1,149.50 US$"),
    ],
)
def test_money_follows_the_language(language: str, expected: str, taken_off: str) -> None:
    with override(language):
        assert (plain(format_money(PRICE)), plain(format_money(PRICE, is_taken_off=True))) == (
            expected,
            taken_off,
        )
        page = Template("{% load henry_checkout %}{{ price|henry_money }}|{{ price|henry_money_off }}")
        assert plain(page.render(Context({"price": PRICE}))) == f"{expected}|{taken_off}"


def test_an_amount_is_left_to_right_in_arabic() -> None:
    with override("ar"):
        directions = [
            unicodedata.bidirectional(each) for each in format_money(PRICE) if each != "\N{NO-BREAK SPACE}"
        ]
    assert "R" not in directions
    assert (directions[0], directions[-1]) == ("L", "L")


def test_no_money_is_an_empty_string() -> None:
    assert format_money(None) == format_money(None, is_taken_off=True) == ""


def test_a_language_that_babel_does_not_know_is_english() -> None:
    with override("xx"):
        assert (locale_name(), format_money(PRICE)) == ("en", "$1,149.50")
    with override(None):
        assert format_money(PRICE) == "$1,149.50"


def test_days_follow_the_language() -> None:
    with override("de"):
        assert (format_day("2026-12-01"), format_day("soon")) == ("1. Dezember", "soon")
    with override("en"):
        assert format_day("2026-12-01") == "December 1"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_element_has_texts_in_every_language(language: str) -> None:
    with override(language):
        texts = json.loads(element_texts())
    assert texts.keys() == TEXTS.keys()


def test_the_element_uses_the_language_of_the_shop(settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    texts = json.loads(element_texts())
    assert (texts["title"], texts["close"], texts["retry"]) == (
        "Sichere Kasse",
        "Schließen",
        "Erneut versuchen",
    )


def test_error_texts_of_flows_are_in_the_catalogues() -> None:
    text = f"This must be printable text of {MAX_TEXT_LENGTH} characters at most."
    assert text in BUYER_ERROR_TEXTS
