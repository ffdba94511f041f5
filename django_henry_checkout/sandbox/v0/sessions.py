"""Henry's v0: the headless checkout from quote to order, and the retrieval of an order."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import cards, orders, pricing, validation, vault
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Buyer, Cart, Order, Person, Session
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v0 import variant_checks
from django_henry_checkout.sandbox.v0.carts import read_region
from django_henry_checkout.sandbox.v0.wire import (
    full_name,
    order_json,
    product_json,
    read_shipping,
    read_user_id,
    shipping_json,
)

# [SIM] The lifetime of a session token is not known; we use that of a checkout link.
LIFETIME = timedelta(minutes=30)
_ORDER_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|0{8}(-0{4}){3}-0{12}|f{8}(-f{4}){3}-f{12}",
    re.IGNORECASE,
)


def _create_quote(request: HttpRequest) -> HttpResponse:
    """Price the user's cart; a second quote of the same cart updates its session.

    [SIM] A quote is not binding: `confirm` prices the cart again.
    """
    user_id = read_user_id(request)
    body = validation.read_json(request.body)
    buyer = read_shipping(body, required=True)
    assert buyer is not None  # noqa: S101 - it is required above
    read_region(body.get("region"))
    with store.lock:
        cart = store.user_cart(user_id)
        if cart is None or not cart.lines:
            raise ApiError("The cart is empty.")
        session = _get_or_create_session(cart, buyer)
        data = {"session_token": session.token, "order_metadata": _quote_json(cart)}
    return envelope("Checkout quote created successfully", data)


def _get_or_create_session(cart: Cart, buyer: Buyer) -> Session:
    session = store.sessions.get(store.get_or_create_shopper(cart.user_id).session_token)
    now = store.now()
    if session and session.cart_id == cart.cart_id and not _is_expired(session):
        session.buyer, session.quoted_at = buyer, now
    else:
        session = Session(secrets.token_urlsafe(32), cart.user_id, cart.cart_id, now, buyer)
    store.save_session(session)
    return session


def _is_expired(session: Session) -> bool:
    return store.now() >= session.quoted_at + LIFETIME


def _quote_json(cart: Cart) -> JSON:
    """Serialize the amounts of a quote: numbers, where the order has strings.

    We assume that `total_price` is the whole amount due and that `shipping` is keyed by host. Neither is documented.
    """
    priced = pricing.price_lines(cart.lines)
    sums = pricing.compute_totals(priced, cart.rules)
    shipping: dict[str, Decimal] = {}
    for line in priced:
        shipping[line.host] = shipping.get(line.host, pricing.ZERO) + line.shipping
    return {
        "total_price": sums.total,
        "tax": sums.tax,
        "shipping_total": sums.shipping,
        "shipping": shipping,
        "transaction_fee": sums.fee,
        "transaction_fee_percentage": cart.rules.fee_percent,
    }


def _read_session(request: HttpRequest) -> Session:
    token = request.headers.get("x-session-token", "")
    if not token:
        raise ApiError("The header x-session-token is required.")
    session = store.sessions.get(token)
    if session is None:
        raise ApiError("Checkout session not found", status=404)
    return session


def _ensure_not_expired(session: Session) -> None:
    if _is_expired(session):
        raise ApiError("The checkout session has expired. Ask for a new quote.", status=409)


def _list_products(request: HttpRequest) -> HttpResponse:
    session = _read_session(request)
    if not session.order_ref:
        _ensure_not_expired(session)
    cart = store.get_cart(session.cart_id)
    items = [{**product_json(line), "variantCheck": variant_checks.line_json(line)} for line in cart.lines]
    return envelope("Checkout products retrieved successfully", {"products": items})


def _get_shipping(request: HttpRequest) -> HttpResponse:
    """Return the address of a session. The guide identifies it by token, the SDK by user; both work."""
    session: Session | None
    if "x-session-token" in request.headers:
        session = _read_session(request)
    else:
        shopper = store.shoppers.get(read_user_id(request))
        session = store.sessions.get(shopper.session_token) if shopper else None
    details = shipping_json(session.buyer) if session else None
    data = {"hasShipping": details is not None, "shippingDetails": details}
    return envelope("Shipping details retrieved successfully", data)


def _confirm(request: HttpRequest) -> HttpResponse:
    """Place the order with the user's stored card; the same session always returns the same order.

    [SIM] It is not known what Henry does if the cart or a price changed after the quote. Here the order has the
    current items and prices, and a shop that expects the quoted ones has to compare.
    """
    user_id = read_user_id(request)
    session = _read_session(request)
    if session.user_id != user_id:
        raise ApiError("Checkout session not found", status=404)
    buyer = read_shipping(validation.read_json(request.body), required=False)
    with store.lock:
        order = store.orders.get(session.order_ref) or _place_order(session, buyer or session.buyer)
    data = order_json(order)
    # Only this response has the card, and only the retrieval of the order has the user.
    del data["userId"]
    return envelope("Order placed successfully", {**data, "cardLast4": order.buyer.last4})


def _place_order(session: Session, buyer: Buyer) -> Order:
    _ensure_not_expired(session)
    cart = store.get_cart(session.cart_id)
    if not cart.lines:
        raise ApiError("The cart is empty.")
    stored = store.user_card(session.user_id)
    if stored is None:
        raise ApiError("No payment card is stored for this user. Collect one first.", status=409)
    card = vault.test_card_for(stored)
    if card.problem:
        # [SIM] Henry's response to a declined card is not known. Nothing is ordered and the session stays open.
        raise ApiError(cards.DECLINE_MESSAGES[card.problem], status=402)
    first, _, last = (stored.name or full_name(buyer.name)).rpartition(" ")
    payer = replace(buyer, last4=stored.last4, name_on_card=Person(first, last))
    payment = orders.Payment(via="api", card_plan=card.plan)
    order = orders.place_order(store, cart, buyer=payer, payment=payment)
    session.buyer, session.order_ref = buyer, order.ref_id
    store.save_session(session)
    return order


def _get_order(request: HttpRequest, order_id: str) -> HttpResponse:
    if not _ORDER_ID.fullmatch(order_id):
        raise ApiError("orderId must be a UUID.")
    found = store.orders.get(store.order_ids.get(order_id.lower(), ""))
    if found is None:
        raise ApiError("Order not found", status=404)
    return envelope("Order details retrieved successfully", order_json(found))


quote = api_view(POST=_create_quote)
products = api_view(GET=_list_products)
shipping = api_view(GET=_get_shipping)
confirm = api_view(POST=_confirm)
order = api_view(GET=_get_order)
