"""The HTTP server: Django's threaded WSGI server, with access to the connection for faults."""

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

from django_henry_checkout.sandbox.engine.faults.inject import inject_fault
from django_henry_checkout.sandbox.engine.responses import to_iso
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.store import Store
from django_henry_checkout.sandbox.engine.validation import MAX_BODY_BYTES

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
CONTROL_PREFIX = "/__sandbox__/"
# Otherwise each request gets a copy of the process environment, and variables such as HTTP_PROXY look like headers.
ServerHandler.os_environ = {}


class RequestHandler(WSGIRequestHandler):
    """Handles one connection, and lets faults use its socket."""

    disable_nagle_algorithm = True
    # The WSGI handler writes the head in five parts; buffered they leave as one packet.
    wbufsize = 64 * 1024

    def get_environ(self) -> Environ:
        environ: Environ = super().get_environ()
        environ["sandbox.connection"] = self
        return environ

    def handle_one_request(self) -> None:
        super().handle_one_request()
        # A response without a body, such as that to HEAD, is not flushed by the WSGI handler.
        if not self.wfile.closed:
            self.wfile.flush()

    def handle_expect_100(self) -> bool:
        should_continue = super().handle_expect_100()
        self.wfile.flush()
        return should_continue

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: `RecordingMiddleware` prints the line of each request."""

    # What a fault may do to the connection

    def send_raw(self, data: bytes) -> None:
        """Write to the socket, past the WSGI handler."""
        self._socket().sendall(data)

    def close_after_response(self) -> None:
        """Close the connection once everything is sent."""
        self.close_connection = True

    def reset(self) -> None:
        """Close with RST. The reader and the writer hold the socket open too, so close them first."""
        self.close_connection = True
        connection = self._socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.wfile.close()
        connection.close()

    def _socket(self) -> socket.socket:
        # The stubs declare a request class here; socketserver stores the plain socket.
        return cast("socket.socket", self.connection)


class Server(ThreadedWSGIServer):
    """A threaded server for many simultaneous connections."""

    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log unexpected errors only, not clients that disconnected."""
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handle_error(request, client_address)


class RecordingMiddleware:
    """WSGI middleware that records each request, injects faults and prints one line."""

    def __init__(self, application: Application, *, store: Store) -> None:
        self.application = application
        self.store = store

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        body = _read_body(environ)
        if path.startswith(CONTROL_PREFIX):
            entry: JSON = {}
            fault = None
        else:
            entry = self._build_entry(environ, body)
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
            return inject_fault(fault, self.application, environ, start)
        finally:
            # Saved before the response is sent, so that what a client received survives a kill.
            self.store.save()
            milliseconds = (time.perf_counter() - started) * 1000
            result = entry.get("status") or (fault.kind if fault else "-")
            print(f"{method} {sanitize_path(path)} {result} {milliseconds:.0f} ms", flush=True)

    def _build_entry(self, environ: Environ, body: bytes) -> JSON:
        key = environ.get("HTTP_X_API_KEY", "")
        return {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ.get("QUERY_STRING", ""),
            "status": None,
            "at": to_iso(self.store.now()),
            "apiKeyOk": key == self.store.options.api_key,
            "bodyKeys": list_body_keys(environ.get("CONTENT_TYPE", ""), body),
            "referer": environ.get("HTTP_REFERER", ""),
            "userAgent": environ.get("HTTP_USER_AGENT", ""),
            "fault": None,
        }


def sanitize_path(path: str) -> str:
    """Return a path that fits on one log line: a decoded path may contain control characters."""
    return "".join(char if char.isprintable() else "?" for char in path)[:300]


def _read_body(environ: Environ) -> bytes:
    """Read the body and give Django a fresh stream. One byte over the limit is enough to refuse it."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    size = max(0, min(length, MAX_BODY_BYTES + 1))
    body: bytes = environ["wsgi.input"].read(size) if size else b""
    if length > size or "HTTP_TRANSFER_ENCODING" in environ:
        # The unread rest would be parsed as the next request.
        environ["sandbox.connection"].close_after_response()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return body


def list_body_keys(content_type: str, body: bytes) -> list[str]:
    """Return the names of a body's members, nested ones with dots, without their values."""
    if not body:
        return []
    try:
        if content_type.startswith("application/x-www-form-urlencoded"):
            return sorted({name for name, _ in parse_qsl(body.decode(), keep_blank_values=True)})
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return list(dict.fromkeys(_iter_keys(parsed, "", 5)))[:200]


def _iter_keys(value: object, prefix: str, depth: int) -> Iterable[str]:
    if depth and isinstance(value, dict):
        for key, inner in list(value.items())[:50]:
            name = f"{prefix}{str(key)[:100]}"
            yield name
            yield from _iter_keys(inner, f"{name}.", depth - 1)
    elif depth and isinstance(value, list):
        for inner in value[:10]:
            yield from _iter_keys(inner, f"{prefix}[].", depth - 1)
