from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.callers import shop_request
from django_henry_checkout.api.inputs import CheckoutInput
from django_henry_checkout.flows.hosted import payment_url
from django_henry_checkout.flows.sessions import Begun, begin_hosted, renew_hosted
from django_henry_checkout.flows.shoppers import remember_order


class CartCheckoutView(HenryView):
    costs_a_call_to_henry = True

    def post(self, request: Request) -> Response:
        """Begin to pay a cart on Henry's page: `checkoutUrl` is where the shopper goes."""
        content = self.read(CheckoutInput)
        cart = self.cart(content["cart_id"])
        begun = begin_hosted(cart, user=cart.user)
        if self.caller.token_cart_id is None and not self.caller.trusted_account:
            remember_order(shop_request(request), begun.order)
        url = payment_url(begun.session, return_url=_return_url(request, begun))
        if "theme" in content:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode({'theme': content['theme']})}"
        return Response(
            {
                "checkoutUrl": url,
                "sessionToken": begun.token,
                "orderId": begun.order.ulid,
                "orderNumber": begun.order.number,
                "expiresAt": begun.session.expires_at.isoformat(),
            },
            status=201,
        )


class TokenView(HenryView):
    costs_a_call_to_henry = True

    def get(self, request: Request, order_id: str) -> Response:
        """Prepare an open order for payment, and answer the token that `pay` takes.

        A GET that changes something, because that is how Umbraco's API spells it; the newest token wins.
        """
        begun = renew_hosted(self.order(order_id))
        path = reverse("henry_checkout:pay", args=[begun.order.ulid, begun.token])
        content: dict[str, Any] = {
            "token": begun.token,
            "orderNumber": begun.order.number,
            "payUrl": request.build_absolute_uri(path),
        }
        return Response(content)


def _return_url(request: Request, begun: Begun) -> str:
    return request.build_absolute_uri(
        reverse("henry_checkout:completed", args=[begun.order.ulid, begun.token])
    )
