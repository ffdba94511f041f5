"""Create many paid orders at once: for load tests, and to push others down the order list."""

from __future__ import annotations

from datetime import timedelta

from django_henry_checkout.sandbox.engine import orders, pricing
from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS
from django_henry_checkout.sandbox.engine.state import Address, Buyer, Cart, Line, Order, Person, Rules
from django_henry_checkout.sandbox.engine.store import new_ref, store

DEFAULT_BUYER = Buyer(
    Person("Sandbox", "Shopper"),
    "shopper@shop.example",
    "+12125550123",
    Address("350 Harbour Street", "New York", "NY", "10001", "US"),
    last4="4242",
)


def create_paid_orders(count: int, *, cart_prefix: str = "", filler: bool = False) -> list[Order]:
    """Create carts of one item each and pay them as the hosted page does."""
    payment = orders.Payment(via="hosted")
    lines = [Line(product.link) for product in PRODUCTS.values() if product.is_in_stock][:count]
    created = []
    with store.lock:
        first = store.next_order_time()
        # Priced and planned once per product: the orders of one call differ in nothing else.
        templates = [
            (
                line,
                pricing.price_lines([line]),
                orders.plan_order([line], scenario=store.scenario, payment=payment),
            )
            for line in lines
        ]
        for index in range(count):
            line, priced, plan = templates[index % len(templates)]
            cart = store.save_cart(Cart(store.new_cart_id(cart_prefix), first, [line]))
            order = Order(
                ref_id=new_ref("ckp"),
                cart_id=cart.cart_id,
                # Microseconds apart, so that many orders do not reach far into the future.
                created_at=first + timedelta(microseconds=index),
                via=payment.via,
                lines=priced,
                buyer=DEFAULT_BUYER,
                rules=Rules(),
                plan=plan,
                filler=filler,
            )
            store.add_order(order)
            created.append(order)
    return created
