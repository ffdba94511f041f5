"""Fixtures of pytest: `pytest_plugins = ["django_henry_checkout.testing.plugin"]` in the root conftest.py.

They need pytest-django. What knows models is imported when a fixture is used: Django is set up later than plugins.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from django_henry_checkout.models import Cart, Order
    from django_henry_checkout.testing.drain import DrainResult
    from django_henry_checkout.testing.race import Race


@pytest.fixture(scope="session")
def henry_sandbox_process() -> Iterator[Sandbox]:
    """One sandbox for the whole run, or for each process of pytest-xdist."""
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def henry_sandbox(henry_sandbox_process: Sandbox, settings: Any) -> Sandbox:
    """A sandbox that has forgotten all earlier tests; HENRY_CHECKOUT leads to it, whatever it said before."""
    henry_sandbox_process.reset()
    own = getattr(settings, "HENRY_CHECKOUT", {})
    settings.HENRY_CHECKOUT = henry_sandbox_process.options(own)
    return henry_sandbox_process


@pytest.fixture
def henry_webhook(henry_sandbox: Sandbox, db: None) -> Callable[..., int]:
    """Send a webhook as Henry would: see `testing.webhooks.send_webhook`."""
    from django_henry_checkout.testing.webhooks import send_webhook  # noqa: PLC0415 - needs Django

    return send_webhook


@pytest.fixture
def run_until_idle(henry_sandbox: Sandbox, db: None) -> Callable[..., DrainResult]:
    """Run everything that waits to its end: see `testing.drain.run_until_idle`."""
    from django_henry_checkout.testing.drain import drain as run  # noqa: PLC0415 - needs Django

    return functools.partial(run, henry_sandbox)


@pytest.fixture
def build_cart(henry_sandbox: Sandbox, db: None) -> Callable[..., Cart]:
    """Make a cart: see `testing.builders.build_cart`."""
    from django_henry_checkout.testing.builders import build_cart as build  # noqa: PLC0415 - needs Django

    return build


@pytest.fixture
def build_paid_order(henry_sandbox: Sandbox, db: None) -> Callable[..., Order]:
    """Make an order that is paid and followed: see `testing.builders.build_paid_order`."""
    from django_henry_checkout.testing.builders import build_paid_order as build  # noqa: PLC0415 - needs Django

    return functools.partial(build, henry_sandbox)


@pytest.fixture
def race() -> Callable[..., AbstractContextManager[Race]]:
    """Have a competitor run in between: see `testing.race.race`."""
    from django_henry_checkout.testing.race import race as run_race  # noqa: PLC0415 - needs Django

    return run_race


__all__ = [
    "build_cart",
    "build_paid_order",
    "henry_sandbox",
    "henry_sandbox_process",
    "henry_webhook",
    "race",
    "run_until_idle",
]
