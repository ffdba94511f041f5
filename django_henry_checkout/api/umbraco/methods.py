"""Payment and shipping methods of an order, by Umbraco's names (umbraco-checkout.md 5)."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.umbraco.base import UmbracoView
from django_henry_checkout.api.umbraco.responses import serialize_payment_methods, serialize_shipping_methods
from django_henry_checkout.flows.checkout.inline import get_inline_session
from django_henry_checkout.flows.checkout.quotes import get_quote


class PaymentMethodsView(UmbracoView):
    def get(self, request: Request, order_id: str) -> Response:
        """List the payment methods of an order."""
        return Response(serialize_payment_methods(self.get_order(order_id)))


class ShippingMethodsView(UmbracoView):
    def get(self, request: Request, order_id: str) -> Response:
        """List the merchants' shipping rates of the last quote; empty before the first quote."""
        order = self.get_order(order_id)
        session = get_inline_session(order)
        quote = get_quote(session) if session is not None else None
        return Response([] if quote is None else serialize_shipping_methods(order, quote))
