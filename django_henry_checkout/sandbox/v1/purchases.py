"""Henry's v1: purchases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import cards, orders, pricing, validation, vault
from django_henry_checkout.sandbox.engine.cards import Card
from django_henry_checkout.sandbox.engine.carts import find_cart, find_unpaid_cart
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import json_response, raw_json_response
from django_henry_checkout.sandbox.engine.state import JSON, Cart, Line, Order
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1.jobs import read_mode, read_ref_id, wait_for_jobs
from django_henry_checkout.sandbox.v1.wire import purchase_json, purchases, read_buyer, read_purchase_rules

_RAW_CARD_KEYS = {"cardNumber", "number", "cvv", "cvc", "expiryMonth", "expiryYear"}


def _purchase(request: HttpRequest, cart_id: str) -> HttpResponse:
    body = validation.read_json(request.body)
    mode = read_mode(body)
    order = purchase_cart(cart_id, body)
    return json_response(wait_for_jobs(lambda: [purchase_json(order)], mode)[0])


def purchase_cart(cart_id: str, body: JSON) -> Order:
    """Place the order of a cart, from the fields that early v1 and REST share.

    [SIM] It is not known whether REST still has `settings`, `metadata`, `coupons` and the shipping choice of early
    v1; here it does. Unknown coupons and overrides of products that are not in the cart are ignored.
    """
    cart = find_cart(cart_id)
    source = validation.read_object(body, "buyer", required=True) or {}
    card, last4 = _read_card(source)
    buyer = read_buyer(source, last4=last4)
    coupons = validation.read_strings(body, "coupons")
    overrides = validation.read_object(body, "overrideProducts") or {}
    metadata = validation.read_object(body, "metadata")
    rules = read_purchase_rules(body, cart.rules)
    shipping = _read_shipping(body)
    payment = orders.Payment(via="api", card_plan=card.plan, problem=card.problem)
    with store.lock:
        cart = find_unpaid_cart(cart_id)
        lines = _apply_overrides(cart, overrides)
        return orders.place_order(
            store,
            cart,
            buyer=buyer,
            payment=payment,
            lines=lines,
            choices=_choose_shipping(lines, shipping),
            coupons=coupons,
            rules=rules,
            metadata=metadata,
        )


def _read_shipping(body: JSON) -> list[str]:
    """Read the shipping option of the whole purchase: its id, its name or both, in lower case.

    [SIM] In REST the key may be `selectedShipping`, as on a cart line; both are accepted.
    """
    for where in ("selectedShippingOption", "selectedShipping"):
        option = validation.read_object(body, where)
        if option is not None:
            names = [
                validation.read_text(option, key, where=where, required=False) for key in ("id", "value")
            ]
            if not any(names):
                raise ApiError(f"{where} must have an id or a value.")
            return [name.lower() for name in names if name]
    return []


def _choose_shipping(lines: Sequence[Line], names: Sequence[str]) -> dict[str, str]:
    """Return the option for each merchant; empty for a merchant that does not offer the requested one."""
    choices = {}
    for merchant in pricing.list_merchants(lines):
        offered = {name for option in merchant.shipping for name in (option.id, option.name.lower())}
        choices[merchant.host] = next((name for name in names if name in offered), "")
    return choices


def _read_card(buyer: JSON) -> tuple[Card, str]:
    card = validation.read_object(buyer, "card", where="buyer", required=True) or {}
    details = validation.read_object(card, "details", where="buyer.card", required=True) or {}
    if _RAW_CARD_KEYS & set(details):
        if not store.options.allow_raw_card:
            raise ApiError("Raw card numbers are refused. Send buyer.card.details.cardToken.")
        number = vault.read_raw_card(details, where="buyer.card.details")
        return cards.find_test_card(number), number[-4:]
    token = validation.read_text(details, "cardToken", where="buyer.card.details", limit=200)
    if not token.startswith("card_") or not token.replace("_", "").isalnum():
        raise ApiError("buyer.card.details.cardToken is not a card token.")
    stored = store.cards.get(token)
    if stored:
        return vault.test_card_for(stored), stored.last4
    # Any other token may be one of Henry's, and pays.
    return cards.CARDS_BY_TOKEN.get(token, cards.DEFAULT_CARD), ""


def _apply_overrides(cart: Cart, overrides: JSON) -> list[Line]:
    """Return the cart's lines with the quantities of this purchase; null leaves a product out."""
    lines: list[Line] = []
    for line in cart.lines:
        quantity = overrides.get(line.link, line.quantity)
        if quantity is not None:
            name = f"overrideProducts[{line.link}]"
            quantity = validation.parse_integer(quantity, name, low=1, high=999)
            lines.append(replace(line, quantity=quantity))
    if not lines:
        raise ApiError("There is nothing to buy in this cart.")
    return lines


def get_status(request: HttpRequest) -> HttpResponse:
    """Return the current state of a purchase."""
    return raw_json_response(purchases.get(find_order(read_ref_id(request))))


def find_order(ref_id: str) -> Order:
    """Return the order of a purchase job."""
    order = store.orders.get(ref_id)
    if order is None:
        raise ApiError("Purchase not found.", status=404)
    return order


purchase = api_view(POST=_purchase)
