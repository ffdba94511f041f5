"""Which changes of an order are told, in which words and to whom."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from django_henry_checkout.sandbox.engine.webhooks.events import sign
from tests.sandbox.conftest import MUG, TEAPOT, Client, buyer, product
from tests.sandbox.receiver import END, SLOW, UPDATED, Receiver, paid, quiet, register, sends
from tests.sandbox.v0.calls import add


def subscribed(kind: str, uuid: str = "first") -> dict[str, Any]:
    return {"events": [{"type": kind, "data": [{"type": "send_webhook", "webhookUUID": uuid}]}]}


def test_the_vector_of_the_reference() -> None:
    body = b'{"event":"order.purchase.complete","data":{"refId":"ckp-ref_3fa85f64-5717-4562-b3fc"}}'
    expected = "044279c07488c9284fdc7435d9f3d02f848ad9c83746695f887edb9930120cc9"
    assert sign("whsec_example", "1767225600000", body) == expected


def test_an_order_is_told_from_its_beginning_to_its_end(sandbox: Client, receiver: Receiver) -> None:
    ref = paid(sandbox, MUG)
    assert [hook.json["data"] for hook in receiver.got] == [sandbox.status(ref)]
    for seconds in (100, 150, 150):
        sandbox.advance(seconds)
        quiet(sandbox)
        assert receiver.got[-1].json["data"] == sandbox.status(ref)
    expected = [UPDATED, ("purchase", "processing"), ("purchase", "processing"), *END]
    assert receiver.statuses == expected
    assert [hook.json["data"]["products"][0]["status"] for hook in receiver.got[1:3]] == [
        "processing",
        "complete",
    ]
    assert receiver.got[-1].json["data"]["result"]["costs"]["total"]["value"] > 0
    assert set(receiver.got[0].json) == {"event", "data"}


def test_a_delivery_is_signed_over_its_raw_body_at_the_real_time(sandbox: Client, receiver: Receiver) -> None:
    sandbox.advance(30 * 24 * 3600)
    paid(sandbox)
    (hook,) = receiver.got
    assert hook.is_signed()
    assert not hook.is_signed("whsec_of_another")
    assert hook.headers["x-henry-signature"] == hook.headers["x-henry-signature"].lower()
    assert abs(hook.stamp / 1000 - hook.at) < 5
    assert hook.headers["content-type"] == "application/json"
    assert hook.path == "/henry/webhooks/default/key?shop=1"


def test_time_alone_moves_orders_too(sandbox: Client, receiver: Receiver) -> None:
    sandbox.scenario(timing={"pendingSeconds": 0.3, "processingSeconds": 0.6})
    ref = sandbox.purchase(sandbox.cart(MUG)).json()["refId"]
    receiver.wait_for("order.purchase.full.complete")
    assert receiver.statuses[0] == UPDATED
    assert receiver.statuses[-3:] == END
    assert 0.85 <= receiver.got[-1].at - receiver.got[0].at < 5
    assert {hook.json["data"]["refId"] for hook in receiver.got} == {ref}


def test_no_jump_swallows_the_one_before(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, drop=1)
    sandbox.control("orders", {"count": 1000})
    for _ in range(4):
        sandbox.advance(100)
    told = Counter(row["event"].removeprefix("order.") for row in quiet(sandbox))
    assert told == {"purchase": 4000, "purchase.complete": 1000, "purchase.full.complete": 1000}


def test_a_jump_over_several_steps_tells_the_last_state(sandbox: Client, receiver: Receiver) -> None:
    paid(sandbox, MUG, TEAPOT)
    sandbox.advance(1000)
    quiet(sandbox)
    assert receiver.statuses == [UPDATED, *END]
    sandbox.advance(1000)
    quiet(sandbox)
    assert len(receiver.got) == 4


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
def test_each_end_has_its_events(
    sandbox: Client, receiver: Receiver, outcome: str, more: dict[str, Any], events: list[str]
) -> None:
    sandbox.scenario(timing=SLOW, outcome=outcome, **more)
    paid(sandbox, MUG, TEAPOT)
    sandbox.advance(1000)
    quiet(sandbox)
    assert [event.removeprefix("order.") for event in receiver.events[1:]] == events


def test_items_that_fail_one_after_the_other(sandbox: Client, receiver: Receiver) -> None:
    sandbox.scenario(timing=SLOW, items={MUG: "failed", TEAPOT: "failed"})
    paid(sandbox, MUG, TEAPOT)
    for seconds in (200, 100, 100):
        sandbox.advance(seconds)
    quiet(sandbox)
    assert Counter(receiver.events) == {"order.purchase": 4, "order.item.failed": 2}


def test_a_refused_payment_is_told(sandbox: Client, receiver: Receiver) -> None:
    sandbox.purchase(sandbox.cart(MUG), "card_test_declined")
    sandbox.advance(1000)
    quiet(sandbox)
    assert receiver.statuses == [UPDATED, ("purchase", "failed"), ("item.failed", "failed")]


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
    register(sandbox, receiver.entry("first"), receiver.entry("second"))
    paid(sandbox, MUG, settings=subscribed(kind))
    paid(sandbox, MUG)
    sandbox.advance(1000)
    log = quiet(sandbox)
    assert Counter(receiver.events) == events
    assert {row["uuid"] for row in log} <= {"first"}


def test_each_endpoint_gets_its_own_once(sandbox: Client, receiver: Receiver) -> None:
    """Two subscriptions of one cart to one endpoint are one delivery."""
    twice = {"events": [*subscribed("order")["events"], *subscribed("order.purchase", "first")["events"]]}
    register(sandbox, receiver.entry("first"), receiver.entry("all", everyCart=True))
    paid(sandbox, MUG, settings=twice)
    assert [row["uuid"] for row in quiet(sandbox)] == ["first", "all"]


def test_an_endpoint_that_comes_later_hears_of_what_happens_then(sandbox: Client, receiver: Receiver) -> None:
    register(sandbox)
    paid(sandbox, MUG)
    register(sandbox, receiver.entry(everyCart=True))
    assert quiet(sandbox) == []
    sandbox.advance(1000)
    quiet(sandbox)
    assert receiver.statuses == END


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
def test_events_that_say_nothing_are_refused(sandbox: Client, path: str, events: Any) -> None:
    answer = sandbox.api("POST", path, {"items": [{"link": MUG}], "settings": {"events": events}})
    assert answer.status_code == 400
    assert "settings.events" in answer.json()["message"]


def test_other_actions_than_webhooks_are_let_pass(sandbox: Client, receiver: Receiver) -> None:
    register(sandbox, receiver.entry())
    other = {"events": [{"type": "order", "data": [{"type": "give_points", "points": 3}]}]}
    paid(sandbox, MUG, settings=other)
    assert receiver.got == []


def test_early_v1_speaks_its_own_words(sandbox: Client, receiver: Receiver) -> None:
    item = {"link": MUG, "variant": "blue"}
    made = sandbox.api("POST", "/cart/create", {"items": [item]}).json()["data"]["cartId"]
    ref = sandbox.api("POST", "/cart/purchase", {"cartId": made, "buyer": buyer()}).json()["refId"]
    sandbox.advance(1000)
    quiet(sandbox)
    asked = sandbox.api("POST", "/cart/purchase/status", {"refId": ref}).json()
    assert receiver.got[-1].json["data"] == asked
    assert asked["products"][0]["variant"] == "blue"
    assert "commissionFee" in asked["result"]["costs"]


def test_v0_has_no_webhooks(sandbox: Client, receiver: Receiver) -> None:
    add(sandbox, product(MUG))
    sandbox.control("pay", {"userId": "ada"})
    sandbox.advance(1000)
    assert quiet(sandbox) == []
