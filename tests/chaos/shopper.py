"""One shopper after the other, on Henry's page and by one call, until the process is killed or enough are served.

python -m tests.chaos.shopper SEED COUNTER_FILE TARGET
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import django

django.setup()

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from django_henry_checkout.exceptions import CheckoutError, GatewayError
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Card
from tests.support.inline import BUYER
from tests.support.items import make_item

OUTCOMES = ("complete", "complete", "complete", "failed")
FAULTS = (CheckoutError, GatewayError, DatabaseError, InterfaceError, OSError)


def shop_once(sandbox: Sandbox, dice: random.Random) -> None:
    """Fill a cart with goods of two merchants, one of which may fail, and pay it."""
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    metadata = {"sandbox": dice.choice(OUTCOMES)}
    carts.add_item(cart, make_item("https://clay.example/products/mug", metadata=metadata))
    if dice.random() < 0.5:
        order = begin_checkout(cart).order
        sandbox.pay(order.henry_cart_id)
    else:
        buy_cart(cart, BUYER, Payment(card=Card(token="card_test_pays")))


def main() -> None:
    seed, target = sys.argv[1], int(sys.argv[2])
    stopped = Path(sys.argv[3])
    dice = random.Random(seed)
    sandbox = Sandbox(settings.SANDBOX_URL)
    while not stopped.exists():
        try:
            shop_once(sandbox, dice)
            if Purchase.objects.count() >= target:
                time.sleep(0.5)  # enough; keep going slowly, for as long as the chaos lasts
        except FAULTS:
            connection.close()
            time.sleep(0.05)
        except AssertionError:  # the sandbox's control call failed: nobody paid
            time.sleep(0.05)


if __name__ == "__main__":
    main()
