"""The base views of the calls by Umbraco's names."""

from __future__ import annotations

from django.http import Http404

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.exceptions import OrderNotFound
from django_henry_checkout.models import Order


class UmbracoView(StorefrontView):
    """A call about an order; business failures are 400."""

    status_overrides = {402: 400, 409: 400, 410: 400, 422: 400}

    def get_order(self, order_id: str) -> Order:
        """Return an order of the caller; the `Store` header, if sent, must name its Henry account."""
        order = super().get_order(order_id)
        store = self.request.headers.get("Store", "")
        if store and store.lower() != order.account.lower():
            raise Http404
        return order


class InlineView(UmbracoView):
    """A call of the inline checkout. Closed to secrets of hosted sessions, because these are part of URLs."""

    def get_order(self, order_id: str) -> Order:
        if self.caller.is_hosted:
            raise OrderNotFound
        return super().get_order(order_id)
