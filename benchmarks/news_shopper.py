"""Buys one thing after the other and prints when each purchase's receiver had committed: `{cartId: Unix time}`."""

from __future__ import annotations

import json
import sys
import time

import django

django.setup()

from django.conf import settings

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.purchase.lifecycle import refresh_purchase
from django_henry_checkout.models import Delivery, Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Source
from tests.support.items import make_item


def main() -> None:
    """Buy as often as asked, and a few times before to warm up."""
    sandbox = Sandbox(settings.SANDBOX_URL)
    told: dict[str, float] = {}
    for number in range(int(sys.argv[1]) + 3):
        cart = carts.create_cart()
        carts.add_item(cart, make_item())
        order = begin_checkout(cart).order
        sandbox.pay(order.henry_cart_id)
        # As the page does that the shopper comes back to.
        refresh_purchase(Purchase.objects.get(order=order), source=Source.RETURN_PAGE)
        made = Delivery.objects.filter(
            order=order, event__type="purchase_completed", status="done", receiver__contains="record"
        )
        ends_at = time.monotonic() + 30
        while not made.exists() and time.monotonic() < ends_at:
            time.sleep(0.01)
        if number >= 3:
            told[order.henry_cart_id] = made.get().done_at.timestamp()
    print(json.dumps(told))


main()
