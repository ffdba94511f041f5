"""How webhooks travel: what the scenario does to them, and what happens at the other end."""

from __future__ import annotations

import signal
import socket
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import MUG, Client, Process
from tests.sandbox.receiver import END, SLOW, UPDATED, Receiver, paid, quiet, receiving, register, sends


def test_without_retries_a_failure_is_the_end(sandbox: Client, receiver: Receiver) -> None:
    receiver.answers = [500]
    paid(sandbox)
    (row,) = quiet(sandbox)
    assert (row["event"], row["uuid"], row["attempt"], row["status"]) == ("order.purchase", "first", 1, 500)
    assert len(receiver.got) == 1


def test_a_failure_is_tried_again_and_signed_anew(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, retries=5, retryAfterSeconds=0.15)
    receiver.answers = [500, 302, 404]
    paid(sandbox)
    log = quiet(sandbox)
    assert [(row["attempt"], row["status"]) for row in log] == [(1, 500), (2, 302), (3, 404), (4, 200)]
    assert len({hook.body for hook in receiver.got}) == 1
    assert all(hook.is_signed() for hook in receiver.got)
    stamps = [hook.stamp for hook in receiver.got]
    assert all(later - earlier >= 140 for earlier, later in pairwise(stamps))


def test_retries_come_to_an_end(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, retries=2, retryAfterSeconds=0)
    receiver.answers = [500] * 9
    paid(sandbox)
    assert [row["attempt"] for row in quiet(sandbox)] == [1, 2, 3]


def test_duplicates_are_exact_and_come_at_the_same_time(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, duplicates=9)
    receiver.together = threading.Barrier(10)
    paid(sandbox)
    assert len(receiver.wait(10)) == 10
    assert len({(hook.body, hook.stamp, hook.headers["x-henry-signature"]) for hook in receiver.got}) == 1


def test_a_duplicate_that_fails_is_one_retry(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, duplicates=2, retries=1, retryAfterSeconds=0)
    receiver.answers = [500, 500, 200, 500]
    paid(sandbox)
    assert [row["attempt"] for row in quiet(sandbox)] == [1, 1, 1, 2, 2]


def test_the_answer_is_taken(sandbox: Client, receiver: Receiver) -> None:
    receiver.body = b"taken " * 20_000
    receiver.was_cut = True
    paid(sandbox)
    deadline = time.monotonic() + 5
    while receiver.was_cut and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not receiver.was_cut


def test_reorder_sends_the_newest_first(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, reorder=True)
    for _ in range(3):
        paid(sandbox, MUG)
    sandbox.advance(100)
    sandbox.advance(150)
    assert quiet(sandbox) == []
    assert sandbox.control("webhooks")["held"] == 9
    sandbox.advance(150)
    quiet(sandbox)
    by_order: dict[str, list[tuple[str, str]]] = {}
    for hook, status in zip(receiver.got, receiver.statuses, strict=True):
        by_order.setdefault(hook.json["data"]["refId"], []).append(status)
    assert list(by_order.values()) == [[*END[::-1], *[("purchase", "processing")] * 2, UPDATED]] * 3


def test_the_order_of_events_is_kept_otherwise(sandbox: Client, receiver: Receiver) -> None:
    receiver.seconds = 0.02
    sandbox.control("orders", {"count": 20})
    sandbox.advance(100)
    sandbox.advance(1000)
    quiet(sandbox)
    by_order: dict[str, list[tuple[str, str]]] = {}
    for hook, status in zip(receiver.got, receiver.statuses, strict=True):
        by_order.setdefault(hook.json["data"]["refId"], []).append(status)
    assert list(by_order.values()) == [[UPDATED, ("purchase", "processing"), *END]] * 20


def test_delay(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, delaySeconds=0.4)
    started = time.time()
    paid(sandbox)
    (hook,) = receiver.got
    assert 0.4 <= hook.at - started < 3
    assert hook.stamp / 1000 - started >= 0.39


def test_drop_repeats_with_its_seed(sandbox: Client, receiver: Receiver) -> None:
    runs = []
    for seed in (1, 1, 2):
        sandbox.control("reset", {})
        register(sandbox, receiver.entry(everyCart=True))
        sandbox.scenario(seed=seed, timing=SLOW, webhooks={"drop": 0.5})
        rows = []
        for ref in [paid(sandbox) for _ in range(20)]:
            rows += [row["status"] for row in quiet(sandbox) if row["refId"] == ref]
        runs.append(rows)
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, None}
    assert len(receiver.got) == sum(row == 200 for rows in runs for row in rows)


def test_all_can_be_dropped(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, drop=1, retries=3, duplicates=2)
    paid(sandbox)
    sandbox.advance(1000)
    assert {(row["status"], row["error"]) for row in quiet(sandbox)} == {(None, "not sent: dropped")}
    assert receiver.got == []


def test_signatures_can_be_wrong_or_missing(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, signature="wrong")
    paid(sandbox)
    sends(sandbox, signature="none")
    paid(sandbox)
    wrong, none = receiver.got
    assert not wrong.is_signed()
    assert len(wrong.headers["x-henry-signature"]) == 64
    assert "x-henry-signature" not in none.headers
    assert none.stamp


@pytest.mark.parametrize("seconds", [-301, 301.5, -86_400])
def test_the_time_can_be_off(sandbox: Client, receiver: Receiver, seconds: float) -> None:
    sends(sandbox, timestampOffsetSeconds=seconds)
    paid(sandbox)
    (hook,) = receiver.got
    assert abs(hook.stamp / 1000 - hook.at - seconds) < 5
    assert hook.is_signed()


def test_thin_and_extra_change_the_body(sandbox: Client, receiver: Receiver) -> None:
    sends(sandbox, thin=True, extra={"id": 7, "data": {"more": {"rate": 1.5}}})
    ref = paid(sandbox)
    assert receiver.got[0].json == {
        "event": "order.purchase",
        "data": {"refId": ref, "more": {"rate": 1.5}},
        "id": 7,
    }
    assert receiver.got[0].is_signed()


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
def test_a_wrong_part_is_refused(sandbox: Client, parts: Any, name: str) -> None:
    answer = sandbox.raw("POST", "/__sandbox__/scenario", json={"webhooks": parts})
    assert answer.status_code == 400
    assert name in answer.json()["message"]


def test_a_redirect_is_not_followed(sandbox: Client, receiver: Receiver) -> None:
    receiver.answers = [307]
    receiver.location = receiver.url
    paid(sandbox)
    assert [row["status"] for row in quiet(sandbox)] == [307]
    assert len(receiver.got) == 1


def test_an_address_where_nobody_listens(sandbox: Client, receiver: Receiver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        register(sandbox, {**receiver.entry(everyCart=True), "url": url})
        paid(sandbox)
    (row,) = quiet(sandbox)
    assert (row["status"], row["error"].partition(":")[0]) == (None, "ConnectionRefusedError")


def test_a_slow_endpoint_is_given_up_after_five_seconds(sandbox: Client, receiver: Receiver) -> None:
    receiver.seconds = 20
    started = time.monotonic()
    paid(sandbox)
    (row,) = quiet(sandbox)
    assert (row["status"], row["error"]) == (None, "TimeoutError: timed out")
    assert 5 <= time.monotonic() - started < 10


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)
    running = Process()
    client = Client(running.url)
    with receiving() as receiver:
        register(client, receiver.entry(everyCart=True))
        client.control("pay", {"cartId": client.cart(MUG)})
        assert receiver.wait(1)[0].is_signed()
    client.session.close()
    running.stop()


def test_the_process_ends_while_webhooks_wait() -> None:
    running = Process()
    client = Client(running.url)
    with receiving() as receiver:
        receiver.seconds = 3
        register(client, receiver.entry(everyCart=True))
        client.control("orders", {"count": 50})
        client.session.close()
        started = time.monotonic()
        code, _ = running.stop()
    assert code == 0
    assert time.monotonic() - started < 4


def test_a_restart_keeps_the_endpoints_and_repeats_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with receiving() as receiver:
        first = Process("--state", str(state))
        client = Client(first.url)
        register(client, receiver.entry(everyCart=True))
        client.scenario(timing=SLOW)
        paid(client, MUG)
        client.session.close()
        first.stop(signal.SIGKILL)
        second = Process("--state", str(state))
        client = Client(second.url)
        client.advance(1000)
        quiet(client)
        assert receiver.statuses == [UPDATED, *END]
        assert all(hook.is_signed() for hook in receiver.got)
        client.session.close()
        second.stop()
