"""What the tests of faults on the way to and from Henry share: a shop that listens, a call under way, many purchases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.webhooks.inbox import endpoint_key, process_webhooks
from django_henry_checkout.models import AccountRateLimit, Event, Order, OrderLine, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.receivers.models import Received
from tests.support.items import make_item

SECRET = "whsec_of_the_faults_0123456789"
UUID = "c5dbd16b-60f1-42c7-8d36-a55c46e7a8c6"
#: Nothing goes on by itself: what happens at Henry happens when a test moves the clock.
SLOW = {"pendingSeconds": 1000, "processingSeconds": 1000, "jobSeconds": 0}
#: From `SLOW`'s first to its second and last change.
LATER = 1001

Options = Callable[..., None]


@pytest.fixture
def options(sandbox: Sandbox, polls_at_once: None, settings: Any) -> Options:
    """Change the shop's options; it knows a secret for webhooks from the start."""

    def change(**changes: Any) -> None:
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, **changes}

    change(WEBHOOK_SECRETS=[SECRET])
    return change


class Ears:
    """The shop's own server, to which the sandbox sends real webhooks."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self._sandbox = sandbox
        self._url = url

    def listen(self, secret: str = SECRET) -> None:
        """Have webhooks of all carts sent from now on, signed with `secret`."""
        path = f"/henry/webhooks/default/{endpoint_key(henry.account())}"
        endpoint = {"uuid": UUID, "url": self._url + path, "secret": secret, "everyCart": True}
        self._sandbox.set_webhook_endpoints([endpoint])

    def heard(self) -> list[dict[str, Any]]:
        """Wait until all that has happened was sent; what became of each, oldest first."""
        self._sandbox.wait_for_webhooks(30)
        return self._sandbox.webhook_log()

    def statuses(self) -> list[int | None]:
        return [row["status"] for row in self.heard()]


@pytest.fixture
def ears(sandbox: Sandbox, options: Options, live_server: Any) -> Iterator[Ears]:
    # Django's own server lets ten callers wait; Henry's next one would be cut off before the shop has seen it.
    live_server.thread.httpd.socket.listen(128)
    yield Ears(sandbox, live_server.url)
    sandbox.set_webhook_endpoints([])
    sandbox.wait_for_webhooks(30)  # or one would still be on its way when the tables are emptied


@contextmanager
def under_way(work: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Run a call in a thread of its own, as another request would; at the end of the block it is over."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        yield future
        future.exception(60)


# Purchases ----------------------------------------------------------------------------------


def begun(number: int) -> Order:
    """Send a shopper to Henry's page for a cart of one product."""
    cart = carts.create_cart()
    carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
    return begin_checkout(cart).order


def known(sandbox: Sandbox, count: int) -> list[str]:
    """Have carts paid and found; return Henry's references."""
    jobs = [sandbox.pay(begun(number).henry_cart_id) for number in range(count)]
    due_now()
    poll_due()
    refs = [str(job["refId"]) for job in jobs]
    assert set(Purchase.objects.values_list("ref_id", flat=True)) == set(refs)
    return refs


def followed(sandbox: Sandbox, count: int) -> list[str]:
    """Purchases that are known and due, made in bulk: the newest is the last of them."""
    made = sandbox.make_orders(count)
    paid = {row["refId"]: datetime.fromisoformat(row["paidAt"]) for row in sandbox.orders()}
    orders = Order.objects.bulk_create(
        Order(account="default", status="placed", henry_cart_id=row["cartId"]) for row in made
    )
    OrderLine.objects.bulk_create(
        OrderLine(order=order, position=1, link=row["link"], key=row["link"][-64:])
        for order, row in zip(orders, made, strict=True)
    )
    purchases = Purchase.objects.bulk_create(
        Purchase(
            order=order,
            account="default",
            status="pending",
            ref_id=row["refId"],
            henry_cart_id=row["cartId"],
            found_at=paid[row["refId"]],
            deadline_at=timezone.now() + timedelta(days=30),
        )
        for order, row in zip(orders, made, strict=True)
    )
    due = timezone.now()
    PurchasePoll.objects.bulk_create(
        PurchasePoll(purchase=each, account="default", due_at=due) for each in purchases
    )
    return [row["refId"] for row in made]


def due_now() -> None:
    PurchasePoll.objects.update(due_at=timezone.now())


def rested() -> None:
    """Let the pauses of all accounts be over."""
    for pace in AccountRateLimit.objects.all():
        pace.refilled_at -= timedelta(hours=1)
        pace.window_started_at -= timedelta(hours=1)
        pace.paused_until = None
        pace.save()


def settle(sandbox: Sandbox, *, seconds: float = 3 * LATER) -> None:
    """Let everything at Henry come to its end, and hear of it."""
    sandbox.advance(seconds)
    for _round in range(4):
        due_now()
        process_webhooks()
        poll_due()


# What became of it --------------------------------------------------------------------------


def events(kind: str) -> int:
    return Event.objects.filter(type=kind).count()


def told() -> list[str]:
    """The signals that receivers got, in their order."""
    return list(Received.objects.order_by("pk").values_list("signal", flat=True))


def story_holds() -> bool:
    """Whether the events of each order are numbered without a gap, and end once at most."""
    endings = ("purchase_completed", "purchase_partially_completed", "purchase_failed", "purchase_canceled")
    for order in Order.objects.all():
        rows = list(Event.objects.filter(order=order).order_by("sequence").values_list("sequence", "type"))
        if [number for number, _kind in rows] != list(range(1, order.event_count + 1)):
            return False
        if sum(kind in endings for _number, kind in rows) > 1:
            return False
    return True
