"""P14: a cart that grows, and a whole checkout, against django-oscar in a process of its own (`benchmarks.peers.oscar`).

Both sides serve a guest who comes with cookies, by Django's test client and the same middleware.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.test import Client, override_settings

from benchmarks import rows
from benchmarks.peers.measuring import Watch, cpu_each, medians, statements
from benchmarks.peers.process import running_peer
from benchmarks.results import Result, at_most
from benchmarks.storefront import item, make_cart
from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.support.shop import shop_settings

ADDS = 10
CHECKOUTS = 3


def guest(lines: int) -> tuple[Any, Client]:
    """Return a cart that holds so many lines, and the browser of the guest that it belongs to."""
    cart = make_cart(lines)
    session = SessionStore()
    session["henry_checkout"] = {"carts": [cart.ulid]}
    session.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return cart, client


class Adding:
    """A guest's cart of so many lines, into which one more product is put."""

    def __init__(self, lines: int) -> None:
        self.cart, self.client = guest(lines)
        self.kept = list(self.cart.lines.values_list("pk", flat=True))
        self.path = f"/henry/api/v1/cart/{self.cart.ulid}/item"

    def once(self, watch: Watch) -> None:
        """Send it; the product is taken out again beside the clock."""
        with watch.running():
            answer = self.client.post(self.path, {"item": item(1000)}, content_type="application/json")
        assert answer.status_code == 200, answer.content
        assert self.cart.lines.exclude(pk__in=self.kept).delete()[0] == 1


def check_out(watch: Watch, sandbox: Sandbox, *, lines: int) -> None:
    """Check out as a guest: the button's form, the way to Henry's page, the return from it, and the order's page.

    Henry is a sandbox in its own process; what it takes is not our processor time, talking to it is. The
    receivers of the shop run in a worker, after this. It is what a browser sends, and so are django-oscar's ten
    requests; its seven leave out those which only show forms.
    """
    from django_henry_checkout.models import Order

    cart, client = guest(lines)
    with watch.running():
        begun = client.post("/henry/buy", {"cart": cart.ulid})
    assert begun.status_code == 303, begun.content
    with watch.running():
        led = client.get(begun["Location"])
    assert led.status_code == 200, led.content
    order = Order.objects.get(cart=cart)
    sandbox.pay(order.henry_cart_id)
    with watch.running():
        back = client.get(f"{begun['Location']}/completed")
    assert back.status_code == 302, back.content
    with watch.running():
        shown = client.get(back["Location"])
    assert shown.status_code == 200, shown.content
    order.refresh_from_db()
    assert order.placed_at is not None, order.status


def against_oscar(*, rounds: int) -> list[Result]:
    """P14: the app and django-oscar in turn."""
    rows.clear()
    with running_sandbox() as sandbox, running_peer("oscar") as peer:
        asked = {**settings.HENRY_CHECKOUT, **shop_settings(sandbox)}
        with override_settings(HENRY_CHECKOUT=asked):
            return [*_adding(peer, rounds=rounds), *_checking_out(peer, sandbox, rounds=rounds)]


def _adding(peer: Any, *, rounds: int) -> list[Result]:
    ours = Adding(20)

    def block() -> float:
        cache.clear()  # the throttle's counts, as after a quiet minute
        return cpu_each(ours.once, calls=ADDS)

    mine, theirs = medians(block, lambda: peer.ask("add", calls=ADDS, lines=20), rounds=rounds)
    found = (
        f"{mine:.1f} ms of CPU, {statements(ours.once)} SQL; "
        f"django-oscar {theirs:.0f} ms, {peer.ask('add_sql', lines=20):.0f} SQL"
    )
    return [at_most("P14", "add to a cart of 20 lines / django-oscar", mine / theirs, 0.1, found)]


def _checking_out(peer: Any, sandbox: Sandbox, *, rounds: int) -> list[Result]:
    def one(lines: int) -> Any:
        return lambda watch: check_out(watch, sandbox, lines=lines)

    mine, theirs, least = medians(
        lambda: cpu_each(one(1), calls=CHECKOUTS),
        lambda: peer.ask("checkout", calls=CHECKOUTS, lines=1),
        lambda: peer.ask("checkout", calls=CHECKOUTS, lines=1, least=True),
        rounds=rounds,
    )
    few, many = statements(one(1)), statements(one(50))
    said = f"{mine:.0f} ms of CPU, {few} SQL; django-oscar"
    browsed = f"{said} {theirs:.0f} ms, {peer.ask('checkout_sql', lines=1):.0f} SQL"
    fewest = f"{said} {least:.0f} ms, {peer.ask('checkout_sql', lines=1, least=True):.0f} SQL"
    what = "whole checkout, from cart to placed order / django-oscar's"
    return [
        at_most("P14", f"{what}, ten requests of a browser", mine / theirs, 0.2, browsed),
        at_most("P14", "the same / its seven that cannot be left out", mine / least, 0.2, fewest),
        Result(
            "P14", "SQL of it / 30, the same for 1 and 50 lines", many / 30, "<= 1", few == many <= 30,
            f"{few} SQL for 1 line, {many} for 50",
        ),
    ]  # fmt: skip
