"""The HTTP server: connections, and the line that each request prints."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest

from tests.sandbox.conftest import CARD, KEY, MUG, Client, Process, buyer
from tests.sandbox.receiver import paid


def test_connections_stay_open(sandbox: Client) -> None:
    answer = sandbox.api("GET", "/cart")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers.get("Connection") != "close"


def raw(sandbox: Client, path: str, *more: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"x-api-key: {KEY}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connect(sandbox: Client) -> socket.socket:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def read_one(found: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        got += found.recv(65536) or pytest.fail("the connection was closed")
    head, _, body = got.partition(b"\r\n\r\n")
    size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]  # no match fails the test
    while len(body) < size:
        body += found.recv(65536)
    assert len(body) == size
    return head.split(b"\r\n")[0]


def test_one_connection_serves_many_requests(sandbox: Client) -> None:
    ref = paid(sandbox, MUG)
    with connect(sandbox) as found:
        for path in (f"/v1/cart/purchase/status?refId={ref}", "/v1/orders", "/v1/nowhere", "/v1/orders"):
            found.sendall(raw(sandbox, path))
            assert read_one(found) == (b"HTTP/1.1 404 Not Found" if "nowhere" in path else b"HTTP/1.1 200 OK")


def test_who_asks_before_sending_a_body_is_told_to_go_on(sandbox: Client) -> None:
    body = b'{"items": []}'
    with connect(sandbox) as found:
        more = [f"Content-Length: {len(body)}", "Content-Type: application/json", "Expect: 100-continue"]
        found.sendall(raw(sandbox, "/v1/cart", *more, method="POST"))
        assert found.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        found.sendall(body)
        assert read_one(found) == b"HTTP/1.1 200 OK"


def test_it_prints_a_line_for_each_request_and_no_secret(tmp_path: Path) -> None:
    running = Process("--allow-raw-card")
    client = Client(running.url)
    cart_id = client.cart(MUG)
    source = buyer()
    raw = {"cardNumber": CARD, "expiryMonth": "12", "expiryYear": "2030", "cvv": "123"}
    source["card"]["details"] = raw
    assert client.api("POST", f"/cart/{cart_id}/purchase", {"buyer": source}).status_code == 200
    assert client.orders()[0]["cardLast4"] == "4242"
    client.raw("GET", "/v1/orders?secret=1")
    client.session.close()
    code, output = running.stop(signal.SIGINT)
    lines = output.splitlines()
    assert code == 0
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in lines] == [
        "POST /v1/cart 200",
        f"POST /v1/cart/{cart_id}/purchase 200",
        "GET /__sandbox__/orders 200",
        "GET /v1/orders 401",
    ]
    for secret in (KEY, CARD, "secret", "ada@"):
        assert secret not in output
