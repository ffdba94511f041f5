"""Checkout on Henry's hosted page, and receipts of embedded checkouts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.callers import django_request
from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.idempotency import idempotent_call
from django_henry_checkout.api.henry.buyers import parse_buyer
from django_henry_checkout.api.henry.inputs import CheckoutInput, ReceiptInput
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import OrderNotFound, ReceiptInvalid
from django_henry_checkout.flows.buyer.details import clean_buyer
from django_henry_checkout.flows.checkout.embedded import check_frame_origin, issue_ticket
from django_henry_checkout.flows.checkout.hosted import (
    accepts_hosted_options,
    add_query,
    check_prefill,
    payment_url,
)
from django_henry_checkout.flows.checkout.receipts import read_receipt
from django_henry_checkout.flows.checkout.sessions import SessionOptions, StartedCheckout, begin_checkout
from django_henry_checkout.models import SessionMode
from django_henry_checkout.types import Buyer

HOSTED_OPTIONS = ("auth", "region")


class HostedCheckoutView(StorefrontView):
    calls_henry = True

    def post(self, request: Request) -> Response:
        """Begin a checkout on Henry's page: redirect the shopper to `checkoutUrl`."""
        return idempotent_call(self, request, self._begin)

    def _begin(self, _reference: JSON | None) -> tuple[Response, JSON]:
        request = self.request
        content = self.read_body(CheckoutInput)
        cart = self.get_cart(content["cart_id"])
        buyer = self._get_prefill(content, cart.account)
        options = self._build_options(content, cart.account)
        started = begin_checkout(cart, user=cart.user, options=options, request=django_request(request))
        self.remember_order(started.order)
        url = payment_url(started.session, return_url=_return_url(request, started), buyer=buyer)
        if "theme" in content:
            url = add_query(url, theme=content["theme"])
        ignored = () if accepts_hosted_options(started.order) else HOSTED_OPTIONS
        body = {
            "checkoutUrl": url,
            "sessionToken": started.token,
            "orderId": started.order.ulid,
            "orderNumber": started.order.number,
            "expiresAt": started.session.expires_at.isoformat(),
            **_build_urls(request, started),
            "ignored": [name for name in ignored if name in content],
        }
        return Response(body, status=201), {}

    def _build_options(self, content: dict[str, Any], account: str) -> SessionOptions:
        options = SessionOptions(sign_in=content.get("auth"), region=content.get("region", ""))
        if "frame_origin" not in content:
            return options
        own_origin = f"{self.request.scheme}://{self.request.get_host()}"
        origin = check_frame_origin(
            content["frame_origin"], account=app_settings.account(account), own_origin=own_origin
        )
        return replace(options, mode=SessionMode.FRAMED, origin=origin)

    def _get_prefill(self, content: dict[str, Any], account: str) -> Buyer | None:
        if "buyer" not in content:
            return None
        check_prefill(account)
        return clean_buyer(parse_buyer(content["buyer"]), strict=False)


class ReceiptView(StorefrontView):
    def post(self, request: Request) -> Response:
        """Verify a receipt that came through a browser: the order's status then and now."""
        content = self.read_body(ReceiptInput)
        claims = read_receipt(content["receipt"], audience=content["origin"].rstrip("/").lower())
        try:
            order = self.get_order(str(claims["sub"]))
        except OrderNotFound:
            raise ReceiptInvalid from None  # another caller's looks like a forged one
        receipt = {"status": claims["status"], "version": claims["version"], "sessionId": claims["sid"]}
        return Response({"orderId": order.ulid, "orderStatus": order.status, "receipt": receipt})


def _build_urls(request: Request, started: StartedCheckout) -> JSON:
    """Return where the checkout can be shown, for `<henry-checkout>` on a page of another site."""
    session, order = started.session, started.order

    def url(name: str, *args: str) -> str:
        return request.build_absolute_uri(reverse(f"henry_checkout:{name}", args=args))

    framed = session.mode == SessionMode.FRAMED
    return {
        "sessionId": session.ulid,
        "payUrl": url("pay", order.ulid, started.token),
        "qrUrl": url("phone-qr", order.ulid, started.token),
        "frameUrl": url("frame", issue_ticket(session)) if framed else None,
        "paymentOrigins": list(app_settings.account(order.account).checkout_origins),
    }


def _return_url(request: Request, started: StartedCheckout) -> str:
    return request.build_absolute_uri(
        reverse("henry_checkout:completed", args=[started.order.ulid, started.token])
    )
