"""Inject a fault into one request: change its response, replace it, or break the connection."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol, cast

from django_henry_checkout.sandbox.engine.faults.rewrite import rewrite_json
from django_henry_checkout.sandbox.engine.faults.schedule import Fault
from django_henry_checkout.sandbox.engine.responses import to_json
from django_henry_checkout.sandbox.engine.state import JSON

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Headers = list[tuple[str, str]]

MEGABYTE = 1024 * 1024
MAX_DRIP_SECONDS = 600.0
_JSON_TYPE = ("Content-Type", "application/json")


class Connection(Protocol):
    """What a fault may do to the connection of its request."""

    def send_raw(self, data: bytes) -> None: ...
    def close_after_response(self) -> None: ...
    def reset(self) -> None: ...


class ResponseAbortedError(ConnectionAbortedError):
    """The fault used the connection itself. The WSGI server does not log connection errors."""


def inject_fault(
    fault: Fault, application: Application, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    """Serve one request with a fault.

    Raises:
        ResponseAbortedError: the fault used the connection itself and there is no response left to send.
    """
    if fault.kind in _MODIFIERS:
        return _MODIFIERS[fault.kind](fault.params, application, environ, start)
    if fault.params.get("process"):
        run_application(application, environ)
    connection = cast("Connection", environ["sandbox.connection"])
    if fault.kind in _REPLACEMENTS:
        return _REPLACEMENTS[fault.kind](fault.params, start, connection)
    if fault.kind == "drip":
        status, headers, body = run_application(application, environ)
        start(status, headers)
        _send_slowly(connection, status, headers, body, fault.params)
    elif fault.kind == "huge":
        start("200 OK", [])
        _send_huge_body(connection, fault.params)
    else:
        if fault.kind == "lost_reply":
            status, headers, _ = run_application(application, environ)
            start(status, headers)
        connection.reset()
    raise ResponseAbortedError(fault.kind)


def run_application(application: Application, environ: Environ) -> tuple[str, Headers, bytes]:
    """Run the application and return its whole response without sending it."""
    started: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, exc_info: Any = None) -> None:
        started.append((status, headers))

    parts = application(environ, start)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close:
            close()
    status, headers = started[-1]
    return status, headers, body


# Faults that change the normal response


def _delay(params: JSON, application: Application, environ: Environ, start: StartResponse) -> Iterable[bytes]:
    if not params["process"]:
        time.sleep(params["seconds"])
        return application(environ, start)
    status, headers, body = run_application(application, environ)
    time.sleep(params["seconds"])
    start(status, headers)
    return [body]


def _replace_headers(
    params: JSON, application: Application, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    new_headers = params["headers"]
    replaced = {name.lower() for name in new_headers}

    def start_with_headers(status: str, headers: Headers, exc_info: Any = None) -> Any:
        kept = [(name, value) for name, value in headers if name.lower() not in replaced]
        return start(status, [*kept, *new_headers.items()], exc_info)

    return application(environ, start_with_headers)


def _rewrite_body(
    params: JSON, application: Application, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    status, headers, body = run_application(application, environ)
    try:
        value = json.loads(body, parse_float=Decimal)
    except ValueError:
        # Not JSON, for example a page: there is nothing to rewrite.
        start(status, headers)
        return [body]
    rewrite_json(value, params)
    return _respond(start, int(status[:3]), headers, to_json(value).encode())


_MODIFIERS = {"delay": _delay, "headers": _replace_headers, "rewrite": _rewrite_body}


# Faults that replace the response


def _respond(start: StartResponse, status: int, headers: Headers, body: bytes) -> list[bytes]:
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    other_headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start(f"{status} {reason}", [*other_headers, ("Content-Length", str(len(body)))])
    return [body]


def _replace_status(params: JSON, start: StartResponse, connection: Connection) -> list[bytes]:
    status = params["status"]
    default = {"success": False, "status": "error", "message": f"The sandbox answers {status} here."}
    body = params.get("body", default)
    content = body.encode() if isinstance(body, str) else json.dumps(body, default=float).encode()
    headers = list(params["headers"].items())
    if "retryAfterDateSeconds" in params:
        moment = time.time() + params["retryAfterDateSeconds"]
        headers.append(("Retry-After", formatdate(moment, usegmt=True)))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(_JSON_TYPE)
    return _respond(start, status, headers, content)


def _replace_body(params: JSON, start: StartResponse, connection: Connection) -> list[bytes]:
    content = json.dumps(params["json"], default=float).encode()
    return _respond(start, params["status"], [_JSON_TYPE], content)


def _redirect(params: JSON, start: StartResponse, connection: Connection) -> list[bytes]:
    return _respond(start, params["status"], [("Location", params["location"])], b"")


def _send_garbage(params: JSON, start: StartResponse, connection: Connection) -> list[bytes]:
    kind = params["kind"]
    if kind == "html":
        page = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
        return _respond(start, 200, [("Content-Type", "text/html; charset=utf-8")], page)
    if kind == "short":
        # Announce more bytes than are sent, then close.
        start("200 OK", [])
        headers = [_JSON_TYPE, ("Content-Length", "4096"), ("Connection", "close")]
        connection.send_raw(_encode_head("200 OK", headers))
        connection.send_raw(_GARBAGE["truncated"])
        connection.close_after_response()
        raise ResponseAbortedError(kind)
    return _respond(start, 200, [_JSON_TYPE], _GARBAGE[kind])


_GARBAGE = {
    "truncated": b'{"success": true, "status": "success", "message": "Cart created", "data": {"cartId": "crt_',
    "nan": b'{"success": true, "status": "success", "message": "ok", "refId": "x", "data": {"value": NaN}}',
    "duplicate_keys": (
        b'{"success": true, "status": "complete", "status": "pending", "refId": "a", "refId": "b", '
        b'"message": "ok", "data": {}, "data": [], "products": []}'
    ),
    "latin1": '{"success": true, "status": "success", "message": "Caf\u00e9 cr\u00e8me", "data": {}}'.encode(
        "latin-1"
    ),
    "empty": b"",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "wrong_type": (
        b'{"success": "yes", "status": 7, "message": null, "data": "nothing", "refId": 5, "products": {}, '
        b'"details": [], "result": "soon"}'
    ),
}
_REPLACEMENTS: dict[str, Callable[[JSON, StartResponse, Connection], list[bytes]]] = {
    "status": _replace_status,
    "body": _replace_body,
    "redirect": _redirect,
    "garbage": _send_garbage,
}


# Faults of the connection


def _encode_head(status: str, headers: Headers) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _send_slowly(connection: Connection, status: str, headers: Headers, body: bytes, params: JSON) -> None:
    """Send the body byte by byte, and with `headers` the head too."""
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "connection")]
    head = _encode_head(status, [*kept, ("Content-Length", str(len(body))), ("Connection", "close")])
    slow_part = body
    if params["headers"]:
        slow_part = head + body
    else:
        connection.send_raw(head)
    deadline = time.monotonic() + MAX_DRIP_SECONDS
    for index in range(len(slow_part)):
        if time.monotonic() > deadline:
            break
        time.sleep(params["interval"])
        connection.send_raw(slow_part[index : index + 1])
    connection.close_after_response()


def _send_huge_body(connection: Connection, params: JSON) -> None:
    """Stream megabytes that start like an envelope."""
    headers: Headers = [_JSON_TYPE, ("Connection", "close")]
    if params["gzip"]:
        headers.append(("Content-Encoding", "gzip"))
    if params["framing"] == "length":
        size = sum(len(part) for part in _stream_body(params))
        connection.send_raw(_encode_head("200 OK", [*headers, ("Content-Length", str(size))]))
        for part in _stream_body(params):
            connection.send_raw(part)
    else:
        connection.send_raw(_encode_head("200 OK", [*headers, ("Transfer-Encoding", "chunked")]))
        for part in _stream_body(params):
            connection.send_raw(b"%x\r\n%b\r\n" % (len(part), part))
        connection.send_raw(b"0\r\n\r\n")
    connection.close_after_response()


def _stream_body(params: JSON) -> Iterator[bytes]:
    parts = _generate_body(params["megabytes"])
    return _compress(parts) if params["gzip"] else parts


def _generate_body(megabytes: int) -> Iterator[bytes]:
    yield b'{"success": true, "status": "success", "message": "ok", "data": ["'
    block = b"a" * MEGABYTE
    for _ in range(megabytes):
        yield block
    yield b'"]}'


def _compress(parts: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=31)
    for part in parts:
        compressed = compressor.compress(part)
        if compressed:
            yield compressed
    yield compressor.flush()
