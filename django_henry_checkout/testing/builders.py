"""Makes carts and orders as shoppers would, through the app's own flows and a running sandbox."""

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

#: Two products of two merchants: enough for an order of which only a part is bought.
PRODUCTS = (
    ("https://alpine.example/products/boots", "149.00"),
    ("https://clay.example/products/mug", "24.50"),
)


def build_item(link: str = PRODUCTS[0][0], *, price: str = PRODUCTS[0][1], **more: Any) -> LineItem:
    """Return a product; `more` are other fields of a `LineItem`."""
    title = more.pop("title", urlsplit(link).path.rpartition("/")[2].replace("-", " ").title())
    return LineItem(link=link, title=title, unit_price=Money(Decimal(price), "USD"), **more)


def build_cart(items: Sequence[LineItem] = (), *, user: Any = None, account: str = "default") -> Cart:
    """Return a cart that holds `items`, or two products of two merchants."""
    wanted = items or [build_item(link, price=price) for link, price in PRODUCTS]
    return carts.create_filled_cart(wanted, user=user, account=account, metadata={})


def build_paid_order(
    sandbox: Sandbox, *, outcome: str = "complete", cart: Cart | None = None, until_idle: bool = True
) -> Order:
    """Have a cart paid on Henry's page, and follow the order to its end.

    Args:
        outcome: Henry's word for how it ends: "complete", "partially_complete" (of two lines; v0 calls that
            complete, too), "failed", "cancelled", or any other, at which it stays open.
        cart: None means that of `build_cart`.
        until_idle: False leaves the order as Henry has it right after the payment, and unpolled: `open` here.

    Raises:
        NotDrainedError: it does not end.
    """
    cart = build_cart() if cart is None else cart
    order = begin_checkout(cart, user=cart.user).order
    gateway = gateway_for(app_settings.account(order.account))
    if gateway.supports_order_list:
        sandbox.pay(order.henry_cart_id, outcome=outcome)
    else:  # then nobody but the shopper's browser tells what the order is called
        paid = sandbox.pay_as(order.henry_cart_id, outcome=outcome)
        record_claimed_id(Purchase.objects.get(order=order), str(paid["orderId"]))
    if until_idle:
        drain(sandbox)
        order.refresh_from_db()
        if order.status == OrderStatus.OPEN:  # a payment that nobody has seen counts as idle
            raise NotDrainedError("Henry was not seen to have the payment", [f"order {order.number}: open"])
    return order
