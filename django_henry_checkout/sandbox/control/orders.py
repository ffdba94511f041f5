"""Control calls for orders: list them, create many, pay a cart and store a card without a browser."""

from __future__ import annotations

import re
from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import bulk_orders, cards, carts, pricing, validation, vault
from django_henry_checkout.sandbox.engine import orders as engine_orders
from django_henry_checkout.sandbox.engine.http.api_views import control_view
from django_henry_checkout.sandbox.engine.responses import envelope, json_response, to_iso
from django_henry_checkout.sandbox.engine.scenario import parse_status
from django_henry_checkout.sandbox.engine.state import JSON, Cart, Order
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1.wire import purchase_json

MAX_ORDERS = 20_000


def _list(request: HttpRequest) -> HttpResponse:
    """List paid orders, oldest first. Fillers are included on request only."""
    with_fillers = validation.parse_query_boolean(request.GET.get("filler", "false"), "filler")
    with store.lock:
        found = [
            order for order in store.orders.values() if order.is_paid and (with_fillers or not order.filler)
        ]
        return json_response([_order_json(order) for order in found])


def _order_json(order: Order) -> JSON:
    now = store.now()
    body = {
        "refId": order.ref_id,
        "cartId": order.cart_id,
        "status": engine_orders.current_status(store, order),
        "items": [
            {
                "link": priced.line.link,
                "title": priced.title,
                "quantity": priced.line.quantity,
                "selectedOptions": list(priced.line.options),
                "status": engine_orders.line_status(order, index, now),
                "total": priced.total,
            }
            for index, priced in enumerate(order.lines)
        ],
        "total": pricing.compute_totals(order.lines, order.rules).total,
        "currency": "USD",
        "paidAt": to_iso(order.created_at),
        "via": order.via,
        "email": order.buyer.email,
        "cardLast4": order.buyer.last4,
    }
    return body | _v0_ids_json(order) | ({"filler": True} if order.filler else {})


def _v0_ids_json(order: Order) -> JSON:
    return {"orderId": order.order_id, "userId": order.user_id} if order.user_id else {}


def _create(request: HttpRequest) -> HttpResponse:
    """Create many paid orders, each of a new cart with one item."""
    body = validation.read_json(request.body)
    validation.reject_unknown_keys(body, {"count", "cartPrefix"}, where="orders")
    count = validation.parse_integer(body.get("count"), "count", low=1, high=MAX_ORDERS)
    prefix = validation.read_text(body, "cartPrefix", required=False).removeprefix("crt_")
    if not re.fullmatch(r"[A-Za-z0-9]{0,6}", prefix):
        raise ApiError("cartPrefix must be at most six letters and digits.")
    created = bulk_orders.create_paid_orders(count, cart_prefix=prefix)
    return json_response(
        [
            {"refId": order.ref_id, "cartId": order.cart_id, "link": order.lines[0].line.link}
            for order in created
        ]
    )


def _pay(request: HttpRequest) -> HttpResponse:
    """Pay a cart as a shopper does on the hosted page."""
    body = validation.read_json(request.body)
    validation.reject_unknown_keys(body, {"cartId", "userId", "card", "email", "outcome"}, where="pay")
    number = _read_card_number(body)
    card = cards.find_test_card(number)
    if card.problem:
        return envelope(cards.DECLINE_MESSAGES[card.problem], status=402)
    email = validation.parse_email(validation.read_text(body, "email", required=False), "email")
    buyer = replace(
        bulk_orders.DEFAULT_BUYER, email=email or bulk_orders.DEFAULT_BUYER.email, last4=number[-4:]
    )
    outcome = parse_status(body["outcome"], "outcome") if body.get("outcome") else ""
    payment = engine_orders.Payment(via="hosted", card_plan=card.plan, outcome=outcome)
    with store.lock:
        cart = _find_cart(body)
        if cart is None or not cart.lines:
            raise ApiError("The cart is empty.")
        order = engine_orders.place_order(store, cart, buyer=buyer, payment=payment)
    return json_response(purchase_json(order) | _v0_ids_json(order))


def _find_cart(body: JSON) -> Cart | None:
    if body.get("userId") is not None:
        return store.user_cart(validation.read_text(body, "userId"))
    cart_id = validation.read_text(body, "cartId")
    carts.validate_cart_id(cart_id)
    return store.get_cart(cart_id)


def _read_card_number(body: JSON) -> str:
    if not body.get("card"):
        return cards.DEFAULT_CARD.number
    return vault.read_card_number(body, "card")


def _store_card(request: HttpRequest) -> HttpResponse:
    """Store a card for a user of v0 as the card page does."""
    body = validation.read_json(request.body)
    validation.reject_unknown_keys(body, {"userId", "card"}, where="card")
    user_id = validation.read_text(body, "userId", limit=200)
    stored = vault.store_card(_read_card_number(body), name="Sandbox Shopper", user_id=user_id)
    return json_response({"userId": user_id, "cardToken": stored.token, "cardLast4": stored.last4})


orders = control_view(GET=_list, POST=_create)
pay = control_view(POST=_pay)
card = control_view(POST=_store_card)
