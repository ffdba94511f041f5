"""What an order takes from its cart: the lines as they were, with what this one purchase changes of them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from moneyed import Money

from django_henry_checkout.exceptions import CartEmpty, InvalidItem
from django_henry_checkout.flows.cart.items import clean_quantity
from django_henry_checkout.models import Cart, CartLine, Order, OrderLine
from django_henry_checkout.models.base import LINE_FIELDS


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What one purchase changes of its cart's lines; the cart stays as it is.

    `quantities` maps a product link to its quantity, or to None, which leaves the product out;
    `selected_shipping` counts for lines without a choice of their own.
    """

    quantities: Mapping[str, int | None] = field(default_factory=dict)
    selected_shipping: Mapping[str, str] = field(default_factory=dict)


def take_snapshot(cart: Cart, changes: Changes | None = None) -> list[CartLine]:
    """Return copies of the cart's lines, changed as wished. One query; nothing is written.

    Raises:
        CartEmpty: nothing is left to buy.
        InvalidItem: a quantity is out of bounds, or names a product that is not in the cart.
    """
    changes = changes or Changes()
    lines = list(cart.lines.all())
    unknown = set(changes.quantities) - {line.link for line in lines}
    if unknown:
        raise InvalidItem("A product of overrideProducts is not in the cart.", field="overrideProducts")
    taken = [_changed(line, changes) for line in lines if changes.quantities.get(line.link, 1) is not None]
    if not taken:
        raise CartEmpty
    return taken


def _changed(line: CartLine, changes: Changes) -> CartLine:
    line = copy.copy(line)
    wanted = changes.quantities.get(line.link)
    if wanted is not None:
        line.quantity = clean_quantity(wanted)
    if changes.selected_shipping and not line.selected_shipping:
        line.selected_shipping = dict(changes.selected_shipping)
    return line


def snapshot_digest(lines: Sequence[CartLine]) -> str:
    """Return the same text for two snapshots that mean the same: what is bought, not in which order."""
    wanted = sorted(
        [line.key, line.quantity, line.selected_shipping, line.coupons, line.metadata] for line in lines
    )
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def subtotal_of(lines: Sequence[CartLine]) -> Money | None:
    """Add up the shop's prices; None where one is missing or the currencies differ."""
    prices = [line.subtotal for line in lines]
    known = [price for price in prices if price is not None]
    if len(known) < len(prices) or len({price.currency for price in known}) != 1:
        return None
    return sum(known[1:], known[0])


def write_lines(order: Order, lines: Sequence[CartLine]) -> None:
    """Save a snapshot as the lines of a new order. One statement."""
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            merchant=urlsplit(line.link).hostname or "",
            **{name: getattr(line, name) for name in LINE_FIELDS},
        )
        for position, line in enumerate(lines, start=1)
    )
