"""Incoming webhooks: which are accepted, what is stored, and that they and polls lead to one change."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.webhooks.inbox import endpoint_key, process_webhooks, replay_webhook
from django_henry_checkout.gateway.webhooks import read_timestamp, sign
from django_henry_checkout.models import Cart, Event, Order, Purchase, PurchasePoll, WebhookMessage
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

SECRET = "whsec_of_the_tests_0123456789"
#: Computed in henry-api.md 8.2 from the algorithm alone.
VECTOR = (
    b'{"event":"order.purchase.complete","data":{"refId":"ckp-ref_3fa85f64-5717-4562-b3fc"}}',
    "1767225600000",
    "whsec_example",
    "044279c07488c9284fdc7435d9f3d02f848ad9c83746695f887edb9930120cc9",
)


@pytest.fixture
def shop(sandbox: Sandbox, settings: Any) -> Any:
    """Return the settings, which a test may change."""
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "WEBHOOK_SECRETS": [SECRET]}
    return settings


def now_ms(*, ahead: float = 0) -> str:
    return str(int((time.time() + ahead) * 1000))


def post(
    body: bytes | dict[str, Any],
    *,
    secret: str = SECRET,
    timestamp: str = "",
    ahead: float = 0,
    account: str = "default",
    key: str = "",
    **headers: str,
) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = timestamp or now_ms(ahead=ahead)
    given = {
        "X-Henry-Timestamp": timestamp,
        "X-Henry-Signature": sign(raw, timestamp=timestamp, secret=secret),
        **headers,
    }
    path = f"/henry/webhooks/{account}/{key or endpoint_key(henry.account(account))}"
    client = Client(enforce_csrf_checks=True)
    return client.post(path, raw, content_type="application/json", headers=given).status_code


def begin_and_pay(sandbox: Sandbox, cart: Cart) -> dict[str, Any]:
    """Return the job of a purchase that is tracked."""
    order = begin_checkout(cart).order
    job: dict[str, Any] = sandbox.pay(order.henry_cart_id)
    poll_due()
    return job


def message_of(job: dict[str, Any], status: str) -> dict[str, Any]:
    products = [{**each, "status": "complete"} for each in job["products"]]
    return {"event": "order.purchase", "data": {**job, "status": status, "products": products}}


def outcomes() -> list[str]:
    return list(WebhookMessage.objects.order_by("pk").values_list("outcome", flat=True))


# Authentication -----------------------------------------------------------------------------


def test_the_signature_matches_the_documented_vector() -> None:
    body, timestamp, secret, signature = VECTOR
    assert sign(body, timestamp=timestamp, secret=secret) == signature
    at = read_timestamp(timestamp)
    assert at is not None
    assert at.isoformat() == "2026-01-01T00:00:00+00:00"


def test_a_valid_webhook_is_stored_before_it_is_processed(shop: Any) -> None:
    assert post({"event": "order", "data": {}}) == 202
    message = WebhookMessage.objects.get()
    assert (message.status, message.account, message.event) == ("received", "default", "")


REFUSED: dict[str, dict[str, Any]] = {
    "another secret": {"secret": "whsec_wrong"},
    "an empty secret": {"secret": ""},
    "too old": {"ahead": -301},
    "from the future": {"ahead": 310},
    "in seconds": {"timestamp": str(int(time.time()))},
    "in microseconds": {"timestamp": str(int(time.time() * 1e6))},
    "no number": {"timestamp": "soon"},
    "a negative number": {"timestamp": "-5"},
    "digits of another script": {"timestamp": "١٧٦٧٢٢٥٦٠٠٠٠٠"},
    "no signature": {"X-Henry-Signature": ""},
    "in capitals": {"X-Henry-Signature": "044279C0" * 8},
    "not ASCII": {"X-Henry-Signature": "é" * 64},
}


@pytest.mark.parametrize("how", REFUSED.values(), ids=REFUSED)
def test_fault_19_an_invalid_webhook_is_refused_and_not_stored(shop: Any, how: dict[str, Any]) -> None:
    assert post({"event": "order.purchase", "data": {"refId": "ckp-ref_1"}}, **how) == 401
    assert not WebhookMessage.objects.exists()


def test_fault_19_an_altered_byte_and_reformatted_json_are_refused(shop: Any) -> None:
    timestamp, body = now_ms(), b'{"event": "order.purchase", "data": {"refId": "a"}}'
    signature = sign(body, timestamp=timestamp, secret=SECRET)
    for altered in (
        body.replace(b'"a"', b'"b"'),
        json.dumps(json.loads(body), separators=(",", ":")).encode(),
    ):
        assert post(altered, timestamp=timestamp, **{"X-Henry-Signature": signature}) == 401
    assert post(body, timestamp=timestamp, **{"X-Henry-Signature": signature}) == 202


def test_a_refused_webhook_is_logged_without_its_body(shop: Any, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING):
        post({"event": "x", "data": {"email": "ada@example.com"}}, secret="whsec_wrong")
    assert "wrong_signature" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_without_a_secret_every_webhook_is_refused(shop: Any) -> None:
    shop.HENRY_CHECKOUT = {**shop.HENRY_CHECKOUT, "WEBHOOK_SECRETS": []}
    assert post({"event": "x"}, secret="") == 401


def test_fault_20_both_secrets_are_accepted_until_the_old_one_expires(shop: Any) -> None:
    def rotate(not_after: Any) -> None:
        old = {"secret": "whsec_old_0123456789", "not_after": not_after}
        shop.HENRY_CHECKOUT = {**shop.HENRY_CHECKOUT, "WEBHOOK_SECRETS": [old, SECRET]}

    rotate(timezone.now() + timedelta(hours=1))
    assert post({"event": "one"}, secret="whsec_old_0123456789") == 202
    assert post({"event": "two"}) == 202
    rotate((timezone.now() - timedelta(seconds=1)).isoformat())
    assert post({"event": "three"}, secret="whsec_old_0123456789") == 401
    assert post({"event": "four"}) == 202


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"key": "guess"}, 404),
        ({"key": "guess\N{SNOWMAN}"}, 404),
        ({"body": b"x" * 262_145}, 413),
    ],
)
def test_other_refusals(shop: Any, how: dict[str, Any], status: int) -> None:
    assert post(how.pop("body", {"event": "x"}), **how) == status


def test_an_account_that_does_not_exist_has_no_endpoint(shop: Any) -> None:
    assert post({"event": "x"}, key=endpoint_key(henry.account())) == 202
    path = f"/henry/webhooks/other/{endpoint_key(henry.account())}"
    assert Client().post(path, b"{}", content_type="application/json").status_code == 404


def test_only_json_posts_are_accepted(shop: Any) -> None:
    path = f"/henry/webhooks/default/{endpoint_key(henry.account())}"
    assert Client().get(path).status_code == 405
    assert Client().post(path, {"a": "b"}).status_code == 415


def test_the_key_can_be_configured_and_fallback_keys_are_accepted(shop: Any) -> None:
    before = endpoint_key(henry.account())
    shop.SECRET_KEY_FALLBACKS, shop.SECRET_KEY = [shop.SECRET_KEY], "another"
    assert endpoint_key(henry.account()) != before
    assert post({"event": "x"}, key=before) == 202
    shop.HENRY_CHECKOUT = {**shop.HENRY_CHECKOUT, "WEBHOOK_KEY": "chosen"}
    assert post({"event": "y"}, key="chosen") == 202
    assert post({"event": "z"}, key=before) == 404


def test_receiving_takes_a_constant_number_of_queries(shop: Any, django_assert_num_queries: Any) -> None:
    key = endpoint_key(henry.account())
    # One insert, and the transaction around it.
    with django_assert_num_queries(3):
        assert post({"event": "x"}, key=key) == 202


# Processing ---------------------------------------------------------------------------------


def test_a_webhook_completes_the_order_without_a_poll(sandbox: Sandbox, shop: Any, cart: Cart) -> None:
    job = begin_and_pay(sandbox, cart)
    calls = len(sandbox.requests())
    assert post(message_of(job, "complete")) == 202
    assert process_webhooks() == 1
    assert Order.objects.get().status == "completed"
    assert len(sandbox.requests()) == calls
    assert Event.objects.filter(source="webhook", type="purchase_completed").count() == 1
    message = WebhookMessage.objects.get()
    assert (message.status, message.body, message.ref_id) == ("done", "", job["refId"])
    assert message.outcome == "Applied"
    assert process_webhooks() == 0


def test_a_duplicate_is_stored_and_applied_once(sandbox: Sandbox, shop: Any, cart: Cart) -> None:
    job = begin_and_pay(sandbox, cart)
    timestamp = now_ms()
    for _time in range(3):
        assert post(message_of(job, "complete"), timestamp=timestamp) == 202
    assert process_webhooks() == 1
    events = Event.objects.count()
    later = now_ms(ahead=1)
    assert post(message_of(job, "complete"), timestamp=later) == 202
    process_webhooks()
    assert Event.objects.count() == events
    assert outcomes() == ["Applied", "Already finished"]


def test_fault_16_late_webhooks_are_stored_and_change_nothing(
    sandbox: Sandbox, shop: Any, cart: Cart
) -> None:
    job = begin_and_pay(sandbox, cart)
    for number, status in enumerate(("complete", "processing", "pending")):
        post(message_of(job, status), timestamp=now_ms(ahead=number))
    process_webhooks()
    assert Order.objects.get().status == "completed"
    assert not Event.objects.filter(type__in=["drift_seen", "order_needs_review"]).exists()
    assert set(WebhookMessage.objects.values_list("status", flat=True)) == {"done"}
    assert outcomes() == ["Applied", "Already finished", "Already finished"]


def test_an_outdated_status_triggers_a_poll(sandbox: Sandbox, shop: Any, cart: Cart) -> None:
    job = begin_and_pay(sandbox, cart)
    for ahead in (0, 1):
        post(message_of(job, "processing"), timestamp=now_ms(ahead=ahead))
    process_webhooks()
    PurchasePoll.objects.update(due_at=timezone.now() + timedelta(hours=1))
    post(message_of(job, "pending"), timestamp=now_ms(ahead=2))
    process_webhooks()
    assert Purchase.objects.get().drift == []
    assert PurchasePoll.objects.get().due_at <= timezone.now()
    assert outcomes() == ["Applied", "No change", "Out of order: status requested"]


@pytest.mark.parametrize("body", [{"refId": "{ref}"}, {"refId": "{ref}", "status": "complete"}])
def test_a_webhook_with_too_little_detail_triggers_a_poll(
    sandbox: Sandbox, shop: Any, cart: Cart, body: dict[str, Any]
) -> None:
    job = begin_and_pay(sandbox, cart)
    PurchasePoll.objects.update(due_at=timezone.now() + timedelta(hours=1))
    sandbox.advance(30)
    post({"event": "order.purchase", "data": {**body, "refId": job["refId"]}})
    process_webhooks()
    assert Order.objects.get().status == "placed"
    assert outcomes() == ["Too little detail: status requested"]
    poll_due()
    assert Order.objects.get().status == "completed"


def test_a_webhook_signed_before_the_last_answer_triggers_a_poll(
    sandbox: Sandbox, shop: Any, cart: Cart
) -> None:
    job = begin_and_pay(sandbox, cart)
    PurchasePoll.objects.update(due_at=timezone.now() + timedelta(hours=1))
    post(message_of(job, "failed"), timestamp=now_ms(ahead=-60))
    process_webhooks()
    assert Order.objects.get().status == "placed"
    assert outcomes() == ["Out of order: status requested"]
    assert PurchasePoll.objects.get().due_at <= timezone.now()


def test_fault_17_a_webhook_for_a_purchase_not_yet_known_is_applied_later(
    sandbox: Sandbox, shop: Any, cart: Cart
) -> None:
    order = begin_checkout(cart).order
    job = sandbox.pay(order.henry_cart_id)
    post(message_of(job, "complete"), timestamp=now_ms(ahead=2))
    process_webhooks()
    message = WebhookMessage.objects.get()
    assert (message.status, message.body != "") == ("unmatched", True)
    assert process_webhooks() == 0  # not due yet
    poll_due()
    assert process_webhooks() == 1  # it is due as soon as the purchase is known
    order.refresh_from_db()
    assert order.status == "completed"
    assert len(sandbox.orders()) == 1


def test_a_webhook_that_stays_unmatched_is_logged_and_fails_for_good(shop: Any, caplog: Any) -> None:
    post({"event": "order.purchase", "data": {"refId": "ckp-ref_unknown"}})
    process_webhooks()
    for age, status in ((timedelta(minutes=16), "unmatched"), (timedelta(hours=25), "dead")):
        WebhookMessage.objects.update(received_at=timezone.now() - age, due_at=timezone.now())
        process_webhooks()
        assert WebhookMessage.objects.get().status == status
        assert outcomes() == ["Unmatched"]
    assert caplog.text.count("names an unknown purchase") == 1


def test_fault_21_a_webhook_for_another_accounts_purchase_is_refused(
    sandbox: Sandbox, shop: Any, cart: Cart, caplog: Any
) -> None:
    job = begin_and_pay(sandbox, cart)
    shop.HENRY_CHECKOUT = {**shop.HENRY_CHECKOUT, "ACCOUNTS": {"default": {}, "other": {"API_KEY": "x"}}}
    assert post(message_of(job, "failed"), account="other") == 202
    process_webhooks()
    assert Order.objects.get().status == "placed"
    message = WebhookMessage.objects.get()
    assert (message.status, message.body) == ("refused", "")
    assert message.outcome == "Belongs to another account"
    assert "names another account's purchase" in caplog.text


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"nonsense", "Unreadable: "),
        (b"[]", "Unreadable: it has no event"),
        (b'{"event": 5}', "Unreadable: it has no event"),
        (b'{"event": "x"}', "Names no purchase"),
        (b'{"event": "x", "data": null}', "Names no purchase"),
        (b'{"event": "x", "data": {"refId": 7}}', "Names no purchase"),
        (b'{"event": "x", "event": "y"}', "Unreadable: "),
        (b"\xff\xfe", "Unreadable: "),
        (b"[" * 5000, "Unreadable: "),
        (b'{"event": "x", "data": {"refId": NaN}}', "Unreadable: "),
        (b'{"event": "\\u0000x", "data": {"refId": "\\u0000"}}', "Names no purchase"),
    ],
)
def test_unusable_webhooks_are_kept_for_staff(shop: Any, body: bytes, outcome: str) -> None:
    assert post(body) == 202
    assert process_webhooks() == 1
    message = WebhookMessage.objects.get()
    assert message.status == "ignored"
    assert message.outcome.startswith(outcome), message.outcome


def test_a_webhook_with_an_unknown_event_is_applied_by_its_content(
    sandbox: Sandbox, shop: Any, cart: Cart
) -> None:
    job = begin_and_pay(sandbox, cart)
    post({**message_of(job, "complete"), "event": "order.something.new"})
    process_webhooks()
    assert Order.objects.get().status == "completed"


def test_a_webhook_that_cannot_be_applied_is_retried_then_kept(
    sandbox: Sandbox, shop: Any, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*of: Any, **how: Any) -> None:
        raise RuntimeError("bug of ada@example.com")

    job = begin_and_pay(sandbox, cart)
    post(message_of(job, "complete"))
    with monkeypatch.context() as broken:
        broken.setattr("django_henry_checkout.flows.webhooks.inbox.apply_observation", explode)
        for attempts in range(1, henry.WEBHOOK_ATTEMPTS + 1):
            WebhookMessage.objects.update(due_at=timezone.now())
            assert process_webhooks() == 1
            assert WebhookMessage.objects.get().attempts == attempts
    message = WebhookMessage.objects.get()
    assert (message.status, message.outcome) == ("dead", "builtins.RuntimeError")
    assert replay_webhook(message)
    assert process_webhooks() == 1
    assert Order.objects.get().status == "completed"
    assert not replay_webhook(message)  # its body is gone


def test_a_worker_that_lost_its_lease_applies_nothing(
    sandbox: Sandbox, shop: Any, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_henry_checkout.flows.webhooks import inbox

    job = begin_and_pay(sandbox, cart)
    post(message_of(job, "complete"))
    (late,) = inbox._claim(10)
    WebhookMessage.objects.update(due_at=timezone.now())
    (other,) = inbox._claim(10)
    inbox._process(late)
    assert Order.objects.get().status == "placed"
    inbox._process(other)
    assert Order.objects.get().status == "completed"


def test_a_body_erased_during_processing_stays_erased(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_henry_checkout.flows.webhooks import inbox

    post({"event": "of no purchase", "buyer": "ada@shop.example"})
    (claim,) = inbox._claim(10)

    def erase_first() -> Any:
        WebhookMessage.objects.update(body="")
        return transaction.atomic()

    monkeypatch.setattr(inbox, "transaction", SimpleNamespace(atomic=erase_first))
    inbox._process(claim)
    assert (WebhookMessage.objects.get().status, WebhookMessage.objects.get().body) == ("ignored", "")


def test_the_change_and_the_processed_mark_commit_together(
    sandbox: Sandbox, shop: Any, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process dies after the change and before the mark, neither is stored; both follow later."""
    from django_henry_checkout.flows.webhooks import inbox

    def die(*of: Any, **how: Any) -> None:
        apply_observation(*of, **how)
        assert transaction.get_connection().in_atomic_block
        raise SystemExit

    job = begin_and_pay(sandbox, cart)
    post(message_of(job, "complete"))
    with monkeypatch.context() as dying:
        dying.setattr(inbox, "apply_observation", die)
        with pytest.raises(SystemExit):
            process_webhooks()
    assert Order.objects.get().status == "placed"
    WebhookMessage.objects.update(due_at=timezone.now())
    process_webhooks()
    assert Order.objects.get().status == "completed"
    assert Event.objects.filter(type="purchase_completed").count() == 1


def test_a_new_cart_is_subscribed_to_the_accounts_webhook(sandbox: Sandbox, shop: Any) -> None:
    shop.HENRY_CHECKOUT = {**shop.HENRY_CHECKOUT, "WEBHOOK_UUID": "c5dbd16b-60f1-42c7-8d36-a55c46e7a8c6"}
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    begin_checkout(cart)
    (made,) = [each for each in sandbox.requests() if each["path"] == "/v1/cart"]
    assert "settings" in made["bodyKeys"]
