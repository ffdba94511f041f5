"""Henry's early v1, where every call is a POST with ids in the body: carts and their items.

Only `create`, `fetch` and `remove-item` are documented; the other paths and bodies are derived from them.
"""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import carts, validation
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.rpc.wire import cart_json, read_item
from django_henry_checkout.sandbox.v1.wire import read_rules


def _create(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    settings = validation.read_object(body, "settings")
    lines = carts.read_lines(body, read_item)
    cart = store.create_rpc_cart(lines, rules=read_rules(settings), settings=settings)
    return envelope("Cart created successfully", cart_json(request, cart))


def read_cart_id(body: JSON) -> str:
    return validation.read_text(body, "cartId")


def _fetch(request: HttpRequest) -> HttpResponse:
    cart = carts.find_cart(read_cart_id(validation.read_json(request.body)))
    return envelope("Cart fetched successfully", cart_json(request, cart))


def _delete(request: HttpRequest) -> HttpResponse:
    with store.lock:
        store.delete_cart(carts.find_cart(read_cart_id(validation.read_json(request.body))).cart_id)
    return envelope("Cart deleted successfully")


def _read_product(body: JSON) -> JSON:
    """Return the product of a call. One guide names it `product`, a later one `item`."""
    if "product" not in body and "item" in body:
        return validation.read_object(body, "item", required=True) or {}
    return validation.read_object(body, "product", required=True) or {}


def _add_item(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    cart = carts.add_line(read_cart_id(body), read_item(_read_product(body), "product"))
    return envelope("Item added successfully", cart_json(request, cart))


def _update_item(request: HttpRequest) -> HttpResponse:
    """Change the fields that were sent. Quantity 0 removes the item, as in the older guides."""
    body = validation.read_json(request.body)
    product = _read_product(body)
    if product.get("quantity") == 0 and not isinstance(product.get("quantity"), bool):
        return _remove_line(request, read_cart_id(body), product)
    new = read_item(product, "product")

    def apply_change(line: Line) -> Line:
        names = {
            "quantity": "quantity",
            "shippingOption": "shipping",
            "coupons": "coupons",
            "metadata": "metadata",
        }
        fields = {name: getattr(new, name) for key, name in names.items() if key in product}
        if "variant" in product:
            fields |= {"variant": new.variant, "options": new.options}
        return replace(line, **fields)

    options = list(new.options) if "variant" in product else None
    cart = carts.update_line(read_cart_id(body), new.link, options=options, change=apply_change)
    return envelope("Item updated successfully", cart_json(request, cart))


def _remove_item(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    return _remove_line(request, read_cart_id(body), body)


def _remove_line(request: HttpRequest, cart_id: str, source: JSON) -> HttpResponse:
    link = validation.parse_https_url(source.get("link"), "link")
    cart = carts.remove_line(cart_id, link, options=None)
    return envelope("Item removed successfully", cart_json(request, cart))


create = api_view(POST=_create)
fetch = api_view(POST=_fetch)
delete = api_view(POST=_delete)
add_item = api_view(POST=_add_item)
update_item = api_view(POST=_update_item)
remove_item = api_view(POST=_remove_item)
