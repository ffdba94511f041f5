"""The HTTP server: Django's threaded WSGI server, with the connection handed on so that faults can reach it."""

from __future__ import annotations

import io
import json
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, cast
from urllib.parse import parse_qsl

from django.core.servers.basehttp import ServerHandler, ThreadedWSGIServer, WSGIRequestHandler

from django_henry_checkout.sandbox.engine.faults import inject as faults
from django_henry_checkout.sandbox.engine.responses import iso
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.store import Store
from django_henry_checkout.sandbox.engine.validation import MAX_BODY

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
CONTROL = "/__sandbox__/"
# The variables of the process would be copied into each request, and read again as if they were headers.
ServerHandler.os_environ = {}


class Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True
    # The head of an answer is written in five parts: together they are one packet, not five.
    wbufsize = 64 * 1024

    def get_environ(self) -> Environ:
        environ: Environ = super().get_environ()
        environ["sandbox.wire"] = self
        return environ

    def handle_one_request(self) -> None:
        super().handle_one_request()
        # An answer without a body, such as that to HEAD, is not sent on by itself.
        if not self.wfile.closed:
            self.wfile.flush()

    def handle_expect_100(self) -> bool:
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the line for each request is printed by `Observed`."""

    # What a fault may do to the connection

    def send_raw(self, data: bytes) -> None:
        self._socket().sendall(data)

    def hang_up(self) -> None:
        """Close politely after what was sent."""
        self.close_connection = True

    def reset(self) -> None:
        """Close with RST. The reader and the writer hold the socket open too, so they have to go first."""
        self.close_connection = True
        connection = self._socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.wfile.close()
        connection.close()

    def _socket(self) -> socket.socket:
        # The stubs name a request class here; socketserver puts the plain socket.
        return cast("socket.socket", self.connection)


class Server(ThreadedWSGIServer):
    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is shown."""
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handle_error(request, client_address)


class Observed:
    """Wraps the Django application: writes down each request, applies a fault, prints one line."""

    def __init__(self, application: Application, *, store: Store) -> None:
        self.application = application
        self.store = store

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        body = _body_of(environ)
        if path.startswith(CONTROL):
            entry: JSON = {}
            fault = None
        else:
            entry = self._entry(environ, body)
            with self.store.lock:
                self.store.requests.append(entry)
                fault = self.store.scenario.pick_fault(method, path)
        entry["fault"] = fault.kind if fault else None

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            entry["status"] = int(status[:3])
            return start_response(status, headers, exc_info)

        try:
            if fault is None:
                return self.application(environ, start)
            return faults.apply(fault, self.application, environ, start)
        finally:
            # Saved before the answer leaves, so that what a client was told survives a kill.
            self.store.save()
            spent = (time.perf_counter() - started) * 1000
            shown = entry.get("status") or (fault.kind if fault else "-")
            print(f"{method} {printable(path)} {shown} {spent:.0f} ms", flush=True)

    def _entry(self, environ: Environ, body: bytes) -> JSON:
        key = environ.get("HTTP_X_API_KEY", "")
        return {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ.get("QUERY_STRING", ""),
            "status": None,
            "at": iso(self.store.now()),
            "apiKeyOk": key == self.store.options.api_key,
            "bodyKeys": body_keys(environ.get("CONTENT_TYPE", ""), body),
            "referer": environ.get("HTTP_REFERER", ""),
            "userAgent": environ.get("HTTP_USER_AGENT", ""),
            "fault": None,
        }


def printable(path: str) -> str:
    """A path may carry anything after decoding; a log line must stay one line."""
    return "".join(char if char.isprintable() else "?" for char in path)[:300]


def _body_of(environ: Environ) -> bytes:
    """Read the body once and leave a fresh stream for Django. One byte too many is enough to refuse it."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    kept = max(0, min(length, MAX_BODY + 1))
    body: bytes = environ["wsgi.input"].read(kept) if kept else b""
    if length > kept or "HTTP_TRANSFER_ENCODING" in environ:
        # What is left unread would be taken for the next request.
        environ["sandbox.wire"].hang_up()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return body


def body_keys(content_type: str, body: bytes) -> list[str]:
    """The names in a body, nested ones with dots, never a value."""
    if not body:
        return []
    try:
        if content_type.startswith("application/x-www-form-urlencoded"):
            return sorted({name for name, _ in parse_qsl(body.decode(), keep_blank_values=True)})
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return list(dict.fromkeys(_names(parsed, "", 5)))[:200]


def _names(value: object, prefix: str, depth: int) -> Iterable[str]:
    if depth and isinstance(value, dict):
        for key, inner in list(value.items())[:50]:
            name = f"{prefix}{str(key)[:100]}"
            yield name
            yield from _names(inner, f"{name}.", depth - 1)
    elif depth and isinstance(value, list):
        for inner in value[:10]:
            yield from _names(inner, f"{prefix}[].", depth - 1)
