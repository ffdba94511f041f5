"""Henry's early v1: checkout details, purchases, and the lists of orders and merchants."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import answer, envelope, written
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.rpc.carts import cart_id_of
from django_henry_checkout.sandbox.rpc.wire import (
    details_json,
    find_job,
    purchase_json,
    purchases,
)
from django_henry_checkout.sandbox.v1 import merchants as v1_merchants
from django_henry_checkout.sandbox.v1 import purchases as v1_purchases


def _details(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    jobs = v1_purchases.quote_cart(cart_id_of(body), body)
    shown = {"jobs": [details_json(job) for job in jobs], "metadata": {}}
    return envelope("Checkout details requested successfully", shown)


def _details_status(request: HttpRequest) -> HttpResponse:
    return answer(details_json(find_job(checking.read_json(request.body))))


def _purchase(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    return answer(purchase_json(v1_purchases.buy_cart(cart_id_of(body), body)))


def _purchase_status(request: HttpRequest) -> HttpResponse:
    ref_id = checking.text(checking.read_json(request.body), "refId")
    return written(purchases.one(v1_purchases.find_order(ref_id)))


def _orders(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    found = v1_purchases.find_orders(
        # The sample asks for 40 and names no default.
        limit=checking.whole(body.get("limit", 40), "limit", low=1, high=100),
        cursor=checking.text(body, "cursor", required=False),
        cart_id=checking.text(body, "cartId", required=False),
        status=checking.text(body, "status", required=False),
    )
    return v1_purchases.order_page(found, purchases)


def _merchants(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    for key in ("host", "name"):
        if key in body:
            checking.text(body, key)
    if body.get("categories") == []:
        raise RefusedError("categories must name at least one.")
    found = v1_merchants.find(
        limit=checking.whole(body.get("limit", 40), "limit", low=1, high=100),
        cursor=checking.text(body, "cursor", required=False),
        host=checking.text(body, "host", required=False),
        name=checking.text(body, "name", required=False),
        categories=checking.texts(body, "categories"),
    )
    shown = [v1_merchants.merchant_json(request, merchant) for merchant in found]
    return envelope("Merchants fetched successfully", shown)


details = api(POST=_details)
details_status = api(POST=_details_status)
purchase = api(POST=_purchase)
# The path is that of REST too, which reads it with GET.
purchase_status = api(GET=v1_purchases.purchase_status, POST=_purchase_status)
orders = api(POST=_orders)
merchants = api(POST=_merchants)
