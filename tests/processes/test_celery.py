"""Promises 2 and 3 with Celery: real workers, beat and Redis, and failures of each.

The numbers are those of docs/internals/faults.md. Each shop is set up with the settings of docs/howto/celery.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_henry_checkout import tasks
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Delivery, Order, PurchasePoll
from django_henry_checkout.tasks import deliver_events, poll_due
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.shop.models import Product
from tests.processes.conftest import Starter, assert_signals_were_sent_once, buy, wait_until_quiet
from tests.receivers.models import Received
from tests.support.items import make_item
from tests.support.shop import ROOT
from tests.support.workers import Beat, CeleryWorker, Redis, documented, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

QUICK = {"pendingSeconds": 1, "processingSeconds": 2}
AT_ONCE = {"pendingSeconds": 0, "processingSeconds": 0}


def test_beat_and_a_worker_run_the_receivers_of_a_purchase(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter
) -> None:
    sandbox.scenario(timing=QUICK)
    shop = open_shop(redis_url, CELERY_WAKEUP=False)
    buy(sandbox)
    start(CeleryWorker, shop)
    start(Beat, shop)
    wait_until_quiet()
    assert_signals_were_sent_once(sandbox, orders=1)


def test_a_wakeup_runs_a_receiver_without_beat(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter, wakeups: None
) -> None:
    shop = open_shop(redis_url)
    worker = start(CeleryWorker, shop)
    worker.wait_until_ready()
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    assert not worker.received()
    begin_checkout(cart)
    wait_until(Received.objects.exists, seconds=10, what="the receiver ran")
    assert Received.objects.get().signal == "checkout_started"
    assert len(worker.received()) == 1


def test_a_worker_that_is_stopped_finishes_its_work(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter
) -> None:
    shop = open_shop(redis_url, receiver_seconds=1, CELERY_WAKEUP=False)
    for _number in range(3):
        buy(sandbox)
    worker = start(CeleryWorker, shop)
    deliver_events.apply_async(queue=shop.queue)
    wait_until(Received.objects.exists, what="the first receiver ran")
    worker.stop()
    assert Delivery.objects.filter(status="done").count() == Received.objects.count() == 3


def test_killed_workers_lose_nothing_and_repeat_nothing(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter
) -> None:
    sandbox.scenario(timing=QUICK)
    shop = open_shop(redis_url, lease_seconds=2, receiver_seconds=0.02)
    for _number in range(10):
        buy(sandbox)
    for _beat in range(2):  # the second does no harm
        start(Beat, shop)
    for progress in (3, 20):
        worker = start(CeleryWorker, shop)
        wait_until(lambda floor=progress: Received.objects.count() >= floor, what=f"{progress} receivers ran")
        worker.kill()
        assert Delivery.objects.exclude(status="done").exists() or PurchasePoll.objects.exists()
    start(CeleryWorker, shop)
    wait_until_quiet()
    assert_signals_were_sent_once(sandbox, orders=10)


def test_fault_07_a_frozen_worker_that_wakes_up_repeats_nothing(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter
) -> None:
    slow = {"fault": "delay", "path": "/v1/orders*", "seconds": 0.6, "times": 0}
    sandbox.scenario(timing=AT_ONCE, faults=[slow])
    shop = open_shop(redis_url, lease_seconds=3, CELERY_WAKEUP=False)
    for _number in range(5):
        buy(sandbox)
    PurchasePoll.objects.update(due_at=timezone.now())
    frozen = start(CeleryWorker, shop, concurrency=1)
    poll_due.apply_async(queue=shop.queue)
    wait_until(lambda: PurchasePoll.objects.filter(fence__gt=0).exists(), what="a purchase is claimed")
    frozen.freeze()
    start(CeleryWorker, shop)
    start(Beat, shop)
    wait_until_quiet()
    assert "succeeded" not in frozen.output()
    frozen.thaw()
    wait_until(lambda: "succeeded" in frozen.output(), what="the frozen worker ended its task")
    frozen.stop()
    assert_signals_were_sent_once(sandbox, orders=5)


def test_fault_11_a_flushed_redis_loses_nothing(
    sandbox: Sandbox, own_redis: Redis, open_shop: Starter, start: Starter, wakeups: None
) -> None:
    sandbox.scenario(timing=QUICK)
    shop = open_shop(own_redis.url, receiver_seconds=0.02)
    start(CeleryWorker, shop)
    start(Beat, shop)
    for _number in range(6):
        buy(sandbox)
    for progress in (2, 10, 20):
        wait_until(lambda floor=progress: Received.objects.count() >= floor, what=f"{progress} receivers ran")
        own_redis.flush()
    assert Delivery.objects.exclude(status="done").exists() or PurchasePoll.objects.exists()
    wait_until_quiet()
    assert_signals_were_sent_once(sandbox, orders=6)


class Shopper:
    """A shopper on the shop's pages; `slowest` is the time of the slowest one."""

    def __init__(self) -> None:
        self._client = Client()
        self.slowest = 0.0

    def check_out(self) -> Order:
        product = Product.objects.get()
        self._time(lambda: self._client.post(product.get_absolute_url(), {"quantity": 1}))
        cart = self._time(lambda: self._client.get(reverse("shop:cart"))).context["cart"]
        sent = self._time(lambda: self._client.post(reverse("henry_checkout:buy"), {"cart": cart.public_id}))
        assert sent.status_code in {302, 303}, sent.content
        return Order.objects.latest("pk")

    def _time(self, request: Callable[[], Any]) -> Any:
        began = time.monotonic()
        response = request()
        self.slowest = max(self.slowest, time.monotonic() - began)
        return response


@pytest.mark.urls("example_project.urls")
@pytest.mark.parametrize(("problem", "limit"), [("stopped", 1.5), ("frozen", 5)])
def test_fault_12_shoppers_check_out_while_redis_is_unreachable(
    sandbox: Sandbox,
    own_redis: Redis,
    open_shop: Starter,
    start: Starter,
    wakeups: None,
    monkeypatch: pytest.MonkeyPatch,
    problem: str,
    limit: float,
) -> None:
    Product.objects.create(
        slug="boots", link="https://alpine.example/products/boots", name="Boots", merchant="Alpine",
        price_amount="149.00",
    )  # fmt: skip
    sandbox.scenario(timing=QUICK)
    shop = open_shop(own_redis.url)
    workers = [start(CeleryWorker, shop)]
    start(Beat, shop)
    sandbox.pay(Shopper().check_out().henry_cart_id)
    wait_until_quiet()

    own_redis.stop() if problem == "stopped" else own_redis.freeze()
    shoppers = [Shopper() for _number in range(3)]
    orders = []
    for shopper in shoppers:
        monkeypatch.setattr(tasks, "_enqueue_again_at", 0.0)  # the pause after a failure has just ended
        orders.append(shopper.check_out())
    for order in orders:
        sandbox.pay(order.henry_cart_id)
    assert max(shopper.slowest for shopper in shoppers) < limit
    waiting = Delivery.objects.filter(order__in=orders)
    assert waiting.count() == 3
    assert not waiting.exclude(status="pending").exists()
    assert not Received.objects.filter(order_number__in=[order.number for order in orders]).exists()

    own_redis.start() if problem == "stopped" else own_redis.thaw()

    def supervise() -> None:
        if not workers[-1].is_running():  # see "Redis, stopped" in docs/howto/celery.md
            workers.append(start(CeleryWorker, shop))

    wait_until_quiet(meanwhile=supervise)
    assert_signals_were_sent_once(sandbox, orders=4)


def test_fault_13_the_same_task_a_hundred_times_claims_each_row_once(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter
) -> None:
    sandbox.scenario(timing=AT_ONCE)
    # Small batches, so that one process does not claim all rows.
    shop = open_shop(redis_url, CELERY_WAKEUP=False, POLL_BATCH=2, DELIVERY_BATCH=2)
    orders = [buy(sandbox) for _number in range(20)]
    PurchasePoll.objects.update(due_at=timezone.now())
    calls_before = len(sandbox.requests())
    for _number in range(100):
        poll_due.apply_async(queue=shop.queue)
    workers = [start(CeleryWorker, shop, concurrency=5) for _number in range(2)]
    wait_until(lambda: not PurchasePoll.objects.exists(), what="all purchases ended")
    calls = Counter(row["query"].rpartition("cartId=")[2] for row in sandbox.requests()[calls_before:])
    assert calls == {order.henry_cart_id: 1 for order in orders}

    for _number in range(100):
        deliver_events.apply_async(queue=shop.queue)
    wait_until_quiet()
    assert set(Delivery.objects.values_list("fence", "attempts")) == {(1, 1)}
    assert_signals_were_sent_once(sandbox, orders=20)
    wait_until(lambda: sum(len(worker.received()) for worker in workers) == 200, what="no task was lost")


def test_fault_14_a_redelivered_task_changes_nothing(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter
) -> None:
    short_timeout = {"visibility_timeout": 5, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    shop = open_shop(
        redis_url, transport=short_timeout, receiver_seconds=2, lease_seconds=3, CELERY_WAKEUP=False
    )
    for _number in range(5):
        buy(sandbox)
    workers = [start(CeleryWorker, shop, concurrency=1) for _number in range(2)]
    sent = deliver_events.apply_async(queue=shop.queue)
    wait_until(
        lambda: [name for worker in workers for name in worker.received()] == [sent.id, sent.id],
        what="the task was delivered twice",
    )
    wait_until(lambda: Received.objects.count() >= 5, what="all receivers ran")
    for worker in workers:
        worker.stop()
    assert Counter(Received.objects.values_list("order_number", flat=True)) == dict.fromkeys(
        Order.objects.values_list("number", flat=True), 1
    )


def test_the_example_shop_is_set_up_as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9")
    environment = {**os.environ, "CELERY_BROKER_URL": "redis://127.0.0.1:9", "DATABASE_URL": "postgres://x/y"}
    environment |= {"DJANGO_SETTINGS_MODULE": "example_project.settings"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("example_project/manage.py", "check", "--fail-level", "WARNING")
    code = "import json; from example_project import settings; "
    code += "shown = {k: v for k, v in vars(settings).items() if k.startswith('CELERY_')}; "
    code += "print(json.dumps([shown, settings.DATABASES['default']]))"
    shown: dict[str, Any] = {"HENRY_CHECKOUT": {}, "DATABASES": {"default": {}}}
    exec(documented("settings.py"), shown)  # our own page
    celery, database = json.loads(run("-c", code))
    assert celery == {name: value for name, value in shown.items() if name.startswith("CELERY_")}
    documented_database = shown["DATABASES"]["default"]
    assert {name: database[name] for name in documented_database} == documented_database
