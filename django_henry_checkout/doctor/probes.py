"""Test requests that probes send through the project's middleware, to see what browsers receive."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_henry_checkout.doctor.findings import Check, Finding, Level

PROBE_HEADER = "X-Henry-Doctor"

MIDDLEWARE_RESPONDS = Check(
    "middleware_responds",
    Level.SKIPPED,
    why="A middleware of the project responds instead of the view, for example to a host or an IP address "
    "that it does not know. What it does to other pages is unknown.",
    fix="Compare the headers of a real page, in the browser's developer tools, with docs/reference/embedding.md.",
)


class InterceptedError(Exception):
    """A middleware responded instead of the view; `status` is the status of its response."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The project's middleware responded with {status} itself.")
        self.status = status

    def finding(self) -> Finding:
        """Return the finding that the middleware could not be checked."""
        return MIDDLEWARE_RESPONDS.finding(str(self))


class _Middleware(BaseHandler):
    """The project's middleware around a fixed response; no view is called."""

    def __init__(self, response: HttpResponse) -> None:
        self._response = response
        self.load_middleware()

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        return self._response

    def send(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


def probe_middleware(headers: Mapping[str, str] | None = None, *, is_framed: bool = False) -> HttpResponse:
    """Return an empty page as it leaves the project's middleware.

    Args:
        headers: headers that the view sets.
        is_framed: the view is exempt from `X-Frame-Options`.

    Raises:
        InterceptedError: a middleware responded instead.
    """
    nonce = secrets.token_hex(8)
    # The project's cache must not store the page.
    page = HttpResponse(
        "<!doctype html><title>doctor</title>", headers={**(headers or {}), PROBE_HEADER: nonce}
    )
    page.headers["Cache-Control"] = "private, no-store"
    if is_framed:
        page.xframe_options_exempt = True
    sent = _Middleware(page).send(_build_request(f"/henry-doctor/{nonce}"))
    if sent.headers.get(PROBE_HEADER) != nonce or not isinstance(sent, HttpResponse):
        raise InterceptedError(sent.status_code)
    return sent


def probe_view(path: str) -> HttpResponseBase:
    """Return the response to a GET of one of the app's own paths, middleware included."""
    handler = BaseHandler()
    handler.load_middleware()
    return handler.get_response(_build_request(path))


def _build_request(path: str) -> WSGIRequest:
    """Return a GET over TLS, as the shop's own proxy would forward it."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "",
        "SERVER_NAME": get_own_host(), "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": get_own_host(), "HTTP_ACCEPT": "text/html", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": "0", "wsgi.url_scheme": "https", "wsgi.input": BytesIO(), "wsgi.errors": BytesIO(),
    }  # fmt: skip
    trusted: Any = settings.SECURE_PROXY_SSL_HEADER
    if isinstance(trusted, tuple | list) and len(trusted) == 2:
        environ[str(trusted[0])] = str(trusted[1])
    return WSGIRequest(environ)


def get_own_host() -> str:
    """Return a host name that ALLOWED_HOSTS accepts."""
    named = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if "*" not in host]
    return named[0] if named else "localhost"
