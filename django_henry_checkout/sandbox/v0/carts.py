"""Henry's v0: the cart of each user, and the link to its hosted checkout."""

from __future__ import annotations

import re
from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import carts, signed_links, validation
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v0 import variant_checks
from django_henry_checkout.sandbox.v0.wire import product_json, read_product, read_user_id


def _cart_lines(user_id: str) -> list[Line]:
    cart = store.user_cart(user_id)
    return list(cart.lines) if cart else []


def _add(request: HttpRequest) -> HttpResponse:
    user_id = read_user_id(request)
    body = validation.read_json(request.body)
    sources = body.get("productsDetails")
    if not isinstance(sources, list) or not sources:
        raise ApiError("productsDetails must be an array of at least one product.")
    new_lines = [read_product(source, f"productsDetails[{index}]") for index, source in enumerate(sources)]
    wants_checks = validation.read_boolean(body, "checkVariantAvailability")
    data: JSON = {"added_products": [], "updated_products": []}
    with store.lock:
        lines = {line.product_id: line for line in _cart_lines(user_id)}
        if wants_checks:
            new_lines = [_start_check(line) for line in new_lines]
            data["variant_checks"] = [variant_checks.short_json(line) for line in new_lines if line.check_id]
        for line in new_lines:
            _add_product(lines, line, data)
        if len(lines) > carts.MAX_ITEMS:
            raise ApiError(f"A cart holds at most {carts.MAX_ITEMS} items.")
        lines_after = store.set_user_lines(user_id, list(lines.values())).lines
    data["cart_summary"] = {
        "total_items": sum(line.quantity for line in lines_after),
        "total_unique_products": len(lines_after),
    }
    return envelope("Products added to cart successfully", data)


def _add_product(lines: dict[str, Line], new: Line, data: JSON) -> None:
    """Add one product. [SIM] Products are identified by id; the latest call overrides their other fields."""
    old = lines.get(new.product_id)
    total = min(new.quantity + old.quantity, 999) if old else new.quantity
    lines[new.product_id] = replace(new, quantity=total)
    product: JSON = {
        "productId": new.product_id,
        "name": new.title,
        "price": str(new.price),
        "quantity": total,
    }
    if old is None:
        data["added_products"].append(product)
    else:
        quantities = {"previousQuantity": old.quantity, "addedQuantity": total - old.quantity}
        data["updated_products"].append({**product, **quantities})


def _start_check(line: Line) -> Line:
    """Start the variant check of a line that names a variant."""
    return replace(line, check_id=variant_checks.start_check(line)) if line.metadata else line


def _list(request: HttpRequest) -> HttpResponse:
    products = [product_json(line) for line in _cart_lines(read_user_id(request))]
    return envelope("Cart products retrieved successfully", {"products": products})


def _clear(request: HttpRequest) -> HttpResponse:
    user_id = read_user_id(request)
    with store.lock:
        if not _cart_lines(user_id):
            raise ApiError("Cart already empty", status=404)
        store.set_user_lines(user_id, [])
    return envelope("Cart cleared successfully")


def _remove(request: HttpRequest, product_id: str) -> HttpResponse:
    user_id = read_user_id(request)
    with store.lock:
        lines = _cart_lines(user_id)
        lines_after = [line for line in lines if line.product_id != product_id]
        if len(lines_after) == len(lines):
            raise ApiError("Product not found in cart", status=404)
        store.set_user_lines(user_id, lines_after)
    return envelope("Product removed from cart successfully")


def _create_link(request: HttpRequest) -> HttpResponse:
    """Create a link to the hosted checkout.

    With `auth` Henry requires the shopper to sign in first; the sandbox has no accounts and only validates it.
    """
    user_id = read_user_id(request)
    validation.parse_query_boolean(request.GET.get("auth", "true"), "auth")
    read_region(request.GET.get("region"))
    cart = store.user_cart(user_id)
    if cart is None or not cart.lines:
        raise ApiError("The cart is empty.")
    token = signed_links.create_token(user_id, cart.cart_id)
    url = request.build_absolute_uri(f"/?session={token}")
    return envelope("Hosted checkout page created", {"checkout_url": url})


def read_region(region: object) -> None:
    """Validate a region; it has no effect here."""
    if region is not None and not (isinstance(region, str) and re.fullmatch("[a-z]{2}", region)):
        raise ApiError("region must be two lowercase letters.")


items = api_view(POST=_add, GET=_list, DELETE=_clear)
item = api_view(DELETE=_remove)
checkout_link = api_view(POST=_create_link)
