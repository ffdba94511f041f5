from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_henry_checkout import gateway as gateway_module
from django_henry_checkout.conf import app_settings as henry_settings
from django_henry_checkout.gateway import Gateway, gateway_for
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.headless import ITEMS
from tests.support.shop import shop_settings

GatewayOf = Callable[..., Gateway]


@pytest.fixture
def gateway_of(settings: Any, monkeypatch: pytest.MonkeyPatch) -> GatewayOf:
    """Return a function that makes the gateway of one generation for a sandbox."""
    monkeypatch.setattr(gateway_module, "_gateways", {})

    def make(sandbox: Sandbox, version: str) -> Gateway:
        settings.HENRY_CHECKOUT = shop_settings(sandbox, API_VERSION=version)
        return gateway_for(henry_settings.account())

    return make


@pytest.fixture
def henry(sandbox: Sandbox, gateway_of: GatewayOf, version: str) -> Gateway:
    return gateway_of(sandbox, version)


@pytest.fixture
def cart_id(henry: Gateway) -> str:
    return henry.create_cart(ITEMS).cart_id
