"""No `repr` contains card data, tokens or personal data, however deeply they are nested."""

from __future__ import annotations

import dataclasses
import logging
import traceback
from typing import Any

import pytest

from django_henry_checkout.types import (
    Address,
    Buyer,
    Card,
    Costs,
    HenryQuote,
    PurchaseRequest,
    RawCard,
)

CANARY = "canary"


def filled(kind: type, **more: Any) -> Any:
    """Return a value in which every text field contains its own canary."""
    texts = {
        field.name: f"{CANARY}-{field.name}"
        for field in dataclasses.fields(kind)
        if field.type == "str" and field.name not in more
    }
    return kind(**texts, **more)


ADDRESS = filled(Address)
BUYER = filled(Buyer, shipping_address=ADDRESS)
RAW = filled(RawCard)
CARD = filled(Card, raw=RAW, billing_address=ADDRESS)
SECRETS = {
    "address": ADDRESS,
    "buyer": BUYER,
    "raw card": RAW,
    "card": CARD,
    "purchase": filled(PurchaseRequest, buyer=BUYER, card=CARD),
    "quote": filled(HenryQuote, costs=Costs()),
}


@pytest.mark.parametrize("name", SECRETS)
def test_no_repr_shows_a_secret(name: str) -> None:
    value = SECRETS[name]
    assert CANARY in str(dataclasses.asdict(value))
    shown = [repr(value), str(value), f"{value}", repr([value]), repr({"value": value}), f"{value!a}"]
    assert not [text for text in shown if CANARY in text]


def test_every_secret_field_contains_a_canary() -> None:
    assert {field.name for field in dataclasses.fields(RawCard)} == {
        "number",
        "expiry_month",
        "expiry_year",
        "cvv",
    }
    assert all(getattr(RAW, field.name).startswith(CANARY) for field in dataclasses.fields(RawCard))
    assert (CARD.token, CARD.first_name, CARD.last_name) == (
        "canary-token",
        "canary-first_name",
        "canary-last_name",
    )
    assert SECRETS["purchase"].quote_token == "canary-quote_token"
    assert SECRETS["quote"].token == "canary-token"


def _fail_with(value: Any) -> None:
    raise ValueError(value)


@pytest.mark.parametrize("name", SECRETS)
def test_no_log_and_no_traceback_with_locals_shows_a_secret(name: str, caplog: Any) -> None:
    value = SECRETS[name]
    logging.getLogger("tests").warning("sending %s and %r", value, {"value": value})
    assert CANARY not in caplog.text
    try:
        _fail_with(value)
    except ValueError as error:
        captured = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert "value = " in "".join(captured.format())
    assert CANARY not in "".join(captured.format())


@pytest.mark.parametrize("name", ["raw card", "card", "purchase", "quote"])
def test_the_error_for_an_unknown_field_does_not_show_its_value(name: str) -> None:
    with pytest.raises(TypeError) as caught:
        dataclasses.replace(SECRETS[name], unknown=f"{CANARY}-value")
    assert CANARY not in str(caught.value)
