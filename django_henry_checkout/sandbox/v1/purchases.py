"""Henry's v1 REST, second half: checkout details, purchases and the order list."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import bulk_orders as bulk
from django_henry_checkout.sandbox.engine import cards, orders, pricing, vault
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.cards import Card
from django_henry_checkout.sandbox.engine.carts import check_cart_id, find_cart, open_cart
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.purchase_cache import Shown
from django_henry_checkout.sandbox.engine.responses import answer, envelope, listing, written
from django_henry_checkout.sandbox.engine.state import JSON, Cart, Job, Line, Order, PricedLine, Rules
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v1.wire import (
    job_json,
    line_costs_json,
    money,
    option_json,
    purchase_json,
    purchases,
    read_address,
    read_buyer,
    read_collected,
)

SYNC_SECONDS = 30.0
_RAW_CARD_KEYS = {"cardNumber", "number", "cvv", "cvc", "expiryMonth", "expiryYear"}


def wait_for_end(bodies: Callable[[], list[JSON]], mode: str) -> list[JSON]:
    """Answer at once, or with `mode: sync` when every job has ended, at the latest after 30 seconds."""
    deadline = time.monotonic() + (SYNC_SECONDS if mode == "sync" else 0)
    while True:
        shown = bodies()
        if time.monotonic() >= deadline or all(body["status"] in orders.TERMINAL for body in shown):
            return shown
        time.sleep(0.05)


def read_mode(body: JSON) -> str:
    return checking.one_of(body, "mode", ("async", "sync"), default="async")


# Details


def details(request: HttpRequest, cart_id: str) -> HttpResponse:
    body = checking.read_json(request.body)
    mode = read_mode(body)
    jobs = quote_cart(cart_id, body)
    shown = wait_for_end(lambda: [job_json(job) for job in jobs], mode)
    return envelope("Checkout details requested successfully", {"jobs": shown, "metadata": {}})


def quote_cart(cart_id: str, body: JSON) -> list[Job]:
    """Quote a cart: one job for each merchant."""
    cart = find_cart(cart_id)
    buyer = checking.mapping(body, "buyer", required=True) or {}
    read_address(buyer, "shippingAddress")
    coupons = checking.texts(body, "coupons")
    if not cart.lines:
        raise RefusedError("The cart is empty.")
    with store.lock:
        return [store.add_job("ckd", result=result) for result in _quotes(cart, coupons)]


def _quotes(cart: Cart, coupons: Sequence[str]) -> list[JSON]:
    priced = pricing.price(cart.lines, coupons=coupons)
    return [
        _quote(cart.lines, [line for line in priced if line.host == merchant.host], coupons)
        for merchant in pricing.merchants_of(cart.lines)
    ]


def _quote(lines: Sequence[Line], priced: list[PricedLine], coupons: Sequence[str]) -> JSON:
    merchant = pricing.merchants_of([priced[0].line])[0]
    options = [option_json(option, store.now()) for option in pricing.shipping_options(merchant, lines)]
    items = [
        {
            "shippingOptions": options,
            "costs": line_costs_json(line),
            "coupons": _coupons_json([line], coupons),
            "metadata": line.line.metadata or {},
        }
        for line in priced
    ]
    sums = pricing.totals(priced, Rules())
    costs = {
        "subtotal": money(sums.subtotal),
        "total": money(sums.total),
        "tax": money(sums.tax),
        "shipping": money(sums.shipping),
        "discount": money(sums.discount),
    }
    whole = {"shippingOptions": options, "costs": costs, "coupons": _coupons_json(priced, coupons)}
    return {"items": items, "data": whole}


def _coupons_json(priced: Iterable[PricedLine], coupons: Sequence[str]) -> list[JSON]:
    lines = list(priced)
    codes = dict.fromkeys(code.strip().upper() for line in lines for code in (*line.line.coupons, *coupons))
    saved = sum((line.discount for line in lines), pricing.ZERO)
    return [
        {
            "code": code,
            "available": code in pricing.COUPONS,
            "savedAmount": money(saved if code == "SAVE10" else pricing.ZERO),
        }
        for code in codes
    ]


def details_status(request: HttpRequest) -> HttpResponse:
    return answer(job_json(find_job(request, "ckd")))


def find_job(request: HttpRequest, kind: str) -> Job:
    ref_id = request.GET.get("refId", "")
    if not ref_id:
        raise RefusedError("refId is required.")
    job = store.jobs.get(ref_id)
    if job is None or job.kind != kind:
        raise RefusedError("Job not found.", status=404)
    return job


# Purchases


def purchase(request: HttpRequest, cart_id: str) -> HttpResponse:
    body = checking.read_json(request.body)
    mode = read_mode(body)
    order = buy_cart(cart_id, body)
    return answer(wait_for_end(lambda: [purchase_json(order)], mode)[0])


def buy_cart(cart_id: str, body: JSON) -> Order:
    """Queue a purchase, in the words that early v1 and REST share.

    [SIM] Of REST it is not known whether it kept `settings`, `metadata`, `coupons` and the choice of shipping of
    early v1; here it did. A code that is not known and a product that is not in the cart change nothing.
    """
    cart = find_cart(cart_id)
    source = checking.mapping(body, "buyer", required=True) or {}
    card, last4 = _read_card(source)
    buyer = read_buyer(source, last4=last4)
    coupons = checking.texts(body, "coupons")
    overrides = checking.mapping(body, "overrideProducts") or {}
    metadata = checking.mapping(body, "metadata")
    rules = read_collected(body, cart.rules)
    shipping = _read_shipping(body)
    payment = orders.Payment(via="api", card_plan=card.plan, problem=card.problem)
    with store.lock:
        cart = open_cart(cart_id)
        lines = _lines_to_buy(cart, overrides)
        return orders.place_order(
            store,
            cart,
            buyer=buyer,
            payment=payment,
            lines=lines,
            choices=_choices(lines, shipping),
            coupons=coupons,
            rules=rules,
            metadata=metadata,
        )


def _read_shipping(body: JSON) -> list[str]:
    """The option that is asked for the whole purchase: its id, its name or both.

    [SIM] Its name in REST would be `selectedShipping`, as on a cart line; either is taken.
    """
    for where in ("selectedShippingOption", "selectedShipping"):
        chosen = checking.mapping(body, where)
        if chosen is not None:
            named = [checking.text(chosen, key, where=where, required=False) for key in ("id", "value")]
            if not any(named):
                raise RefusedError(f"{where} must have an id or a value.")
            return [name.lower() for name in named if name]
    return []


def _choices(lines: Sequence[Line], wanted: Sequence[str]) -> dict[str, str]:
    """Each merchant's option for the purchase; one that does not have it ships as if nothing had been asked."""
    found = {}
    for merchant in pricing.merchants_of(lines):
        known = {name for option in merchant.shipping for name in (option.id, option.name.lower())}
        found[merchant.host] = next((name for name in wanted if name in known), "")
    return found


def _read_card(buyer: JSON) -> tuple[Card, str]:
    card = checking.mapping(buyer, "card", where="buyer", required=True) or {}
    found = checking.mapping(card, "details", where="buyer.card", required=True) or {}
    if _RAW_CARD_KEYS & set(found):
        if not store.options.allow_raw_card:
            raise RefusedError("Raw card numbers are refused. Send buyer.card.details.cardToken.")
        number = vault.read_secrets(found, where="buyer.card.details")
        return cards.card_for(number), number[-4:]
    token = checking.text(found, "cardToken", where="buyer.card.details", limit=200)
    if not token.startswith("card_") or not token.replace("_", "").isalnum():
        raise RefusedError("buyer.card.details.cardToken is not a card token.")
    stored = store.cards.get(token)
    if stored:
        return vault.behaviour(stored), stored.last4
    # Any other token is one of Henry's as far as the sandbox can tell, and pays.
    return cards.BY_TOKEN.get(token, cards.PLAIN), ""


def _lines_to_buy(cart: Cart, overrides: JSON) -> list[Line]:
    """The cart's lines with other quantities for this purchase only; null leaves a product out."""
    lines: list[Line] = []
    for line in cart.lines:
        wanted = overrides.get(line.link, line.quantity)
        if wanted is not None:
            name = f"overrideProducts[{line.link}]"
            lines.append(replace(line, quantity=checking.whole(wanted, name, low=1, high=999)))
    if not lines:
        raise RefusedError("There is nothing to buy in this cart.")
    return lines


def purchase_status(request: HttpRequest) -> HttpResponse:
    ref_id = request.GET.get("refId", "")
    if not ref_id:
        raise RefusedError("refId is required.")
    return written(purchases.one(find_order(ref_id)))


def find_order(ref_id: str) -> Order:
    order = store.orders.get(ref_id)
    if order is None:
        raise RefusedError("Purchase not found.", status=404)
    return order


# Orders


def list_orders(request: HttpRequest) -> HttpResponse:
    found = find_orders(
        limit=checking.query_whole(request.GET.get("limit", "20"), "limit", low=1, high=100),
        cursor=request.GET.get("cursor", ""),
        cart_id=request.GET.get("cartId", ""),
        status=request.GET.get("status", ""),
    )
    return order_page(found, purchases)


def order_page(found: list[Order], shown: Shown) -> HttpResponse:
    """A page of the order list; the scenario may let other orders come in on top once it is written."""
    page = listing("Orders fetched successfully", shown.all(found))
    bulk.make_orders(store.scenario.shifts, filler=True)
    return page


def find_orders(*, limit: int, cursor: str, cart_id: str, status: str) -> list[Order]:
    """Newest first. The orders of v0 have a look-up of their own and are not listed."""
    if cart_id:
        check_cart_id(cart_id)
    before = _cursor(cursor)
    with store.lock:
        found = (
            order
            for order in store.newest_orders(cart_id, before)
            if not order.user_id and _is_in(order, status)
        )
        return list(islice(found, limit))


def _is_in(order: Order, status: str) -> bool:
    if not status:
        return True
    return orders.status_now(store, order) == status


def _cursor(given: str) -> datetime | None:
    if not given:
        return None
    try:
        # A plus sign in a query arrives as a space.
        moment = datetime.fromisoformat(given.replace(" ", "+"))
    except ValueError:
        raise RefusedError("cursor must be an ISO 8601 time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


quote = api(POST=details)
quote_status = api(GET=details_status)
buy = api(POST=purchase)
order_list = api(GET=list_orders)
