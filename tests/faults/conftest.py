from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import FaultyWorker, Shop

#: Sessions that block each other, a server of the test's own, the database's clock: SQLite has none of these.
collect_ignore_glob = [] if connection.vendor == "postgresql" else ["test_processes_postgres_*.py"]


@pytest.fixture
def start(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., FaultyWorker]]:
    """Start workers with faults inside, and leave none behind."""
    started: list[FaultyWorker] = []

    def start(**how: Any) -> FaultyWorker:
        started.append(FaultyWorker(sandbox, tmp_path, **how))
        return started[-1]

    yield start
    for worker in started:
        worker.end()


@pytest.fixture
def shop(sandbox: Sandbox) -> Shop:
    return Shop(sandbox)


@pytest.fixture
def at_once(sandbox: Sandbox, polls_at_once: None) -> None:
    """Henry buys the moment that he is paid, so that the first look at a purchase sees its end."""
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0})


@pytest.fixture
def paid(sandbox: Sandbox, at_once: None, cart: Cart) -> Order:
    """An order that was paid on Henry's page; nobody has looked yet."""
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    return order
