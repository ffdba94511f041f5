"""Henry's v1 REST, first half: carts and their items."""

from __future__ import annotations

import functools
import hmac
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox import checking
from django_henry_checkout.sandbox.checking import RefusedError
from django_henry_checkout.sandbox.state import JSON, Cart, Line
from django_henry_checkout.sandbox.store import AlreadyBoughtError, UnknownCartError, store
from django_henry_checkout.sandbox.v1_wire import (
    cart_json,
    checkout_url,
    envelope,
    read_address,
    read_line,
    read_name,
    read_rules,
)

P = ParamSpec("P")
_CART_ID = re.compile(
    r"crt_[A-Za-z0-9]{12}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)
MAX_ITEMS = 200


def has_key(request: HttpRequest) -> bool:
    given = request.headers.get("x-api-key", "")
    return hmac.compare_digest(given.encode(), store.options.api_key.encode())


def api(
    **methods: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Make one view of a handler per HTTP method, behind the key and with errors as envelopes."""

    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not has_key(request):
            return envelope("Invalid API key.", status=401)
        handler = methods.get(request.method or "")
        if handler is None:
            refused = envelope(f"{request.method} is not possible here.", status=405)
            refused["Allow"] = ", ".join(methods)
            return refused
        return guarded(handler)(request, *args, **kwargs)

    return view


def guarded(handler: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Turn the sandbox's own exceptions into error envelopes."""

    @functools.wraps(handler)
    def safe(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return handler(*args, **kwargs)
        except RefusedError as refused:
            return envelope(refused.message, status=refused.status)
        except UnknownCartError:
            return envelope("Cart not found.", status=404)
        except AlreadyBoughtError:
            return envelope("This cart has been bought already.", status=409)

    return safe


def not_found(request: HttpRequest, **_: Any) -> HttpResponse:
    if not has_key(request):
        return envelope("Invalid API key.", status=401)
    return envelope("There is nothing at this address.", status=404)


def check_cart_id(cart_id: str) -> None:
    if not _CART_ID.fullmatch(cart_id):
        raise RefusedError("cartId is malformed.")


def find_cart(cart_id: str) -> Cart:
    check_cart_id(cart_id)
    return store.cart(cart_id)


def read_item(request: HttpRequest) -> JSON:
    item = checking.mapping(checking.read_json(request.body), "item", required=True)
    assert item is not None  # noqa: S101 - it was asked for as required
    return item


def _tags(body: JSON) -> JSON | None:
    tags = checking.mapping(body, "tags")
    if tags and not all(isinstance(value, str) for value in tags.values()):
        raise RefusedError("tags must map names to strings.")
    return tags


def create(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    items = body.get("items")
    if not isinstance(items, list):
        raise RefusedError("items is required and must be an array.")
    if len(items) > MAX_ITEMS:
        raise RefusedError(f"A cart holds at most {MAX_ITEMS} items.")
    settings = checking.mapping(body, "settings")
    lines: list[Line] = []
    for index, item in enumerate(items):
        lines = with_line(lines, read_line(item, f"items[{index}]"))
    cart = store.create_cart(lines, rules=read_rules(settings), settings=settings, tags=_tags(body))
    return envelope("Cart created successfully", cart_json(request, cart))


def with_line(lines: list[Line], new: Line) -> list[Line]:
    """Add a line; the same product with the same options is one line with a larger quantity."""
    for at, line in enumerate(lines):
        if line.link == new.link and list(line.options) == list(new.options):
            joined = min(line.quantity + new.quantity, 999)
            return [*lines[:at], replace(new, quantity=joined), *lines[at + 1 :]]
    return [*lines, new]


def fetch(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Show a cart; a buyer given here is not kept, it only fills the form behind the returned link."""
    cart = find_cart(cart_id)
    buyer = checking.mapping(checking.read_json(request.body), "buyer")
    query = _prefill(buyer) if buyer else {}
    url = checkout_url(request, cart) + (f"?{urlencode(query)}" if query else "")
    return envelope("Cart fetched successfully", cart_json(request, cart, url=url))


def _prefill(buyer: JSON) -> dict[str, str]:
    """The query of a filled form. Henry's names for it are not known; these are the sandbox's own."""
    name = read_name(buyer, "name", required=False)
    address = read_address(buyer, "shippingAddress", required=False)
    email = checking.email(checking.text(buyer, "email", where="buyer", required=False), "buyer.email")
    phone = checking.phone(checking.text(buyer, "phone", where="buyer", required=False), "buyer.phone")
    found = {"email": email, "phone": phone}
    if name:
        found |= {"firstName": name.first_name, "lastName": name.last_name}
    if address:
        found |= {
            "countryCode": address.country_code,
            "line1": address.line1,
            "line2": address.line2,
            "city": address.city,
            "province": address.province,
            "postalCode": address.postal_code,
        }
    return {key: value for key, value in found.items() if value}


def list_carts(request: HttpRequest) -> HttpResponse:
    cart_id = request.GET.get("cartId", "")
    with store.lock:
        if cart_id:
            check_cart_id(cart_id)
            carts = [store.carts[cart_id]] if cart_id in store.carts else []
        else:
            carts = list(store.carts.values())[-100:][::-1]
        return envelope("Carts fetched successfully", [cart_json(request, cart) for cart in carts])


def delete(request: HttpRequest, cart_id: str) -> HttpResponse:
    with store.lock:
        store.delete_cart(find_cart(cart_id).cart_id)
    return envelope("Cart deleted successfully")


def _open_cart(cart_id: str) -> Cart:
    cart = find_cart(cart_id)
    order = store.bought_order(cart)
    if order:
        raise AlreadyBoughtError(order)
    return cart


def add_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    line = read_line(read_item(request), "item")
    with store.lock:
        cart = _open_cart(cart_id)
        lines = with_line(cart.lines, line)
        if len(lines) > MAX_ITEMS:
            raise RefusedError(f"A cart holds at most {MAX_ITEMS} items.")
        store.set_lines(cart, lines)
        return envelope("Item added successfully", cart_json(request, cart))


def update_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Change the fields that were sent; the others of the line stay."""
    item = read_item(request)
    read_line(item, "item")
    with store.lock:
        cart = _open_cart(cart_id)
        at = _position(cart, item)
        cart_line = {**_as_sent(cart.lines[at]), **item}
        lines = list(cart.lines)
        lines[at] = read_line(cart_line, "item")
        store.set_lines(cart, lines)
        return envelope("Item updated successfully", cart_json(request, cart))


def _as_sent(line: Line) -> JSON:
    from_line: JSON = {"selectedOptions": list(line.options), "coupons": list(line.coupons)}
    from_line |= {"selectedShipping": line.shipping, "metadata": line.metadata, "quantity": line.quantity}
    return {**from_line, "affiliateProductLink": line.affiliate_link}


def _position(cart: Cart, item: JSON) -> int:
    """A link names its line; where a product stands in several lines, the options tell them apart."""
    found = [at for at, line in enumerate(cart.lines) if line.link == item["link"]]
    if not found:
        raise RefusedError("This product is not in the cart.", status=404)
    same = [at for at in found if list(cart.lines[at].options) == item.get("selectedOptions")]
    return (same or found)[0]


def remove_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Henry may take the link in the body or in the query: which is not known, so both work."""
    body = checking.read_json(request.body)
    item = checking.mapping(body, "item") or body
    link = checking.https_link(item.get("link") or request.GET.get("link"), "link")
    options = item.get("selectedOptions")
    with store.lock:
        cart = _open_cart(cart_id)
        kept = [
            line
            for line in cart.lines
            if line.link != link or (options is not None and list(line.options) != options)
        ]
        if len(kept) == len(cart.lines):
            raise RefusedError("This product is not in the cart.", status=404)
        store.set_lines(cart, kept)
        return envelope("Item removed successfully", cart_json(request, cart))


collection = api(GET=list_carts, POST=create)
one = api(POST=fetch, DELETE=delete)
item = api(POST=add_item, PUT=update_item, DELETE=remove_item)
