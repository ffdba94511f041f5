"""Henry's early v1, where every call is a POST with the ids in its body: carts and their items.

Only `create`, `fetch` and `remove-item` have been seen; the other paths and bodies follow from them.
"""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import carts
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.rpc.wire import cart_json, read_item
from django_henry_checkout.sandbox.v1.wire import read_rules


def _create(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    items = body.get("items")
    if not isinstance(items, list):
        raise RefusedError("items is required and must be an array.")
    settings = checking.mapping(body, "settings")
    lines = carts.joined([read_item(item, f"items[{index}]") for index, item in enumerate(items)])
    cart = store.create_early_cart(lines, rules=read_rules(settings), settings=settings)
    return envelope("Cart created successfully", cart_json(request, cart))


def cart_id_of(body: JSON) -> str:
    return checking.text(body, "cartId")


def _fetch(request: HttpRequest) -> HttpResponse:
    cart = carts.find_cart(cart_id_of(checking.read_json(request.body)))
    return envelope("Cart fetched successfully", cart_json(request, cart))


def _delete(request: HttpRequest) -> HttpResponse:
    with store.lock:
        store.delete_cart(carts.find_cart(cart_id_of(checking.read_json(request.body))).cart_id)
    return envelope("Cart deleted successfully")


def _product_of(body: JSON) -> JSON:
    """The guide calls it `product`, a later one `item`."""
    if "product" not in body and "item" in body:
        return checking.mapping(body, "item", required=True) or {}
    return checking.mapping(body, "product", required=True) or {}


def _add(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    cart = carts.add_line(cart_id_of(body), read_item(_product_of(body), "product"))
    return envelope("Item added successfully", cart_json(request, cart))


def _update(request: HttpRequest) -> HttpResponse:
    """Change what was sent of the line that has this link. Quantity 0 takes it out, as the older guides say."""
    body = checking.read_json(request.body)
    product = _product_of(body)
    if product.get("quantity") == 0 and not isinstance(product.get("quantity"), bool):
        return _without(request, cart_id_of(body), product)
    given = read_item(product, "product")

    def changed(line: Line) -> Line:
        names = {
            "quantity": "quantity",
            "shippingOption": "shipping",
            "coupons": "coupons",
            "metadata": "metadata",
        }
        kept = {name: getattr(given, name) for key, name in names.items() if key in product}
        if "variant" in product:
            kept |= {"variant": given.variant, "options": given.options}
        return replace(line, **kept)

    options = list(given.options) if "variant" in product else None
    cart = carts.change_line(cart_id_of(body), given.link, options=options, change=changed)
    return envelope("Item updated successfully", cart_json(request, cart))


def _remove(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    return _without(request, cart_id_of(body), body)


def _without(request: HttpRequest, cart_id: str, named: JSON) -> HttpResponse:
    link = checking.https_link(named.get("link"), "link")
    cart = carts.remove_line(cart_id, link, options=None)
    return envelope("Item removed successfully", cart_json(request, cart))


create = api(POST=_create)
fetch = api(POST=_fetch)
delete = api(POST=_delete)
add_item = api(POST=_add)
update_item = api(POST=_update)
remove_item = api(POST=_remove)
