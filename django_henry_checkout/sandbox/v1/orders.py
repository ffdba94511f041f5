"""Henry's v1: the order list."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import bulk_orders, validation
from django_henry_checkout.sandbox.engine import orders as engine_orders
from django_henry_checkout.sandbox.engine.carts import validate_cart_id
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.purchase_cache import PurchaseCache
from django_henry_checkout.sandbox.engine.responses import list_response
from django_henry_checkout.sandbox.engine.state import Order
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1.wire import purchases


def _list(request: HttpRequest) -> HttpResponse:
    found = find_orders(
        limit=validation.parse_query_integer(request.GET.get("limit", "20"), "limit", low=1, high=100),
        cursor=request.GET.get("cursor", ""),
        cart_id=request.GET.get("cartId", ""),
        status=request.GET.get("status", ""),
    )
    return orders_response(found, purchases)


def find_orders(*, limit: int, cursor: str, cart_id: str, status: str) -> list[Order]:
    """Return one page of orders, newest first. Orders of v0 are retrieved by id and not listed."""
    if cart_id:
        validate_cart_id(cart_id)
    before = _parse_cursor(cursor)
    with store.lock:
        found = (
            order
            for order in store.newest_orders(cart_id, before)
            if not order.user_id and _has_status(order, status)
        )
        return list(islice(found, limit))


def orders_response(found: list[Order], cache: PurchaseCache) -> HttpResponse:
    """Return a page of the order list; then add the other orders that the scenario asks for."""
    response = list_response("Orders fetched successfully", cache.get_many(found))
    bulk_orders.create_paid_orders(store.scenario.shifts, filler=True)
    return response


def _has_status(order: Order, status: str) -> bool:
    return not status or engine_orders.current_status(store, order) == status


def _parse_cursor(value: str) -> datetime | None:
    if not value:
        return None
    try:
        # A plus sign in a query arrives as a space.
        moment = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        raise ApiError("cursor must be an ISO 8601 time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


order_list = api_view(GET=_list)
