"""Delivery of webhooks: options of the scenario, and failures of the endpoint."""

from __future__ import annotations

import signal
import socket
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.client import MUG, Client, SandboxProcess
from tests.sandbox.receiver import (
    COMPLETION,
    PENDING,
    SLOW_TIMING,
    Receiver,
    pay_cart,
    register,
    running_receiver,
    set_webhook_options,
    wait_until_sent,
)


def test_failures_are_not_retried_by_default(sandbox: Client, receiver: Receiver) -> None:
    receiver.next_statuses = [500]
    pay_cart(sandbox)
    (row,) = wait_until_sent(sandbox)
    assert (row["event"], row["uuid"], row["attempt"], row["status"]) == ("order.purchase", "first", 1, 500)
    assert len(receiver.received) == 1


def test_each_retry_has_a_new_signature(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, retries=5, retryAfterSeconds=0.15)
    receiver.next_statuses = [500, 302, 404]
    pay_cart(sandbox)
    log = wait_until_sent(sandbox)
    assert [(row["attempt"], row["status"]) for row in log] == [(1, 500), (2, 302), (3, 404), (4, 200)]
    assert len({webhook.body for webhook in receiver.received}) == 1
    assert all(webhook.is_signed() for webhook in receiver.received)
    timestamps = [webhook.timestamp for webhook in receiver.received]
    assert all(later - earlier >= 140 for earlier, later in pairwise(timestamps))


def test_retries_are_limited(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, retries=2, retryAfterSeconds=0)
    receiver.next_statuses = [500] * 9
    pay_cart(sandbox)
    assert [row["attempt"] for row in wait_until_sent(sandbox)] == [1, 2, 3]


def test_duplicates_are_identical_and_simultaneous(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, duplicates=9)
    receiver.barrier = threading.Barrier(10)
    pay_cart(sandbox)
    assert len(receiver.wait(10)) == 10
    assert (
        len(
            {
                (webhook.body, webhook.timestamp, webhook.headers["x-henry-signature"])
                for webhook in receiver.received
            }
        )
        == 1
    )


def test_each_failed_duplicate_is_retried_once(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, duplicates=2, retries=1, retryAfterSeconds=0)
    receiver.next_statuses = [500, 500, 200, 500]
    pay_cart(sandbox)
    assert [row["attempt"] for row in wait_until_sent(sandbox)] == [1, 1, 1, 2, 2]


def test_the_response_is_read_to_the_end(sandbox: Client, receiver: Receiver) -> None:
    receiver.body = b"taken " * 20_000
    receiver.was_reset = True
    pay_cart(sandbox)
    deadline = time.monotonic() + 5
    while receiver.was_reset and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not receiver.was_reset


def test_reorder_sends_the_newest_event_first(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, reorder=True)
    for _ in range(3):
        pay_cart(sandbox, MUG)
    sandbox.advance(100)
    sandbox.advance(150)
    assert wait_until_sent(sandbox) == []
    assert sandbox.control("webhooks")["held"] == 9
    sandbox.advance(150)
    wait_until_sent(sandbox)
    by_order: dict[str, list[tuple[str, str]]] = {}
    for webhook, status in zip(receiver.received, receiver.statuses, strict=True):
        by_order.setdefault(webhook.json["data"]["refId"], []).append(status)
    assert list(by_order.values()) == [[*COMPLETION[::-1], *[("purchase", "processing")] * 2, PENDING]] * 3


def test_events_are_sent_in_order_by_default(sandbox: Client, receiver: Receiver) -> None:
    receiver.delay_seconds = 0.02
    sandbox.control("orders", {"count": 20})
    sandbox.advance(100)
    sandbox.advance(1000)
    wait_until_sent(sandbox)
    by_order: dict[str, list[tuple[str, str]]] = {}
    for webhook, status in zip(receiver.received, receiver.statuses, strict=True):
        by_order.setdefault(webhook.json["data"]["refId"], []).append(status)
    assert list(by_order.values()) == [[PENDING, ("purchase", "processing"), *COMPLETION]] * 20


def test_delay(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, delaySeconds=0.4)
    started = time.time()
    pay_cart(sandbox)
    (webhook,) = receiver.received
    assert 0.4 <= webhook.received_at - started < 3
    assert webhook.timestamp / 1000 - started >= 0.39


def test_drops_are_reproducible_with_a_seed(sandbox: Client, receiver: Receiver) -> None:
    runs = []
    for seed in (1, 1, 2):
        sandbox.control("reset", {})
        register(sandbox, receiver.endpoint(everyCart=True))
        sandbox.scenario(seed=seed, timing=SLOW_TIMING, webhooks={"drop": 0.5})
        rows = []
        for ref in [pay_cart(sandbox) for _ in range(20)]:
            rows += [row["status"] for row in wait_until_sent(sandbox) if row["refId"] == ref]
        runs.append(rows)
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, None}
    assert len(receiver.received) == sum(row == 200 for rows in runs for row in rows)


def test_all_deliveries_can_be_dropped(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, drop=1, retries=3, duplicates=2)
    pay_cart(sandbox)
    sandbox.advance(1000)
    assert {(row["status"], row["error"]) for row in wait_until_sent(sandbox)} == {
        (None, "not sent: dropped")
    }
    assert receiver.received == []


def test_signatures_can_be_wrong_or_missing(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, signature="wrong")
    pay_cart(sandbox)
    set_webhook_options(sandbox, signature="none")
    pay_cart(sandbox)
    wrong, none = receiver.received
    assert not wrong.is_signed()
    assert len(wrong.headers["x-henry-signature"]) == 64
    assert "x-henry-signature" not in none.headers
    assert none.timestamp


@pytest.mark.parametrize("seconds", [-301, 301.5, -86_400])
def test_the_timestamp_can_be_off(sandbox: Client, receiver: Receiver, seconds: float) -> None:
    set_webhook_options(sandbox, timestampOffsetSeconds=seconds)
    pay_cart(sandbox)
    (webhook,) = receiver.received
    assert abs(webhook.timestamp / 1000 - webhook.received_at - seconds) < 5
    assert webhook.is_signed()


def test_thin_and_extra_change_the_body(sandbox: Client, receiver: Receiver) -> None:
    set_webhook_options(sandbox, thin=True, extra={"id": 7, "data": {"more": {"rate": 1.5}}})
    ref = pay_cart(sandbox)
    assert receiver.received[0].json == {
        "event": "order.purchase",
        "data": {"refId": ref, "more": {"rate": 1.5}},
        "id": 7,
    }
    assert receiver.received[0].is_signed()


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"retry": 1}, "retry"),
        ({"retries": -1}, "webhooks.retries"),
        ({"retries": 101}, "webhooks.retries"),
        ({"retryAfterSeconds": "soon"}, "webhooks.retryAfterSeconds"),
        ({"duplicates": 1.5}, "webhooks.duplicates"),
        ({"reorder": 1}, "webhooks.reorder"),
        ({"delaySeconds": -1}, "webhooks.delaySeconds"),
        ({"drop": 1.1}, "webhooks.drop"),
        ({"signature": "bad"}, "webhooks.signature"),
        ({"timestampOffsetSeconds": None}, "webhooks.timestampOffsetSeconds"),
        ({"thin": "yes"}, "webhooks.thin"),
        ({"extra": []}, "webhooks.extra"),
        ([], "webhooks"),
    ],
)
def test_an_invalid_option_is_refused(sandbox: Client, parts: Any, name: str) -> None:
    response = sandbox.raw("POST", "/__sandbox__/scenario", json={"webhooks": parts})
    assert response.status_code == 400
    assert name in response.json()["message"]


def test_a_redirect_is_not_followed(sandbox: Client, receiver: Receiver) -> None:
    receiver.next_statuses = [307]
    receiver.location = receiver.url
    pay_cart(sandbox)
    assert [row["status"] for row in wait_until_sent(sandbox)] == [307]
    assert len(receiver.received) == 1


def test_a_refused_connection_is_logged(sandbox: Client, receiver: Receiver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        register(sandbox, {**receiver.endpoint(everyCart=True), "url": url})
        pay_cart(sandbox)
    (row,) = wait_until_sent(sandbox)
    assert (row["status"], row["error"].partition(":")[0]) == (None, "ConnectionRefusedError")


def test_a_slow_endpoint_times_out_after_five_seconds(sandbox: Client, receiver: Receiver) -> None:
    receiver.delay_seconds = 20
    started = time.monotonic()
    pay_cart(sandbox)
    (row,) = wait_until_sent(sandbox)
    assert (row["status"], row["error"]) == (None, "TimeoutError: timed out")
    assert 5 <= time.monotonic() - started < 10


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)
    running = SandboxProcess()
    client = Client(running.url)
    with running_receiver() as receiver:
        register(client, receiver.endpoint(everyCart=True))
        client.control("pay", {"cartId": client.cart(MUG)})
        assert receiver.wait(1)[0].is_signed()
    client.session.close()
    running.stop()


def test_the_process_exits_while_webhooks_are_pending() -> None:
    running = SandboxProcess()
    client = Client(running.url)
    with running_receiver() as receiver:
        receiver.delay_seconds = 3
        register(client, receiver.endpoint(everyCart=True))
        client.control("orders", {"count": 50})
        client.session.close()
        started = time.monotonic()
        code, _ = running.stop()
    assert code == 0
    assert time.monotonic() - started < 4


def test_endpoints_survive_a_restart_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with running_receiver() as receiver:
        first = SandboxProcess("--state", str(state))
        client = Client(first.url)
        register(client, receiver.endpoint(everyCart=True))
        client.scenario(timing=SLOW_TIMING)
        pay_cart(client, MUG)
        client.session.close()
        first.stop(signal.SIGKILL)
        second = SandboxProcess("--state", str(state))
        client = Client(second.url)
        client.advance(1000)
        wait_until_sent(client)
        assert receiver.statuses == [PENDING, *COMPLETION]
        assert all(webhook.is_signed() for webhook in receiver.received)
        client.session.close()
        second.stop()
