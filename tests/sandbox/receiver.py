"""A minimal webhook receiver, and calls of the sandbox that concern webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.sandbox.client import Client

SECRET = "whsec_of_the_tests"


@dataclass(frozen=True)
class ReceivedWebhook:
    """One request as it was received."""

    path: str
    headers: dict[str, str]
    body: bytes
    received_at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def event(self) -> str:
        return str(self.json["event"])

    @property
    def timestamp(self) -> int:
        return int(self.headers["x-henry-timestamp"])

    def is_signed(self, secret: str = SECRET) -> bool:
        signed = f"{self.timestamp}.".encode() + self.body
        return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == self.headers.get(
            "x-henry-signature"
        )


def _was_reset(connection: socket.socket) -> bool:
    try:
        connection.recv(1)
    except ConnectionResetError:
        return True
    return False


class _Server(ThreadingHTTPServer):
    # Enough for all simultaneous connections of the tests.
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log unexpected errors only, not senders that disconnected."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Receiver:
    """Stores requests. The first ones get `next_statuses`, all others 200."""

    def __init__(self) -> None:
        self.received: list[ReceivedWebhook] = []
        self.next_statuses: list[int] = []
        self.location = ""
        # If set, requests wait until this many have arrived.
        self.barrier: threading.Barrier | None = None
        self.delay_seconds = 0.0
        self.body = b""
        # Whether the last sender disconnected before reading the whole response.
        self.was_reset = False
        self._condition = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/henry/webhooks/default/key?shop=1"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status = receiver.record(self)
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                self.wfile.write(receiver.body)
                receiver.was_reset = _was_reset(self.connection)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def record(self, request: BaseHTTPRequestHandler) -> int:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        webhook = ReceivedWebhook(request.path, headers, body, time.time())
        if self.barrier:
            self.barrier.wait(10)
        time.sleep(self.delay_seconds)
        with self._condition:
            self.received.append(webhook)
            self._condition.notify_all()
            return self.next_statuses.pop(0) if self.next_statuses else 200

    def wait(self, count: int, seconds: float = 10) -> list[ReceivedWebhook]:
        """Wait until this many requests were received."""
        with self._condition:
            assert self._condition.wait_for(lambda: len(self.received) >= count, seconds), self.events
            return list(self.received)

    def wait_for(self, event: str, seconds: float = 10) -> None:
        with self._condition:
            assert self._condition.wait_for(lambda: event in self.events, seconds), self.events

    @property
    def events(self) -> list[str]:
        return [webhook.event for webhook in self.received]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return [
            (webhook.event.removeprefix("order."), webhook.json["data"]["status"])
            for webhook in self.received
        ]

    def endpoint(self, uuid: str = "first", **more: Any) -> dict[str, Any]:
        """Return this receiver as an endpoint to register."""
        return {"uuid": uuid, "url": self.url, "secret": SECRET, **more}

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.close()
        thread.join(5)


# Calls of the sandbox

SLOW_TIMING = {"pendingSeconds": 100, "processingSeconds": 300}
PENDING = ("purchase", "pending")
COMPLETION = [
    ("purchase", "complete"),
    ("purchase.complete", "complete"),
    ("purchase.full.complete", "complete"),
]


def register(sandbox: Client, *endpoints: dict[str, Any]) -> Any:
    return sandbox.control("webhooks", {"endpoints": list(endpoints)})


def set_webhook_options(sandbox: Client, **parts: Any) -> None:
    sandbox.scenario(timing=SLOW_TIMING, webhooks=parts)


def wait_until_sent(sandbox: Client) -> Any:
    """Wait until all webhooks are sent; return the log."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        webhooks = sandbox.control("webhooks")
        if not webhooks["waiting"]:
            return webhooks["log"]
        time.sleep(0.02)
    raise AssertionError(webhooks)


def pay_cart(sandbox: Client, *items: str, **more: Any) -> str:
    """Pay a new cart, wait for its first webhooks and return the reference."""
    ref = sandbox.control("pay", {"cartId": sandbox.cart(*items, **more)})["refId"]
    wait_until_sent(sandbox)
    return str(ref)
