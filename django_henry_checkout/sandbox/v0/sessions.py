"""Henry's v0: the headless checkout, from a quote to the placed order, and the look-up of an order."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import cards, orders, pricing, vault
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON, Buyer, Cart, Order, Person, Session
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v0 import variant_checks as v0_checks
from django_henry_checkout.sandbox.v0.carts import read_region
from django_henry_checkout.sandbox.v0.wire import (
    full_name,
    order_json,
    product_json,
    read_shipping,
    shipping_json,
    user_of,
)

# [SIM] How long a session token lives is not known; as long as the link of a checkout is a guess.
LIFETIME = timedelta(minutes=30)
_ORDER_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}(-0{4}){3}-0{12}|f{8}(-f{4}){3}-f{12}",
    re.IGNORECASE,
)


def quote(request: HttpRequest) -> HttpResponse:
    """Price the user's cart; a second quote of the same cart brings its session up to date.

    A quote promises nothing: `confirm` prices the cart again. [SIM]
    """
    user_id = user_of(request)
    body = checking.read_json(request.body)
    buyer = read_shipping(body, required=True)
    assert buyer is not None  # noqa: S101 - it was asked for as required
    read_region(body.get("region"))
    with store.lock:
        cart = store.user_cart(user_id)
        if cart is None or not cart.lines:
            raise RefusedError("The cart is empty.")
        session = _session_for(cart, buyer)
        data = {"session_token": session.token, "order_metadata": _metadata_json(cart)}
    return envelope("Checkout quote created successfully", data)


def _session_for(cart: Cart, buyer: Buyer) -> Session:
    known = store.sessions.get(store.shopper(cart.user_id).session_token)
    now = store.now()
    if known and known.cart_id == cart.cart_id and not _is_expired(known):
        known.buyer, known.quoted_at = buyer, now
        session = known
    else:
        session = Session(secrets.token_urlsafe(32), cart.user_id, cart.cart_id, now, buyer)
    store.keep_session(session)
    return session


def _is_expired(session: Session) -> bool:
    return store.now() >= session.quoted_at + LIFETIME


def _metadata_json(cart: Cart) -> JSON:
    """The amounts of a quote: numbers, where the order has strings.

    `total_price` is taken to be the whole amount due, and the keys of `shipping` to be hosts. Neither is stated.
    """
    priced = pricing.price(cart.lines)
    sums = pricing.totals(priced, cart.rules)
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


def _session_of(request: HttpRequest) -> Session:
    token = request.headers.get("x-session-token", "")
    if not token:
        raise RefusedError("The header x-session-token is required.")
    session = store.sessions.get(token)
    if session is None:
        raise RefusedError("Checkout session not found", status=404)
    return session


def _check_age(session: Session) -> None:
    if _is_expired(session):
        raise RefusedError("The checkout session has expired. Ask for a new quote.", status=409)


def products(request: HttpRequest) -> HttpResponse:
    session = _session_of(request)
    if not session.order_ref:
        _check_age(session)
    cart = store.cart(session.cart_id)
    shown = [{**product_json(line), "variantCheck": v0_checks.line_json(line)} for line in cart.lines]
    return envelope("Checkout products retrieved successfully", {"products": shown})


def shipping(request: HttpRequest) -> HttpResponse:
    """The address of a session: the guide names it by its token, the SDK by its user, so either will do."""
    session: Session | None
    if "x-session-token" in request.headers:
        session = _session_of(request)
    else:
        shopper = store.shoppers.get(user_of(request))
        session = store.sessions.get(shopper.session_token) if shopper else None
    found = shipping_json(session.buyer) if session else None
    data = {"hasShipping": found is not None, "shippingDetails": found}
    return envelope("Shipping details retrieved successfully", data)


def confirm(request: HttpRequest) -> HttpResponse:
    """Place the order with the user's stored card; the same session again answers the same order.

    [SIM] What Henry does when the cart or a price changed after the quote is not known. Here the order has the
    goods and the prices of this moment, and a shop that wants the quoted ones has to compare.
    """
    user_id = user_of(request)
    session = _session_of(request)
    if session.user_id != user_id:
        raise RefusedError("Checkout session not found", status=404)
    buyer = read_shipping(checking.read_json(request.body), required=False)
    with store.lock:
        order = store.orders.get(session.order_ref) or _placed(session, buyer or session.buyer)
    data = order_json(order)
    # The card is in the answer to the order only, the user in that to the look-up only.
    del data["userId"]
    return envelope("Order placed successfully", {**data, "cardLast4": order.buyer.last4})


def _placed(session: Session, buyer: Buyer) -> Order:
    _check_age(session)
    cart = store.cart(session.cart_id)
    if not cart.lines:
        raise RefusedError("The cart is empty.")
    stored = store.user_card(session.user_id)
    if stored is None:
        raise RefusedError("No payment card is stored for this user. Collect one first.", status=409)
    card = vault.behaviour(stored)
    if card.problem:
        # What Henry answers to a refused card is not known. [SIM] Nothing is ordered and the session stays open.
        raise RefusedError(cards.PROBLEMS[card.problem], status=402)
    first, _, last = (stored.name or full_name(buyer.name)).rpartition(" ")
    payer = replace(buyer, last4=stored.last4, name_on_card=Person(first, last))
    payment = orders.Payment(via="api", card_plan=card.plan)
    order = orders.place_order(store, cart, buyer=payer, payment=payment)
    session.buyer, session.order_ref = buyer, order.ref_id
    store.keep_session(session)
    return order


def order(request: HttpRequest, order_id: str) -> HttpResponse:
    if not _ORDER_ID.fullmatch(order_id):
        raise RefusedError("orderId must be a UUID.")
    found = store.orders.get(store.order_ids.get(order_id.lower(), ""))
    if found is None:
        raise RefusedError("Order not found", status=404)
    return envelope("Order details retrieved successfully", order_json(found))


quotes = api(POST=quote)
session_products = api(GET=products)
session_shipping = api(GET=shipping)
confirmations = api(POST=confirm)
one_order = api(GET=order)
