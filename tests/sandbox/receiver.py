"""A shop's address for webhooks, as small as it can be, on a port of its own."""

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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

SECRET = "whsec_of_the_tests"


@dataclass(frozen=True)
class Hook:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def event(self) -> str:
        return str(self.json["event"])

    @property
    def stamp(self) -> int:
        return int(self.headers["x-henry-timestamp"])

    def is_signed(self, secret: str = SECRET) -> bool:
        signed = f"{self.stamp}.".encode() + self.body
        return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == self.headers.get(
            "x-henry-signature"
        )


def _is_cut(connection: socket.socket) -> bool:
    try:
        connection.recv(1)
    except ConnectionResetError:
        return True
    return False


class _Server(ThreadingHTTPServer):
    # Room for everybody who calls at the same moment.
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that gave up is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Receiver:
    """Keeps what comes in. `answers` are the statuses to give first; after them each request gets 200."""

    def __init__(self) -> None:
        self.got: list[Hook] = []
        self.answers: list[int] = []
        self.location = ""
        # Set to hold every request until as many are there together.
        self.together: threading.Barrier | None = None
        self.seconds = 0.0
        self.body = b""
        # Whether the last sender went away without taking the whole answer.
        self.was_cut = False
        self._news = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/henry/webhooks/default/key?shop=1"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status = receiver.take(self)
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                self.wfile.write(receiver.body)
                receiver.was_cut = _is_cut(self.connection)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def take(self, request: BaseHTTPRequestHandler) -> int:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        hook = Hook(request.path, headers, body, time.time())
        if self.together:
            self.together.wait(10)
        time.sleep(self.seconds)
        with self._news:
            self.got.append(hook)
            self._news.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait(self, count: int, seconds: float = 10) -> list[Hook]:
        """Wait until this many came in; fewer fail the test."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.got) >= count, seconds), self.events
            return list(self.got)

    def wait_for(self, event: str, seconds: float = 10) -> None:
        with self._news:
            assert self._news.wait_for(lambda: event in self.events, seconds), self.events

    @property
    def events(self) -> list[str]:
        return [hook.event for hook in self.got]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return [(hook.event.removeprefix("order."), hook.json["data"]["status"]) for hook in self.got]

    def entry(self, uuid: str = "first", **more: Any) -> dict[str, Any]:
        """This address as the sandbox registers it."""
        return {"uuid": uuid, "url": self.url, "secret": SECRET, **more}

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.close()
        thread.join(5)


# What tests ask of the sandbox about webhooks

SLOW = {"pendingSeconds": 100, "processingSeconds": 300}
UPDATED = ("purchase", "pending")
END = [("purchase", "complete"), ("purchase.complete", "complete"), ("purchase.full.complete", "complete")]


def register(sandbox: Client, *endpoints: dict[str, Any]) -> Any:
    return sandbox.control("webhooks", {"endpoints": list(endpoints)})


def sends(sandbox: Client, **parts: Any) -> None:
    sandbox.scenario(timing=SLOW, webhooks=parts)


def quiet(sandbox: Client) -> Any:
    """Wait until nothing is left to be sent; the log."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        shown = sandbox.control("webhooks")
        if not shown["waiting"]:
            return shown["log"]
        time.sleep(0.02)
    raise AssertionError(shown)


def paid(sandbox: Client, *items: str, **more: Any) -> str:
    """Buy a cart, and wait for what is sent of it at once."""
    ref = sandbox.control("pay", {"cartId": sandbox.cart(*items, **more)})["refId"]
    quiet(sandbox)
    return str(ref)
