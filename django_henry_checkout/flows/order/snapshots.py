"""Snapshots: copies of a cart's lines for an order, with the changes that one purchase makes to them."""

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
    """Changes that one purchase makes to the lines of its snapshot; the cart is not changed.

    `quantities` maps a product link to its quantity, or to None to leave the product out; `selected_shipping`
    applies to lines that have no choice yet.
    """

    quantities: Mapping[str, int | None] = field(default_factory=dict)
    selected_shipping: Mapping[str, str] = field(default_factory=dict)


def take_snapshot(cart: Cart, changes: Changes | None = None) -> list[CartLine]:
    """Return copies of the cart's lines, with the changes applied. One query; nothing is written.

    Raises:
        CartEmpty: no lines are left.
        InvalidItem: a quantity is out of bounds, or a product is not in the cart.
    """
    changes = changes or Changes()
    lines = list(CartLine.objects.filter(cart=cart.pk))  # never from a prefetch: it may be outdated
    unknown = set(changes.quantities) - {line.link for line in lines}
    if unknown:
        raise InvalidItem("A product in overrideProducts is not in the cart.", field="overrideProducts")
    kept = [_apply(changes, line) for line in lines if changes.quantities.get(line.link, 1) is not None]
    if not kept:
        raise CartEmpty
    return kept


def _apply(changes: Changes, line: CartLine) -> CartLine:
    line = copy.copy(line)
    quantity = changes.quantities.get(line.link)
    if quantity is not None:
        line.quantity = clean_quantity(quantity)
    if changes.selected_shipping and not line.selected_shipping:
        line.selected_shipping = dict(changes.selected_shipping)
    return line


def snapshot_digest(lines: Sequence[CartLine]) -> str:
    """Return a digest that is equal for snapshots of equal lines; the order of the lines does not matter."""
    content = sorted(
        [line.key, line.quantity, line.selected_shipping, line.coupons, line.metadata] for line in lines
    )
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def subtotal_of(lines: Sequence[CartLine]) -> Money | None:
    """Add up the shop's prices; None if one is missing or the currencies differ."""
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
