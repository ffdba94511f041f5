"""Sends answers of our own through the project's middleware, to see what browsers would get to see."""

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

from django_henry_checkout.doctor.findings import Finding, Level, Trap

MARK = "X-Henry-Doctor"

MIDDLEWARE_ANSWERS = Trap(
    "middleware_answers",
    Level.UNSEEN,
    why="A middleware of the project answers in place of the page, for instance to a host or an address that it does "
    "not know, so what it does to pages stays unknown.",
    fix="Look at the headers of a real page with the browser's developer tools, beside docs/reference/embedding.md.",
)


class UnseenError(Exception):
    """A middleware answered by itself. Attributes: `status` of its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The project's middleware answered {status} by itself.")
        self.status = status

    def finding(self) -> Finding:
        """Return it as what could not be examined."""
        return MIDDLEWARE_ANSWERS.found(str(self))


class _Middleware(BaseHandler):
    """The project's middleware around one answer; no view is called."""

    def __init__(self, answer: HttpResponse) -> None:
        self._answer = answer
        self.load_middleware()

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        return self._answer

    def send(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


def after_middleware(headers: Mapping[str, str] | None = None, *, is_framed: bool = False) -> HttpResponse:
    """Return a page as it leaves the project's middleware.

    Args:
        headers: what the view has set.
        is_framed: the view has said that `X-Frame-Options` is to be left out.

    Raises:
        UnseenError: a middleware answered by itself.
    """
    mark = secrets.token_hex(8)
    # No cache of the project's may keep it.
    page = HttpResponse("<!doctype html><title>doctor</title>", headers={**(headers or {}), MARK: mark})
    page.headers["Cache-Control"] = "private, no-store"
    if is_framed:
        page.xframe_options_exempt = True
    seen = _Middleware(page).send(request_of_a_browser(f"/henry-doctor/{mark}"))
    if seen.headers.get(MARK) != mark or not isinstance(seen, HttpResponse):
        raise UnseenError(seen.status_code)
    return seen


def answer_of_view(path: str) -> HttpResponseBase:
    """Return what a GET of one of our addresses is answered, middleware and all."""
    handler = BaseHandler()
    handler.load_middleware()
    return handler.get_response(request_of_a_browser(path))


def request_of_a_browser(path: str) -> WSGIRequest:
    """Return a GET over TLS, as the shop's own proxy would hand it on."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "",
        "SERVER_NAME": own_host(), "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": own_host(),
        "HTTP_ACCEPT": "text/html", "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": "0",
        "wsgi.url_scheme": "https", "wsgi.input": BytesIO(), "wsgi.errors": BytesIO(),
    }  # fmt: skip
    trusted: Any = settings.SECURE_PROXY_SSL_HEADER
    if isinstance(trusted, tuple | list) and len(trusted) == 2:
        environ[str(trusted[0])] = str(trusted[1])
    return WSGIRequest(environ)


def own_host() -> str:
    """Return a host name that the shop answers to."""
    named = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if "*" not in host]
    return named[0] if named else "localhost"
