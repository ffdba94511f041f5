"""Interpret Henry's statuses, and decide what an observation changes. Pure, no database.

There are two dialects (henry-api.md 1.2): in the older one `complete` means that every item was attempted, so the
items decide; the newer one has `partially_complete` and `failed` for the purchase itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from moneyed import Money

from django_henry_checkout.models import ItemStatus, Order, OrderLine, OrderStatus, Purchase, PurchaseStatus
from django_henry_checkout.types import HenryStatus, ItemOutcome, Observation

ENDING_EVENTS = {
    OrderStatus.COMPLETED: "purchase_completed",
    OrderStatus.PARTIALLY_COMPLETED: "purchase_partially_completed",
    OrderStatus.FAILED: "purchase_failed",
    OrderStatus.CANCELED: "purchase_canceled",
}
NOTHING_BOUGHT = frozenset({OrderStatus.FAILED, OrderStatus.CANCELED})
_UNLISTED_STATUS = {
    OrderStatus.COMPLETED: ItemStatus.BOUGHT,
    OrderStatus.FAILED: ItemStatus.FAILED,
    OrderStatus.CANCELED: ItemStatus.CANCELED,
}
#: Columns of a line that Henry reports.
REPORTED = ("status", "confirmation_number", "merchant", "total_amount", "currency")

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


# What an observation changes -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LineSnapshot:
    """An order line as it is stored; `reported` holds the columns of REPORTED."""

    pk: int
    link: str
    quantity: int
    selected_options: tuple[str, ...]
    reported: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """An order and its purchase as they are stored, read under the lock."""

    order_status: str
    purchase_status: str
    ref_id: str = ""
    drift: tuple[str, ...] = ()
    accepted: Money | None = None
    closed_by_staff: bool = False
    lines: tuple[LineSnapshot, ...] = ()


@dataclass(frozen=True)
class EventEntry:
    """An event to record, of a line if `line_pk` is given."""

    type: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    line_pk: int | None = None


@dataclass(frozen=True)
class ReviewEntry:
    """A reason to flag the order for review."""

    reason: str


@dataclass(frozen=True)
class OrderTransition:
    """A new status of the order."""

    status: OrderStatus


Entry = EventEntry | ReviewEntry | OrderTransition


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an observation changes.

    Attributes:
        keeps_ending: the purchase has ended; only `drift` and `entries` are written.
        ref_id: newly reported; "" if it was known.
        purchase_status: None leaves it.
        drift: statuses to add to the purchase's drift.
        unknown: those of them that are not in Henry's documentation.
        lines: new values of REPORTED for each changed line, by its key.
        amounts: new columns of the order, its currency included; empty if Henry reports no total.
        restores_cart: nothing could be bought, so the lines return to the cart.
        entries: events, review flags and transitions of the order, in the order in which they happen.
        is_outdated: the observation is older than the stored state.
    """

    keeps_ending: bool = False
    ref_id: str = ""
    purchase_status: PurchaseStatus | None = None
    drift: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    lines: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    amounts: Mapping[str, Any] = field(default_factory=dict)
    restores_cart: bool = False
    entries: tuple[Entry, ...] = ()
    is_outdated: bool = False


def decide(observation: Observation, snapshot: Snapshot, *, may_be_out_of_order: bool = False) -> Change:
    """Return what an observation changes.

    Args:
        may_be_out_of_order: it came by webhook, and webhooks overtake each other: an outdated status is no drift.
    """
    meaning = interpret(observation)
    if not Purchase.TRANSITIONS.get(snapshot.purchase_status):
        return _keep_ending(observation, meaning, snapshot, may_be_out_of_order)
    entries: list[Entry] = []
    order_status = _start(observation, snapshot, entries)
    unknown = tuple(status for status in meaning.unknown if status not in snapshot.drift)
    if unknown:
        entries.append(EventEntry("drift_seen", {"words": list(unknown)}))
    lines = _decide_lines(observation, meaning, snapshot, entries)
    amounts = _decide_amounts(observation, snapshot, entries)
    purchase_status, is_outdated = _decide_purchase(meaning, snapshot)
    drift = [*unknown]
    if is_outdated and not may_be_out_of_order:
        backward = f"{snapshot.purchase_status}>{meaning.purchase}"
        if backward not in snapshot.drift:
            drift.append(backward)
            entries.append(EventEntry("drift_seen", {"words": [backward]}))
    target = meaning.order
    moves = target is not None and target in Order.TRANSITIONS.get(order_status, ())
    if target is not None and moves:
        if target in ENDING_EVENTS:
            entries.append(
                EventEntry(ENDING_EVENTS[target], {"ref_id": snapshot.ref_id or observation.ref_id})
            )
        entries.append(OrderTransition(target))
    if meaning.review:
        entries.append(ReviewEntry(meaning.review))
    return Change(
        ref_id="" if snapshot.ref_id else observation.ref_id,
        purchase_status=purchase_status,
        drift=tuple(drift),
        unknown=unknown,
        lines=lines,
        amounts=amounts,
        restores_cart=moves and target in NOTHING_BOUGHT,
        entries=tuple(entries),
        is_outdated=is_outdated,
    )


def _keep_ending(
    observation: Observation, meaning: Interpretation, snapshot: Snapshot, may_be_out_of_order: bool
) -> Change:
    """Keep the final status although Henry now reports another one; record that once as drift."""
    status = observation.status
    if may_be_out_of_order and meaning.order not in ENDING_EVENTS:
        return Change(keeps_ending=True, is_outdated=True)
    if status == snapshot.purchase_status or status in snapshot.drift:
        return Change(keeps_ending=True)
    drift = EventEntry("drift_seen", {"words": [status], "after": snapshot.purchase_status})
    review = (ReviewEntry("not_as_staff_decided"),) if snapshot.closed_by_staff else ()
    return Change(keeps_ending=True, drift=(status,), entries=(drift, *review))


def _start(observation: Observation, snapshot: Snapshot, entries: list[Entry]) -> str:
    """Note the refId the first time Henry reports it; return the status that the order has then."""
    if snapshot.ref_id:
        return snapshot.order_status
    entries.append(EventEntry("purchase_submitted", {"ref_id": observation.ref_id}))
    following = Order.TRANSITIONS.get(snapshot.order_status, frozenset())
    if not following:  # paid again after the order had ended: it cannot be reopened
        entries.append(ReviewEntry("paid_after_ending"))
    if OrderStatus.PLACED not in following:
        return snapshot.order_status
    entries.append(OrderTransition(OrderStatus.PLACED))
    return OrderStatus.PLACED


def _decide_purchase(meaning: Interpretation, snapshot: Snapshot) -> tuple[PurchaseStatus | None, bool]:
    """Return the purchase's new status, None if it stays, and whether the reported one is outdated."""
    status = meaning.purchase
    if status is None:
        return (None if snapshot.ref_id else PurchaseStatus.PENDING), False
    if status == snapshot.purchase_status:
        return None, False
    if status in Purchase.TRANSITIONS[snapshot.purchase_status]:
        return status, False
    return None, snapshot.purchase_status != PurchaseStatus.STUCK  # a stuck purchase waits for a final status


def _decide_lines(
    observation: Observation, meaning: Interpretation, snapshot: Snapshot, entries: list[Entry]
) -> dict[int, Mapping[str, Any]]:
    changed: dict[int, Mapping[str, Any]] = {}
    for line, item, status in _match_items(observation, meaning, snapshot, entries):
        if item is not None and item.quantity != line.quantity:
            entries.append(ReviewEntry("quantity_differs"))
        reported = dict(line.reported)
        if status in OrderLine.TRANSITIONS.get(line.reported["status"], ()):
            reported["status"] = status
            if status == ItemStatus.FAILED:
                entries.append(EventEntry("order_item_failed", {"link": line.link}, line_pk=line.pk))
        if item is not None:
            reported |= _reported_by(item, line)
        if reported != line.reported:
            changed[line.pk] = reported
    return changed


def _reported_by(item: ItemOutcome, line: LineSnapshot) -> dict[str, Any]:
    reported: dict[str, Any] = {
        "confirmation_number": item.confirmation_number or line.reported["confirmation_number"],
        "merchant": item.merchant or item.host or line.reported["merchant"],
    }
    if item.costs.total is not None:
        reported |= {"total_amount": item.costs.total.amount, "currency": item.costs.total.currency.code}
    return reported


def _match_items(
    observation: Observation, meaning: Interpretation, snapshot: Snapshot, entries: list[Entry]
) -> Iterator[tuple[LineSnapshot, ItemOutcome | None, ItemStatus]]:
    """Pair lines with items, by link and options, then by link alone; each item is used once."""
    items = list(zip(observation.items, meaning.items, strict=True))
    unmatched = list(snapshot.lines)
    for exactly in (True, False):
        for line in list(unmatched):
            found = next((pair for pair in items if _is_same(line, pair[0], exactly=exactly)), None)
            if found is not None:
                items.remove(found)
                unmatched.remove(line)
                yield line, *found
    if meaning.order in ENDING_EVENTS:
        if items:
            entries.append(ReviewEntry("items_differ"))
        for line in unmatched:
            yield line, None, ItemStatus.UNKNOWN if items else _status_of_unlisted(observation, meaning)


def _is_same(line: LineSnapshot, item: ItemOutcome, *, exactly: bool) -> bool:
    return line.link == item.link and (not exactly or line.selected_options == item.selected_options)


def _status_of_unlisted(observation: Observation, meaning: Interpretation) -> ItemStatus:
    """Return the final status of a line that Henry does not list, although it lists no foreign item.

    If Henry lists other lines, the buyer removed this one on Henry's page. If it lists none, as in v0, the line
    ends like the order.
    """
    if observation.items:
        return ItemStatus.CANCELED
    return _UNLISTED_STATUS.get(meaning.order or OrderStatus.OPEN, ItemStatus.UNKNOWN)


def _decide_amounts(observation: Observation, snapshot: Snapshot, entries: list[Entry]) -> dict[str, Any]:
    costs, accepted = observation.costs, snapshot.accepted
    if costs.total is None:
        return {}
    if accepted is not None and (accepted.currency != costs.total.currency or costs.total > accepted):
        entries.append(ReviewEntry("total_above_accepted"))
    currency = costs.total.currency.code
    amounts = {
        "currency": currency,
        "total_amount": costs.total.amount,
        "fee_amount": amount_in(currency, costs.fee),
    }
    for name in ("subtotal", "shipping", "tax", "discount"):
        summed = sum_known(getattr(item.costs, name) for item in observation.items)
        amounts[f"{name}_amount"] = amount_in(currency, getattr(costs, name) if summed is None else summed)
    return amounts
