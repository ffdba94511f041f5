"""The HTTP transport over real sockets: requests, limits, errors, retries, connections, logs."""

from __future__ import annotations

import gc
import json
import logging
import re
import socket
import ssl
import struct
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from urllib3.connection import connection as urllib3_connection

from django_henry_checkout import gateway
from django_henry_checkout.conf import Account
from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    BadResponse,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    GatewayUnavailable,
    NotFound,
    RateLimited,
    Rejected,
)
from django_henry_checkout.gateway import gateway_for, wire
from django_henry_checkout.gateway import transport as transport_module
from django_henry_checkout.gateway.transport import Transport
from tests.support.rejections import refused
from tests.support.shop import ROOT

KEY = "canary-key-5f0c"
SLOW = 10.0  # longer than any call that behaves as promised


# A server with scripted behaviour for each request -----------------------------------------------


@dataclass(frozen=True)
class Request:
    """One received request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int


class Wire:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.is_over = False
        self._buffer = b""
        sock.settimeout(SLOW)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> Request | None:
        """Return the next request; None after the client has closed the connection."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        method, target, _version = first.split(" ")
        return Request(method, target, headers, body, time.monotonic(), self.number)

    def _more(self) -> bool:
        try:
            data = self.sock.recv(65_536)
        except OSError:
            return False
        self._buffer += data
        return bool(data)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def wait_for_hangup(self) -> None:
        self.is_over = True
        while self._more():
            pass

    def reset(self) -> None:
        self.is_over = True
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Play = Callable[[Wire, Request], None]


class Henry:
    """A scripted server that records connections and requests; the last of `plays` is repeated."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Request] = []
        self.accepted = 0
        self.open = 0
        self._tls = tls
        self._plays: deque[Play] = deque([answer()])
        self._lock = threading.Lock()
        self._wires: list[Wire] = []
        self._peers: set[int] = set()
        self._is_closing = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def will(self, *plays: Play) -> None:
        self._plays = deque(plays)

    def _accept(self) -> None:
        while not self._is_closing:
            sock, address = self._listener.accept()
            if self._is_closing:
                sock.close()
                break
            with self._lock:
                self.accepted += 1
                self.open += 1
                connection = Wire(sock, self.accepted)
                self._wires.append(connection)
                self._peers.add(address[1])
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: Wire) -> None:
        with suppress(OSError):
            if self._tls:
                connection.sock = self._tls.wrap_socket(connection.sock, server_side=True)
            while not connection.is_over and (request := connection.read()) is not None:
                with self._lock:
                    self.asked.append(request)
                    play = self._plays.popleft() if len(self._plays) > 1 else self._plays[0]
                play(connection, request)
        connection.sock.close()
        with self._lock:
            self.open -= 1

    def wait_for_all(self, transport: Transport) -> int:
        """Wait until everything that was sent is received; return the number of requests."""
        transport.close()
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            ends_at = time.monotonic() + 5
            while last.getsockname()[1] not in self._peers:
                assert time.monotonic() < ends_at
                time.sleep(0.002)
        self.wait_for(open_connections=0)
        return len(self.asked)

    def wait_for(self, *, open_connections: int) -> None:
        ends_at = time.monotonic() + 5
        while self.open != open_connections:
            assert time.monotonic() < ends_at, f"{self.open} connections are open, not {open_connections}"
            time.sleep(0.005)

    def close(self) -> None:
        self._is_closing = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._threads[0].join(5)
        for connection in self._wires:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()


def head(status: int = 200, kind: str = "application/json", **headers: object) -> bytes:
    named = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [
        f"HTTP/1.1 {status} Some Reason",
        *(f"{name}: {value}" for name, value in named.items() if value != ""),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(body: bytes = b"{}", status: int = 200, kind: str = "application/json", **headers: object) -> Play:
    def play(connection: Wire, request: Request) -> None:
        connection.send(head(status, kind, Content_Length=len(body), **headers) + body)

    return play


def echo(connection: Wire, request: Request) -> None:
    body = json.dumps({"target": request.target, "padding": "x" * 20_000}).encode()
    answer(body)(connection, request)


def silent(connection: Wire, request: Request) -> None:
    connection.wait_for_hangup()


def hang_up(connection: Wire, request: Request) -> None:
    connection.is_over = True


def reset(connection: Wire, request: Request) -> None:
    connection.reset()


def sends(data: bytes, then: Play = hang_up) -> Play:
    def play(connection: Wire, request: Request) -> None:
        connection.send(data)
        then(connection, request)

    return play


def drips(data: bytes, *, after: bytes = b"") -> Play:
    """Send one byte every 50 ms: no single read is ever late. Ends when the client closes the connection."""

    def play(connection: Wire, request: Request) -> None:
        connection.is_over = True
        connection.send(after)
        for at in range(len(data)):
            connection.send(data[at : at + 1])
            time.sleep(0.05)

    return play


def floods(first: bytes, block: bytes, last: bytes = b"", times: int = 500) -> Play:
    def play(connection: Wire, request: Request) -> None:
        connection.is_over = True
        connection.send(first)
        for _ in range(times):
            connection.send(block)
        connection.send(last)

    return play


HALF = b'{"success": true, "data": {"cartId": "crt_'
EARLY_CLOSE = sends(head(Content_Length=4096) + HALF)
EARLY_CLOSE_CHUNKED = sends(head(Transfer_Encoding="chunked") + b"2a\r\n" + HALF + b"\r\n")
RESET_IN_BODY = sends(head(Content_Length=4096) + HALF, then=reset)


# Fixtures ----------------------------------------------------------------------------------------


def account(url: str, *, alias: str = "default", key: str = KEY) -> Account:
    return Account(alias=alias, api_key=key, api_version="v1", base_url=url, checkout_origins=())


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Henry]:
    server = Henry(tls)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def henry() -> Iterator[Henry]:
    with running() as server:
        yield server


@pytest.fixture
def options(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set options; pauses between repeated reads are short unless a test changes them."""
    monkeypatch.setattr(transport_module, "RETRY_BASE_SECONDS", 0.001)

    def set_options(**changes: Any) -> None:
        settings.HENRY_CHECKOUT = {"API_KEY": KEY, "READ_TIMEOUT": SLOW, "TOTAL_TIMEOUT": SLOW, **changes}

    set_options()
    return set_options


@contextmanager
def connected(url: str) -> Iterator[Transport]:
    opened = Transport(account(url))
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def transport(henry: Henry, options: Any) -> Iterator[Transport]:
    with connected(henry.url) as opened:
        yield opened


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the pauses between retries instead of sleeping."""
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=slept.append)
    monkeypatch.setattr(transport_module, "time", clock)
    return slept


@contextmanager
def takes(*, most: float, least: float = 0) -> Iterator[None]:
    started = time.monotonic()
    yield
    elapsed = time.monotonic() - started
    assert least <= elapsed <= most, f"{elapsed:.2f} s"


# Requests -----------------------------------------------------------------------------------------


def test_a_call_sends_key_version_and_request_id_and_no_cookies(henry: Henry, transport: Transport) -> None:
    henry.will(answer(b'{"ok": 1}', Set_Cookie="track=1"))
    body = {"name": "Zoë", "link": "https://a.example/ü"}
    assert transport.send_once("PUT", "/v1/x/y", query={"refId": "a b&c=d"}, body=body) == {"ok": 1}
    transport.send_once("GET", "/v1/x")
    first, second = henry.asked
    assert (first.method, first.target) == ("PUT", "/v1/x/y?refId=a+b%26c%3Dd")
    assert json.loads(first.body.decode("utf-8")) == body
    assert first.headers["content-type"] == "application/json"
    for request in (first, second):
        assert request.headers["x-api-key"] == KEY
        assert re.fullmatch(r"django-henry-checkout/\S+", request.headers["user-agent"])
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", request.headers["x-request-id"])
        assert request.headers["accept"] == "application/json"
        assert request.headers["accept-encoding"] == "identity"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert (second.body, set(second.headers) & {"cookie", "content-type", "authorization", "referer"}) == (
        b"",
        set(),
    )


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_fault_36_no_redirect_is_followed_and_the_key_stays(
    henry: Henry, transport: Transport, status: int, method: str
) -> None:
    with running() as elsewhere:
        for target in (
            f"{elsewhere.url}/v1/steal",
            f"{henry.url}/v1/again",
            f"//127.0.0.1:{elsewhere.port}/",
            "/v1/again",
        ):
            henry.asked.clear()
            henry.will(answer(b"", status, Location=target, Refresh=f"0;url={target}"))
            with pytest.raises(BadResponse) as caught:
                transport.read(method, "/v1/x", body={})
            assert caught.value.status == status
            assert not caught.value.retryable
            assert len(henry.asked) == 1
        assert elsewhere.accepted == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://api.henrylabs.ai",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0:8000",
        "http://169.254.169.254",
        "https://user:canary-password@api.henrylabs.ai",
        "https://canary-password@api.henrylabs.ai",
        "https://@api.henrylabs.ai",
        "http://user:canary-password@127.0.0.1:8000",
        "http://127.0.0.1\\@evil.example",
        "ftp://127.0.0.1",
        "file:///etc/hosts",
        "//api.henrylabs.ai",
        "api.henrylabs.ai",
        "https://",
        "",
    ],
)
def test_an_unsafe_base_url_is_refused_without_naming_its_secrets(url: str) -> None:
    with pytest.raises(ConfigurationError, match="BASE_URL") as caught:
        Transport(account(url))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://api.henrylabs.ai", "http://localhost:1", "http://[::1]:1", "http://127.0.0.1"]
)
def test_https_and_loopback_urls_are_accepted(url: str) -> None:
    Transport(account(url))


def test_nothing_is_read_from_the_environment(
    henry: Henry, transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login canary password canary\ndefault login canary password canary\n")
    netrc.chmod(0o600)
    with running() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HOME", str(tmp_path))
        assert transport.read("GET", "/v1/x") == {}
        with connected("https://127.0.0.1:1") as https, pytest.raises(GatewayUnavailable):
            https.send_once("GET", "/v1/x")
        assert proxy.accepted == 0
    assert "authorization" not in henry.asked[0].headers
    assert "proxy-authorization" not in henry.asked[0].headers


# A self-signed pair, made for these tests, for "localhost" and 127.0.0.1.
_PAIR = """
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgp86TgjE0zoPDeMfb
d78nufMysFVbK8CEvjlml96QLoShRANCAATcCG5inC1gaNMDQYVyQBmj0QyWfjT9
5MnE0HmeBcgau1MD2otX3JF2tFKzn6J8fgLRAyFJP78pPrPXMyE/rVad
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUbqkovW+1AhvxPyCbusC1AvejULQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTIwMDkzNVoYDzIxMjYxMDI4
MjAwOTM1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATcCG5inC1gaNMDQYVyQBmj0QyWfjT95MnE0HmeBcgau1MD2otX3JF2
tFKzn6J8fgLRAyFJP78pPrPXMyE/rVado28wbTAdBgNVHQ4EFgQUu9oncDt4JNvP
EP2T3wjueHutNKowHwYDVR0jBBgwFoAUu9oncDt4JNvPEP2T3wjueHutNKowDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAKDEjc522GXwAfBP6WL2mUPAR2DSRP+j/AfeDEJ5s/v4AiEA
6+ck/ApVSfg8mqMOBPxcAsDNwA58rryhKwPvCV6O0mo=
-----END CERTIFICATE-----
"""


def test_an_unknown_certificate_ends_the_call_before_anything_is_sent(
    options: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tmp_path / "pair.pem"
    pair.write_text(_PAIR)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair)
    # Environment variables must not add trusted certificates.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(pair))
    with running(tls) as henry, connected(henry.url) as transport:
        with pytest.raises(GatewayUnavailable) as caught:
            transport.send_once("POST", "/v1/cart/x/purchase", body={})
        assert caught.value.maybe_sent is False
        assert henry.accepted == 1
        assert henry.asked == []


# Time --------------------------------------------------------------------------------------------

LONG_JSON = json.dumps({"padding": "x" * 200}).encode()


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(drips(LONG_JSON, after=head(Content_Length=len(LONG_JSON))), id="body"),
        pytest.param(drips(LONG_JSON, after=head()), id="body without length"),
        pytest.param(drips(b"1\r\n \r\n" * 40, after=head(Transfer_Encoding="chunked")), id="chunks"),
        pytest.param(
            drips(b"1;" + b"x" * 200, after=head(Transfer_Encoding="chunked")), id="size of a chunk"
        ),
        pytest.param(
            drips(b"X-Trailer: 1\r\n" * 20, after=head(Transfer_Encoding="chunked") + b"0\r\n"), id="trailers"
        ),
        pytest.param(drips(head(X_Padding="x" * 200)), id="headers"),
        pytest.param(drips(b"HTTP/1.1 200 " + b"O" * 200), id="status line"),
        pytest.param(drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 10), id="continue, without an end"),
    ],
)
def test_fault_28_the_total_deadline_ends_a_slow_answer(
    henry: Henry, transport: Transport, options: Any, play: Play
) -> None:
    options(READ_TIMEOUT=SLOW, TOTAL_TIMEOUT=0.3)
    henry.will(play)
    with takes(least=0.25, most=1.5), pytest.raises(GatewayTimeout) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert caught.value.maybe_sent
    assert caught.value.retryable
    assert caught.value.status is None
    henry.wait_for(open_connections=0)
    assert caught.value.request_id == henry.asked[0].headers["x-request-id"]


@pytest.mark.parametrize(
    "play", [silent, sends(head(Content_Length=100), then=silent), sends(b"HTTP/1.1 2", then=silent)]
)
def test_a_silent_server_hits_the_read_timeout(
    henry: Henry, transport: Transport, options: Any, play: Play
) -> None:
    options(READ_TIMEOUT=0.2, TOTAL_TIMEOUT=SLOW)
    henry.will(play)
    with takes(least=0.15, most=1.2), pytest.raises(GatewayTimeout) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert caught.value.maybe_sent
    henry.wait_for(open_connections=0)


def test_a_shorter_total_deadline_ends_silence_too(henry: Henry, transport: Transport, options: Any) -> None:
    options(TOTAL_TIMEOUT=SLOW)
    henry.will(silent)
    with takes(least=0.15, most=1.2), pytest.raises(GatewayTimeout):
        transport.send_once("POST", "/v1/x", body={}, total_timeout=0.2)


def test_the_deadline_of_one_call_is_not_that_of_the_next(
    henry: Henry, transport: Transport, options: Any
) -> None:
    options(TOTAL_TIMEOUT=0.4)
    for _call in range(3):
        assert transport.send_once("GET", "/v1/x") == {}
        time.sleep(0.2)
    assert henry.accepted == 1


# Size --------------------------------------------------------------------------------------------


def packed(data: bytes, *, times: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join([packer.compress(data) for _ in range(times)]) + packer.flush()


BLOCK = b"a" * 65_536
BOMB = packed(BLOCK, times=1000)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(floods(head(Content_Length=500 * len(BLOCK)), BLOCK), id="content-length"),
        pytest.param(floods(head(), BLOCK), id="until it closes"),
        pytest.param(floods(head(Transfer_Encoding="chunked"), chunk(BLOCK)), id="chunked"),
        pytest.param(
            floods(head(Transfer_Encoding="chunked") + b"%x\r\n" % (500 * len(BLOCK)), BLOCK),
            id="one huge chunk",
        ),
        pytest.param(answer(BOMB, Content_Encoding="gzip"), id="gzip bomb"),
        pytest.param(
            sends(head(Content_Encoding="gzip", Transfer_Encoding="chunked") + chunk(BOMB)),
            id="gzip in a chunk",
        ),
        pytest.param(answer(packed(BOMB, times=1), Content_Encoding="gzip, gzip"), id="bomb in a bomb"),
        pytest.param(floods(head(Content_Length=500 * len(BLOCK), status=500), BLOCK), id="of an error"),
    ],
)
def test_fault_29_a_body_is_cut_at_the_cap_and_memory_stays_flat(
    henry: Henry, transport: Transport, play: Play
) -> None:
    henry.will(answer(), play)
    transport.read("GET", "/v1/warm-up")
    tracemalloc.start()
    try:
        with takes(most=5), pytest.raises(BadResponse, match="MAX_RESPONSE_BYTES") as caught:
            transport.read("GET", "/v1/x")
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert caught.value.status is not None
    assert len(henry.asked) == 2
    # The next call does not use a connection with unread data.
    henry.will(answer(b'{"a": 1}'))
    assert transport.send_once("GET", "/v1/x") == {"a": 1}
    henry.wait_for(open_connections=1)


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(floods(b"HTTP/1.1 200 ", BLOCK), id="status line"),
        pytest.param(floods(b"HTTP/1.1 200 OK\r\nX-Long: ", BLOCK), id="one header"),
        pytest.param(floods(b"HTTP/1.1 200 OK\r\n", b"X-Many: 1\r\n" * 1000), id="many headers"),
        pytest.param(floods(head(Transfer_Encoding="chunked") + b"1;", BLOCK), id="size of a chunk"),
        pytest.param(floods(head(Transfer_Encoding="chunked") + b"0\r\n", BLOCK), id="trailer"),
    ],
)
def test_fault_29_an_endless_head_is_cut_too(henry: Henry, transport: Transport, play: Play) -> None:
    henry.will(play)
    tracemalloc.start()
    try:
        with takes(most=5), pytest.raises(GatewayUnavailable) as caught:
            transport.send_once("GET", "/v1/x")
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert caught.value.maybe_sent


def test_the_limit_applies_to_the_decompressed_body(henry: Henry, transport: Transport, options: Any) -> None:
    body = b'{"a": "' + b"x" * 91 + b'"}'
    for headers, sent in ((({}), body), ({"Content_Encoding": "gzip"}, packed(body, times=1))):
        henry.will(answer(sent, **headers))
        options(MAX_RESPONSE_BYTES=len(body))
        assert transport.send_once("GET", "/v1/x") == {"a": "x" * 91}
        options(MAX_RESPONSE_BYTES=len(body) - 1)
        with pytest.raises(BadResponse, match="MAX_RESPONSE_BYTES"):
            transport.send_once("GET", "/v1/x")


# JSON --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(answer(b"<h1>Hello</h1>", kind="text/html"), id="html"),
        pytest.param(answer(b"{}", kind="text/plain"), id="plain text"),
        pytest.param(answer(b"{}", kind="text/json"), id="text/json"),
        pytest.param(answer(b"{}", kind="application/jsonp"), id="jsonp"),
        pytest.param(answer(b"{}", kind=""), id="no content type"),
        pytest.param(answer(b'{"a": NaN}'), id="NaN"),
        pytest.param(answer(b'{"a": -Infinity}'), id="Infinity"),
        pytest.param(answer(b'{"a": 1, "a": 2}'), id="same key twice"),
        pytest.param(
            answer(b'{"a": {"b": [{"status": "failed", "status": "complete"}]}}'), id="same key twice, deep"
        ),
        pytest.param(answer('{"a": "café"}'.encode("latin-1")), id="Latin-1"),
        pytest.param(
            answer('{"a": "café"}'.encode("latin-1"), kind="application/json; charset=latin-1"),
            id="named Latin-1",
        ),
        pytest.param(answer('{"a": 1}'.encode("utf-16")), id="UTF-16"),
        pytest.param(answer(b'\xef\xbb\xbf{"a": 1}'), id="BOM"),
        pytest.param(answer(b"[" * 200_000 + b"]" * 200_000), id="deep lists"),
        pytest.param(answer(b'{"a":' * 200_000 + b"1" + b"}" * 200_000), id="deep objects"),
        pytest.param(answer(HALF), id="truncated"),
        pytest.param(answer(b'{"a": 1} {"b": 2}'), id="two documents"),
        pytest.param(answer(b""), id="empty"),
        pytest.param(answer(b"  \n"), id="white"),
        pytest.param(answer(b"{'a': 1}"), id="single quotes"),
        pytest.param(answer(b'{"a": 1,}'), id="trailing comma"),
        pytest.param(answer(b'{"a": "\x01"}'), id="control character"),
        pytest.param(answer(b'{"a": ' + b"9" * 5000 + b"}"), id="5000 digits"),
        pytest.param(sends(b"HTTP/1.1 200 OK\r\nContent-"), id="closed in the head"),
        pytest.param(answer(b"not gzip", Content_Encoding="gzip"), id="broken gzip"),
        pytest.param(answer(b"\x0b\x02\x80{}\x03", Content_Encoding="canary"), id="unknown encoding"),
    ],
)
def test_invalid_json_is_refused_and_not_retried(henry: Henry, transport: Transport, play: Play) -> None:
    henry.will(play)
    with pytest.raises(BadResponse) as caught:
        transport.read("GET", "/v1/x")
    assert caught.value.request_id == henry.asked[0].headers["x-request-id"]
    assert (caught.value.retryable, caught.value.maybe_sent) == (False, True)
    assert len(henry.asked) == 1
    assert "caf" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/problem+json"]
)
def test_json_content_types_are_accepted(henry: Henry, transport: Transport, kind: str) -> None:
    henry.will(answer('{"a": ["é", null, true, "\\ud83d\\ude00"]}'.encode(), kind=kind))
    assert transport.read("GET", "/v1/x") == {"a": ["é", None, True, "\U0001f600"]}


def test_numbers_are_exact(henry: Henry, transport: Transport) -> None:
    henry.will(answer(b'{"a": [0.1, 1e2, 1E-2, -0.0, 12345678901234567890.123456789, 1e400, 10]}'))
    numbers = transport.read("GET", "/v1/x")["a"]
    assert [str(number) for number in numbers[:6]] == [
        "0.1",
        "1E+2",
        "0.01",
        "-0.0",
        "12345678901234567890.123456789",
        "1E+400",
    ]
    assert all(type(number) is Decimal for number in numbers[:6])
    assert type(numbers[6]) is int


@pytest.mark.parametrize("number", [str(10**400), "-" + str(10**400), "1e400", "1e15", "-1e15"])
def test_an_amount_out_of_range_is_refused(henry: Henry, transport: Transport, number: str) -> None:
    henry.will(answer(f'{{"value": {number}, "currency": "USD"}}'.encode()))
    with pytest.raises(BadResponse, match="out of range"):
        wire.read_money(transport.read("GET", "/v1/x"))


# Refusals ----------------------------------------------------------------------------------------

HTML = b"<html><h1>502 Bad Gateway</h1></html>"
REASON = b'{"success": false, "status": "error", "message": "No such cart."}'


@pytest.mark.parametrize(
    ("play", "kind", "status", "retryable"),
    [
        (answer(REASON, 400), Rejected, 400, False),
        (answer(HTML, 400, "text/html"), Rejected, 400, False),
        (answer(REASON, 401), AuthenticationFailed, 401, False),
        (answer(HTML, 403, "text/html"), AuthenticationFailed, 403, False),
        (answer(REASON, 404), NotFound, 404, False),
        (answer(b"", 404), NotFound, 404, False),
        (answer(REASON, 408), GatewayUnavailable, 408, True),
        (answer(REASON, 409), Rejected, 409, False),
        (answer(REASON, 410), NotFound, 410, False),
        (answer(REASON, 422), Rejected, 422, False),
        (answer(REASON, 425), GatewayUnavailable, 425, True),
        (answer(REASON, 429), RateLimited, 429, True),
        (answer(b"[" * 100_000, 418), Rejected, 418, False),
        (answer(b'{"message": ["odd"]}', 418), Rejected, 418, False),
        (answer(b'["odd"]', 418), Rejected, 418, False),
        (answer(REASON, 500), GatewayUnavailable, 500, True),
        (answer(HTML, 502, "text/html"), GatewayUnavailable, 502, True),
        (answer(b"", 503), GatewayUnavailable, 503, True),
        (answer(HTML, 504, "text/html"), GatewayUnavailable, 504, True),
        (answer(b"", 599), GatewayUnavailable, 599, True),
        (answer(REASON, 999), GatewayUnavailable, 999, True),
        (answer(REASON, 200), Rejected, 200, False),
    ],
)
def test_each_refusal_is_the_right_error(
    henry: Henry, transport: Transport, play: Play, kind: type[GatewayError], status: int, retryable: bool
) -> None:
    henry.will(play)
    with pytest.raises(GatewayError) as caught:
        transport.send_once("POST", "/v1/x", body={})
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.retryable, error.maybe_sent) == (status, retryable, True)
    assert error.request_id == henry.asked[0].headers["x-request-id"]
    assert error.code.startswith("henry_")
    assert KEY not in str(error)
    assert "<" not in str(error)


def test_henrys_reason_is_kept_in_part(henry: Henry, transport: Transport) -> None:
    henry.will(
        answer(REASON, 400), answer(REASON, 200), answer(json.dumps({"message": "x" * 5000}).encode(), 422)
    )
    for _status in (400, 200):
        with refused(Rejected, r"No such cart\."):
            transport.send_once("POST", "/v1/x", body={})
    with pytest.raises(Rejected) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert len(caught.value.detail) == 200


def http_date(**ahead: float) -> str:
    return format_datetime(timezone.now() + timedelta(**ahead), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry_After": "7"}, 7, 7),
        ({"Retry_After": "0"}, 0, 0),
        ({"Retry_After": "1.5"}, 1.5, 1.5),
        ({"Retry_After": "31536000"}, 31_536_000, 31_536_000),
        ({"Retry_After": "soon"}, None, None),
        ({"Retry_After": "-5"}, None, None),
        ({"Retry_After": "nan"}, None, None),
        ({"Retry_After": "inf"}, None, None),
        ({"Retry_After": "1e999"}, None, None),
        ({"Retry_After": ","}, None, None),
        ({"Retry_After": "Mon, 32 Foo 2026 99:99:99 GMT"}, None, None),
        ({"Retry_After": "Mon, 01 Jan 2024 00:00:00 -0000"}, None, None),
        ({"Retry_After_Ms": "1500"}, 1.5, 1.5),
        ({"Retry_After_Ms": "250", "Retry_After": "9"}, 0.25, 0.25),
        ({"Retry_After_Ms": "-1", "Retry_After": "9"}, 9, 9),
        ({"Retry_After_Ms": "soon", "Retry_After": "9"}, 9, 9),
        ({}, None, None),
    ],
)
def test_the_requested_pause_is_read(
    henry: Henry, transport: Transport, headers: dict[str, str], least: float | None, most: float | None
) -> None:
    henry.will(answer(REASON, 429, **headers))
    with pytest.raises(RateLimited) as caught:
        transport.send_once("GET", "/v1/x")
    assert caught.value.retry_after == least == most


def test_a_pause_may_be_given_as_a_date(henry: Henry, transport: Transport) -> None:
    henry.will(
        answer(b"", 429, Retry_After=http_date(seconds=30)), answer(b"", 429, Retry_After=http_date(hours=-1))
    )
    with pytest.raises(RateLimited) as caught:
        transport.send_once("GET", "/v1/x")
    assert caught.value.retry_after is not None
    assert 20 < caught.value.retry_after <= 30
    with pytest.raises(RateLimited) as caught:
        transport.send_once("GET", "/v1/x")
    assert caught.value.retry_after is None


# Broken connections ------------------------------------------------------------------------------


def unused_url(scheme: str = "http") -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"{scheme}://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_sent_nothing(options: Any, scheme: str) -> None:
    with connected(unused_url(scheme)) as transport, pytest.raises(GatewayUnavailable) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert (caught.value.maybe_sent, caught.value.retryable, caught.value.status) == (False, True, None)


def test_fault_38_an_unknown_host_sent_nothing(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with connected("https://api.henry.example") as transport, pytest.raises(GatewayUnavailable) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert (caught.value.maybe_sent, caught.value.retryable) == (False, True)


def test_a_connection_that_is_never_made_sent_nothing(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        assert kwargs.get("timeout", args[1] if len(args) > 1 else None) == 0.3
        raise TimeoutError("timed out")

    options(CONNECT_TIMEOUT=0.3)
    monkeypatch.setattr(urllib3_connection, "create_connection", fails)
    with connected("http://127.0.0.1:1") as transport, pytest.raises(GatewayTimeout) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert (caught.value.maybe_sent, caught.value.retryable) == (False, True)


BROKEN = {
    "reset before the answer": reset,
    "lost reply": hang_up,
    "reset in the head": sends(b"HTTP/1.1 200 OK\r\nContent-", then=reset),
    "closed in the status line": sends(b"HTTP/1.1 2"),
    "closed in the body": EARLY_CLOSE,
    "closed in the chunks": EARLY_CLOSE_CHUNKED,
    "reset in the body": RESET_IN_BODY,
    "not HTTP": sends(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "HTTP/0.9": sends(b'{"success": true}'),
    "broken chunks": sends(head(Transfer_Encoding="chunked") + b"zz\r\n{}\r\n"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_fault_27_a_connection_that_breaks_later_may_have_been_received(
    henry: Henry, transport: Transport, fault: str
) -> None:
    henry.will(BROKEN[fault])
    with takes(most=2), pytest.raises(GatewayUnavailable) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert (caught.value.maybe_sent, caught.value.retryable, caught.value.status) == (True, True, None)
    assert caught.value.request_id == henry.asked[0].headers["x-request-id"]
    assert len(henry.asked) == 1
    henry.wait_for(open_connections=0)


# Retries -----------------------------------------------------------------------------------------

REFUSED = {
    "redirect": answer(b"", 307, Location="/v1/x"),
    "400": answer(REASON, 400),
    "401": answer(REASON, 401),
    "404": answer(REASON, 404),
    "409": answer(REASON, 409),
    "garbage": answer(HALF),
    "success: false": answer(REASON),
    "too long": answer(b" " * 2_000_001),
}
TRANSIENT = {
    **BROKEN,
    "silence": silent,
    "drip": drips(LONG_JSON, after=head(Content_Length=len(LONG_JSON))),
    "408": answer(REASON, 408),
    "429": answer(REASON, 429),
    "429, at once": answer(REASON, 429, Retry_After="0"),
    "429, with Retry-After": answer(REASON, 429, Retry_After="0.01", x_should_retry="true"),
    "500": answer(REASON, 500),
    "502": answer(HTML, 502, "text/html"),
    "503": answer(b"", 503, Retry_After="0"),
    "504": answer(b"", 504),
}


@pytest.fixture
def impatient(options: Any) -> None:
    options(READ_TIMEOUT=0.15, TOTAL_TIMEOUT=0.2, READ_RETRIES=2)


@pytest.mark.parametrize("fault", [*REFUSED, *TRANSIENT])
def test_a_call_that_writes_is_sent_exactly_once(
    henry: Henry, transport: Transport, impatient: None, fault: str
) -> None:
    henry.will({**REFUSED, **TRANSIENT}[fault], answer())
    with pytest.raises(GatewayError):
        transport.send_once("POST", "/v1/cart/x/purchase", body={})
    assert henry.wait_for_all(transport) == 1


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_read_is_retried_and_then_fails(
    henry: Henry, transport: Transport, impatient: None, fault: str
) -> None:
    henry.will(TRANSIENT[fault])
    with pytest.raises(GatewayError) as caught:
        transport.read("GET", "/v1/x")
    assert henry.wait_for_all(transport) == 3
    ids = [request.headers["x-request-id"] for request in henry.asked]
    assert len(set(ids)) == 3
    assert caught.value.request_id == ids[-1]


@pytest.mark.parametrize("fault", REFUSED)
def test_a_refused_read_is_not_retried(henry: Henry, transport: Transport, fault: str) -> None:
    henry.will(REFUSED[fault])
    with pytest.raises(GatewayError):
        transport.read("GET", "/v1/x")
    assert len(henry.asked) == 1


@pytest.mark.parametrize(
    ("configured", "given", "sent"), [(2, None, 3), (0, None, 1), (5, 0, 1), (0, 1, 2), (-1, None, 1)]
)
def test_the_number_of_retries_is_an_option(
    henry: Henry, transport: Transport, options: Any, configured: int, given: int | None, sent: int
) -> None:
    options(READ_RETRIES=configured)
    henry.will(answer(b"", 503))
    with pytest.raises(GatewayUnavailable):
        transport.read("GET", "/v1/x", retries=given)
    assert len(henry.asked) == sent


def test_a_read_recovers(henry: Henry, transport: Transport) -> None:
    henry.will(reset, answer(HTML, 502, "text/html"), answer(b'{"a": 1}'))
    assert transport.read("GET", "/v1/x", query={"refId": "r"}) == {"a": 1}
    assert {(request.method, request.target) for request in henry.asked} == {("GET", "/v1/x?refId=r")}


def test_a_read_is_retried_after_a_refused_connection(options: Any, pauses: list[float]) -> None:
    with connected(unused_url()) as transport, pytest.raises(GatewayUnavailable):
        transport.read("GET", "/v1/x")
    assert len(pauses) == 2


def test_pauses_double_up_to_a_cap_and_are_jittered(
    henry: Henry, transport: Transport, options: Any, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    options(READ_RETRIES=7)
    monkeypatch.setattr(transport_module, "RETRY_BASE_SECONDS", 0.25)
    henry.will(answer(b"", 503))
    upper_bounds: list[float] = []

    def uniform(low: float, high: float) -> float:
        upper_bounds.append(low)
        return high

    monkeypatch.setattr(transport_module, "random", SimpleNamespace(uniform=uniform))
    with pytest.raises(GatewayUnavailable):
        transport.read("GET", "/v1/x")
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert set(upper_bounds) == {0}


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [("2", [2.0, 2.0]), ("0", [0.0, 0.0]), ("4", [4.0, 4.0]), ("4.1", []), ("3600", [])],
)
def test_a_short_retry_after_is_waited_for_and_a_long_one_is_raised(
    henry: Henry, transport: Transport, pauses: list[float], retry_after: str, expected: list[float]
) -> None:
    henry.will(answer(b"", 429, Retry_After=retry_after))
    with pytest.raises(RateLimited) as caught:
        transport.read("GET", "/v1/x")
    assert pauses == expected
    assert len(henry.asked) == len(expected) + 1
    assert caught.value.retry_after == float(retry_after)


def test_a_short_pause_is_really_slept(henry: Henry, transport: Transport) -> None:
    henry.will(answer(b"", 429, Retry_After_Ms="300"), answer())
    transport.read("GET", "/v1/x")
    first, second = henry.asked
    assert 0.29 <= second.at - first.at < 1.5


# Connections -------------------------------------------------------------------------------------


def test_twenty_calls_share_one_connection(henry: Henry, transport: Transport) -> None:
    long = answer(b'{"padding": "%b"}' % BLOCK)
    henry.will(
        *[answer(), long, answer(packed(b"{}", times=1), Content_Encoding="gzip"), answer(HTML, 503)] * 5
    )
    for number in range(20):
        with suppress(GatewayUnavailable):
            transport.send_once("POST" if number % 2 else "GET", "/v1/x", body={} if number % 2 else None)
    assert len(henry.asked) == 20
    assert henry.accepted == 1


def test_chunked_answers_return_their_connection(henry: Henry, transport: Transport) -> None:
    henry.will(
        sends(
            head(Transfer_Encoding="chunked") + chunk(b"{}") + b"0\r\n\r\n",
            then=lambda connection, request: None,
        )
    )
    for _call in range(5):
        assert transport.send_once("GET", "/v1/x") == {}
    assert henry.accepted == 1


def test_a_refused_answer_returns_its_connection(henry: Henry, transport: Transport) -> None:
    refused = [play for name, play in REFUSED.items() if name != "too long"]
    henry.will(
        *refused,
        answer(REASON, 429),
        answer(HTML, 503, "text/html"),
        answer(b"", kind="text/plain"),
        answer(),
    )
    for _call in range(len(refused) + 3):
        with pytest.raises(GatewayError):
            transport.send_once("POST", "/v1/x", body={})
    assert transport.send_once("GET", "/v1/x") == {}
    assert henry.accepted == 1


def test_broken_connections_are_closed_and_nothing_leaks(
    henry: Henry, transport: Transport, options: Any
) -> None:
    faults = [*BROKEN.values(), floods(head(), BLOCK), silent, TRANSIENT["drip"]]
    options(READ_TIMEOUT=0.15, TOTAL_TIMEOUT=0.2)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for play in faults * 2:
            henry.will(play)
            with pytest.raises(GatewayError):
                transport.send_once("POST", "/v1/x", body={})
            henry.wait_for(open_connections=0)
        henry.will(answer())
        options()
        for _call in range(5):
            transport.send_once("GET", "/v1/x")
        gc.collect()
    assert henry.open == 1
    assert henry.accepted == len(faults) * 2 + 1
    assert [str(warning.message) for warning in warned if issubclass(warning.category, ResourceWarning)] == []


def test_a_connection_closed_by_henry_is_replaced(henry: Henry, transport: Transport) -> None:
    henry.will(sends(head(Content_Length=2) + b"{}"))
    for _call in range(3):
        assert transport.send_once("POST", "/v1/x", body={}) == {}
        henry.wait_for(open_connections=0)
    assert len(henry.asked) == henry.accepted == 3


@pytest.mark.parametrize("pause", [0, 0.05])
@pytest.mark.parametrize("size", [10, 100_000])
def test_leftover_bytes_are_not_read_as_the_next_answer(
    henry: Henry, transport: Transport, pause: float, size: int
) -> None:
    def sends_more(connection: Wire, request: Request) -> None:
        answer(b'{"a": 2}')(connection, request)
        time.sleep(pause)
        answer(b'{"a": 666, "b": "%b"}' % (b"x" * size))(connection, request)

    henry.will(answer(b'{"a": 1}'), sends_more, answer(b'{"a": 3}'))
    assert [transport.send_once("GET", "/v1/x")["a"] for _call in range(2)] == [1, 2]
    time.sleep(0.1)
    assert transport.send_once("GET", "/v1/x") == {"a": 3}


# Threads and processes ---------------------------------------------------------------------------


def test_64_threads_on_one_transport_each_get_their_own_answer(henry: Henry, transport: Transport) -> None:
    henry.will(echo)
    barrier = threading.Barrier(64)

    def call(number: int) -> list[str]:
        barrier.wait(10)
        return [transport.read("GET", f"/v1/{number}/{turn}")["target"] for turn in range(3)]

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(call, range(64)))
    assert answers == [[f"/v1/{number}/{turn}" for turn in range(3)] for number in range(64)]
    assert henry.accepted <= 64
    assert len({request.headers["x-request-id"] for request in henry.asked}) == 64 * 3


def test_each_thread_has_its_own_deadline(henry: Henry, transport: Transport) -> None:
    def sometimes_silent(connection: Wire, request: Request) -> None:
        (silent if request.target == "/v1/silent" else echo)(connection, request)

    henry.will(sometimes_silent)

    def call(number: int) -> str:
        if number % 2:
            return str(transport.send_once("GET", f"/v1/{number}")["target"])
        with takes(least=0.2, most=2), pytest.raises(GatewayTimeout):
            transport.send_once("GET", "/v1/silent", total_timeout=0.25)
        return "late"

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(call, range(16)))
    assert answers == [f"/v1/{number}" if number % 2 else "late" for number in range(16)]


@pytest.fixture
def no_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "_gateways", {})


def test_an_account_has_one_gateway_in_a_process(no_gateways: None) -> None:
    barrier = threading.Barrier(16)

    def get(_number: int) -> object:
        barrier.wait(10)
        return gateway_for(account("http://127.0.0.1:1"))

    with ThreadPoolExecutor(16) as pool:
        assert len(set(map(id, pool.map(get, range(16))))) == 1
    mine = gateway_for(account("http://127.0.0.1:1"))
    assert gateway_for(account("http://127.0.0.1:1", alias="uk")) is not mine
    assert gateway_for(account("http://127.0.0.1:1", key="rotated")) is not mine
    assert gateway_for(account("http://127.0.0.1:2")) is not mine


def test_an_unknown_api_version_is_named(no_gateways: None) -> None:
    unknown = Account(
        alias="a", api_key=KEY, api_version="v7", base_url="http://127.0.0.1:1", checkout_origins=()
    )
    with pytest.raises(ConfigurationError, match=r"'v7'.*v1") as caught:
        gateway_for(unknown)
    assert KEY not in str(caught.value)


FORKS = """
    import os, sys
    from django.conf import settings
    settings.configure(USE_TZ=True, HENRY_CHECKOUT={"API_KEY": "k", "BASE_URL": sys.argv[1]})
    from django_henry_checkout.conf import app_settings as henry
    from django_henry_checkout.gateway import gateway_for

    def call(path):
        gateway_for(henry.account())._transport.send_once("GET", path)

    call("/v1/parent")
    before = gateway_for(henry.account())
    child = os.fork()
    if not child:
        code = 3
        try:
            call("/v1/child")
            call("/v1/child")
            code = 4 if gateway_for(henry.account()) is before else 0
        finally:
            os._exit(code)
    call("/v1/parent")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_gets_its_own_gateway_and_sockets(henry: Henry) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORKS), henry.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    used = {(request.target, request.connection) for request in henry.asked}
    assert len(henry.asked) == 4
    assert len(used) == 2, "parent and child must each stay on one connection of their own"
    assert len({connection for _target, connection in used}) == 2


# Logs --------------------------------------------------------------------------------------------

SECRETS = ("ada@example.com", "ckp-ref_canary", "Springfield", "card_live_canary", KEY)


@pytest.mark.parametrize("fault", [*BROKEN, *REFUSED, "silence", "429", "503", "none"])
def test_the_log_describes_the_call_and_contains_no_secrets(
    henry: Henry, transport: Transport, impatient: None, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    secret = json.dumps({"message": " ".join(SECRETS), "success": fault == "none", "data": SECRETS}).encode()
    plays = {
        **REFUSED,
        **TRANSIENT,
        "none": answer(secret),
        "400": answer(secret, 400),
        "success: false": answer(secret),
    }
    henry.will(plays[fault])
    caplog.set_level(logging.DEBUG)
    body = {"buyer": {"email": SECRETS[0], "card": SECRETS[3], "city": SECRETS[2]}}
    with suppress(GatewayError):
        transport.send_once("POST", "/v1/cart/crt_1/purchase", query={"refId": SECRETS[1]}, body=body)
    assert henry.wait_for_all(transport) == 1
    ours = [record for record in caplog.records if record.name.startswith("django_henry_checkout")]
    (record,) = ours
    request_id = henry.asked[0].headers["x-request-id"]
    assert re.fullmatch(
        rf"POST /v1/cart/crt_1/purchase (\d{{3}}|no answer)( \(henry_\w+\))? \d+ ms {request_id}",
        record.getMessage(),
    )
    shown = record.getMessage() + repr(record.args) + str(record.exc_text)
    assert not [secret for secret in SECRETS if secret in shown]


def test_each_retry_has_its_own_log_line(
    henry: Henry, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    henry.will(answer(b"", 503))
    caplog.set_level(logging.DEBUG, logger="django_henry_checkout")
    with pytest.raises(GatewayUnavailable):
        transport.read("GET", "/v1/orders", query={"cartId": "crt_canary"})
    lines = [
        record.getMessage() for record in caplog.records if record.name.startswith("django_henry_checkout")
    ]
    assert len(lines) == 3
    assert all(line.startswith("GET /v1/orders 503 (henry_unavailable) ") for line in lines)


def test_the_key_is_in_no_repr_and_no_error(henry: Henry, transport: Transport) -> None:
    henry.will(answer(REASON, 401))
    with pytest.raises(AuthenticationFailed) as caught:
        transport.send_once("GET", "/v1/x")
    for shown in (
        repr(transport),
        repr(caught.value),
        repr(account("http://127.0.0.1:1")),
        repr(gateway.GatewayV1(transport)),
    ):
        assert KEY not in shown
