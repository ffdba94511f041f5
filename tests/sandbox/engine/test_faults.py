from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import KEY, MUG, Client, buyer, product
from tests.sandbox.v0.calls import add, confirm, quote


def refs(sandbox: Client) -> int:
    return len(sandbox.orders())


def statuses(sandbox: Client, count: int) -> list[int]:
    return [sandbox.api("GET", "/orders").status_code for _ in range(count)]


def test_status_with_headers_and_body(sandbox: Client) -> None:
    sandbox.fault("status", status=429, headers={"Retry-After": "7"}, body={"message": "slow down"})
    answer = sandbox.api("GET", "/orders")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json() == {"message": "slow down"}
    assert statuses(sandbox, 1) == [200]


def test_a_failing_answer_processes_nothing_unless_asked(sandbox: Client) -> None:
    first, second = sandbox.cart(MUG), sandbox.cart(MUG)
    sandbox.fault("status", status=503, path="*/purchase")
    assert sandbox.purchase(first).status_code == 503
    assert refs(sandbox) == 0
    sandbox.fault("status", status=503, path="*/purchase", process=True)
    assert sandbox.purchase(second).status_code == 503
    assert refs(sandbox) == 1


def test_times_and_after(sandbox: Client) -> None:
    sandbox.fault("status", status=500, after=1, times=2)
    assert statuses(sandbox, 4) == [200, 500, 500, 200]
    sandbox.fault("status", status=500, times=0)
    assert statuses(sandbox, 4) == [500] * 4


def test_probability_repeats_with_its_seed(sandbox: Client) -> None:
    runs = []
    for seed in (1, 1, 2):
        entry = {"fault": "status", "status": 500, "times": 0, "probability": 0.5}
        sandbox.scenario(seed=seed, faults=[entry])
        runs.append(statuses(sandbox, 24))
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 500}


def test_method_and_path_choose_the_request(sandbox: Client) -> None:
    sandbox.fault("status", status=500, times=0, method="post", path="/v1/cart/*/purchase")
    cart_id = sandbox.cart(MUG)
    assert statuses(sandbox, 1) == [200]
    assert sandbox.purchase(cart_id).status_code == 500


def test_pages_and_control_are_spared_unless_named(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("status", status=500, times=0)
    assert sandbox.raw("GET", f"/cart/{cart_id}").status_code == 200
    sandbox.fault("status", status=500, times=0, path="*")
    assert sandbox.raw("GET", f"/cart/{cart_id}").status_code == 500
    assert sandbox.control("health") == {"ok": True}


def test_delay(sandbox: Client) -> None:
    sandbox.fault("delay", seconds=0.3)
    started = time.monotonic()
    assert statuses(sandbox, 1) == [200]
    assert time.monotonic() - started >= 0.3


def test_reset_processes_nothing(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("reset", path="*/purchase")
    with pytest.raises(requests.ConnectionError) as caught:
        sandbox.purchase(cart_id)
    assert "ConnectionResetError" in repr(caught.value)
    assert refs(sandbox) == 0
    record = sandbox.control("requests")[-1]
    assert (record["status"], record["fault"]) == (None, "reset")


def test_lost_reply_processes_everything(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("lost_reply", path="*/purchase")
    with pytest.raises(requests.ConnectionError) as caught:
        sandbox.purchase(cart_id)
    assert "ConnectionResetError" in repr(caught.value)
    assert refs(sandbox) == 1
    assert sandbox.control("requests")[-1]["status"] == 200


def _rest(sandbox: Client) -> tuple[str, Callable[[], requests.Response]]:
    cart_id = sandbox.cart(MUG)
    return f"/v1/cart/{cart_id}/purchase", lambda: sandbox.purchase(cart_id)


def _rpc(sandbox: Client) -> tuple[str, Callable[[], requests.Response]]:
    made = sandbox.api("POST", "/cart/create", {"items": [{"link": MUG}]}).json()
    body = {"cartId": made["data"]["cartId"], "buyer": buyer()}
    return "/v1/cart/purchase", lambda: sandbox.api("POST", "/cart/purchase", body)


def _v0(sandbox: Client) -> tuple[str, Callable[[], requests.Response]]:
    sandbox.control("card", {"userId": "ada"})
    add(sandbox, product(MUG))
    token = quote(sandbox)["session_token"]
    return "/v0/checkout/session/confirm", lambda: confirm(sandbox, token)


@pytest.mark.parametrize("prepare", [_rest, _rpc, _v0])
@pytest.mark.parametrize("exact", [True, False])
def test_a_purchase_whose_reply_is_lost_was_made(sandbox: Client, prepare: Any, exact: bool) -> None:
    path, send = prepare(sandbox)
    before = len(sandbox.control("requests"))
    sandbox.fault("lost_reply", method="POST", path=path if exact else f"*{path[-8:]}")
    with pytest.raises(requests.ConnectionError) as caught:
        send()
    assert "ConnectionResetError" in repr(caught.value)
    assert caught.value.response is None
    (order,) = sandbox.orders()
    assert [item["link"] for item in order["items"]] == [MUG]
    (record,) = sandbox.control("requests")[before:]
    assert (record["path"], record["status"], record["fault"]) == (path, 200, "lost_reply")
    # It struck once. The same call again buys nothing more: v0 answers the order, v1 says it is bought.
    again = send()
    assert again.status_code == (200 if prepare is _v0 else 409)
    assert sandbox.orders()[0]["refId"] == order["refId"]
    assert len(sandbox.orders()) == 1
    assert sandbox.control("scenario")["faults"] == [{"fault": "lost_reply", "met": 2, "used": 1}]


@pytest.mark.parametrize("prepare", [_rest, _rpc])
def test_a_purchase_whose_reply_was_lost_is_in_the_order_list(sandbox: Client, prepare: Any) -> None:
    _, send = prepare(sandbox)
    sandbox.fault("lost_reply", path="*purchase")
    with pytest.raises(requests.ConnectionError):
        send()
    (order,) = sandbox.orders()
    (listed,) = sandbox.api("GET", "/orders", params={"cartId": order["cartId"]}).json()["data"]
    assert listed["refId"] == order["refId"]
    assert sandbox.status(order["refId"])["status"] == "pending"


def test_a_lost_reply_in_v0_is_found_by_asking_again(sandbox: Client) -> None:
    _, send = _v0(sandbox)
    sandbox.fault("lost_reply", path="/v0/checkout/session/confirm")
    with pytest.raises(requests.ConnectionError):
        send()
    (order,) = sandbox.orders()
    assert send().json()["data"]["id"] == order["orderId"]
    assert sandbox.v0("GET", f"/orders/{order['orderId']}").json()["data"]["status"] == "pending"


@pytest.mark.parametrize("prepare", [_rest, _rpc, _v0])
def test_a_refusal_can_be_lost_too(sandbox: Client, prepare: Any) -> None:
    path, send = prepare(sandbox)
    assert send().status_code == 200
    sandbox.control("reset", {})
    sandbox.fault("lost_reply", path=path)
    with pytest.raises(requests.ConnectionError):
        send()
    assert sandbox.orders() == []
    assert sandbox.control("requests")[-1]["status"] == 404


def ask(sandbox: Client) -> socket.socket:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    found = socket.create_connection((host, int(port)), timeout=3)
    found.sendall(f"GET /v1/orders HTTP/1.1\r\nHost: {host}\r\nx-api-key: {KEY}\r\n\r\n".encode())
    return found


def test_drip_sends_the_head_at_once_and_the_body_slowly(sandbox: Client) -> None:
    sandbox.fault("drip", interval=0.05)
    with ask(sandbox) as found:
        head = found.recv(4096)
        assert b"Content-Length" in head
        assert head.endswith(b"\r\n\r\n")
        started = time.monotonic()
        body = b"".join(found.recv(1) for _ in range(4))
        assert time.monotonic() - started >= 0.15
    assert body == b'{"su'


def test_drip_can_slow_the_headers_too(sandbox: Client) -> None:
    sandbox.fault("drip", interval=0.05, headers=True)
    with ask(sandbox) as found:
        assert [len(found.recv(100)) for _ in range(4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_huge_streams_megabytes(sandbox: Client, framing: str) -> None:
    sandbox.fault("huge", megabytes=3, framing=framing)
    answer = sandbox.api("GET", "/orders")
    assert len(answer.content) > 3 * 1024 * 1024
    assert ("Content-Length" in answer.headers) == (framing == "length")
    assert json.loads(answer.content)["success"] is True


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_huge_can_be_a_compression_bomb(sandbox: Client, framing: str) -> None:
    sandbox.fault("huge", megabytes=8, gzip=True, framing=framing)
    answer = sandbox.api("GET", "/orders", stream=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    packed = b"".join(answer.raw.stream(65536, decode_content=False))
    assert len(packed) < 100_000
    assert len(b"".join([packed])) > 0


@pytest.mark.parametrize(
    "kind", ["html", "truncated", "nan", "duplicate_keys", "latin1", "empty", "deep", "wrong_type"]
)
def test_garbage(sandbox: Client, kind: str) -> None:
    sandbox.fault("garbage", kind=kind)
    answer = sandbox.api("GET", "/orders")
    assert answer.status_code == 200
    assert _is_garbage(kind, answer.content)


def _is_garbage(kind: str, body: bytes) -> bool:
    if kind in ("nan", "duplicate_keys", "wrong_type"):
        return {"nan": b"NaN", "duplicate_keys": b'"status": "pending"', "wrong_type": b'"refId": 5'}[
            kind
        ] in body
    try:
        json.loads(body.decode())
    except (ValueError, RecursionError):
        return True
    return False


def test_a_body_can_be_shorter_than_promised(sandbox: Client) -> None:
    sandbox.fault("garbage", kind="short")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        sandbox.api("GET", "/orders")


def test_another_body_and_a_redirect(sandbox: Client) -> None:
    sandbox.fault("body", status=200, json={"refId": "x", "status": "complete"})
    assert sandbox.api("GET", "/orders").json() == {"refId": "x", "status": "complete"}
    sandbox.fault("redirect", location="http://127.0.0.1:9/elsewhere", status=307)
    answer = sandbox.api("GET", "/orders")
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:9/elsewhere")


def test_the_connection_is_sound_after_each_fault(sandbox: Client) -> None:
    faults: list[dict[str, Any]] = [
        {"fault": "status"},
        {"fault": "huge", "megabytes": 1},
        {"fault": "garbage", "kind": "empty"},
        {"fault": "drip", "interval": 0},
    ]
    sandbox.scenario(faults=faults)
    assert statuses(sandbox, 5) == [500, 200, 200, 200, 200]
    assert sandbox.api("GET", "/orders").json()["data"] == []


# Every kind of hint how long to wait


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "7"},
        {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"},
        {"retry-after-ms": "1500"},
        {"Retry-After": "99999999999999999999"},
        {"Retry-After": "-1", "retry-after-ms": "soon"},
        {},
    ],
)
def test_a_hint_of_each_kind(sandbox: Client, headers: dict[str, str]) -> None:
    sandbox.fault("status", status=429, headers=headers)
    answer = sandbox.api("GET", "/orders")
    found = {name for name in answer.headers if name.lower().startswith("retry-after")}
    assert answer.status_code == 429
    assert {name: answer.headers[name] for name in found} == headers


@pytest.mark.parametrize("seconds", [5, -60, 86_400])
def test_a_hint_as_a_date_from_now(sandbox: Client, seconds: int) -> None:
    # The moved clock of the sandbox has nothing to do with it.
    sandbox.advance(10_000)
    sandbox.fault("status", status=429, retryAfterDateSeconds=seconds)
    given = sandbox.api("GET", "/orders").headers["Retry-After"]
    assert given.endswith(" GMT")
    assert abs(parsedate_to_datetime(given).timestamp() - time.time() - seconds) < 3


@pytest.mark.parametrize("entry", [{"headers": {"retry-after": "1"}}, {"fault": "body", "json": {}}])
def test_two_hints_at_once_are_refused(sandbox: Client, entry: dict[str, Any]) -> None:
    fault = {"fault": "status", "retryAfterDateSeconds": 5, **entry}
    assert sandbox.raw("POST", "/__sandbox__/scenario", json={"faults": [fault]}).status_code == 400


def test_a_late_answer_of_a_purchase_that_was_made_at_once(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("delay", seconds=9, path="*/purchase", process=True)
    started = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        sandbox.api("POST", f"/cart/{cart_id}/purchase", {"buyer": buyer()}, timeout=2)
    assert refs(sandbox) == 1
    assert time.monotonic() - started < 8
    sandbox.fault("delay", seconds=0.3, path="*/purchase", process=True)
    answer = sandbox.purchase(sandbox.cart(MUG))
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
