"""Fixtures of the conformance tests: generations, callers, and a cart to check out."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.models import Cart
from django_henry_checkout.testing.sandbox import Sandbox
from tests.api.conftest import _fresh_throttles
from tests.support.api import Api

__all__ = ["_fresh_throttles"]  # an autouse fixture


@pytest.fixture
def at_once(sandbox: Sandbox) -> Sandbox:
    """A sandbox that calculates quotes without delay."""
    sandbox.scenario(timing={"jobSeconds": 0})
    return sandbox


@pytest.fixture(params=["v1", "v1-rpc", "v0"])
def version(request: Any, settings: Any, at_once: Sandbox) -> str:
    """Each generation of Henry's API in turn."""
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": request.param}
    found: str = request.param
    return found


@pytest.fixture
def template(cart: Cart) -> Cart:
    """A cart with two products of two merchants, behind a link."""
    make_template(cart)
    return Cart.objects.get(pk=cart.pk)


@pytest.fixture
def server(db: None) -> Api:
    """A trusted server of the shop."""
    return Api(Authorization=f"Api-Key {create_api_key('till')}")


@pytest.fixture
def no_csrf_token(db: None) -> Api:
    """The browser of a signed-in shopper, used by another site's page: with cookies, without a CSRF token."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(get_user_model().objects.create_user("shopper"))
    return Api(browser)


@pytest.fixture
def calm() -> Api:
    """A guest whose test client responds with 500, as a server does, instead of raising."""
    return Api(Client(raise_request_exception=False))
