"""Test cards. The outcome cards and the tokens are the sandbox's own; Henry is not known to have any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A test card: what it does to the payment (`problem`) or to the order after it (`plan`)."""

    number: str
    token: str
    title: str
    effect: str
    plan: str = ""
    problem: str = ""

    @property
    def spaced(self) -> str:
        return " ".join(self.number[at : at + 4] for at in range(0, len(self.number), 4))


CARDS = (
    Card("4242424242424242", "card_test_pays", "Pays", "The order completes."),
    Card("4111111111111111", "card_test_pays_too", "Pays", "The order completes."),
    Card(
        "4000000000000002",
        "card_test_declined",
        "Declined",
        "The payment is refused.",
        problem="card_declined",
    ),
    Card(
        "4000000000009995",
        "card_test_insufficient_funds",
        "Insufficient funds",
        "The payment is refused.",
        problem="insufficient_funds",
    ),
    Card(
        "4000000000010001",
        "card_test_some_items_fail",
        "Some items fail",
        "Pays; every second item fails, the order ends partially_complete. One item alone ends failed.",
        plan="some_items_fail",
    ),
    Card(
        "4000000000020000",
        "card_test_all_items_fail",
        "All items fail",
        "Pays; no item can be bought, the order ends failed.",
        plan="all_items_fail",
    ),
    Card(
        "4000000000030009",
        "card_test_cancelled",
        "Cancelled",
        "Pays; the order ends cancelled.",
        plan="cancelled",
    ),
    Card(
        "4000000000040008",
        "card_test_awaiting_merchant",
        "Unknown status",
        "Pays; the order gets the word awaiting_merchant and stays there.",
        plan="awaiting_merchant",
    ),
    Card(
        "4000000000050007",
        "card_test_hidden_failures",
        "Hidden failures",
        "Pays; the order says complete although its first item failed, as the older dialect may.",
        plan="hidden_failures",
    ),
    Card(
        "4000000000060006",
        "card_test_slow",
        "Slow to settle",
        "Pays; the first item fails and the order stays in processing for one more hour.",
        plan="slow",
    ),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}
PLAIN = CARDS[0]
PROBLEMS = {
    "card_declined": "Your card was declined. Try another card.",
    "insufficient_funds": "Your card has insufficient funds. Try another card.",
}


def digits(number: str) -> str:
    return "".join(char for char in number if char not in " -")


def passes_luhn(number: str) -> bool:
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    doubled = [int(char) * (1 + at % 2) for at, char in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def card_for(number: str) -> Card:
    """Any number that passes the check digit pays, unless it is one of the test cards above."""
    return BY_NUMBER.get(digits(number), PLAIN)
