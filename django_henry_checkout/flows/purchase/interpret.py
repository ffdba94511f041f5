"""Interpret Henry's statuses for the purchase, its items and the order. Pure, no database.

There are two dialects (henry-api.md 1.2): in the older one `complete` means that every item was attempted, so the
items decide; the newer one has `partially_complete` and `failed` for the purchase itself.
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
    """Meaning of an observation.

    `purchase` and `order` are None if Henry's status is unknown: then nothing changes. `items` has one status
    for each item of the observation, in the same order. `review` is the code of a reason for review, or "".
    `unknown` holds statuses that are not in Henry's documentation.
    """

    purchase: PurchaseStatus | None
    order: OrderStatus | None
    items: tuple[ItemStatus, ...]
    review: str = ""
    unknown: tuple[str, ...] = ()


def interpret(observation: Observation) -> Interpretation:
    """Return the meaning of an observation."""
    unknown = tuple(sorted({item.status for item in observation.items if item.status not in _ITEM_STATUSES}))
    status = observation.status
    if status not in set(HenryStatus):
        return Interpretation(
            purchase=None, order=None, items=_open_items(observation.items), unknown=(status, *unknown)
        )
    if status not in _TERMINAL:
        order = OrderStatus.PLACED if status == HenryStatus.PENDING else OrderStatus.PROCESSING
        return Interpretation(
            purchase=PurchaseStatus(status),
            order=order,
            items=_open_items(observation.items),
            unknown=unknown,
        )
    items = tuple(_final_status(item, purchase_status=status) for item in observation.items)
    order, review = _ending(status, items)
    return Interpretation(
        purchase=PurchaseStatus(status), order=order, items=items, review=review, unknown=unknown
    )


def _open_items(items: Sequence[ItemOutcome]) -> tuple[ItemStatus, ...]:
    """Return the item statuses of an unfinished purchase; an unknown one counts as `processing`."""
    return tuple(_ITEM_STATUSES.get(item.status, ItemStatus.PROCESSING) for item in items)


def _final_status(item: ItemOutcome, *, purchase_status: str) -> ItemStatus:
    known = _ITEM_STATUSES.get(item.status)
    if known is ItemStatus.BOUGHT or known in _NOT_BOUGHT:
        return known or ItemStatus.UNKNOWN
    # The purchase ended, but the item's own status does not say how: look for a receipt.
    if item.confirmation_number or item.costs.total is not None:
        return ItemStatus.BOUGHT
    if purchase_status == HenryStatus.FAILED:
        return ItemStatus.FAILED
    if purchase_status == HenryStatus.CANCELLED:
        return ItemStatus.CANCELED
    return ItemStatus.UNKNOWN


def _ending(status: str, items: Sequence[ItemStatus]) -> tuple[OrderStatus, str]:
    bought = items.count(ItemStatus.BOUGHT)
    unknown = items.count(ItemStatus.UNKNOWN)
    review = "item_outcome_unknown" if unknown else ""
    if status in {HenryStatus.FAILED, HenryStatus.CANCELLED}:
        if bought:
            return OrderStatus.PARTIALLY_COMPLETED, f"{status}_but_items_bought"
        return (OrderStatus.FAILED if status == HenryStatus.FAILED else OrderStatus.CANCELED), review
    if items and not bought and not unknown:
        return OrderStatus.FAILED, review
    if status == HenryStatus.PARTIALLY_COMPLETE or any(item in _NOT_BOUGHT for item in items):
        return OrderStatus.PARTIALLY_COMPLETED, review
    return OrderStatus.COMPLETED, review


def sum_known(parts: Iterable[Money | None]) -> Money | None:
    """Add up the known amounts; None if none is known, or if the currencies differ."""
    known = [part for part in parts if part is not None]
    if not known or len({part.currency for part in known}) > 1:
        return None
    return sum(known[1:], known[0])


def amount_in(currency: str, money: Money | None) -> Decimal | None:
    """Return the amount if it is in the given currency."""
    return money.amount if money is not None and money.currency.code == currency else None
