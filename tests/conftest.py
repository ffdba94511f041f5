from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core.cache import cache

from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.support.items import make_item
from tests.support.shop import shop_settings

# How long an example takes says nothing on a busy machine; and a build must not fail by chance.
hypothesis.settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("ours")

#: What meets no database of its own kind, or walks the same code as other tests do, runs on SQLite only.
ONCE = (
    "api/test_canaries", "api/test_cors", "api/test_qr_decodes", "api/test_schema", "api/test_strangers", "conformance/",
    "docs/", "faults/test_wire", "flows/access/test_customer_tokens", "flows/buyer/", "gateway/", "sandbox/",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(ONCE):
            item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session")
def _sandbox_process() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox_process: Sandbox, settings: Any) -> Sandbox:
    """A fresh sandbox, and a shop that is set up for it."""
    _sandbox_process.reset()
    cache.clear()
    settings.HENRY_CHECKOUT = shop_settings(_sandbox_process)
    return _sandbox_process


@pytest.fixture
def polls_at_once(sandbox: Sandbox, settings: Any) -> None:
    """Make each purchase due again at once, so that a test needs no waiting."""
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "POLL_SCHEDULE": ((0, 0),), "POLL_JITTER": 0}


@pytest.fixture(params=["v1", "v1-rpc", "v0"])
def version(request: Any, sandbox: Sandbox, polls_at_once: None, settings: Any) -> str:
    """Each generation of Henry's API in turn, with the catalogue of `tests.support.inline`."""
    from tests.support.inline import use, world

    world(sandbox)
    return use(settings, request.param)


@pytest.fixture(params=["v1", "v1-rpc"])
def v1(request: Any, sandbox: Sandbox, polls_at_once: None, settings: Any) -> str:
    """Both v1 generations in turn, as `version`."""
    from tests.support.inline import use, world

    world(sandbox)
    return use(settings, request.param)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Any]:
    """A Redis that a test may stop without an effect on others."""
    from tests.support.workers import Redis

    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def cart(db: None) -> Any:
    """A guest's cart with two products of two merchants."""
    from django_henry_checkout.flows.cart import carts

    cart = carts.create_cart()
    for link, price in (
        ("https://alpine.example/products/boots", "149.00"),
        ("https://clay.example/products/mug", "24.50"),
    ):
        carts.add_item(cart, make_item(link, price=price))
    cart.refresh_from_db()
    return cart


@pytest.fixture
def short_leases(sandbox: Sandbox, settings: Any) -> None:
    lease = timedelta(seconds=1)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "POLL_LEASE": lease, "DELIVERY_LEASE": lease}
