"""Cart operations that all generations of the API share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django_henry_checkout.sandbox.engine.state import JSON, Cart, Line
from django_henry_checkout.sandbox.engine.store import AlreadyPaidError, UnknownCartError, store
from django_henry_checkout.sandbox.engine.validation import ApiError

MAX_ITEMS = 200
_CART_ID = re.compile(
    r"crt_[A-Za-z0-9]{12}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)


def validate_cart_id(cart_id: str) -> None:
    """Refuse an id that no generation of the API creates."""
    if not _CART_ID.fullmatch(cart_id):
        raise ApiError("cartId is malformed.")


def find_cart(cart_id: str) -> Cart:
    """Return a cart of v1. Carts of v0 cannot be found by id."""
    validate_cart_id(cart_id)
    cart = store.get_cart(cart_id)
    if cart.user_id:
        raise UnknownCartError(cart_id)
    return cart


def find_unpaid_cart(cart_id: str) -> Cart:
    """Return a cart of v1 that can still be changed and paid."""
    cart = find_cart(cart_id)
    order = store.paid_order(cart)
    if order:
        raise AlreadyPaidError(order)
    return cart


def read_lines(body: JSON, read: Callable[[Any, str], Line]) -> list[Line]:
    """Return the lines of a new cart, with repeated products merged; `read` takes an item and where it is."""
    items = body.get("items")
    if not isinstance(items, list):
        raise ApiError("items is required and must be an array.")
    lines = [read(item, f"items[{index}]") for index, item in enumerate(items)]
    if len(lines) > MAX_ITEMS:
        raise ApiError(f"A cart holds at most {MAX_ITEMS} items.")
    merged: list[Line] = []
    for line in lines:
        merged = add_to_lines(merged, line)
    return merged


def add_to_lines(lines: list[Line], new: Line) -> list[Line]:
    """Return the lines with one more; the same product with the same options only adds to the quantity."""
    for index, line in enumerate(lines):
        if line.link == new.link and list(line.options) == list(new.options):
            quantity = min(line.quantity + new.quantity, 999)
            return [*lines[:index], replace(new, quantity=quantity), *lines[index + 1 :]]
    return [*lines, new]


def add_line(cart_id: str, line: Line) -> Cart:
    """Add a line to a cart."""
    with store.lock:
        cart = find_unpaid_cart(cart_id)
        lines = add_to_lines(cart.lines, line)
        if len(lines) > MAX_ITEMS:
            raise ApiError(f"A cart holds at most {MAX_ITEMS} items.")
        store.set_lines(cart, lines)
        return cart


def update_line(
    cart_id: str, link: str, *, options: list[str] | None, change: Callable[[Line], Line]
) -> Cart:
    """Change the line with this link; if several lines have it, `options` selects one."""
    with store.lock:
        cart = find_unpaid_cart(cart_id)
        matches = [index for index, line in enumerate(cart.lines) if line.link == link]
        if not matches:
            raise ApiError("This product is not in the cart.", status=404)
        exact = [index for index in matches if list(cart.lines[index].options) == options]
        index = (exact or matches)[0]
        lines = list(cart.lines)
        lines[index] = change(lines[index])
        store.set_lines(cart, lines)
        return cart


def remove_line(cart_id: str, link: str, *, options: list[str] | None) -> Cart:
    """Remove the lines with this link, and with these options if given."""
    with store.lock:
        cart = find_unpaid_cart(cart_id)
        kept = [
            line
            for line in cart.lines
            if line.link != link or (options is not None and list(line.options) != options)
        ]
        if len(kept) == len(cart.lines):
            raise ApiError("This product is not in the cart.", status=404)
        store.set_lines(cart, kept)
        return cart
