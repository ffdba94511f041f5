"""Purchase of a cart with one call, as in Henry's early v1 (henry-api.md 3.3)."""

from __future__ import annotations

from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.callers import django_request
from django_henry_checkout.api.common.idempotency import OnIntent, idempotent_purchase
from django_henry_checkout.api.henry.buyers import parse_buyer, parse_card
from django_henry_checkout.api.henry.inputs import PurchaseInput, parse_money
from django_henry_checkout.api.henry.purchase_job import serialize_purchase
from django_henry_checkout.flows.cart.items import clean_metadata
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.flows.purchase.lifecycle import find_purchase, last_purchase
from django_henry_checkout.models import Order, OrderBuyer, Purchase, PurchaseStatus

_OUTCOME_UNKNOWN = frozenset({PurchaseStatus.SENT, PurchaseStatus.IN_DOUBT})


class CartPurchaseView(StorefrontView):
    calls_henry = True
    #: The only place in the body where a card is allowed; read by the parser.
    card_path = ("buyer", "card", "details")

    def post(self, request: Request) -> Response:
        """Buy a cart with one call; `refId` identifies the purchase. Requires an `Idempotency-Key`."""
        content = self.read_body(PurchaseInput)
        return idempotent_purchase(self, request, buy=partial(self._buy, content), respond=_respond_new)

    def _buy(self, content: dict[str, Any], on_intent: OnIntent) -> Order:
        cart = self.get_cart(content["cart_id"])
        payment = Payment(
            card=parse_card(content["buyer"].get("card")),
            accepted=parse_money(content.get("accepted_total")),
            coupons=tuple(content["coupons"]),
            selected_shipping=dict(content["selected_shipping_option"]),
            settings=dict(content["settings"]),
            metadata=clean_metadata(content["metadata"]),
        )
        changes = Changes(
            quantities=content["override_products"], selected_shipping=payment.selected_shipping
        )
        order = buy_cart(
            cart,
            parse_buyer(content["buyer"]),
            payment,
            changes=changes,
            request=django_request(self.request),
            on_intent=on_intent,
        )
        self.remember_order(order)
        return order


class CartPurchaseStatusView(StorefrontView):
    def get(self, request: Request) -> Response:
        """Read the status and the result of a purchase, by its `refId`."""
        return _respond(find_purchase(request.query_params.get("refId", ""), caller=self.caller))


def _respond_new(order: Order) -> Response:
    return _respond(last_purchase(order), is_new=True)


def _respond(purchase: Purchase, *, is_new: bool = False) -> Response:
    buyer = OrderBuyer.objects.filter(order=purchase.order_id).first()
    content = serialize_purchase(purchase, purchase.order.lines.all(), buyer)
    return Response(content, status=202 if is_new and purchase.status in _OUTCOME_UNKNOWN else 200)
