"""The HTTP server: connections, and the line that each request prints."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest

from tests.sandbox.client import CARD, KEY, MUG, Client, SandboxProcess, buyer
from tests.sandbox.receiver import pay_cart


def test_connections_are_kept_alive(sandbox: Client) -> None:
    response = sandbox.api("GET", "/cart")
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert response.headers.get("Connection") != "close"


def build_request(path: str, *more: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"x-api-key: {KEY}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connect(sandbox: Client) -> socket.socket:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def read_status_line(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or pytest.fail("the connection was closed")
    head, _, body = received.partition(b"\r\n\r\n")
    size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]  # no match fails the test
    while len(body) < size:
        body += connection.recv(65536)
    assert len(body) == size
    return head.split(b"\r\n")[0]


def test_one_connection_serves_many_requests(sandbox: Client) -> None:
    ref = pay_cart(sandbox, MUG)
    with connect(sandbox) as connection:
        for path in (f"/v1/cart/purchase/status?refId={ref}", "/v1/orders", "/v1/nowhere", "/v1/orders"):
            connection.sendall(build_request(path))
            assert read_status_line(connection) == (
                b"HTTP/1.1 404 Not Found" if "nowhere" in path else b"HTTP/1.1 200 OK"
            )


def test_expect_100_continue_is_answered(sandbox: Client) -> None:
    body = b'{"items": []}'
    with connect(sandbox) as connection:
        more = [f"Content-Length: {len(body)}", "Content-Type: application/json", "Expect: 100-continue"]
        connection.sendall(build_request("/v1/cart", *more, method="POST"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_status_line(connection) == b"HTTP/1.1 200 OK"


def test_each_request_is_printed_without_secrets(tmp_path: Path) -> None:
    running = SandboxProcess("--allow-raw-card")
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
