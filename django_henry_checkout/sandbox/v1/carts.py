"""Henry's v1: carts and their items."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import carts, validation
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1.wire import (
    cart_json,
    checkout_url,
    read_address,
    read_line,
    read_name,
    read_rules,
)


def _read_item(request: HttpRequest) -> JSON:
    item = validation.read_object(validation.read_json(request.body), "item", required=True)
    assert item is not None  # noqa: S101 - it is required above
    return item


def _read_tags(body: JSON) -> JSON | None:
    tags = validation.read_object(body, "tags")
    if tags and not all(isinstance(value, str) for value in tags.values()):
        raise ApiError("tags must map names to strings.")
    return tags


def _create(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    settings = validation.read_object(body, "settings")
    lines = carts.read_lines(body, read_line)
    cart = store.create_cart(lines, rules=read_rules(settings), settings=settings, tags=_read_tags(body))
    return envelope("Cart created successfully", cart_json(request, cart))


def _fetch(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Return a cart. A buyer sent here is not stored: it only prefills the checkout behind the returned link."""
    cart = carts.find_cart(cart_id)
    buyer = validation.read_object(validation.read_json(request.body), "buyer")
    query = _prefill(buyer) if buyer else {}
    url = checkout_url(request, cart) + (f"?{urlencode(query)}" if query else "")
    return envelope("Cart fetched successfully", cart_json(request, cart, url=url))


def _prefill(buyer: JSON) -> dict[str, str]:
    """Return the query that prefills the checkout. [SIM] Henry's names are not known; these are ours."""
    name = read_name(buyer, "name", required=False)
    address = read_address(buyer, "shippingAddress", required=False)
    email = validation.parse_email(
        validation.read_text(buyer, "email", where="buyer", required=False), "buyer.email"
    )
    phone = validation.parse_phone(
        validation.read_text(buyer, "phone", where="buyer", required=False), "buyer.phone"
    )
    query = {"email": email, "phone": phone}
    if name:
        query |= {"firstName": name.first_name, "lastName": name.last_name}
    if address:
        query |= {
            "countryCode": address.country_code,
            "line1": address.line1,
            "line2": address.line2,
            "city": address.city,
            "province": address.province,
            "postalCode": address.postal_code,
        }
    return {key: value for key, value in query.items() if value}


def _list(request: HttpRequest) -> HttpResponse:
    cart_id = request.GET.get("cartId", "")
    with store.lock:
        if cart_id:
            carts.validate_cart_id(cart_id)
            found = [store.carts[cart_id]] if cart_id in store.carts else []
        else:
            found = list(store.carts.values())[-100:][::-1]
        return envelope(
            "Carts fetched successfully", [cart_json(request, cart) for cart in found if not cart.user_id]
        )


def _delete(request: HttpRequest, cart_id: str) -> HttpResponse:
    with store.lock:
        store.delete_cart(carts.find_cart(cart_id).cart_id)
    return envelope("Cart deleted successfully")


def _add_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    cart = carts.add_line(cart_id, read_line(_read_item(request), "item"))
    return envelope("Item added successfully", cart_json(request, cart))


def _update_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Change the fields that were sent and keep the others."""
    item = _read_item(request)
    link = read_line(item, "item").link

    def apply_change(line: Line) -> Line:
        return read_line({**_to_item(line), **item}, "item")

    cart = carts.update_line(cart_id, link, options=item.get("selectedOptions"), change=apply_change)
    return envelope("Item updated successfully", cart_json(request, cart))


def _to_item(line: Line) -> JSON:
    return {
        "selectedOptions": list(line.options),
        "coupons": list(line.coupons),
        "selectedShipping": line.shipping,
        "metadata": line.metadata,
        "quantity": line.quantity,
        "affiliateProductLink": line.affiliate_link,
    }


def _remove_item(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Remove an item. It is not known whether Henry reads the link from the body or the query: both work."""
    body = validation.read_json(request.body)
    item = validation.read_object(body, "item") or body
    link = validation.parse_https_url(item.get("link") or request.GET.get("link"), "link")
    cart = carts.remove_line(cart_id, link, options=item.get("selectedOptions"))
    return envelope("Item removed successfully", cart_json(request, cart))


cart_list = api_view(GET=_list, POST=_create)
cart = api_view(POST=_fetch, DELETE=_delete)
item = api_view(POST=_add_item, PUT=_update_item, DELETE=_remove_item)
