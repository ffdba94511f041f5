"""Control calls for webhooks: endpoints, log and manual sending."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

import pytest

from tests.sandbox.client import MUG, Client
from tests.sandbox.receiver import (
    Receiver,
    pay_cart,
    register,
    running_receiver,
    set_webhook_options,
    wait_until_sent,
)


def test_endpoints_are_listed_without_their_secrets(sandbox: Client, receiver: Receiver) -> None:
    registered = register(sandbox, receiver.endpoint("a", everyCart=True), receiver.endpoint("b"))
    assert registered == {
        "endpoints": [
            {"uuid": "a", "url": receiver.url, "everyCart": True},
            {"uuid": "b", "url": receiver.url, "everyCart": False},
        ],
        "waiting": 0,
        "held": 0,
        "log": [],
    }
    assert receiver.endpoint()["secret"] not in sandbox.raw("GET", "/__sandbox__/webhooks").text


def test_the_log_can_be_left_out(sandbox: Client, receiver: Receiver) -> None:
    pay_cart(sandbox)
    assert sandbox.control("webhooks?log=false").keys() == {"endpoints", "waiting", "held"}
    assert sandbox.raw("GET", "/__sandbox__/webhooks?log=0").status_code == 400


def test_the_log_lists_each_delivery(sandbox: Client, receiver: Receiver) -> None:
    ref = pay_cart(sandbox)
    (row,) = wait_until_sent(sandbox)
    at = datetime.fromisoformat(row.pop("at"))
    assert abs(at.timestamp() - time.time()) < 10
    assert row == {
        "event": "order.purchase",
        "refId": ref,
        "uuid": "first",
        "attempt": 1,
        "status": 200,
        "error": "",
    }


def test_endpoints_are_replaced(sandbox: Client, receiver: Receiver) -> None:
    with running_receiver() as other:
        register(sandbox, other.endpoint("other", everyCart=True))
        pay_cart(sandbox)
        assert (len(receiver.received), len(other.received)) == (0, 1)


def test_reset_clears_endpoints_queue_and_log(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, delaySeconds=0.5)
    sandbox.control("pay", {"cartId": sandbox.cart(MUG)})
    assert sandbox.control("webhooks")["waiting"] == 1
    sandbox.control("reset", {})
    assert sandbox.control("webhooks") == {"endpoints": [], "waiting": 0, "held": 0, "log": []}
    register(sandbox, receiver.endpoint(everyCart=True))
    sandbox.scenario(webhooks={"delaySeconds": 0.7})
    pay_cart(sandbox)
    # The event of the second order is due after that of the first would have been.
    assert len(receiver.received) == 1


def test_a_reset_cancels_retries(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, retries=3, retryAfterSeconds=0)
    receiver.next_statuses = [500]
    receiver.barrier = barrier = threading.Barrier(2)
    sandbox.control("pay", {"cartId": sandbox.cart(MUG)})
    deadline = time.monotonic() + 10
    while not barrier.n_waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    sandbox.control("reset", {})
    receiver.barrier = None
    barrier.wait(10)
    receiver.wait(1)
    assert wait_until_sent(sandbox) == []
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"uuid": ""}, "endpoints[0].uuid"),
        ({"uuid": None}, "endpoints[0].uuid"),
        ({"url": "ftp://127.0.0.1/"}, "endpoints[0].url"),
        ({"url": "http:///path"}, "endpoints[0].url"),
        ({"url": "http://127.0.0.1:99999/"}, "endpoints[0].url"),
        ({"url": "http://127.0.0.1/a b"}, "endpoints[0].url"),
        ({"url": "http://127.0.0.1/ä"}, "endpoints[0].url"),
        ({"url": 7}, "endpoints[0].url"),
        ({"secret": ""}, "endpoints[0].secret"),
        ({"everyCart": 1}, "endpoints[0].everyCart"),
        ({"other": 1}, "other"),
    ],
)
def test_an_invalid_endpoint_is_refused_and_changes_nothing(
    sandbox: Client, receiver: Receiver, change: dict[str, Any], name: str
) -> None:
    response = sandbox.raw(
        "POST", "/__sandbox__/webhooks", json={"endpoints": [{**receiver.endpoint("b"), **change}]}
    )
    assert response.status_code == 400
    assert name in response.json()["message"]
    assert [row["uuid"] for row in sandbox.control("webhooks")["endpoints"]] == ["first"]


@pytest.mark.parametrize("endpoints", [None, {}, [7], [{}] * 51, "two with the same uuid"])
def test_endpoints_must_be_a_list_with_unique_uuids(
    sandbox: Client, receiver: Receiver, endpoints: Any
) -> None:
    if isinstance(endpoints, str):
        endpoints = [receiver.endpoint("a"), receiver.endpoint("a")]
    response = sandbox.raw("POST", "/__sandbox__/webhooks", json={"endpoints": endpoints})
    assert response.status_code == 400


# Manual sending


def send(sandbox: Client, **body: Any) -> Any:
    return sandbox.control("webhooks/send", body)


def test_an_event_can_be_sent_manually(sandbox: Client, receiver: Receiver) -> None:
    ref = pay_cart(sandbox)
    receiver.next_statuses = [202]
    response = send(sandbox, refId=ref, event="order.purchase.cancelled")
    assert response == {"statuses": [202], "deliveries": [{"uuid": "first", "status": 202, "error": ""}]}
    webhook = receiver.received[-1]
    assert webhook.json == {"event": "order.purchase.cancelled", "data": sandbox.status(ref)}
    assert webhook.is_signed()
    assert [row["event"] for row in wait_until_sent(sandbox)] == [
        "order.purchase",
        "order.purchase.cancelled",
    ]


def test_an_unknown_reference_can_be_sent(sandbox: Client, receiver: Receiver) -> None:
    send(sandbox, refId="ckp-ref_of-elsewhere")
    assert receiver.received[0].json == {"event": "order.purchase", "data": {"refId": "ckp-ref_of-elsewhere"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"body": {"event": "new.event", "data": {"total": 12.10}}}, b'"total": 12.1'),
        ({"body": [1, None]}, b"[1, null]"),
        ({"body": None}, b"null"),
        ({"rawBody": ""}, b""),
        ({"rawBody": '{"event": '}, b'{"event": '),
        ({"rawBody": "ünï"}, "ünï".encode()),
        ({}, b'{"event": "order.purchase", "data": {}}'),
    ],
)
def test_any_body_can_be_sent(
    sandbox: Client, receiver: Receiver, content: dict[str, Any], expected: bytes
) -> None:
    set_webhook_options(sandbox, thin=True, extra={"not": "added"} if content else {})
    assert send(sandbox, **content)["statuses"] == [200]
    (webhook,) = receiver.received
    assert expected in webhook.body
    assert b"added" not in webhook.body
    assert webhook.is_signed()


def test_copies_can_be_sent_in_parallel(sandbox: Client, receiver: Receiver) -> None:
    receiver.barrier = threading.Barrier(50)
    response = send(sandbox, refId=pay_cart_without_endpoint(sandbox, receiver), times=50, parallel=True)
    assert response["statuses"] == [200] * 50
    assert len({(webhook.body, webhook.timestamp) for webhook in receiver.received}) == 1


def pay_cart_without_endpoint(sandbox: Client, receiver: Receiver) -> str:
    register(sandbox)
    ref = pay_cart(sandbox)
    register(sandbox, receiver.endpoint())
    return ref


def test_copies_can_be_sent_in_sequence(sandbox: Client, receiver: Receiver) -> None:
    receiver.next_statuses = [200, 500, 410]
    assert send(sandbox, times=4)["statuses"] == [200, 500, 410, 200]


def test_the_scenario_sets_signature_and_timestamp(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(
        sandbox, signature="wrong", timestampOffsetSeconds=-400, drop=1, duplicates=5, delaySeconds=50
    )
    assert send(sandbox)["statuses"] == [200]
    (webhook,) = receiver.received
    assert not webhook.is_signed()
    assert webhook.received_at - webhook.timestamp / 1000 > 390


def test_a_webhook_goes_to_one_endpoint_or_to_all(sandbox: Client, receiver: Receiver) -> None:
    register(sandbox, receiver.endpoint("a"), {**receiver.endpoint("b"), "url": "http://127.0.0.1:9/"})
    assert send(sandbox, uuid="a")["statuses"] == [200]
    both = send(sandbox)
    assert both["statuses"] == [200, None]
    assert both["deliveries"][1]["error"].startswith("ConnectionRefusedError")


@pytest.mark.parametrize(
    "body",
    [
        {"uuid": "unknown"},
        {"body": {}, "rawBody": ""},
        {"rawBody": 7},
        {"times": 0},
        {"times": 201},
        {"parallel": 1},
        {"event": 7},
        {"other": 1},
    ],
)
def test_an_invalid_send_is_refused(sandbox: Client, receiver: Receiver, body: dict[str, Any]) -> None:
    assert sandbox.raw("POST", "/__sandbox__/webhooks/send", json=body).status_code == 400
    assert receiver.received == []


def test_nothing_is_sent_without_an_endpoint(sandbox: Client) -> None:
    assert sandbox.raw("POST", "/__sandbox__/webhooks/send", json={}).status_code == 400
