"""Reads Henry's words: what they mean for the purchase, its items and the order. Pure, no database.

Two dialects are spoken (henry-api.md 1.2): in the older one `complete` means that every item ended its
attempt, so items decide; in the newer one `partially_complete` and `failed` say so themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from moneyed import Money

from django_henry_checkout.models import ItemStatus, OrderStatus, PurchaseStatus
from django_henry_checkout.types import HenryStatus, ItemOutcome, Observation

_ITEM_STATUSES = {
    "pending": ItemStatus.PENDING,
    "processing": ItemStatus.PROCESSING,
    "complete": ItemStatus.BOUGHT,
    "failed": ItemStatus.FAILED,
    "cancelled": ItemStatus.CANCELED,
}
_NOT_BOUGHT = frozenset({ItemStatus.FAILED, ItemStatus.CANCELED})
_TERMINAL = frozenset(
    {HenryStatus.COMPLETE, HenryStatus.PARTIALLY_COMPLETE, HenryStatus.FAILED, HenryStatus.CANCELLED}
)


@dataclass(frozen=True, kw_only=True)
class Interpretation:
    """What an observation means.

    `purchase` and `order` are None when Henry's word is not known: then nothing moves.
    `items` has one status for each item of the observation, in its order. `review` says why a person
    should look, "" if none need. `unknown` are the words never seen before.
    """

    purchase: PurchaseStatus | None
    order: OrderStatus | None
    items: tuple[ItemStatus, ...]
    review: str = ""
    unknown: tuple[str, ...] = ()


def interpret(observation: Observation) -> Interpretation:
    """Work out what an observation means."""
    unknown = tuple(sorted({item.status for item in observation.items if item.status not in _ITEM_STATUSES}))
    word = observation.status
    if word not in set(HenryStatus):
        return Interpretation(
            purchase=None, order=None, items=_open_items(observation.items), unknown=(word, *unknown)
        )
    if word not in _TERMINAL:
        order = OrderStatus.PLACED if word == HenryStatus.PENDING else OrderStatus.PROCESSING
        return Interpretation(
            purchase=PurchaseStatus(word), order=order, items=_open_items(observation.items), unknown=unknown
        )
    items = tuple(_final_status(item, purchase_word=word) for item in observation.items)
    order, review = _ending(word, items)
    return Interpretation(
        purchase=PurchaseStatus(word), order=order, items=items, review=review, unknown=unknown
    )


def _open_items(items: Sequence[ItemOutcome]) -> tuple[ItemStatus, ...]:
    """While the purchase is under way an unknown word says no more than that it is being worked on."""
    return tuple(_ITEM_STATUSES.get(item.status, ItemStatus.PROCESSING) for item in items)


def _final_status(item: ItemOutcome, *, purchase_word: str) -> ItemStatus:
    known = _ITEM_STATUSES.get(item.status)
    if known is ItemStatus.BOUGHT or known in _NOT_BOUGHT:
        return known or ItemStatus.UNKNOWN
    # The purchase ended although the item's own word does not say how: look for a receipt.
    if item.confirmation_number or item.costs.total is not None:
        return ItemStatus.BOUGHT
    if purchase_word == HenryStatus.FAILED:
        return ItemStatus.FAILED
    if purchase_word == HenryStatus.CANCELLED:
        return ItemStatus.CANCELED
    return ItemStatus.UNKNOWN


def _ending(word: str, items: Sequence[ItemStatus]) -> tuple[OrderStatus, str]:
    bought = items.count(ItemStatus.BOUGHT)
    unknown = items.count(ItemStatus.UNKNOWN)
    review = "item_outcome_unknown" if unknown else ""
    if word in {HenryStatus.FAILED, HenryStatus.CANCELLED}:
        if bought:
            return OrderStatus.PARTIALLY_COMPLETED, f"{word}_but_items_bought"
        return (OrderStatus.FAILED if word == HenryStatus.FAILED else OrderStatus.CANCELED), review
    if items and not bought and not unknown:
        return OrderStatus.FAILED, review
    if word == HenryStatus.PARTIALLY_COMPLETE or any(item in _NOT_BOUGHT for item in items):
        return OrderStatus.PARTIALLY_COMPLETED, review
    return OrderStatus.COMPLETED, review


def sum_known(parts: Iterable[Money | None]) -> Money | None:
    """Add up what is known. None if nothing is, or if the currencies differ."""
    known = [part for part in parts if part is not None]
    if not known or len({part.currency for part in known}) > 1:
        return None
    return sum(known[1:], known[0])


def amount_in(currency: str, money: Money | None) -> Decimal | None:
    """Return an amount if it is in the currency."""
    return money.amount if money is not None and money.currency.code == currency else None
