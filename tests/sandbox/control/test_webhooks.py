"""The control calls for webhooks: endpoints, the log and sending by hand."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

import pytest

from tests.sandbox.conftest import MUG, Client
from tests.sandbox.receiver import Receiver, paid, quiet, receiving, register, sends


def test_endpoints_are_shown_without_their_secrets(sandbox: Client, receiver: Receiver) -> None:
    shown = register(sandbox, receiver.entry("a", everyCart=True), receiver.entry("b"))
    assert shown == {
        "endpoints": [
            {"uuid": "a", "url": receiver.url, "everyCart": True},
            {"uuid": "b", "url": receiver.url, "everyCart": False},
        ],
        "waiting": 0,
        "held": 0,
        "log": [],
    }
    assert receiver.entry()["secret"] not in sandbox.raw("GET", "/__sandbox__/webhooks").text


def test_the_log_can_be_left_out(sandbox: Client, receiver: Receiver) -> None:
    paid(sandbox)
    assert sandbox.control("webhooks?log=false").keys() == {"endpoints", "waiting", "held"}
    assert sandbox.raw("GET", "/__sandbox__/webhooks?log=0").status_code == 400


def test_the_log_tells_each_delivery(sandbox: Client, receiver: Receiver) -> None:
    ref = paid(sandbox)
    (row,) = quiet(sandbox)
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
    with receiving() as other:
        register(sandbox, other.entry("other", everyCart=True))
        paid(sandbox)
        assert (len(receiver.got), len(other.got)) == (0, 1)


def test_reset_forgets_endpoints_queue_and_log(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, delaySeconds=0.5)
    sandbox.control("pay", {"cartId": sandbox.cart(MUG)})
    assert sandbox.control("webhooks")["waiting"] == 1
    sandbox.control("reset", {})
    assert sandbox.control("webhooks") == {"endpoints": [], "waiting": 0, "held": 0, "log": []}
    register(sandbox, receiver.entry(everyCart=True))
    sandbox.scenario(webhooks={"delaySeconds": 0.7})
    paid(sandbox)
    # The second order's event is due after that of the first would have been.
    assert len(receiver.got) == 1


def test_a_retry_does_not_outlive_a_reset(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, retries=3, retryAfterSeconds=0)
    receiver.answers = [500]
    receiver.together = door = threading.Barrier(2)
    sandbox.control("pay", {"cartId": sandbox.cart(MUG)})
    deadline = time.monotonic() + 10
    while not door.n_waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    sandbox.control("reset", {})
    receiver.together = None
    door.wait(10)
    receiver.wait(1)
    assert quiet(sandbox) == []
    assert len(receiver.got) == 1


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
def test_a_wrong_endpoint_is_refused_and_changes_nothing(
    sandbox: Client, receiver: Receiver, change: dict[str, Any], name: str
) -> None:
    answer = sandbox.raw(
        "POST", "/__sandbox__/webhooks", json={"endpoints": [{**receiver.entry("b"), **change}]}
    )
    assert answer.status_code == 400
    assert name in answer.json()["message"]
    assert [row["uuid"] for row in sandbox.control("webhooks")["endpoints"]] == ["first"]


@pytest.mark.parametrize("endpoints", [None, {}, [7], [{}] * 51, "two of one name"])
def test_endpoints_must_be_a_list_of_their_own(sandbox: Client, receiver: Receiver, endpoints: Any) -> None:
    if isinstance(endpoints, str):
        endpoints = [receiver.entry("a"), receiver.entry("a")]
    answer = sandbox.raw("POST", "/__sandbox__/webhooks", json={"endpoints": endpoints})
    assert answer.status_code == 400


# By hand


def send(sandbox: Client, **body: Any) -> Any:
    return sandbox.control("webhooks/send", body)


def test_an_event_by_hand(sandbox: Client, receiver: Receiver) -> None:
    ref = paid(sandbox)
    receiver.answers = [202]
    answer = send(sandbox, refId=ref, event="order.purchase.cancelled")
    assert answer == {"statuses": [202], "deliveries": [{"uuid": "first", "status": 202, "error": ""}]}
    hook = receiver.got[-1]
    assert hook.json == {"event": "order.purchase.cancelled", "data": sandbox.status(ref)}
    assert hook.is_signed()
    assert [row["event"] for row in quiet(sandbox)] == ["order.purchase", "order.purchase.cancelled"]


def test_a_reference_that_nobody_knows(sandbox: Client, receiver: Receiver) -> None:
    send(sandbox, refId="ckp-ref_of-elsewhere")
    assert receiver.got[0].json == {"event": "order.purchase", "data": {"refId": "ckp-ref_of-elsewhere"}}


@pytest.mark.parametrize(
    ("given", "expected"),
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
def test_any_body_by_hand(
    sandbox: Client, receiver: Receiver, given: dict[str, Any], expected: bytes
) -> None:
    sends(sandbox, thin=True, extra={"not": "added"} if given else {})
    assert send(sandbox, **given)["statuses"] == [200]
    (hook,) = receiver.got
    assert expected in hook.body
    assert b"added" not in hook.body
    assert hook.is_signed()


def test_many_at_the_same_time_by_hand(sandbox: Client, receiver: Receiver) -> None:
    receiver.together = threading.Barrier(50)
    answer = send(sandbox, refId=paid_before(sandbox, receiver), times=50, parallel=True)
    assert answer["statuses"] == [200] * 50
    assert len({(hook.body, hook.stamp) for hook in receiver.got}) == 1


def paid_before(sandbox: Client, receiver: Receiver) -> str:
    register(sandbox)
    ref = paid(sandbox)
    register(sandbox, receiver.entry())
    return ref


def test_one_after_the_other_by_hand(sandbox: Client, receiver: Receiver) -> None:
    receiver.answers = [200, 500, 410]
    assert send(sandbox, times=4)["statuses"] == [200, 500, 410, 200]


def test_by_hand_the_scenario_signs(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, signature="wrong", timestampOffsetSeconds=-400, drop=1, duplicates=5, delaySeconds=50)
    assert send(sandbox)["statuses"] == [200]
    (hook,) = receiver.got
    assert not hook.is_signed()
    assert hook.at - hook.stamp / 1000 > 390


def test_by_hand_to_one_or_to_all(sandbox: Client, receiver: Receiver) -> None:
    register(sandbox, receiver.entry("a"), {**receiver.entry("b"), "url": "http://127.0.0.1:9/"})
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
def test_a_wrong_send_is_refused(sandbox: Client, receiver: Receiver, body: dict[str, Any]) -> None:
    assert sandbox.raw("POST", "/__sandbox__/webhooks/send", json=body).status_code == 400
    assert receiver.got == []


def test_nothing_is_sent_without_an_endpoint(sandbox: Client) -> None:
    assert sandbox.raw("POST", "/__sandbox__/webhooks/send", json={}).status_code == 400
