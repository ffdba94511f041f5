"""Orders of the caller, and their events."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.problems import problem
from django_henry_checkout.api.henry.responses import serialize_event, serialize_order
from django_henry_checkout.models import Order, OrderStatus

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


class OrdersView(StorefrontView):
    def get(self, request: Request) -> Response:
        """List the caller's orders, newest first; `cursor` continues from the previous page."""
        limit = request.query_params.get("limit", str(PAGE_SIZE))
        if not limit.isdecimal() or len(limit) > 3 or not 1 <= int(limit) <= MAX_PAGE_SIZE:
            return problem(
                422, "invalid", f"limit must be a whole number from 1 to {MAX_PAGE_SIZE}.", field="limit"
            )
        cursor = request.query_params.get("cursor", "")
        orders = Order.objects.owned_by(self.caller)
        status = request.query_params.get("status", "")
        if status and status not in OrderStatus.values:
            return problem(422, "invalid", "This status does not exist.", field="status")
        if status:
            orders = orders.filter(status=status)
        if cursor:
            after = orders.filter(number=cursor).first() if cursor.isprintable() else None
            if after is None:
                return problem(422, "invalid", "cursor is not from a response of this call.", field="cursor")
            orders = orders.filter(pk__lt=after.pk)
        found = list(orders[: int(limit) + 1])
        page = found[: int(limit)]
        return Response(
            {
                "orders": [serialize_order(order) for order in page],
                "nextCursor": page[-1].number if len(found) > len(page) else None,
            }
        )


class OrderView(StorefrontView):
    def get(self, request: Request, order_id: str) -> Response:
        """Read an order with its items."""
        order = self.get_order(order_id)
        return Response(serialize_order(order, order.lines.all()))


class OrderEventsView(StorefrontView):
    def get(self, request: Request, order_id: str) -> Response:
        """List the events of an order, oldest first; `after` skips events up to a sequence number."""
        order = self.get_order(order_id)
        after = request.query_params.get("after", "0")
        if not after.isdecimal() or len(after) > 9:
            return problem(422, "invalid", "after must be a sequence number.", field="after")
        events = order.events.filter(sequence__gt=int(after)).order_by("sequence")[:MAX_PAGE_SIZE]
        return Response({"events": [serialize_event(event) for event in events]})
