"""Fixtures for pytest: `pytest_plugins = ["django_henry_checkout.testing.plugin"]` in the root conftest.py.

They need pytest-django. Modules that need models are imported inside the fixtures: plugins are loaded before
Django is set up.
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
    """Run one sandbox for the whole session, or for each process of pytest-xdist."""
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def henry_sandbox(henry_sandbox_process: Sandbox, settings: Any) -> Sandbox:
    """Reset the sandbox and point HENRY_CHECKOUT to it; return the sandbox."""
    henry_sandbox_process.reset()
    own = getattr(settings, "HENRY_CHECKOUT", {})
    settings.HENRY_CHECKOUT = henry_sandbox_process.options(own)
    return henry_sandbox_process


@pytest.fixture
def henry_webhook(henry_sandbox: Sandbox, db: None) -> Callable[..., int]:
    """Return `testing.webhooks.send_webhook`, which sends a webhook as Henry does."""
    from django_henry_checkout.testing.webhooks import send_webhook  # noqa: PLC0415 - needs Django

    return send_webhook


@pytest.fixture
def drain(henry_sandbox: Sandbox, db: None) -> Callable[..., DrainResult]:
    """Return `testing.drain.drain`, which runs all pending work to its end."""
    from django_henry_checkout.testing.drain import drain as run_drain  # noqa: PLC0415 - needs Django

    return functools.partial(run_drain, henry_sandbox)


@pytest.fixture
def build_cart(henry_sandbox: Sandbox, db: None) -> Callable[..., Cart]:
    """Return `testing.builders.build_cart`, which creates a cart."""
    from django_henry_checkout.testing import builders  # noqa: PLC0415 - needs Django

    return builders.build_cart


@pytest.fixture
def build_paid_order(henry_sandbox: Sandbox, db: None) -> Callable[..., Order]:
    """Return `testing.builders.build_paid_order`, which creates a paid order and follows it to its end."""
    from django_henry_checkout.testing import builders  # noqa: PLC0415 - needs Django

    return functools.partial(builders.build_paid_order, henry_sandbox)


@pytest.fixture
def race() -> Callable[..., AbstractContextManager[Race]]:
    """Return `testing.race.race`, which runs a competitor before or after one call."""
    from django_henry_checkout.testing.race import race as run_race  # noqa: PLC0415 - needs Django

    return run_race


__all__ = [
    "build_cart",
    "build_paid_order",
    "drain",
    "henry_sandbox",
    "henry_sandbox_process",
    "henry_webhook",
    "race",
]
