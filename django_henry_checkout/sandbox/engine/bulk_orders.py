"""Many paid orders at once: for measurements, and to push others down the order list."""

from __future__ import annotations

from datetime import timedelta

from django_henry_checkout.sandbox.engine import orders, pricing
from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS
from django_henry_checkout.sandbox.engine.state import Address, Buyer, Cart, Line, Order, Person, Rules
from django_henry_checkout.sandbox.engine.store import new_ref, store

BUYER = Buyer(
    Person("Sandbox", "Shopper"),
    "shopper@shop.example",
    "+12125550123",
    Address("350 Harbour Street", "New York", "NY", "10001", "US"),
    last4="4242",
)


def make_orders(count: int, *, cart_prefix: str = "", filler: bool = False) -> list[Order]:
    """Pay this many fresh carts of one item each, as the hosted page would."""
    payment = orders.Payment(via="hosted")
    goods = [Line(product.link) for product in PRODUCTS.values() if product.is_in_stock][:count]
    made = []
    with store.lock:
        first = store.next_order_time()
        # Priced and planned once for each product: the orders of one call differ in nothing else.
        kinds = [
            (line, pricing.price([line]), orders.make_plan([line], scenario=store.scenario, payment=payment))
            for line in goods
        ]
        for at in range(count):
            line, priced, plan = kinds[at % len(kinds)]
            cart = store.keep_cart(Cart(store.new_cart_id(cart_prefix), first, [line]))
            order = Order(
                ref_id=new_ref("ckp"),
                cart_id=cart.cart_id,
                # Microseconds, or many orders would reach far into the future.
                created_at=first + timedelta(microseconds=at),
                via=payment.via,
                lines=priced,
                buyer=BUYER,
                rules=Rules(),
                plan=plan,
                filler=filler,
            )
            store.add_order(order)
            made.append(order)
    return made
