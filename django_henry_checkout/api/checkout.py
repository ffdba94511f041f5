"""Checkout on Henry's hosted page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.bodies import CheckoutInput
from django_henry_checkout.api.names import JSON
from django_henry_checkout.api.people import buyer_of_person
from django_henry_checkout.api.repeating import by_key
from django_henry_checkout.flows.buyers import clean_buyer
from django_henry_checkout.flows.hosted import check_prefill, payment_url, takes_hosted_options
from django_henry_checkout.flows.sessions import Begun, Opening, begin_checkout
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
        opening = Opening(sign_in=content.get("auth"), region=content.get("region", ""))
        begun = begin_checkout(cart, user=cart.user, opening=opening)
        self.remember(begun.order)
        url = payment_url(begun.session, return_url=_return_url(request, begun), buyer=buyer)
        if "theme" in content:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode({'theme': content['theme']})}"
        ignored = () if takes_hosted_options(begun.order) else HOSTED_OPTIONS
        shown = {
            "checkoutUrl": url,
            "sessionToken": begun.token,
            "orderId": begun.order.ulid,
            "orderNumber": begun.order.number,
            "expiresAt": begun.session.expires_at.isoformat(),
            "ignored": [name for name in ignored if name in content],
        }
        return Response(shown, status=201), {}

    def _prefill(self, content: dict[str, Any], account: str) -> Buyer | None:
        if "buyer" not in content:
            return None
        check_prefill(account)
        return clean_buyer(buyer_of_person(content["buyer"]), strict=False)


def _return_url(request: Request, begun: Begun) -> str:
    return request.build_absolute_uri(
        reverse("henry_checkout:completed", args=[begun.order.ulid, begun.token])
    )
