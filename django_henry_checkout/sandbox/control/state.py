"""The control calls below `/__sandbox__/`: for tests and demos, JSON, without a key."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import bulk_orders as bulk
from django_henry_checkout.sandbox.engine import cards, carts, orders, pricing, vault
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import MERCHANTS, Product
from django_henry_checkout.sandbox.engine.http.api_views import guarded
from django_henry_checkout.sandbox.engine.responses import answer, envelope, iso
from django_henry_checkout.sandbox.engine.scenario import Scenario, word
from django_henry_checkout.sandbox.engine.state import JSON, Cart, Order
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.engine.webhooks.watcher import watch
from django_henry_checkout.sandbox.v1.wire import purchase_json

MAX_ADVANCE = 400 * 24 * 3600
MAX_ORDERS = 20_000


def control(**methods: Any) -> Any:
    """One view of a handler per method, with the sandbox's refusals as 400 answers."""

    def view(request: HttpRequest) -> HttpResponse:
        handler = methods.get(request.method or "")
        if handler is None:
            return envelope(f"{request.method} is not possible here.", status=405)
        return guarded(handler)(request)

    return view


def _reset(request: HttpRequest) -> HttpResponse:
    watch.reset()
    return answer({"ok": True})


def _set_scenario(request: HttpRequest) -> HttpResponse:
    scenario = Scenario.parse(checking.read_json(request.body))
    # What happened until now goes out as the scenario until now says.
    watch.look()
    store.set_scenario(scenario)
    return _show_scenario(request)


def _show_scenario(request: HttpRequest) -> HttpResponse:
    with store.lock:
        met = [{"fault": fault.kind, "met": fault.met, "used": fault.used} for fault in store.scenario.faults]
        return answer({"scenario": store.scenario.source, "faults": met})


def _advance(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    if "advanceSeconds" not in body:
        raise RefusedError("advanceSeconds is required.")
    seconds = checking.number(body, "advanceSeconds", default=0, high=MAX_ADVANCE)
    # First what happened until now, or what the last jump led to could be lost in this one.
    watch.look()
    store.advance(seconds)
    return _clock(request)


def _clock(request: HttpRequest) -> HttpResponse:
    return answer({"now": iso(store.now()), "offsetSeconds": store.offset.total_seconds()})


def _requests(request: HttpRequest) -> HttpResponse:
    with store.lock:
        return answer([dict(entry) for entry in store.requests])


def _orders(request: HttpRequest) -> HttpResponse:
    """What was really bought, oldest first: refused payments are not in it, and fillers only when asked for."""
    fillers = checking.query_switch(request.GET.get("filler", "false"), "filler")
    with store.lock:
        found = [order for order in store.orders.values() if order.is_paid and (fillers or not order.filler)]
        return answer([_order_json(order) for order in found])


def _order_json(order: Order) -> JSON:
    now = store.now()
    body = {
        "refId": order.ref_id,
        "cartId": order.cart_id,
        "status": orders.status_now(store, order),
        "items": [
            {
                "link": priced.line.link,
                "title": priced.title,
                "quantity": priced.line.quantity,
                "selectedOptions": list(priced.line.options),
                "status": orders.line_status(order, at, now),
                "total": priced.total,
            }
            for at, priced in enumerate(order.lines)
        ],
        "total": pricing.totals(order.lines, order.rules).total,
        "currency": "USD",
        "paidAt": iso(order.created_at),
        "via": order.via,
        "email": order.buyer.email,
        "cardLast4": order.buyer.last4,
    }
    return body | _v0_ids(order) | ({"filler": True} if order.filler else {})


def _make_orders(request: HttpRequest) -> HttpResponse:
    """Many paid orders at once, each of a fresh cart with one item."""
    body = checking.read_json(request.body)
    checking.known_keys(body, {"count", "cartPrefix"}, where="orders")
    count = checking.whole(body.get("count"), "count", low=1, high=MAX_ORDERS)
    prefix = checking.text(body, "cartPrefix", required=False).removeprefix("crt_")
    if not re.fullmatch(r"[A-Za-z0-9]{0,6}", prefix):
        raise RefusedError("cartPrefix must be at most six letters and digits.")
    made = bulk.make_orders(count, cart_prefix=prefix)
    return answer(
        [{"refId": each.ref_id, "cartId": each.cart_id, "link": each.lines[0].line.link} for each in made]
    )


def _v0_ids(order: Order) -> JSON:
    return {"orderId": order.order_id, "userId": order.user_id} if order.user_id else {}


def _pay(request: HttpRequest) -> HttpResponse:
    """Pay a cart as a shopper would on the hosted page, without a browser."""
    body = checking.read_json(request.body)
    checking.known_keys(body, {"cartId", "userId", "card", "email", "outcome"}, where="pay")
    number = _card_number(body)
    card = cards.card_for(number)
    if card.problem:
        return envelope(cards.PROBLEMS[card.problem], status=402)
    email = checking.email(checking.text(body, "email", required=False), "email") or bulk.BUYER.email
    buyer = replace(bulk.BUYER, email=email, last4=number[-4:])
    outcome = word(body["outcome"], "outcome") if body.get("outcome") else ""
    payment = orders.Payment(via="hosted", card_plan=card.plan, outcome=outcome)
    with store.lock:
        cart = _cart_to_pay(body)
        if cart is None or not cart.lines:
            raise RefusedError("The cart is empty.")
        order = orders.place_order(store, cart, buyer=buyer, payment=payment)
    return answer(purchase_json(order) | _v0_ids(order))


def _cart_to_pay(body: JSON) -> Cart | None:
    if body.get("userId") is not None:
        return store.user_cart(checking.text(body, "userId"))
    cart_id = checking.text(body, "cartId")
    carts.check_cart_id(cart_id)
    return store.cart(cart_id)


def _card_number(body: JSON) -> str:
    if not body.get("card"):
        return cards.PLAIN.number
    return vault.read_number(body, "card")


def _store_card(request: HttpRequest) -> HttpResponse:
    """Store a card for a user of v0 as the card page would, without a browser."""
    body = checking.read_json(request.body)
    checking.known_keys(body, {"userId", "card"}, where="card")
    user_id = checking.text(body, "userId", limit=200)
    kept = vault.keep(_card_number(body), name="Sandbox Shopper", user_id=user_id)
    return answer({"userId": user_id, "cardToken": kept.token, "cardLast4": kept.last4})


def _catalogue(request: HttpRequest) -> HttpResponse:
    shops = [
        {"host": shop.host, "name": shop.name, "description": shop.description} for shop in MERCHANTS.values()
    ]
    products = [_product_json(request, product) for product in pricing.goods()]
    return answer({"merchants": shops, "products": products})


def _product_json(request: HttpRequest, product: Product) -> JSON:
    return {
        "slug": product.slug,
        "link": product.link,
        "title": product.title,
        "description": product.description,
        "merchant": product.merchant.name,
        "host": product.merchant.host,
        "category": product.category,
        "price": {"value": product.price, "currency": "USD"},
        "originalPrice": (
            {"value": product.original_price, "currency": "USD"} if product.original_price else None
        ),
        "availability": product.availability,
        "options": [{"name": axis.name, "values": list(axis.values)} for axis in product.options],
        "imageUrl": request.build_absolute_uri(f"/pictures/{product.slug}.svg"),
    }


def _health(request: HttpRequest) -> HttpResponse:
    return answer({"ok": True})


reset = control(POST=_reset)
scenario = control(POST=_set_scenario, GET=_show_scenario)
clock = control(POST=_advance, GET=_clock)
requests = control(GET=_requests)
paid_orders = control(GET=_orders, POST=_make_orders)
pay = control(POST=_pay)
card = control(POST=_store_card)
catalogue = control(GET=_catalogue)
health = control(GET=_health)
