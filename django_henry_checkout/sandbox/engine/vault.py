"""Stored cards: a token, four digits and the test card they behave like. A number is never kept."""

from __future__ import annotations

from django_henry_checkout.sandbox.engine import cards
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.cards import Card
from django_henry_checkout.sandbox.engine.state import JSON, StoredCard
from django_henry_checkout.sandbox.engine.store import random_text, store
from django_henry_checkout.sandbox.engine.validation import RefusedError

# Henry's sample is `card_live_` and 35 characters. The prefix of its sandbox is not known; this one is ours.
_PREFIX = "card_test_"


def keep(number: str, *, name: str = "", user_id: str = "") -> StoredCard:
    """Store a checked number for its token; a user's new card takes the place of the old one."""
    digits = cards.digits(number)
    kind = cards.card_for(digits).token
    card = StoredCard(_PREFIX + random_text(35), digits[-4:], kind, name)
    store.keep_card(card, user_id=user_id)
    return card


def behaviour(card: StoredCard) -> Card:
    return cards.BY_TOKEN[card.kind]


def find(token: str) -> StoredCard | None:
    """A stored card, or one of the tokens that the sandbox gives away on its front page."""
    known = cards.BY_TOKEN.get(token)
    return StoredCard(token, known.number[-4:], token) if known else store.cards.get(token)


def read_number(source: JSON, key: str = "cardNumber", *, where: str = "") -> str:
    number = cards.digits(checking.text(source, key, where=where, limit=30))
    if not cards.passes_luhn(number):
        raise RefusedError(
            f"{where}.{key} is not a card number." if where else f"{key} is not a card number."
        )
    return number


def read_secrets(source: JSON, *, where: str = "") -> str:
    """Check the fields of a raw card as v1 names them; return its number and forget the rest."""
    number = read_number(source, where=where)
    for key in ("expiryMonth", "expiryYear", "cvv"):
        if not checking.text(source, key, where=where, limit=4).isdigit():
            raise RefusedError(f"{where}.{key} must be digits." if where else f"{key} must be digits.")
    return number
