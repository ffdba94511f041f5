"""Webhooks as Henry sends them, and forged ones."""

from __future__ import annotations

from typing import Any

import pytest

from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.gateway.webhooks import read_timestamp
from django_henry_checkout.models import Order, Purchase, WebhookMessage
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.testing.webhooks import signed_headers, webhook_path

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def purchase(build_paid_order: Any) -> Purchase:
    """A purchase that Henry is processing, and that is not due for a poll."""
    from django_henry_checkout.flows.purchase.lifecycle import refresh_purchase
    from django_henry_checkout.types import staff_source

    order = build_paid_order(drained=False)
    found = Purchase.objects.get(order=order)
    refresh_purchase(found, source=staff_source("ada"))
    found.refresh_from_db()
    return found


def test_a_full_webhook_ends_the_order_without_a_poll(
    henry_sandbox: Sandbox, henry_webhook: Any, purchase: Purchase
) -> None:
    from django_henry_checkout.flows.webhooks.inbox import process_webhooks

    henry_sandbox.advance(60)
    data = henry_sandbox.purchase(purchase.ref_id)
    calls = len(henry_sandbox.requests())
    assert henry_webhook(purchase.ref_id, data=data) == 202
    assert process_webhooks() == 1
    order = Order.objects.get()
    assert order.status == "completed"
    assert order.total is not None
    assert order.total.amount == henry_sandbox.orders()[0]["total"]
    assert len(henry_sandbox.requests()) == calls


def test_a_webhook_without_data_leads_to_a_status_request(
    drain: Any, henry_webhook: Any, purchase: Purchase
) -> None:
    assert henry_webhook(purchase.ref_id) == 202
    drain()
    assert WebhookMessage.objects.get().outcome == "Too little detail: status requested"
    assert Order.objects.get().status == "completed"


@pytest.mark.parametrize("signature", ["wrong", "old", "future", "altered", "missing"])
def test_forged_webhooks_are_rejected(henry_webhook: Any, signature: str) -> None:
    assert henry_webhook("ckp-ref_1", signature=signature) == 401
    assert henry_webhook("ckp-ref_1", secret="another secret") == 401
    assert not WebhookMessage.objects.exists()


def test_a_webhook_is_sent_to_a_running_server(henry_webhook: Any, live_server: Any) -> None:
    assert henry_webhook("ckp-ref_1", to=live_server.url) == 202
    assert henry_webhook("ckp-ref_2", to=live_server.url + webhook_path()) == 202
    assert henry_webhook("ckp-ref_3", to=live_server.url, signature="wrong") == 401
    assert henry_webhook("ckp-ref_3", to=live_server.url + "/admin/") == 403  # the URL is not changed
    assert WebhookMessage.objects.count() == 2


def test_the_sandbox_sends_webhooks_itself(
    henry_sandbox: Sandbox, build_paid_order: Any, drain: Any, live_server: Any
) -> None:
    """The first ones name purchases that the app does not know until it reads the order list."""
    henry_sandbox.send_webhooks_to(live_server.url + webhook_path())
    order = build_paid_order(outcome="partially_complete")
    assert order.status == "partially_completed"
    messages = WebhookMessage.objects.all()
    assert {(message.event, message.status) for message in messages} >= {
        ("order.purchase", "done"),
        ("order.item.failed", "done"),
    }
    assert {message.ref_id for message in messages} == {henry_sandbox.orders()[0]["refId"]}
    henry_sandbox.reset()
    before = messages.count()
    build_paid_order()
    assert messages.count() == before


def test_waiting_for_webhooks_has_a_limit(henry_sandbox: Sandbox, build_paid_order: Any) -> None:
    henry_sandbox.send_webhooks_to("http://127.0.0.1:9/")
    henry_sandbox.scenario(webhooks={"retries": 9, "retryAfterSeconds": 30})
    build_paid_order(drained=False)
    with pytest.raises(TimeoutError, match="webhooks are still pending"):
        henry_sandbox.wait_for_webhooks(0.2)


def test_each_account_has_its_own_path_and_secret(
    henry_sandbox: Sandbox, henry_webhook: Any, settings: Any
) -> None:
    accounts = {"default": {"WEBHOOK_SECRETS": ["one"]}, "uk": {"WEBHOOK_SECRETS": ["old", "two"]}}
    settings.HENRY_CHECKOUT = henry_sandbox.options({"ACCOUNTS": accounts})
    assert henry_webhook("ckp-ref_1", account="uk") == 202
    assert henry_webhook("ckp-ref_2", account="uk", secret="one") == 401
    assert WebhookMessage.objects.get().account == "uk"


def test_signing_needs_a_secret(henry_sandbox: Sandbox, henry_webhook: Any, settings: Any) -> None:
    settings.HENRY_CHECKOUT = henry_sandbox.options({"WEBHOOK_SECRETS": []})
    with pytest.raises(ConfigurationError, match="WEBHOOK_SECRETS"):
        henry_webhook("ckp-ref_1")


def test_the_signature_matches_the_check_vector() -> None:
    """Compare with the check vector of henry-api.md."""
    at = read_timestamp("1767225600000")
    body = b'{"event":"order.purchase.complete","data":{"refId":"ckp-ref_3fa85f64-5717-4562-b3fc"}}'
    assert signed_headers(body, secret="whsec_example", at=at) == {
        "X-Henry-Timestamp": "1767225600000",
        "X-Henry-Signature": "044279c07488c9284fdc7435d9f3d02f848ad9c83746695f887edb9930120cc9",
    }
