from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api import answers
from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.problems import problem
from django_henry_checkout.models import Order, OrderStatus

PAGE = 20
MAX_PAGE = 100


class OrdersView(HenryView):
    def get(self, request: Request) -> Response:
        """List the caller's orders, newest first: `limit` (1 to 100), `status`, and `cursor` for the next page."""
        limit = request.query_params.get("limit", str(PAGE))
        if not limit.isdecimal() or len(limit) > 3 or not 1 <= int(limit) <= MAX_PAGE:
            return problem(
                422, "invalid", f"limit must be a whole number from 1 to {MAX_PAGE}.", field="limit"
            )
        cursor = request.query_params.get("cursor", "")
        orders = Order.objects.owned_by(self.caller)
        status = request.query_params.get("status", "")
        if status and status not in OrderStatus.values:
            return problem(422, "invalid", "There is no such status.", field="status")
        if status:
            orders = orders.filter(status=status)
        if cursor:
            after = orders.filter(number=cursor).first() if cursor.isprintable() else None
            if after is None:
                return problem(422, "invalid", "cursor is not from an answer of this call.", field="cursor")
            orders = orders.filter(pk__lt=after.pk)
        found = list(orders[: int(limit) + 1])
        page = found[: int(limit)]
        return Response(
            {
                "orders": [answers.order(order) for order in page],
                "nextCursor": page[-1].number if len(found) > len(page) else None,
            }
        )


class OrderView(HenryView):
    def get(self, request: Request, order_id: str) -> Response:
        """Read an order with its items."""
        order = self.order(order_id)
        return Response(answers.order(order, order.lines.all()))


class OrderEventsView(HenryView):
    def get(self, request: Request, order_id: str) -> Response:
        """Read what happened to an order, oldest first; `after` skips up to a sequence number."""
        order = self.order(order_id)
        after = request.query_params.get("after", "0")
        if not after.isdecimal() or len(after) > 9:
            return problem(422, "invalid", "after must be a sequence number.", field="after")
        events = order.events.filter(sequence__gt=int(after)).order_by("sequence")[:MAX_PAGE]
        return Response({"events": [answers.event(event) for event in events]})
