"""Builds carts and orders as shoppers do, through the app's flows and a running sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from moneyed import Money

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.purchase.lifecycle import record_claimed_id
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import Cart, Order, OrderStatus, Purchase
from django_henry_checkout.testing.drain import NotDrainedError, drain
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import LineItem

#: Two products of two merchants, so that an order can be bought in part.
PRODUCTS = (
    ("https://alpine.example/products/boots", "149.00"),
    ("https://clay.example/products/mug", "24.50"),
)


def build_item(link: str = PRODUCTS[0][0], *, price: str = PRODUCTS[0][1], **more: Any) -> LineItem:
    """Return a product; `more` are other fields of `LineItem`."""
    title = more.pop("title", urlsplit(link).path.rpartition("/")[2].replace("-", " ").title())
    return LineItem(link=link, title=title, unit_price=Money(Decimal(price), "USD"), **more)


def build_cart(items: Sequence[LineItem] = (), *, user: Any = None, account: str = "default") -> Cart:
    """Create a cart with `items`; by default with two products of two merchants."""
    wanted = items or [build_item(link, price=price) for link, price in PRODUCTS]
    return carts.create_filled_cart(wanted, user=user, account=account, metadata={})


def build_paid_order(
    sandbox: Sandbox, *, outcome: str = "complete", cart: Cart | None = None, drained: bool = True
) -> Order:
    """Pay a cart on Henry's page, and follow the order until it ends; return the order.

    Args:
        outcome: Henry's status at the end: "complete", "partially_complete" (needs two lines; v0 reports it
            as complete), "failed" or "cancelled". With any other word the order stays open.
        cart: the cart to pay; None builds one with `build_cart`.
        drained: if False, return the order right after the payment: not polled yet, and so still `open`.

    Raises:
        NotDrainedError: the order does not end.
    """
    cart = build_cart() if cart is None else cart
    order = begin_checkout(cart, user=cart.user).order
    gateway = gateway_for(app_settings.account(order.account))
    if gateway.supports_order_list:
        sandbox.pay(order.henry_cart_id, outcome=outcome)
    else:  # only the shopper's browser reports the order's id
        paid = sandbox.pay_as(order.henry_cart_id, outcome=outcome)
        record_claimed_id(Purchase.objects.get(order=order), str(paid["orderId"]))
    if drained:
        drain(sandbox)
        order.refresh_from_db()
        if order.status == OrderStatus.OPEN:  # to `drain`, a payment that was not found is an unpaid checkout
            raise NotDrainedError("Henry did not report the payment", [f"order {order.number}: open"])
    return order
