"""Checkout by Umbraco's names and bodies (umbraco-checkout.md): hosted and inline.

Business failures are 400 here, because that page declares 200, 400 and 404 only; the `code` is the same as
everywhere. Where that page leaves something open, its reference's proposed answer is built.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404
from django.urls import reverse
from moneyed import Money
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api import umbraco_answers as answers
from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.bodies import LinkConfirmInput
from django_henry_checkout.api.paying import pay_once
from django_henry_checkout.api.people import card_of
from django_henry_checkout.api.repeating import OnIntent
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    AlreadyConfirmed,
    NotInitialized,
    OrderNotFound,
    PaymentStatusRefused,
    QuoteRequired,
)
from django_henry_checkout.flows.cart.items import clean_metadata
from django_henry_checkout.flows.checkout.confirm import Payment, confirm_session, is_under_way
from django_henry_checkout.flows.checkout.embedded import check_frame_origin
from django_henry_checkout.flows.checkout.inline import (
    ensure_inline_session,
    get_card_form,
    get_inline_session,
)
from django_henry_checkout.flows.checkout.quotes import get_quote
from django_henry_checkout.flows.checkout.sessions import SessionOptions, renew_session
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Order, SessionMode

#: The words that finish an order; the others of Umbraco's say that nothing was paid.
PAID = {"authorized", "captured", "pendingexternalsystem"}
MAX_ORIGIN_LENGTH = 255


class UmbracoView(HenryView):
    statuses = {402: 400, 409: 400, 410: 400, 422: 400}

    def order(self, order_id: str) -> Order:
        """Return an order of the caller; the `Store` header, if there is one, names its Henry account."""
        order = super().order(order_id)
        store = self.request.headers.get("Store", "")
        if store and store.lower() != order.account.lower():
            raise Http404
        return order


class TokenView(UmbracoView):
    costs_a_call_to_henry = True

    def get(self, request: Request, order_id: str) -> Response:
        """Prepare an open order for payment on Henry's page, and answer the token that `pay` takes.

        A GET that changes something, because that is how this API is spelled; the newest token wins. `Mode:
        Framed` says that the page will stand in a frame of the page at `Origin`, which then hears how it ended; a
        shop that has FRAME_ANCESTORS takes no other origin.
        """
        order = self.order(order_id)
        mode, origin = _mode(request), _origin(request)
        account = app_settings.account(order.account)
        if mode == SessionMode.FRAMED and origin and account.frame_ancestors:
            own_origin = f"{request.scheme}://{request.get_host()}"
            check_frame_origin(origin, account=account, own_origin=own_origin)
        started = renew_session(order, options=SessionOptions(mode=mode, origin=origin))
        path = reverse("henry_checkout:pay", args=[started.order.ulid, started.token])
        return Response(
            {
                "token": started.token,
                "orderNumber": started.order.number,
                "payUrl": request.build_absolute_uri(path),
            }
        )


def _mode(request: Request) -> SessionMode:
    text = request.headers.get("Mode", "Redirect").strip().lower()
    if text not in SessionMode.values:
        raise exceptions.ParseError("Mode must be Redirect or Framed.")
    return SessionMode(text)


def _origin(request: Request) -> str:
    """Read the origin of the page that calls: scheme, host and port of http or https."""
    text = request.headers.get("Origin", "").strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        is_origin = bool(parts.hostname) and f"{parts.scheme}://{parts.netloc}" == text.rstrip("/")
        _port = parts.port
    except ValueError:
        is_origin = False
    if (
        not is_origin
        or parts.scheme not in {"http", "https"}
        or parts.username
        or len(text) > MAX_ORIGIN_LENGTH
    ):
        raise exceptions.ParseError("Origin must be the origin of an http or https page.")
    if not all(character.isalnum() or character in "-.:[]_" for character in parts.netloc):
        raise exceptions.ParseError("Origin must be the origin of an http or https page.")
    return text.rstrip("/").lower()


class InlineView(UmbracoView):
    """Paying in the shop's own form is not for whoever holds a secret that stands in addresses."""

    def order(self, order_id: str) -> Order:
        if self.caller.is_hosted:
            raise OrderNotFound
        return super().order(order_id)


class InitializeView(InlineView):
    costs_a_call_to_henry = True

    def get(self, request: Request, order_id: str) -> Response:
        """Prepare an open order for payment in the shop's own form: how a card is collected, and where to go."""
        session = ensure_inline_session(self.order(order_id))
        form = get_card_form(session)
        status_path = reverse("henry_checkout:status", args=[create_status_token(session.order)])
        urls = {
            "continue": status_path,
            "cancel": status_path,
            "error": status_path,
            "callback": reverse("henry_checkout:api-confirm", args=[session.order.ulid]),
        }
        app_settings = {"kind": form.kind, **form.settings}
        if form.modal_url:
            app_settings["modalUrl"] = form.modal_url
        return Response(
            {
                "orderNumber": session.order.number,
                "paymentMethod": {
                    "settings": {name: _as_text(value) for name, value in app_settings.items()},
                    "metaDataDefinitions": {} if form.modal_url else {"cardToken": "Card token"},
                    "urls": {name: request.build_absolute_uri(path) for name, path in urls.items()},
                },
            }
        )


def _as_text(value: object) -> str:
    """Write a setting as text, which is all that this shape holds; true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class ConfirmView(InlineView):
    costs_a_call_to_henry = True

    def post(self, request: Request, order_id: str) -> Response:
        """Buy an initialized order for the amount that the buyer saw. Needs an `Idempotency-Key`."""
        order = self.order(order_id)
        content = self.read(LinkConfirmInput)
        if content["payment_status"].lower() not in PAID:
            raise PaymentStatusRefused
        return pay_once(self, request, buy=partial(self._buy, order, content), show=_show)

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
            card=card_of({"details": {"card_token": token}}),
            accepted=Money(content["amount"], quote.currency),
            exactly=True,
            metadata=clean_metadata(metadata),
            transaction_id=transaction_id,
        )
        return confirm_session(session, payment, on_intent=on_intent)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code >= 400 and isinstance(response.data, dict):
            notice = {"message": response.data["detail"], "category": "Checkout", "type": "Error"}
            response.headers["Umb-Notifications"] = json.dumps([notice])
        return response


def _show(order: Order) -> Response:
    session = get_inline_session(order)
    return Response(answers.confirmation(order, transaction_id=session.transaction_id if session else ""))


class PaymentMethodsView(UmbracoView):
    def get(self, request: Request, order_id: str) -> Response:
        """List the ways in which this order can be paid."""
        return Response(answers.payment_methods(self.order(order_id)))


class ShippingMethodsView(UmbracoView):
    def get(self, request: Request, order_id: str) -> Response:
        """List the merchants' shipping rates, as the last quote offers them; none before there is an address."""
        order = self.order(order_id)
        session = get_inline_session(order)
        quote = get_quote(session) if session is not None else None
        return Response([] if quote is None else answers.shipping_methods(order, quote))
