"""Webhook events: which changes of an order trigger them, their content and their recipients."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from django_henry_checkout.sandbox.engine.webhooks.events import sign
from tests.sandbox.client import MUG, TEAPOT, Client, buyer, product
from tests.sandbox.receiver import (
    COMPLETION,
    PENDING,
    SLOW_TIMING,
    Receiver,
    pay_cart,
    register,
    set_webhook_options,
    wait_until_sent,
)
from tests.sandbox.v0.calls import add


def subscribe(kind: str, uuid: str = "first") -> dict[str, Any]:
    return {"events": [{"type": kind, "data": [{"type": "send_webhook", "webhookUUID": uuid}]}]}


def test_the_signature_matches_the_documented_example() -> None:
    body = b'{"event":"order.purchase.complete","data":{"refId":"ckp-ref_3fa85f64-5717-4562-b3fc"}}'
    expected = "044279c07488c9284fdc7435d9f3d02f848ad9c83746695f887edb9930120cc9"
    assert sign("whsec_example", "1767225600000", body) == expected


def test_each_change_of_an_order_is_sent(sandbox: Client, receiver: Receiver) -> None:
    ref = pay_cart(sandbox, MUG)
    assert [webhook.json["data"] for webhook in receiver.received] == [sandbox.status(ref)]
    for seconds in (100, 150, 150):
        sandbox.advance(seconds)
        wait_until_sent(sandbox)
        assert receiver.received[-1].json["data"] == sandbox.status(ref)
    expected = [PENDING, ("purchase", "processing"), ("purchase", "processing"), *COMPLETION]
    assert receiver.statuses == expected
    assert [webhook.json["data"]["products"][0]["status"] for webhook in receiver.received[1:3]] == [
        "processing",
        "complete",
    ]
    assert receiver.received[-1].json["data"]["result"]["costs"]["total"]["value"] > 0
    assert set(receiver.received[0].json) == {"event", "data"}


def test_a_delivery_is_signed_over_its_raw_body_with_the_real_time(
    sandbox: Client, receiver: Receiver
) -> None:
    sandbox.advance(30 * 24 * 3600)
    pay_cart(sandbox)
    (webhook,) = receiver.received
    assert webhook.is_signed()
    assert not webhook.is_signed("whsec_of_another")
    assert webhook.headers["x-henry-signature"] == webhook.headers["x-henry-signature"].lower()
    assert abs(webhook.timestamp / 1000 - webhook.received_at) < 5
    assert webhook.headers["content-type"] == "application/json"
    assert webhook.path == "/henry/webhooks/default/key?shop=1"


def test_changes_are_sent_as_time_passes(sandbox: Client, receiver: Receiver) -> None:
    sandbox.scenario(timing={"pendingSeconds": 0.3, "processingSeconds": 0.6})
    ref = sandbox.purchase(sandbox.cart(MUG)).json()["refId"]
    receiver.wait_for("order.purchase.full.complete")
    assert receiver.statuses[0] == PENDING
    assert receiver.statuses[-3:] == COMPLETION
    assert 0.85 <= receiver.received[-1].received_at - receiver.received[0].received_at < 5
    assert {webhook.json["data"]["refId"] for webhook in receiver.received} == {ref}


def test_changes_of_successive_clock_jumps_are_all_sent(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, drop=1)
    sandbox.control("orders", {"count": 1000})
    for _ in range(4):
        sandbox.advance(100)
    sent = Counter(row["event"].removeprefix("order.") for row in wait_until_sent(sandbox))
    assert sent == {"purchase": 4000, "purchase.complete": 1000, "purchase.full.complete": 1000}


def test_a_jump_over_several_changes_sends_the_last_state(sandbox: Client, receiver: Receiver) -> None:
    pay_cart(sandbox, MUG, TEAPOT)
    sandbox.advance(1000)
    wait_until_sent(sandbox)
    assert receiver.statuses == [PENDING, *COMPLETION]
    sandbox.advance(1000)
    wait_until_sent(sandbox)
    assert len(receiver.received) == 4


@pytest.mark.parametrize(
    ("outcome", "more", "events"),
    [
        ("complete", {}, ["purchase", "purchase.complete", "purchase.full.complete"]),
        ("partially_complete", {}, ["purchase", "item.failed", "purchase.complete"]),
        ("failed", {}, ["purchase", "item.failed"]),
        ("failed", {"dialect": "four"}, ["purchase", "item.failed", "purchase.complete"]),
        ("cancelled", {}, ["purchase", "purchase.cancelled"]),
        ("awaiting_merchant", {}, ["purchase"]),
    ],
)
def test_each_outcome_has_its_events(
    sandbox: Client, receiver: Receiver, outcome: str, more: dict[str, Any], events: list[str]
) -> None:
    sandbox.scenario(timing=SLOW_TIMING, outcome=outcome, **more)
    pay_cart(sandbox, MUG, TEAPOT)
    sandbox.advance(1000)
    wait_until_sent(sandbox)
    assert [event.removeprefix("order.") for event in receiver.events[1:]] == events


def test_each_failed_item_sends_an_event(sandbox: Client, receiver: Receiver) -> None:
    sandbox.scenario(timing=SLOW_TIMING, items={MUG: "failed", TEAPOT: "failed"})
    pay_cart(sandbox, MUG, TEAPOT)
    for seconds in (200, 100, 100):
        sandbox.advance(seconds)
    wait_until_sent(sandbox)
    assert Counter(receiver.events) == {"order.purchase": 4, "order.item.failed": 2}


def test_a_declined_payment_is_sent(sandbox: Client, receiver: Receiver) -> None:
    sandbox.purchase(sandbox.cart(MUG), "card_test_declined")
    sandbox.advance(1000)
    wait_until_sent(sandbox)
    assert receiver.statuses == [PENDING, ("purchase", "failed"), ("item.failed", "failed")]


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        ("order", {"order.purchase": 2, "order.purchase.complete": 1, "order.purchase.full.complete": 1}),
        (
            "order.purchase",
            {"order.purchase": 2, "order.purchase.complete": 1, "order.purchase.full.complete": 1},
        ),
        ("order.purchase.complete", {"order.purchase.complete": 1}),
        ("order.purchase.full", {"order.purchase.full.complete": 1}),
        ("order.purchase.full.complete", {"order.purchase.full.complete": 1}),
        ("order.item.failed", {}),
        ("order.purch", {}),
        ("nothing", {}),
    ],
)
def test_a_cart_subscribes_an_endpoint_by_prefix(
    sandbox: Client, receiver: Receiver, kind: str, events: dict[str, int]
) -> None:
    register(sandbox, receiver.endpoint("first"), receiver.endpoint("second"))
    pay_cart(sandbox, MUG, settings=subscribe(kind))
    pay_cart(sandbox, MUG)
    sandbox.advance(1000)
    log = wait_until_sent(sandbox)
    assert Counter(receiver.events) == events
    assert {row["uuid"] for row in log} <= {"first"}


def test_each_endpoint_gets_an_event_once(sandbox: Client, receiver: Receiver) -> None:
    """Two matching subscriptions of a cart to one endpoint make one delivery."""
    overlapping = {"events": [*subscribe("order")["events"], *subscribe("order.purchase", "first")["events"]]}
    register(sandbox, receiver.endpoint("first"), receiver.endpoint("all", everyCart=True))
    pay_cart(sandbox, MUG, settings=overlapping)
    assert [row["uuid"] for row in wait_until_sent(sandbox)] == ["first", "all"]


def test_a_new_endpoint_gets_later_changes_only(sandbox: Client, receiver: Receiver) -> None:
    register(sandbox)
    pay_cart(sandbox, MUG)
    register(sandbox, receiver.endpoint(everyCart=True))
    assert wait_until_sent(sandbox) == []
    sandbox.advance(1000)
    wait_until_sent(sandbox)
    assert receiver.statuses == COMPLETION


@pytest.mark.parametrize(
    "events",
    [
        {},
        [7],
        [{"data": []}],
        [{"type": "order"}],
        [{"type": 7, "data": []}],
        [{"type": "order", "data": [{"type": "send_webhook"}]}],
        [{"type": "order", "data": [{"webhookUUID": "x"}]}],
    ],
)
@pytest.mark.parametrize("path", ["/cart", "/cart/create"])
def test_malformed_events_are_refused(sandbox: Client, path: str, events: Any) -> None:
    response = sandbox.api("POST", path, {"items": [{"link": MUG}], "settings": {"events": events}})
    assert response.status_code == 400
    assert "settings.events" in response.json()["message"]


def test_actions_other_than_webhooks_are_ignored(sandbox: Client, receiver: Receiver) -> None:
    register(sandbox, receiver.endpoint())
    other = {"events": [{"type": "order", "data": [{"type": "give_points", "points": 3}]}]}
    pay_cart(sandbox, MUG, settings=other)
    assert receiver.received == []


def test_webhooks_of_early_v1_have_its_wire_format(sandbox: Client, receiver: Receiver) -> None:
    item = {"link": MUG, "variant": "blue"}
    cart_id = sandbox.api("POST", "/cart/create", {"items": [item]}).json()["data"]["cartId"]
    ref = sandbox.api("POST", "/cart/purchase", {"cartId": cart_id, "buyer": buyer()}).json()["refId"]
    sandbox.advance(1000)
    wait_until_sent(sandbox)
    purchase = sandbox.api("POST", "/cart/purchase/status", {"refId": ref}).json()
    assert receiver.received[-1].json["data"] == purchase
    assert purchase["products"][0]["variant"] == "blue"
    assert "commissionFee" in purchase["result"]["costs"]


def test_v0_has_no_webhooks(sandbox: Client, receiver: Receiver) -> None:
    add(sandbox, product(MUG))
    sandbox.control("pay", {"userId": "ada"})
    sandbox.advance(1000)
    assert wait_until_sent(sandbox) == []
