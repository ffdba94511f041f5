"""Henry's early v1: checkout details, purchases, and the lists of orders and merchants."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope, json_response, raw_json_response
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.rpc.carts import read_cart_id
from django_henry_checkout.sandbox.rpc.wire import details_json, find_job, purchase_json, purchases
from django_henry_checkout.sandbox.v1.details import quote_cart
from django_henry_checkout.sandbox.v1.merchants import find_merchants, merchant_json
from django_henry_checkout.sandbox.v1.orders import find_orders, orders_response
from django_henry_checkout.sandbox.v1.purchases import find_order, get_status, purchase_cart


def _request_details(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    jobs = quote_cart(read_cart_id(body), body)
    data = {"jobs": [details_json(job) for job in jobs], "metadata": {}}
    return envelope("Checkout details requested successfully", data)


def _get_details(request: HttpRequest) -> HttpResponse:
    return json_response(details_json(find_job(validation.read_json(request.body))))


def _purchase(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    return json_response(purchase_json(purchase_cart(read_cart_id(body), body)))


def _get_status(request: HttpRequest) -> HttpResponse:
    ref_id = validation.read_text(validation.read_json(request.body), "refId")
    return raw_json_response(purchases.get(find_order(ref_id)))


def _list_orders(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    found = find_orders(
        # The documented example has 40 and no default is documented.
        limit=validation.parse_integer(body.get("limit", 40), "limit", low=1, high=100),
        cursor=validation.read_text(body, "cursor", required=False),
        cart_id=validation.read_text(body, "cartId", required=False),
        status=validation.read_text(body, "status", required=False),
    )
    return orders_response(found, purchases)


def _list_merchants(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    for key in ("host", "name"):
        if key in body:
            validation.read_text(body, key)
    if body.get("categories") == []:
        raise ApiError("categories must name at least one.")
    found = find_merchants(
        limit=validation.parse_integer(body.get("limit", 40), "limit", low=1, high=100),
        cursor=validation.read_text(body, "cursor", required=False),
        host=validation.read_text(body, "host", required=False),
        name=validation.read_text(body, "name", required=False),
        categories=validation.read_strings(body, "categories"),
    )
    data = [merchant_json(request, merchant) for merchant in found]
    return envelope("Merchants fetched successfully", data)


details = api_view(POST=_request_details)
details_status = api_view(POST=_get_details)
purchase = api_view(POST=_purchase)
# REST has the same path, with GET.
purchase_status = api_view(GET=get_status, POST=_get_status)
order_list = api_view(POST=_list_orders)
merchant_list = api_view(POST=_list_merchants)
