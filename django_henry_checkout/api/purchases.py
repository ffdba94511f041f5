"""Buying a cart by one call, as on the page of Henry's early v1."""

from __future__ import annotations

from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.bodies import PurchaseInput
from django_henry_checkout.api.inputs import as_money
from django_henry_checkout.api.jobs import purchase_job
from django_henry_checkout.api.paying import pay_once
from django_henry_checkout.api.people import buyer_of_person, card_of
from django_henry_checkout.api.repeating import OnIntent
from django_henry_checkout.flows.cart.items import clean_metadata
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.flows.purchase.lifecycle import find_purchase, last_purchase
from django_henry_checkout.models import Order, OrderBuyer, Purchase, PurchaseStatus

_IN_THE_DARK = frozenset({PurchaseStatus.SENT, PurchaseStatus.IN_DOUBT})


class CartPurchaseView(HenryView):
    costs_a_call_to_henry = True
    #: Where a card may stand, and nowhere else.
    card_path = ("buyer", "card", "details")

    def post(self, request: Request) -> Response:
        """Buy a cart by one call; its `refId` leads to the outcome. Needs an `Idempotency-Key`."""
        content = self.read(PurchaseInput)
        return pay_once(self, request, buy=partial(self._buy, content), show=_show_order)

    def _buy(self, content: dict[str, Any], on_intent: OnIntent) -> Order:
        cart = self.cart(content["cart_id"])
        payment = Payment(
            card=card_of(content["buyer"].get("card")),
            accepted=as_money(content.get("accepted_total")),
            coupons=tuple(content["coupons"]),
            selected_shipping=dict(content["selected_shipping_option"]),
            settings=dict(content["settings"]),
            metadata=clean_metadata(content["metadata"]),
        )
        changes = Changes(
            quantities=content["override_products"], selected_shipping=payment.selected_shipping
        )
        order = buy_cart(
            cart, buyer_of_person(content["buyer"]), payment, changes=changes, on_intent=on_intent
        )
        self.remember(order)
        return order


class CartPurchaseStatusView(HenryView):
    def get(self, request: Request) -> Response:
        """Read what became of a purchase, by its `refId`."""
        return _show(find_purchase(request.query_params.get("refId", ""), caller=self.caller))


def _show_order(order: Order) -> Response:
    return _show(last_purchase(order), is_new=True)


def _show(purchase: Purchase, *, is_new: bool = False) -> Response:
    buyer = OrderBuyer.objects.filter(order=purchase.order_id).first()
    content = purchase_job(purchase, purchase.order.lines.all(), buyer)
    return Response(content, status=202 if is_new and purchase.status in _IN_THE_DARK else 200)
