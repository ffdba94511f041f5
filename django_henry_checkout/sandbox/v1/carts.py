"""Henry's v1 REST, first half: carts and their items."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import carts
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v1.wire import (
    cart_json,
    checkout_url,
    read_address,
    read_line,
    read_name,
    read_rules,
)


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
    settings = checking.mapping(body, "settings")
    lines = carts.joined([read_line(item, f"items[{index}]") for index, item in enumerate(items)])
    cart = store.create_cart(lines, rules=read_rules(settings), settings=settings, tags=_tags(body))
    return envelope("Cart created successfully", cart_json(request, cart))


def fetch(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Show a cart; a buyer given here is not kept, it only fills the form behind the returned link."""
    cart = carts.find_cart(cart_id)
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
            carts.check_cart_id(cart_id)
            found = [store.carts[cart_id]] if cart_id in store.carts else []
        else:
            found = list(store.carts.values())[-100:][::-1]
        return envelope(
            "Carts fetched successfully", [cart_json(request, cart) for cart in found if not cart.user_id]
        )


def delete(request: HttpRequest, cart_id: str) -> HttpResponse:
    with store.lock:
        store.delete_cart(carts.find_cart(cart_id).cart_id)
    return envelope("Cart deleted successfully")


def add_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    cart = carts.add_line(cart_id, read_line(read_item(request), "item"))
    return envelope("Item added successfully", cart_json(request, cart))


def update_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Change the fields that were sent; the others of the line stay."""
    item = read_item(request)
    link = read_line(item, "item").link

    def changed(line: Line) -> Line:
        return read_line({**_as_sent(line), **item}, "item")

    cart = carts.change_line(cart_id, link, options=item.get("selectedOptions"), change=changed)
    return envelope("Item updated successfully", cart_json(request, cart))


def _as_sent(line: Line) -> JSON:
    from_line: JSON = {"selectedOptions": list(line.options), "coupons": list(line.coupons)}
    from_line |= {"selectedShipping": line.shipping, "metadata": line.metadata, "quantity": line.quantity}
    return {**from_line, "affiliateProductLink": line.affiliate_link}


def remove_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Henry may take the link in the body or in the query: which is not known, so both work."""
    body = checking.read_json(request.body)
    item = checking.mapping(body, "item") or body
    link = checking.https_link(item.get("link") or request.GET.get("link"), "link")
    cart = carts.remove_line(cart_id, link, options=item.get("selectedOptions"))
    return envelope("Item removed successfully", cart_json(request, cart))


collection = api(GET=list_carts, POST=create)
one = api(POST=fetch, DELETE=delete)
item = api(POST=add_item, PUT=update_item, DELETE=remove_item)
