"""Henry's v0: the cart that each user has, and the link to its hosted checkout."""

from __future__ import annotations

import re
from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import carts
from django_henry_checkout.sandbox.engine import signed_links as links
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v0 import variant_checks as v0_checks
from django_henry_checkout.sandbox.v0.wire import product_json, read_product, user_of


def _lines_of(user_id: str) -> list[Line]:
    cart = store.user_cart(user_id)
    return list(cart.lines) if cart else []


def add(request: HttpRequest) -> HttpResponse:
    user_id = user_of(request)
    body = checking.read_json(request.body)
    sources = body.get("productsDetails")
    if not isinstance(sources, list) or not sources:
        raise RefusedError("productsDetails must be an array of at least one product.")
    wanted = [read_product(source, f"productsDetails[{at}]") for at, source in enumerate(sources)]
    wants_checks = checking.switch(body, "checkVariantAvailability")
    data: JSON = {"added_products": [], "updated_products": []}
    with store.lock:
        lines = {line.product_id: line for line in _lines_of(user_id)}
        if wants_checks:
            wanted = [_checked(line) for line in wanted]
            data["variant_checks"] = [v0_checks.short_json(line) for line in wanted if line.check_id]
        for line in wanted:
            _put(lines, line, data)
        if len(lines) > carts.MAX_ITEMS:
            raise RefusedError(f"A cart holds at most {carts.MAX_ITEMS} items.")
        kept = store.set_user_lines(user_id, list(lines.values())).lines
    data["cart_summary"] = {
        "total_items": sum(line.quantity for line in kept),
        "total_unique_products": len(kept),
    }
    return envelope("Products added to cart successfully", data)


def _put(lines: dict[str, Line], new: Line, data: JSON) -> None:
    """Add one product. The id is its identity; what the newest call says of it wins. [SIM]"""
    old = lines.get(new.product_id)
    total = min(new.quantity + old.quantity, 999) if old else new.quantity
    lines[new.product_id] = replace(new, quantity=total)
    shown: JSON = {
        "productId": new.product_id,
        "name": new.title,
        "price": str(new.price),
        "quantity": total,
    }
    if old is None:
        data["added_products"].append(shown)
    else:
        amounts = {"previousQuantity": old.quantity, "addedQuantity": total - old.quantity}
        data["updated_products"].append({**shown, **amounts})


def _checked(line: Line) -> Line:
    """Only products that name a variant are checked."""
    return replace(line, check_id=v0_checks.start(line)) if line.metadata else line


def show(request: HttpRequest) -> HttpResponse:
    products = [product_json(line) for line in _lines_of(user_of(request))]
    return envelope("Cart products retrieved successfully", {"products": products})


def clear(request: HttpRequest) -> HttpResponse:
    user_id = user_of(request)
    with store.lock:
        if not _lines_of(user_id):
            raise RefusedError("Cart already empty", status=404)
        store.set_user_lines(user_id, [])
    return envelope("Cart cleared successfully")


def remove(request: HttpRequest, product_id: str) -> HttpResponse:
    user_id = user_of(request)
    with store.lock:
        lines = _lines_of(user_id)
        kept = [line for line in lines if line.product_id != product_id]
        if len(kept) == len(lines):
            raise RefusedError("Product not found in cart", status=404)
        store.set_user_lines(user_id, kept)
    return envelope("Product removed from cart successfully")


def checkout(request: HttpRequest) -> HttpResponse:
    """Make a link to the hosted page.

    With `auth` Henry asks the shopper to sign in first; the sandbox has no accounts, so the value is only checked.
    """
    user_id = user_of(request)
    checking.query_switch(request.GET.get("auth", "true"), "auth")
    read_region(request.GET.get("region"))
    cart = store.user_cart(user_id)
    if cart is None or not cart.lines:
        raise RefusedError("The cart is empty.")
    token = links.token_for(user_id, cart.cart_id)
    url = request.build_absolute_uri(f"/?session={token}")
    return envelope("Hosted checkout page created", {"checkout_url": url})


def read_region(region: object) -> None:
    """A region changes nothing here, but one that is spelt wrongly is refused."""
    if region is not None and not (isinstance(region, str) and re.fullmatch("[a-z]{2}", region)):
        raise RefusedError("region must be two lowercase letters.")


items = api(POST=add, GET=show, DELETE=clear)
item = api(DELETE=remove)
link = api(POST=checkout)
