from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import celery._state
import pytest

from django_henry_checkout import tasks
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.queue.wakeup import subscribe, unsubscribe
from django_henry_checkout.models import Delivery, Event, Order, PurchasePoll
from django_henry_checkout.tasks import enqueue_task
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.shop.models import Receipt
from tests.receivers.models import Received
from tests.support.items import make_item
from tests.support.workers import Beat, CeleryShop, CeleryWorker, wait_until

Starter = Callable[..., Any]


@pytest.fixture
def redis_url() -> str:
    url = os.environ.get("REDIS_URL", "")
    assert url, "REDIS_URL is not set: run this with `make test`, or below `scripts/services.py run --`."
    return url


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start a `CeleryWorker` or a `Beat`; stop all of them at the end."""
    started: list[CeleryWorker | Beat] = []

    def start(kind: type[CeleryWorker | Beat], shop: CeleryShop, **how: Any) -> CeleryWorker | Beat:
        started.append(kind(shop, **how))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture
def open_shop(
    tmp_path: Path, sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Starter]:
    """Set up a shop on a broker; this process is its web server and sends its tasks there."""
    opened = []

    def open_shop(broker_url: str, **how: Any) -> CeleryShop:
        monkeypatch.setenv("REDIS_URL", broker_url)
        shop = CeleryShop(tmp_path, sandbox, broker_url, **how)
        app = shop.make_app()
        opened.append(app)
        monkeypatch.setattr(celery._state, "default_app", app)
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "CELERY_QUEUE": shop.queue}
        return shop

    yield open_shop
    for app in opened:
        app.pool.force_close_all()
        app.close()


@pytest.fixture
def wakeups(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wake up workers from this process, as CELERY_WAKEUP does in a web server."""
    monkeypatch.setattr(tasks, "_enqueue_again_at", 0.0)  # an earlier test's broker may have gone away
    subscribe(enqueue_task)
    yield
    unsubscribe(enqueue_task)


def buy(sandbox: Sandbox) -> Order:
    """Pay a cart with products of two merchants."""
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    carts.add_item(cart, make_item("https://clay.example/products/mug"))
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    return order


def wait_until_quiet(*, meanwhile: Callable[[], None] = lambda: None) -> None:
    def is_quiet() -> bool:
        meanwhile()
        return not PurchasePoll.objects.exists() and not Delivery.objects.exclude(status="done").exists()

    wait_until(is_quiet, what="quiet")


def assert_signals_were_sent_once(sandbox: Sandbox, orders: int) -> None:
    assert set(Order.objects.values_list("status", flat=True)) == {"completed"}
    assert len(sandbox.orders()) == Order.objects.count() == orders
    received = Counter(Received.objects.values_list("signal", "order_number"))
    assert received == Counter(Event.objects.values_list("type", "order__number"))
    per_event = Counter(Received.objects.values_list("event_id", flat=True))
    assert set(per_event.values()) == {1}
    assert len(per_event) == Event.objects.count() > 0
    receipts = Counter(Receipt.objects.values_list("order__number", flat=True))
    assert receipts == dict.fromkeys(Order.objects.values_list("number", flat=True), 1)
