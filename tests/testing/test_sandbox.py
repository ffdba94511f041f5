"""The sandbox of the plugin: it starts, forgets between tests, is what the shop is set up for, and ends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from django_henry_checkout.conf import app_settings as options
from django_henry_checkout.testing.sandbox import (
    WEBHOOK_SECRET,
    Sandbox,
    SandboxRefused,
    running_sandbox,
)


@pytest.mark.parametrize("_time", range(2))
@pytest.mark.django_db
def test_each_test_meets_an_empty_sandbox(henry_sandbox: Sandbox, build_paid_order: Any, _time: int) -> None:
    assert (henry_sandbox.orders(), henry_sandbox.requests()) == ([], [])
    build_paid_order()
    (order,) = henry_sandbox.orders()
    assert isinstance(order["total"], Decimal)
    assert henry_sandbox.purchase(order["refId"])["status"] == "complete"
    henry_sandbox.scenario(outcome="failed")
    henry_sandbox.advance(1000)


def test_the_shop_is_led_to_the_sandbox(henry_sandbox: Sandbox) -> None:
    account = options.account("default")
    assert (account.base_url, account.api_key) == (henry_sandbox.url, henry_sandbox.api_key)
    assert account.checkout_origins == (henry_sandbox.url,)
    assert [each.secret for each in account.webhook_secrets] == [WEBHOOK_SECRET]


def test_every_account_of_the_shop_is_led_there_and_keeps_the_rest(
    henry_sandbox: Sandbox, settings: Any
) -> None:
    own = {"BASE_URL": "https://api.example", "API_VERSION": "v1-rpc", "WEBHOOK_SECRETS": ["mine"]}
    settings.HENRY_CHECKOUT = henry_sandbox.options(
        {"ACCOUNTS": {"uk": {**own, "API_KEY": "production"}}, "POLL_RATE": 7}
    )
    account = options.account("uk")
    assert (account.base_url, account.api_key) == (henry_sandbox.url, henry_sandbox.api_key)
    assert (account.api_version, account.webhook_secrets[0].secret) == ("v1-rpc", "mine")
    assert options.POLL_RATE == 7


def test_a_refused_control_call_says_why(henry_sandbox: Sandbox) -> None:
    with pytest.raises(SandboxRefused, match="weather") as caught:
        henry_sandbox.scenario(weather="fine")
    assert caught.value.status == 400
    with pytest.raises(SandboxRefused):
        henry_sandbox.purchase("ckp-ref_nobody")


def test_a_sandbox_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="--no-such-option"), running_sandbox("--no-such-option"):
        pass


def test_a_sandbox_ends_with_its_block_and_takes_another_key() -> None:
    with running_sandbox(api_key="another-key") as sandbox:
        sandbox.reset()
        assert sandbox.options()["API_KEY"] == "another-key"
    with pytest.raises(requests.ConnectionError):
        sandbox.reset()
