from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.sandbox.client import KEY, MUG, Client, buyer, product
from tests.sandbox.v0.calls import add, confirm, quote


def count_orders(sandbox: Client) -> int:
    return len(sandbox.orders())


def statuses(sandbox: Client, count: int) -> list[int]:
    return [sandbox.api("GET", "/orders").status_code for _ in range(count)]


def test_a_status_can_have_headers_and_a_body(sandbox: Client) -> None:
    sandbox.fault("status", status=429, headers={"Retry-After": "7"}, body={"message": "slow down"})
    response = sandbox.api("GET", "/orders")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
    assert response.json() == {"message": "slow down"}
    assert statuses(sandbox, 1) == [200]


def test_a_failing_request_is_not_processed_by_default(sandbox: Client) -> None:
    first, second = sandbox.cart(MUG), sandbox.cart(MUG)
    sandbox.fault("status", status=503, path="*/purchase")
    assert sandbox.purchase(first).status_code == 503
    assert count_orders(sandbox) == 0
    sandbox.fault("status", status=503, path="*/purchase", process=True)
    assert sandbox.purchase(second).status_code == 503
    assert count_orders(sandbox) == 1


def test_times_and_after_limit_a_fault(sandbox: Client) -> None:
    sandbox.fault("status", status=500, after=1, times=2)
    assert statuses(sandbox, 4) == [200, 500, 500, 200]
    sandbox.fault("status", status=500, times=0)
    assert statuses(sandbox, 4) == [500] * 4


def test_probability_is_reproducible_with_a_seed(sandbox: Client) -> None:
    runs = []
    for seed in (1, 1, 2):
        entry = {"fault": "status", "status": 500, "times": 0, "probability": 0.5}
        sandbox.scenario(seed=seed, faults=[entry])
        runs.append(statuses(sandbox, 24))
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 500}


def test_method_and_path_select_requests(sandbox: Client) -> None:
    sandbox.fault("status", status=500, times=0, method="post", path="/v1/cart/*/purchase")
    cart_id = sandbox.cart(MUG)
    assert statuses(sandbox, 1) == [200]
    assert sandbox.purchase(cart_id).status_code == 500


def test_pages_need_a_path_and_control_calls_never_fail(sandbox: Client) -> None:
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
    assert count_orders(sandbox) == 0
    record = sandbox.control("requests")[-1]
    assert (record["status"], record["fault"]) == (None, "reset")


def test_lost_reply_processes_everything(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("lost_reply", path="*/purchase")
    with pytest.raises(requests.ConnectionError) as caught:
        sandbox.purchase(cart_id)
    assert "ConnectionResetError" in repr(caught.value)
    assert count_orders(sandbox) == 1
    assert sandbox.control("requests")[-1]["status"] == 200


def _prepare_rest(sandbox: Client) -> tuple[str, Callable[[], requests.Response]]:
    cart_id = sandbox.cart(MUG)
    return f"/v1/cart/{cart_id}/purchase", lambda: sandbox.purchase(cart_id)


def _prepare_rpc(sandbox: Client) -> tuple[str, Callable[[], requests.Response]]:
    created = sandbox.api("POST", "/cart/create", {"items": [{"link": MUG}]}).json()
    body = {"cartId": created["data"]["cartId"], "buyer": buyer()}
    return "/v1/cart/purchase", lambda: sandbox.api("POST", "/cart/purchase", body)


def _prepare_v0(sandbox: Client) -> tuple[str, Callable[[], requests.Response]]:
    sandbox.control("card", {"userId": "ada"})
    add(sandbox, product(MUG))
    token = quote(sandbox)["session_token"]
    return "/v0/checkout/session/confirm", lambda: confirm(sandbox, token)


@pytest.mark.parametrize("prepare", [_prepare_rest, _prepare_rpc, _prepare_v0])
@pytest.mark.parametrize("exact", [True, False])
def test_a_purchase_with_a_lost_reply_is_placed(sandbox: Client, prepare: Any, exact: bool) -> None:
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
    # The fault applied once. Repeating the call buys nothing: v0 returns the order, v1 refuses.
    again = send()
    assert again.status_code == (200 if prepare is _prepare_v0 else 409)
    assert sandbox.orders()[0]["refId"] == order["refId"]
    assert len(sandbox.orders()) == 1
    assert sandbox.control("scenario")["faults"] == [{"fault": "lost_reply", "met": 2, "used": 1}]


@pytest.mark.parametrize("prepare", [_prepare_rest, _prepare_rpc])
def test_a_purchase_with_a_lost_reply_is_in_the_order_list(sandbox: Client, prepare: Any) -> None:
    _, send = prepare(sandbox)
    sandbox.fault("lost_reply", path="*purchase")
    with pytest.raises(requests.ConnectionError):
        send()
    (order,) = sandbox.orders()
    (listed,) = sandbox.api("GET", "/orders", params={"cartId": order["cartId"]}).json()["data"]
    assert listed["refId"] == order["refId"]
    assert sandbox.status(order["refId"])["status"] == "pending"


def test_a_repeated_confirm_returns_the_order_of_a_lost_reply(sandbox: Client) -> None:
    _, send = _prepare_v0(sandbox)
    sandbox.fault("lost_reply", path="/v0/checkout/session/confirm")
    with pytest.raises(requests.ConnectionError):
        send()
    (order,) = sandbox.orders()
    assert send().json()["data"]["id"] == order["orderId"]
    assert sandbox.v0("GET", f"/orders/{order['orderId']}").json()["data"]["status"] == "pending"


@pytest.mark.parametrize("prepare", [_prepare_rest, _prepare_rpc, _prepare_v0])
def test_the_reply_of_a_refused_request_can_be_lost(sandbox: Client, prepare: Any) -> None:
    path, send = prepare(sandbox)
    assert send().status_code == 200
    sandbox.control("reset", {})
    sandbox.fault("lost_reply", path=path)
    with pytest.raises(requests.ConnectionError):
        send()
    assert sandbox.orders() == []
    assert sandbox.control("requests")[-1]["status"] == 404


def open_connection(sandbox: Client) -> socket.socket:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=3)
    connection.sendall(f"GET /v1/orders HTTP/1.1\r\nHost: {host}\r\nx-api-key: {KEY}\r\n\r\n".encode())
    return connection


def test_drip_sends_the_head_at_once_and_the_body_slowly(sandbox: Client) -> None:
    sandbox.fault("drip", interval=0.05)
    with open_connection(sandbox) as connection:
        head = connection.recv(4096)
        assert b"Content-Length" in head
        assert head.endswith(b"\r\n\r\n")
        started = time.monotonic()
        body = b"".join(connection.recv(1) for _ in range(4))
        assert time.monotonic() - started >= 0.15
    assert body == b'{"su'


def test_drip_can_slow_the_headers_too(sandbox: Client) -> None:
    sandbox.fault("drip", interval=0.05, headers=True)
    with open_connection(sandbox) as connection:
        assert [len(connection.recv(100)) for _ in range(4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_huge_streams_megabytes(sandbox: Client, framing: str) -> None:
    sandbox.fault("huge", megabytes=3, framing=framing)
    response = sandbox.api("GET", "/orders")
    assert len(response.content) > 3 * 1024 * 1024
    assert ("Content-Length" in response.headers) == (framing == "length")
    assert json.loads(response.content)["success"] is True


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_huge_can_be_a_compression_bomb(sandbox: Client, framing: str) -> None:
    sandbox.fault("huge", megabytes=8, gzip=True, framing=framing)
    response = sandbox.api("GET", "/orders", stream=True)
    assert response.headers["Content-Encoding"] == "gzip"
    compressed = b"".join(response.raw.stream(65536, decode_content=False))
    assert len(compressed) < 100_000
    assert len(b"".join([compressed])) > 0


@pytest.mark.parametrize(
    "kind", ["html", "truncated", "nan", "duplicate_keys", "latin1", "empty", "deep", "wrong_type"]
)
def test_garbage_responses(sandbox: Client, kind: str) -> None:
    sandbox.fault("garbage", kind=kind)
    response = sandbox.api("GET", "/orders")
    assert response.status_code == 200
    assert _is_garbage(kind, response.content)


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


def test_a_body_can_be_shorter_than_announced(sandbox: Client) -> None:
    sandbox.fault("garbage", kind="short")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        sandbox.api("GET", "/orders")


def test_body_and_redirect_replace_the_response(sandbox: Client) -> None:
    sandbox.fault("body", status=200, json={"refId": "x", "status": "complete"})
    assert sandbox.api("GET", "/orders").json() == {"refId": "x", "status": "complete"}
    sandbox.fault("redirect", location="http://127.0.0.1:9/elsewhere", status=307)
    response = sandbox.api("GET", "/orders")
    assert (response.status_code, response.headers["Location"]) == (307, "http://127.0.0.1:9/elsewhere")


def test_the_connection_is_usable_after_each_fault(sandbox: Client) -> None:
    faults: list[dict[str, Any]] = [
        {"fault": "status"},
        {"fault": "huge", "megabytes": 1},
        {"fault": "garbage", "kind": "empty"},
        {"fault": "drip", "interval": 0},
    ]
    sandbox.scenario(faults=faults)
    assert statuses(sandbox, 5) == [500, 200, 200, 200, 200]
    assert sandbox.api("GET", "/orders").json()["data"] == []


# Headers that tell a client how long to wait


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
def test_each_retry_header_is_sent(sandbox: Client, headers: dict[str, str]) -> None:
    sandbox.fault("status", status=429, headers=headers)
    response = sandbox.api("GET", "/orders")
    connection = {name for name in response.headers if name.lower().startswith("retry-after")}
    assert response.status_code == 429
    assert {name: response.headers[name] for name in connection} == headers


@pytest.mark.parametrize("seconds", [5, -60, 86_400])
def test_retry_after_can_be_a_date(sandbox: Client, seconds: int) -> None:
    # The clock of the sandbox has no effect on it.
    sandbox.advance(10_000)
    sandbox.fault("status", status=429, retryAfterDateSeconds=seconds)
    retry_after = sandbox.api("GET", "/orders").headers["Retry-After"]
    assert retry_after.endswith(" GMT")
    assert abs(parsedate_to_datetime(retry_after).timestamp() - time.time() - seconds) < 3


@pytest.mark.parametrize("entry", [{"headers": {"retry-after": "1"}}, {"fault": "body", "json": {}}])
def test_two_retry_headers_are_refused(sandbox: Client, entry: dict[str, Any]) -> None:
    fault = {"fault": "status", "retryAfterDateSeconds": 5, **entry}
    assert sandbox.raw("POST", "/__sandbox__/scenario", json={"faults": [fault]}).status_code == 400


def test_a_purchase_can_be_placed_before_a_delayed_response(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("delay", seconds=9, path="*/purchase", process=True)
    started = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        sandbox.api("POST", f"/cart/{cart_id}/purchase", {"buyer": buyer()}, timeout=2)
    assert count_orders(sandbox) == 1
    assert time.monotonic() - started < 8
    sandbox.fault("delay", seconds=0.3, path="*/purchase", process=True)
    response = sandbox.purchase(sandbox.cart(MUG))
    assert (response.status_code, response.json()["status"]) == (200, "pending")
