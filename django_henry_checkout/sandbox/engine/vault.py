"""The card vault: tokens, last four digits and the test card they behave like. Numbers are never stored."""

from __future__ import annotations

from django_henry_checkout.sandbox.engine import cards, validation
from django_henry_checkout.sandbox.engine.cards import Card
from django_henry_checkout.sandbox.engine.state import JSON, StoredCard
from django_henry_checkout.sandbox.engine.store import random_string, store
from django_henry_checkout.sandbox.engine.validation import ApiError

# Henry's example is `card_live_` and 35 characters. The prefix of its test mode is not known; this one is ours.
_PREFIX = "card_test_"


def store_card(number: str, *, name: str = "", user_id: str = "") -> StoredCard:
    """Store a valid number and return its token; a user's new card replaces the old one."""
    digits = cards.strip_separators(number)
    kind = cards.find_test_card(digits).token
    card = StoredCard(_PREFIX + random_string(35), digits[-4:], kind, name)
    store.save_card(card, user_id=user_id)
    return card


def test_card_for(card: StoredCard) -> Card:
    """Return the test card that a stored card behaves like."""
    return cards.CARDS_BY_TOKEN[card.kind]


def find_card(token: str) -> StoredCard | None:
    """Return a stored card, or the card of a token that the front page lists."""
    test_card = cards.CARDS_BY_TOKEN.get(token)
    return StoredCard(token, test_card.number[-4:], token) if test_card else store.cards.get(token)


def read_card_number(source: JSON, key: str = "cardNumber", *, where: str = "") -> str:
    """Read a card number and check its digits."""
    number = cards.strip_separators(validation.read_text(source, key, where=where, limit=30))
    if not cards.passes_luhn(number):
        raise ApiError(f"{where}.{key} is not a card number." if where else f"{key} is not a card number.")
    return number


def read_raw_card(source: JSON, *, where: str = "") -> str:
    """Validate the raw card fields of v1 and return only the number."""
    number = read_card_number(source, where=where)
    for key in ("expiryMonth", "expiryYear", "cvv"):
        if not validation.read_text(source, key, where=where, limit=4).isdigit():
            raise ApiError(f"{where}.{key} must be digits." if where else f"{key} must be digits.")
    return number
