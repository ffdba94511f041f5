"""A shop's own process, on the database of its environment: `main()` does what it is told, writes JSON, and ends or dies.

- `open 12 1`: so many carts that have an order and a page at Henry, with products of these numbers and on
- `fill 12`: a cart with a product of this number
- `form 12`: the same, with an order that is to be paid in the shop's own form
- `buy CART`: the whole purchase by one call
- `late`: what was sent is past the time that its sender had
- `state`: what became of each product, as far as it does not differ from one good run to another
- `token`: a customer's token
- `fork`: what a forked child shares with its parent
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import django

LINKS = "https://alpine.example/products/{}"


def open_pages(count: str, first: str) -> list[dict[str, str]]:
    from django_henry_checkout.flows.checkout.sessions import begin_checkout

    orders = [begin_checkout(_cart(int(first) + number)).order for number in range(int(count))]
    return [{"number": order.number, "at_henry": order.henry_cart_id} for order in orders]


def fill(number: str) -> int:
    return int(_cart(int(number)).pk)


def form(number: str) -> dict[str, Any]:
    from django_henry_checkout.flows.checkout.inline import begin_inline

    cart = _cart(int(number))
    return {"cart": cart.pk, "number": begin_inline(cart).order.number}


def buy(cart: str) -> str:
    from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
    from django_henry_checkout.models import Cart
    from tests.support.inline import BUYER, card_of

    payment = Payment(card=card_of("v1"))
    return buy_cart(Cart.objects.get(pk=cart), BUYER, payment, on_intent=about_to_commit).number


def about_to_commit(order: Any) -> None:
    """The last thing in the transaction that commits the intent: a place for faults."""


def late() -> None:
    from django.utils import timezone

    from django_henry_checkout.models import Purchase, PurchasePoll

    ago = timezone.now() - timedelta(seconds=1)
    sent = Purchase.objects.filter(status="sent")
    PurchasePoll.objects.filter(purchase__in=sent).update(due_at=ago)
    sent.update(deadline_at=ago)


def state() -> dict[str, Any]:
    from django_henry_checkout.models import Order

    return {order.lines.get().link: _state_of(order) for order in Order.objects.select_related("cart")}


def _state_of(order: Any) -> dict[str, Any]:
    from tests.receivers.models import Received

    told = Counter(Received.objects.filter(order_number=order.number).values_list("signal", flat=True))
    return {
        "order": [order.status, order.needs_review, str(order.total)],
        "lines": list(order.lines.values_list("status", flat=True)),
        "purchases": list(order.purchases.values_list("status", flat=True)),
        "events": list(order.events.order_by("sequence").values_list("type", flat=True)),
        "told": dict(sorted(told.items())),
        "receipts": order.receipts.count(),
        "left in the cart": order.cart.lines.count(),
    }


def token() -> str:
    from django_henry_checkout.flows.access.customer_tokens import create_customer_token
    from django_henry_checkout.types import Buyer

    return create_customer_token(Buyer(email="ada@shop.example"))


def _cart(number: int) -> Any:
    from django_henry_checkout.flows.cart import carts
    from tests.support.items import make_item

    cart = carts.create_cart()
    carts.add_item(cart, make_item(LINKS.format(number)))
    cart.refresh_from_db()
    return cart


# Forks ------------------------------------------------------------------------------------


def fork() -> dict[str, Any]:
    """Ask Henry, fork, and ask again on both sides; tell the sockets and what the poll engine did there."""
    from django.db import connections

    from django_henry_checkout.flows.operations.run import run_once

    run_once()
    before = sockets()
    connections.close_all()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _tell(writer, {"at_once": sockets(), "later": _poll_until_connected()})
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        answer = json.loads(told.read())
    os.waitpid(child, 0)
    return {"before": before, "parent": sockets(), "child": answer}


def _tell(writer: int, answer: Any) -> None:
    os.write(writer, json.dumps(answer).encode())
    os.close(writer)


def _poll_until_connected() -> list[str]:
    """Work as a worker does, until it has asked Henry about something."""
    from django_henry_checkout.flows.operations.run import run_once

    ends_at = time.monotonic() + 10
    while not sockets() and time.monotonic() < ends_at:
        run_once()
    return sockets()


def sockets() -> list[str]:
    from tests.faults.processes import sockets_of

    return sorted(sockets_of(os.getpid()))


COMMANDS = {
    "open": open_pages, "fill": fill, "form": form, "buy": buy, "late": late, "state": state, "token": token, "fork": fork,
}  # fmt: skip


def main(words: str) -> None:
    """Do one thing after the other; `+` stands between them."""
    django.setup()
    spoken = words.split(" + ")
    answers = [COMMANDS[name](*arguments) for name, *arguments in map(str.split, spoken)]
    sys.stdout.write(json.dumps(answers if len(answers) > 1 else answers[0]) + "\n")
