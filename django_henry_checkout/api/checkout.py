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
from django_henry_checkout.conf import settings
from django_henry_checkout.exceptions import OrderNotFound, ReceiptInvalid
from django_henry_checkout.flows.buyers import clean_buyer
from django_henry_checkout.flows.frames import check_frame_origin, issue_ticket
from django_henry_checkout.flows.hosted import check_prefill, payment_url, takes_hosted_options, with_query
from django_henry_checkout.flows.receipts import read_receipt
from django_henry_checkout.flows.sessions import Begun, Opening, begin_checkout
from django_henry_checkout.models import SessionMode
from django_henry_checkout.types import Buyer

HOSTED_OPTIONS = ("auth", "region")


class CartCheckoutView(HenryView):
    costs_a_call_to_henry = True

    def post(self, request: Request) -> Response:
        """Begin to pay a cart on Henry's page: `checkoutUrl` is where the shopper goes."""
        return by_key(self, request, self._begin)

    def _begin(self, _begun_before: JSON | None) -> tuple[Response, JSON]:
        request = self.request
        content = self.read(CheckoutInput)
        cart = self.cart(content["cart_id"])
        buyer = self._prefill(content, cart.account)
        opening = self._opening(content, cart.account)
        begun = begin_checkout(cart, user=cart.user, opening=opening)
        self.remember(begun.order)
        url = payment_url(begun.session, return_url=_return_url(request, begun), buyer=buyer)
        if "theme" in content:
            url = with_query(url, theme=content["theme"])
        ignored = () if takes_hosted_options(begun.order) else HOSTED_OPTIONS
        shown = {
            "checkoutUrl": url,
            "sessionToken": begun.token,
            "orderId": begun.order.ulid,
            "orderNumber": begun.order.number,
            "expiresAt": begun.session.expires_at.isoformat(),
            **_addresses(request, begun),
            "ignored": [name for name in ignored if name in content],
        }
        return Response(shown, status=201), {}

    def _opening(self, content: dict[str, Any], account: str) -> Opening:
        opening = Opening(sign_in=content.get("auth"), region=content.get("region", ""))
        if "frame_origin" not in content:
            return opening
        own_origin = f"{self.request.scheme}://{self.request.get_host()}"
        origin = check_frame_origin(
            content["frame_origin"], account=settings.account(account), own_origin=own_origin
        )
        return replace(opening, mode=SessionMode.FRAMED, origin=origin)

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


def _addresses(request: Request, begun: Begun) -> JSON:
    """Where the checkout can be shown: for `<henry-checkout>` on a page of another site."""
    session, order = begun.session, begun.order

    def url(name: str, *args: str) -> str:
        return request.build_absolute_uri(reverse(f"henry_checkout:{name}", args=args))

    framed = session.mode == SessionMode.FRAMED
    return {
        "sessionId": session.ulid,
        "payUrl": url("pay", order.ulid, begun.token),
        "qrUrl": url("phone-qr", order.ulid, begun.token),
        "frameUrl": url("frame", issue_ticket(session)) if framed else None,
        "paymentOrigins": list(settings.account(order.account).checkout_origins),
    }


def _return_url(request: Request, begun: Begun) -> str:
    return request.build_absolute_uri(
        reverse("henry_checkout:completed", args=[begun.order.ulid, begun.token])
    )
