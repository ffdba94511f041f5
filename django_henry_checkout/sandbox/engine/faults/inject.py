"""What can go wrong on the way back: each fault of a scenario, done to one request."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol, cast

from django_henry_checkout.sandbox.engine.faults import rewrite as rewriting
from django_henry_checkout.sandbox.engine.responses import to_json
from django_henry_checkout.sandbox.engine.scenario import Fault
from django_henry_checkout.sandbox.engine.state import JSON

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Headers = list[tuple[str, str]]

MEGABYTE = 1024 * 1024
DRIP_SECONDS = 600.0
_JSON_TYPE = ("Content-Type", "application/json")


class Wire(Protocol):
    """What the server lets a fault do to the connection."""

    def send_raw(self, data: bytes) -> None: ...
    def hang_up(self) -> None: ...
    def reset(self) -> None: ...


class CutError(ConnectionAbortedError):
    """The answer was sent, or withheld, on the bare connection. The WSGI server lets this one pass in silence."""


def apply(fault: Fault, application: Application, environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Serve one request with a fault.

    Raises:
        CutError: the connection was used directly and nothing is left to answer.
    """
    if fault.kind in _CHANGED:
        return _CHANGED[fault.kind](fault.params, application, environ, start)
    if fault.params.get("process"):
        collect(application, environ)
    wire = cast("Wire", environ["sandbox.wire"])
    if fault.kind in _REPLACED:
        return _REPLACED[fault.kind](fault.params, start, wire)
    if fault.kind == "drip":
        status, headers, body = collect(application, environ)
        start(status, headers)
        _drip(wire, status, headers, body, fault.params)
    elif fault.kind == "huge":
        start("200 OK", [])
        _huge(wire, fault.params)
    else:
        if fault.kind == "lost_reply":
            status, headers, _ = collect(application, environ)
            start(status, headers)
        wire.reset()
    raise CutError(fault.kind)


def collect(application: Application, environ: Environ) -> tuple[str, Headers, bytes]:
    """Run the application to its end and keep the whole answer back."""
    found: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, exc_info: Any = None) -> None:
        found.append((status, headers))

    parts = application(environ, start)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close:
            close()
    status, headers = found[-1]
    return status, headers, body


# The right answer, changed


def _delay(params: JSON, application: Application, environ: Environ, start: StartResponse) -> Iterable[bytes]:
    if not params["process"]:
        time.sleep(params["seconds"])
        return application(environ, start)
    status, headers, body = collect(application, environ)
    time.sleep(params["seconds"])
    start(status, headers)
    return [body]


def _headers(
    params: JSON, application: Application, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    return application(environ, _with_headers(params["headers"], start))


def _rewrite(
    params: JSON, application: Application, environ: Environ, start: StartResponse
) -> Iterable[bytes]:
    status, headers, body = collect(application, environ)
    try:
        value = json.loads(body, parse_float=Decimal)
    except ValueError:
        # Not JSON, such as a page: there is nothing to change in it.
        start(status, headers)
        return [body]
    rewriting.rewrite(value, params)
    return _reply(start, int(status[:3]), headers, to_json(value).encode())


_CHANGED = {"delay": _delay, "headers": _headers, "rewrite": _rewrite}


def _with_headers(wanted: JSON, start: StartResponse) -> StartResponse:
    """The usual answer, with these headers in the place of its own of the same names."""
    replaced = {name.lower() for name in wanted}

    def started(status: str, headers: Headers, exc_info: Any = None) -> Any:
        kept = [(name, value) for name, value in headers if name.lower() not in replaced]
        return start(status, [*kept, *wanted.items()], exc_info)

    return started


# Other answers instead of the right one


def _reply(start: StartResponse, status: int, headers: Headers, body: bytes) -> list[bytes]:
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    lengthless = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start(f"{status} {reason}", [*lengthless, ("Content-Length", str(len(body)))])
    return [body]


def _status(params: JSON, start: StartResponse, wire: Wire) -> list[bytes]:
    status = params["status"]
    ordinary = {"success": False, "status": "error", "message": f"The sandbox answers {status} here."}
    body = params.get("body", ordinary)
    content = body.encode() if isinstance(body, str) else json.dumps(body, default=float).encode()
    headers = list(params["headers"].items())
    if "retryAfterDateSeconds" in params:
        moment = time.time() + params["retryAfterDateSeconds"]
        headers.append(("Retry-After", formatdate(moment, usegmt=True)))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(_JSON_TYPE)
    return _reply(start, status, headers, content)


def _body(params: JSON, start: StartResponse, wire: Wire) -> list[bytes]:
    content = json.dumps(params["json"], default=float).encode()
    return _reply(start, params["status"], [_JSON_TYPE], content)


def _redirect(params: JSON, start: StartResponse, wire: Wire) -> list[bytes]:
    return _reply(start, params["status"], [("Location", params["location"])], b"")


def _garbage(params: JSON, start: StartResponse, wire: Wire) -> list[bytes]:
    kind = params["kind"]
    if kind == "html":
        page = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
        return _reply(start, 200, [("Content-Type", "text/html; charset=utf-8")], page)
    if kind == "short":
        # Promises more than it sends and then closes.
        start("200 OK", [])
        wire.send_raw(_head("200 OK", [_JSON_TYPE, ("Content-Length", "4096"), ("Connection", "close")]))
        wire.send_raw(_GARBAGE["truncated"])
        wire.hang_up()
        raise CutError(kind)
    return _reply(start, 200, [_JSON_TYPE], _GARBAGE[kind])


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
_REPLACED: dict[str, Callable[[JSON, StartResponse, Wire], list[bytes]]] = {
    "status": _status,
    "body": _body,
    "redirect": _redirect,
    "garbage": _garbage,
}


# Faults of the connection


def _head(status: str, headers: Headers) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _drip(wire: Wire, status: str, headers: Headers, body: bytes, params: JSON) -> None:
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "connection")]
    head = _head(status, [*kept, ("Content-Length", str(len(body))), ("Connection", "close")])
    slow = body
    if params["headers"]:
        slow = head + body
    else:
        wire.send_raw(head)
    deadline = time.monotonic() + DRIP_SECONDS
    for at in range(len(slow)):
        if time.monotonic() > deadline:
            break
        time.sleep(params["interval"])
        wire.send_raw(slow[at : at + 1])
    wire.hang_up()


def _huge(wire: Wire, params: JSON) -> None:
    """Stream a body that looks like an envelope whose data never ends."""
    headers: Headers = [_JSON_TYPE, ("Connection", "close")]
    if params["gzip"]:
        headers.append(("Content-Encoding", "gzip"))
    if params["framing"] == "length":
        size = sum(len(part) for part in _stream(params))
        wire.send_raw(_head("200 OK", [*headers, ("Content-Length", str(size))]))
        for part in _stream(params):
            wire.send_raw(part)
    else:
        wire.send_raw(_head("200 OK", [*headers, ("Transfer-Encoding", "chunked")]))
        for part in _stream(params):
            wire.send_raw(b"%x\r\n%b\r\n" % (len(part), part))
        wire.send_raw(b"0\r\n\r\n")
    wire.hang_up()


def _stream(params: JSON) -> Iterator[bytes]:
    flood = _flood(params["megabytes"])
    return _packed(flood) if params["gzip"] else flood


def _flood(megabytes: int) -> Iterator[bytes]:
    yield b'{"success": true, "status": "success", "message": "ok", "data": ["'
    block = b"a" * MEGABYTE
    for _ in range(megabytes):
        yield block
    yield b'"]}'


def _packed(parts: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for part in parts:
        packed = packer.compress(part)
        if packed:
            yield packed
    yield packer.flush()
