"""`henry_doctor --url`: the shop through a proxy that changes responses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_henry_checkout.doctor import public_url, run_checks
from django_henry_checkout.doctor.findings import Probe
from django_henry_checkout.shop import opens_popups
from tests.doctor.projects import HERE, is_whole, urls_of, use

pytestmark = pytest.mark.django_db(transaction=True)


@opens_popups
def cart_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Cart</title>")


def plain_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Cart</title>")


Proxied = Callable[..., str]


@pytest.fixture
def proxied(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxied]:
    """Start a proxy in front of the shop; return its URL. `adds` are extra headers, `closes` is blocked."""
    developing = {
        "DEBUG": True, "ALLOWED_HOSTS": ["localhost", "127.0.0.1"], "SECURE_PROXY_SSL_HEADER": None,
        "SECURE_SSL_REDIRECT": False, "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "HENRY_CHECKOUT": HERE,
    }  # fmt: skip
    use(settings, developing)
    shop_urls = [
        path("henry/", include("django_henry_checkout.urls")),
        path("cart", cart_page),
        path("plain", plain_page),
    ]
    settings.ROOT_URLCONF = urls_of(monkeypatch, shop_urls)
    started: list[ThreadingHTTPServer] = []

    def start(*, adds: dict[str, str] | None = None, closes: str = "") -> str:
        class Proxy(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if closes and self.path.startswith(closes):
                    self.send_error(403)
                    return
                response = requests.get(f"{live_server.url}{self.path}", allow_redirects=False, timeout=10)
                self.send_response(response.status_code)
                for name, value in [*response.headers.items(), *(adds or {}).items()]:
                    if name.lower() not in {"content-length", "connection"}:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(response.content)

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        started.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def names(looks: tuple[Probe, ...]) -> list[str]:
    found = [finding for probe in looks for finding in probe()]
    assert all(is_whole(finding) for finding in found)
    return sorted(finding.name for finding in found)


def test_a_proxy_that_changes_nothing_has_no_findings(proxied: Proxied) -> None:
    assert names(public_url.build_probes(f"{proxied()}/cart")) == []


def test_the_headers_of_the_page_are_checked(proxied: Proxied) -> None:
    assert names(public_url.build_probes(f"{proxied()}/plain")) == ["coop"]


@pytest.mark.parametrize(
    ("adds", "expected"),
    [
        ({"X-Frame-Options": "SAMEORIGIN"}, ["x_frame_options"]),
        ({"Cross-Origin-Embedder-Policy": "require-corp"}, ["coep"]),
        ({"Permissions-Policy": "payment=()"}, ["permissions_policy"]),
        ({"Content-Security-Policy": "connect-src 'none'"}, ["csp_connect"]),
    ],
)
def test_headers_that_a_proxy_adds_are_reported(
    proxied: Proxied, adds: dict[str, str], expected: list[str]
) -> None:
    assert names(public_url.build_probes(f"{proxied(adds=adds)}/cart")) == expected


def test_webhooks_that_a_proxy_blocks_are_reported(proxied: Proxied) -> None:
    assert names(public_url.build_probes(f"{proxied(closes='/henry/webhooks/')}/cart")) == ["webhook_blocked"]


@pytest.mark.parametrize("address", ["/cart/", "/nothing"])
def test_a_url_that_is_not_a_page_is_reported(proxied: Proxied, address: str) -> None:
    assert names(public_url.build_probes(f"{proxied()}{address}")) == ["shop_unreachable"]


def test_an_unreachable_shop_is_one_finding() -> None:
    assert names(public_url.build_probes("http://127.0.0.1:9/cart")) == ["shop_unreachable"]


def test_plain_http_is_reported() -> None:
    assert "no_tls" in names(public_url.build_probes("http://shop.invalid/cart"))


def test_run_checks_checks_from_outside_if_a_url_is_given(proxied: Proxied) -> None:
    url = proxied(adds={"X-Frame-Options": "SAMEORIGIN"})
    assert "x_frame_options" not in {finding.name for finding in run_checks()}
    assert "x_frame_options" in {finding.name for finding in run_checks(url=f"{url}/cart")}


@pytest.mark.parametrize(
    "url",
    ["shop.example/cart", "ftp://shop.example/", "https://", "https://user:pw@shop.example/", "https://[::1"],
)
def test_an_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(CommandError, match="--url"):
        call_command("henry_doctor", f"--url={url}")
