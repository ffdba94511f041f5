"""Inline checkout by Umbraco's names (umbraco-checkout.md 5): initialize, confirm, and the lists of methods."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.urls import reverse
from moneyed import Money
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.common.callers import django_request
from django_henry_checkout.api.common.idempotency import OnIntent, idempotent_purchase
from django_henry_checkout.api.common.inputs import StrictSerializer
from django_henry_checkout.api.umbraco.base import InlineView, UmbracoView
from django_henry_checkout.api.umbraco.responses import (
    serialize_confirmation,
    serialize_payment_methods,
    serialize_shipping_methods,
)
from django_henry_checkout.exceptions import (
    AlreadyConfirmed,
    NotInitialized,
    PaymentStatusRefused,
    QuoteRequired,
)
from django_henry_checkout.flows.cart.items import clean_metadata
from django_henry_checkout.flows.checkout.confirm import Payment, confirm_session, is_under_way
from django_henry_checkout.flows.checkout.inline import (
    ensure_inline_session,
    get_card_form,
    get_inline_session,
)
from django_henry_checkout.flows.checkout.quotes import get_quote
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Order
from django_henry_checkout.types import Card

#: The payment statuses that finish an order; with Umbraco's others nothing was paid.
PAID_STATUSES = {"authorized", "captured", "pendingexternalsystem"}


class LinkConfirmInput(StrictSerializer):
    """The body of Umbraco's confirm (umbraco-checkout.md 3); `meta_data.cardToken` is the card."""

    amount = serializers.DecimalField(max_digits=19, decimal_places=4, min_value=0)
    fee = serializers.DecimalField(
        max_digits=19, decimal_places=4, min_value=0, required=False, allow_null=True
    )
    transaction_id = serializers.CharField(max_length=255)
    payment_status = serializers.CharField(max_length=40)
    meta_data = serializers.DictField(
        child=serializers.CharField(max_length=500, allow_blank=True), required=False, allow_null=True
    )


class InitializePaymentView(InlineView):
    calls_henry = True

    def get(self, request: Request, order_id: str) -> Response:
        """Prepare an open order for payment in the shop's own form: settings of the card form, and URLs."""
        session = ensure_inline_session(self.get_order(order_id))
        form = get_card_form(session)
        status_path = reverse("henry_checkout:status", args=[create_status_token(session.order)])
        urls = {
            "continue": status_path,
            "cancel": status_path,
            "error": status_path,
            "callback": reverse("henry_checkout:api-confirm", args=[session.order.ulid]),
        }
        settings = {"kind": form.kind, **form.settings}
        if form.modal_url:
            settings["modalUrl"] = form.modal_url
        return Response(
            {
                "orderNumber": session.order.number,
                "paymentMethod": {
                    "settings": {name: _as_text(value) for name, value in settings.items()},
                    "metaDataDefinitions": {} if form.modal_url else {"cardToken": "Card token"},
                    "urls": {name: request.build_absolute_uri(path) for name, path in urls.items()},
                },
            }
        )


def _as_text(value: object) -> str:
    """Return a setting as text; booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class ConfirmPaymentView(InlineView):
    calls_henry = True

    def post(self, request: Request, order_id: str) -> Response:
        """Buy an initialized order for the amount that the buyer accepted. Requires an `Idempotency-Key`."""
        order = self.get_order(order_id)
        content = self.read_body(LinkConfirmInput)
        if content["payment_status"].lower() not in PAID_STATUSES:
            raise PaymentStatusRefused
        return idempotent_purchase(self, request, buy=partial(self._buy, order, content), respond=_respond)

    def _buy(self, order: Order, content: dict[str, Any], on_intent: OnIntent) -> Order:
        session = get_inline_session(order)
        if session is None:
            raise NotInitialized
        transaction_id = content["transaction_id"]
        if is_under_way(order) and session.transaction_id != transaction_id:
            raise AlreadyConfirmed
        quote = get_quote(session)
        if quote is None:
            raise QuoteRequired
        metadata = dict(content.get("meta_data") or {})
        token = metadata.pop("cardToken", "")
        payment = Payment(
            card=Card(token=token),
            accepted=Money(content["amount"], quote.currency),
            exactly=True,
            metadata=clean_metadata(metadata),
            transaction_id=transaction_id,
        )
        return confirm_session(session, payment, request=django_request(self.request), on_intent=on_intent)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code >= 400 and isinstance(response.data, dict):
            notice = {"message": response.data["detail"], "category": "Checkout", "type": "Error"}
            response.headers["Umb-Notifications"] = json.dumps([notice])
        return response


def _respond(order: Order) -> Response:
    session = get_inline_session(order)
    return Response(serialize_confirmation(order, transaction_id=session.transaction_id if session else ""))


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
