"""Henry's v1: checkout details, the quote of a cart for an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import pricing, validation
from django_henry_checkout.sandbox.engine.carts import find_cart
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope, json_response
from django_henry_checkout.sandbox.engine.state import JSON, Cart, Job, Line, PricedLine, Rules
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1.jobs import find_job, read_mode, wait_for_jobs
from django_henry_checkout.sandbox.v1.wire import job_json, line_costs_json, money, option_json, read_address


def _request_details(request: HttpRequest, cart_id: str) -> HttpResponse:
    body = validation.read_json(request.body)
    mode = read_mode(body)
    jobs = quote_cart(cart_id, body)
    jobs_json = wait_for_jobs(lambda: [job_json(job) for job in jobs], mode)
    return envelope("Checkout details requested successfully", {"jobs": jobs_json, "metadata": {}})


def quote_cart(cart_id: str, body: JSON) -> list[Job]:
    """Quote a cart: one job per merchant."""
    cart = find_cart(cart_id)
    buyer = validation.read_object(body, "buyer", required=True) or {}
    read_address(buyer, "shippingAddress")
    coupons = validation.read_strings(body, "coupons")
    if not cart.lines:
        raise ApiError("The cart is empty.")
    with store.lock:
        return [store.add_job("ckd", result=result) for result in _quotes_json(cart, coupons)]


def _quotes_json(cart: Cart, coupons: Sequence[str]) -> list[JSON]:
    priced = pricing.price_lines(cart.lines, coupons=coupons)
    return [
        _quote_json(cart.lines, [line for line in priced if line.host == merchant.host], coupons)
        for merchant in pricing.list_merchants(cart.lines)
    ]


def _quote_json(lines: Sequence[Line], priced: list[PricedLine], coupons: Sequence[str]) -> JSON:
    merchant = pricing.list_merchants([priced[0].line])[0]
    options = [option_json(option, store.now()) for option in pricing.list_shipping_options(merchant, lines)]
    items = [
        {
            "shippingOptions": options,
            "costs": line_costs_json(line),
            "coupons": _coupons_json([line], coupons),
            "metadata": line.line.metadata or {},
        }
        for line in priced
    ]
    totals = pricing.compute_totals(priced, Rules())
    costs = {
        "subtotal": money(totals.subtotal),
        "total": money(totals.total),
        "tax": money(totals.tax),
        "shipping": money(totals.shipping),
        "discount": money(totals.discount),
    }
    data = {"shippingOptions": options, "costs": costs, "coupons": _coupons_json(priced, coupons)}
    return {"items": items, "data": data}


def _coupons_json(priced: Iterable[PricedLine], coupons: Sequence[str]) -> list[JSON]:
    lines = list(priced)
    codes = dict.fromkeys(code.strip().upper() for line in lines for code in (*line.line.coupons, *coupons))
    discount = sum((line.discount for line in lines), pricing.ZERO)
    return [
        {
            "code": code,
            "available": code in pricing.COUPONS,
            "savedAmount": money(discount if code == "SAVE10" else pricing.ZERO),
        }
        for code in codes
    ]


def _get_details(request: HttpRequest) -> HttpResponse:
    return json_response(job_json(find_job(request, "ckd")))


details = api_view(POST=_request_details)
details_status = api_view(GET=_get_details)
