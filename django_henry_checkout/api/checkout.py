"""Checkout on Henry's hosted page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.bodies import CheckoutInput, ReceiptInput
from django_henry_checkout.api.names import JSON
from django_henry_checkout.api.people import buyer_of_person
from django_henry_checkout.api.repeating import by_key
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


class CartCheckoutView(HenryView):
    costs_a_call_to_henry = True

    def post(self, request: Request) -> Response:
        """Begin to pay a cart on Henry's page: `checkoutUrl` is where the shopper goes."""
        return by_key(self, request, self._begin)

    def _begin(self, _started_before: JSON | None) -> tuple[Response, JSON]:
        request = self.request
        content = self.read(CheckoutInput)
        cart = self.cart(content["cart_id"])
        buyer = self._prefill(content, cart.account)
        options = self._options(content, cart.account)
        started = begin_checkout(cart, user=cart.user, options=options)
        self.remember(started.order)
        url = payment_url(started.session, return_url=_return_url(request, started), buyer=buyer)
        if "theme" in content:
            url = add_query(url, theme=content["theme"])
        ignored = () if accepts_hosted_options(started.order) else HOSTED_OPTIONS
        shown = {
            "checkoutUrl": url,
            "sessionToken": started.token,
            "orderId": started.order.ulid,
            "orderNumber": started.order.number,
            "expiresAt": started.session.expires_at.isoformat(),
            **_addresses(request, started),
            "ignored": [name for name in ignored if name in content],
        }
        return Response(shown, status=201), {}

    def _options(self, content: dict[str, Any], account: str) -> SessionOptions:
        options = SessionOptions(sign_in=content.get("auth"), region=content.get("region", ""))
        if "frame_origin" not in content:
            return options
        own_origin = f"{self.request.scheme}://{self.request.get_host()}"
        origin = check_frame_origin(
            content["frame_origin"], account=app_settings.account(account), own_origin=own_origin
        )
        return replace(options, mode=SessionMode.FRAMED, origin=origin)

    def _prefill(self, content: dict[str, Any], account: str) -> Buyer | None:
        if "buyer" not in content:
            return None
        check_prefill(account)
        return clean_buyer(buyer_of_person(content["buyer"]), strict=False)


class ReceiptView(HenryView):
    """What a page that embeds the checkout hands to its server: is it true?"""

    def post(self, request: Request) -> Response:
        """Verify a receipt that came through a browser: how far the order was then, and how it is now."""
        content = self.read(ReceiptInput)
        claims = read_receipt(content["receipt"], audience=content["origin"].rstrip("/").lower())
        try:
            order = self.order(str(claims["sub"]))
        except OrderNotFound:
            raise ReceiptInvalid from None  # somebody else's looks like one that nobody made
        said = {"status": claims["status"], "version": claims["version"], "sessionId": claims["sid"]}
        return Response({"orderId": order.ulid, "orderStatus": order.status, "receipt": said})


def _addresses(request: Request, started: StartedCheckout) -> JSON:
    """Where the checkout can be shown: for `<henry-checkout>` on a page of another site."""
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
