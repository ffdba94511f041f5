"""The sandbox of the plugin: start and end, reset between tests, settings, control calls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from django_henry_checkout.conf import app_settings
from django_henry_checkout.models import WebhookMessage
from django_henry_checkout.testing.sandbox import (
    WEBHOOK_SECRET,
    Sandbox,
    SandboxRefused,
    running_sandbox,
)
from django_henry_checkout.testing.webhooks import webhook_path


@pytest.mark.parametrize("_time", range(2))
@pytest.mark.django_db
def test_each_test_gets_an_empty_sandbox(henry_sandbox: Sandbox, build_paid_order: Any, _time: int) -> None:
    assert (henry_sandbox.orders(), henry_sandbox.requests()) == ([], [])
    build_paid_order()
    (order,) = henry_sandbox.orders()
    assert isinstance(order["total"], Decimal)
    assert henry_sandbox.purchase(order["refId"])["status"] == "complete"
    henry_sandbox.scenario(outcome="failed")
    henry_sandbox.advance(1000)


def test_the_settings_point_to_the_sandbox(henry_sandbox: Sandbox) -> None:
    account = app_settings.account("default")
    assert (account.base_url, account.api_key) == (henry_sandbox.url, henry_sandbox.api_key)
    assert account.checkout_origins == (henry_sandbox.url,)
    assert [each.secret for each in account.webhook_secrets] == [WEBHOOK_SECRET]


def test_every_account_points_to_the_sandbox_and_keeps_its_other_options(
    henry_sandbox: Sandbox, settings: Any
) -> None:
    own = {"BASE_URL": "https://api.example", "API_VERSION": "v1-rpc", "WEBHOOK_SECRETS": ["mine"]}
    settings.HENRY_CHECKOUT = henry_sandbox.options(
        {"ACCOUNTS": {"uk": {**own, "API_KEY": "production"}}, "POLL_RATE": 7}
    )
    account = app_settings.account("uk")
    assert (account.base_url, account.api_key) == (henry_sandbox.url, henry_sandbox.api_key)
    assert (account.api_version, account.webhook_secrets[0].secret) == ("v1-rpc", "mine")
    assert app_settings.POLL_RATE == 7


def test_a_rejected_control_call_reports_the_reason(henry_sandbox: Sandbox) -> None:
    with pytest.raises(SandboxRefused, match="weather") as caught:
        henry_sandbox.scenario(weather="fine")
    assert caught.value.status == 400
    with pytest.raises(SandboxRefused):
        henry_sandbox.purchase("ckp-ref_unknown")


def test_a_sandbox_that_does_not_start_reports_the_reason() -> None:
    with pytest.raises(RuntimeError, match="--no-such-option"), running_sandbox("--no-such-option"):
        pass


def test_a_sandbox_ends_with_its_block_and_accepts_another_key() -> None:
    with running_sandbox(api_key="another-key") as sandbox:
        sandbox.reset()
        assert sandbox.options()["API_KEY"] == "another-key"
    with pytest.raises(requests.ConnectionError):
        sandbox.reset()


# Control calls ------------------------------------------------------------------------------------

ENDPOINT = {"uuid": "first", "url": "http://127.0.0.1:9/", "secret": WEBHOOK_SECRET, "everyCart": False}


def test_make_orders_creates_paid_orders(henry_sandbox: Sandbox) -> None:
    made = henry_sandbox.make_orders(3, cartPrefix="abc")
    assert [set(order) for order in made] == [{"refId", "cartId", "link"}] * 3
    assert all(order["cartId"].startswith("crt_abc") for order in made)
    assert [order["refId"] for order in henry_sandbox.orders()] == [order["refId"] for order in made]
    assert henry_sandbox.purchase(made[0]["refId"])["refId"] == made[0]["refId"]


def test_set_webhook_endpoints_replaces_the_endpoints(henry_sandbox: Sandbox) -> None:
    henry_sandbox.set_webhook_endpoints([ENDPOINT, {**ENDPOINT, "uuid": "second"}])
    assert henry_sandbox.send_webhook(event="order.purchase") == [None, None]
    henry_sandbox.set_webhook_endpoints([{**ENDPOINT, "uuid": "third"}])
    assert [each["uuid"] for each in henry_sandbox.call("GET", "webhooks")["endpoints"]] == ["third"]
    with pytest.raises(SandboxRefused, match="uuid of its own"):
        henry_sandbox.set_webhook_endpoints([ENDPOINT, ENDPOINT])
    henry_sandbox.set_webhook_endpoints([])
    with pytest.raises(SandboxRefused, match="No endpoint"):
        henry_sandbox.send_webhook(event="order.purchase")


@pytest.mark.django_db(transaction=True)
def test_send_webhook_returns_the_status_of_each_response(henry_sandbox: Sandbox, live_server: Any) -> None:
    shop = {**ENDPOINT, "uuid": "shop", "url": live_server.url + webhook_path()}
    henry_sandbox.set_webhook_endpoints(
        [ENDPOINT, shop, {**shop, "uuid": "other", "secret": "another secret"}]
    )
    (order,) = henry_sandbox.make_orders(1)
    assert henry_sandbox.send_webhook(refId=order["refId"]) == [None, 202, 401]
    assert henry_sandbox.send_webhook(refId=order["refId"], uuid="shop", times=2) == [202, 202]
    assert all(order["refId"] in message.body for message in WebhookMessage.objects.all())


def test_webhook_log_lists_each_attempt(henry_sandbox: Sandbox) -> None:
    henry_sandbox.set_webhook_endpoints([ENDPOINT])
    assert henry_sandbox.webhook_log() == []
    henry_sandbox.send_webhook(event="order.purchase", uuid="first", times=2)
    rows = henry_sandbox.webhook_log()
    assert [(row["uuid"], row["status"]) for row in rows] == [("first", None)] * 2
    henry_sandbox.reset()
    assert henry_sandbox.webhook_log() == []
