"""Test cards. The outcome cards and the tokens are the sandbox's own; Henry does not document any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A test card with its effect on the payment (`problem`) or on the order after it (`plan`)."""

    number: str
    token: str
    title: str
    effect: str
    plan: str = ""
    problem: str = ""

    @property
    def formatted_number(self) -> str:
        """The number in groups of four digits."""
        return " ".join(self.number[start : start + 4] for start in range(0, len(self.number), 4))


TEST_CARDS = (
    Card("4242424242424242", "card_test_pays", "Pays", "The order completes."),
    Card("4111111111111111", "card_test_pays_too", "Pays", "The order completes."),
    Card(
        "4000000000000002",
        "card_test_declined",
        "Declined",
        "The payment is declined.",
        problem="card_declined",
    ),
    Card(
        "4000000000009995",
        "card_test_insufficient_funds",
        "Insufficient funds",
        "The payment is declined.",
        problem="insufficient_funds",
    ),
    Card(
        "4000000000010001",
        "card_test_some_items_fail",
        "Some items fail",
        "Pays; every second item fails and the order ends partially_complete, or failed with only one item.",
        plan="some_items_fail",
    ),
    Card(
        "4000000000020000",
        "card_test_all_items_fail",
        "All items fail",
        "Pays; no item can be bought and the order ends failed.",
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
        "Pays; the order gets the status awaiting_merchant and keeps it.",
        plan="awaiting_merchant",
    ),
    Card(
        "4000000000050007",
        "card_test_hidden_failures",
        "Hidden failures",
        "Pays; the order is complete although its first item failed, as in the old dialect.",
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
CARDS_BY_NUMBER = {card.number: card for card in TEST_CARDS}
CARDS_BY_TOKEN = {card.token: card for card in TEST_CARDS}
DEFAULT_CARD = TEST_CARDS[0]
DECLINE_MESSAGES = {
    "card_declined": "Your card was declined. Try another card.",
    "insufficient_funds": "Your card has insufficient funds. Try another card.",
}


def strip_separators(number: str) -> str:
    """Return a card number without spaces and hyphens."""
    return "".join(char for char in number if char not in " -")


def passes_luhn(number: str) -> bool:
    """Return whether these are the digits of a card number with a valid check digit."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    doubled = [int(char) * (1 + index % 2) for index, char in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def find_test_card(number: str) -> Card:
    """Return the test card with this number; any other number behaves like the default card."""
    return CARDS_BY_NUMBER.get(strip_separators(number), DEFAULT_CARD)
