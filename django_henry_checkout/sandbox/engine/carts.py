"""What may be done to a cart, whichever generation of the API asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from django_henry_checkout.sandbox.engine.state import Cart, Line
from django_henry_checkout.sandbox.engine.store import AlreadyBoughtError, UnknownCartError, store
from django_henry_checkout.sandbox.engine.validation import RefusedError

MAX_ITEMS = 200
_CART_ID = re.compile(
    r"crt_[A-Za-z0-9]{12}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)


def check_cart_id(cart_id: str) -> None:
    if not _CART_ID.fullmatch(cart_id):
        raise RefusedError("cartId is malformed.")


def find_cart(cart_id: str) -> Cart:
    """A cart of v1; that of a v0 shopper has no address there."""
    check_cart_id(cart_id)
    cart = store.cart(cart_id)
    if cart.user_id:
        raise UnknownCartError(cart_id)
    return cart


def open_cart(cart_id: str) -> Cart:
    cart = find_cart(cart_id)
    order = store.bought_order(cart)
    if order:
        raise AlreadyBoughtError(order)
    return cart


def joined(lines: list[Line]) -> list[Line]:
    if len(lines) > MAX_ITEMS:
        raise RefusedError(f"A cart holds at most {MAX_ITEMS} items.")
    kept: list[Line] = []
    for line in lines:
        kept = with_line(kept, line)
    return kept


def with_line(lines: list[Line], new: Line) -> list[Line]:
    """Add a line; the same product with the same options is one line with a larger quantity."""
    for at, line in enumerate(lines):
        if line.link == new.link and list(line.options) == list(new.options):
            together = min(line.quantity + new.quantity, 999)
            return [*lines[:at], replace(new, quantity=together), *lines[at + 1 :]]
    return [*lines, new]


def add_line(cart_id: str, line: Line) -> Cart:
    with store.lock:
        cart = open_cart(cart_id)
        lines = with_line(cart.lines, line)
        if len(lines) > MAX_ITEMS:
            raise RefusedError(f"A cart holds at most {MAX_ITEMS} items.")
        store.set_lines(cart, lines)
        return cart


def change_line(
    cart_id: str, link: str, *, options: list[str] | None, change: Callable[[Line], Line]
) -> Cart:
    """Change one line: a link names it; where a product stands in several lines, the options tell them apart."""
    with store.lock:
        cart = open_cart(cart_id)
        found = [at for at, line in enumerate(cart.lines) if line.link == link]
        if not found:
            raise RefusedError("This product is not in the cart.", status=404)
        same = [at for at in found if list(cart.lines[at].options) == options]
        at = (same or found)[0]
        lines = list(cart.lines)
        lines[at] = change(lines[at])
        store.set_lines(cart, lines)
        return cart


def remove_line(cart_id: str, link: str, *, options: list[str] | None) -> Cart:
    with store.lock:
        cart = open_cart(cart_id)
        kept = [
            line
            for line in cart.lines
            if line.link != link or (options is not None and list(line.options) != options)
        ]
        if len(kept) == len(cart.lines):
            raise RefusedError("This product is not in the cart.", status=404)
        store.set_lines(cart, kept)
        return cart
