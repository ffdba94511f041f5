"""Who calls: a page of the shop, the holder of a bearer token, or a trusted server.

A call that brings a token or key is judged by that alone: its cookies are not read, so it needs no CSRF
token. A call that brings the shop's cookies must bring a CSRF token too when it changes something.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from django_henry_checkout.exceptions import TokenInvalid
from django_henry_checkout.flows.access.callers import get_caller
from django_henry_checkout.flows.access.customer_tokens import get_caller_by_customer_token
from django_henry_checkout.flows.access.tokens import get_caller_by_api_key, get_caller_by_secret
from django_henry_checkout.models.access import hash_secret
from django_henry_checkout.types import Caller

MAX_SECRET_LENGTH = 2000
CHALLENGE = 'Bearer realm="henry"'


def shop_request(request: Request) -> HttpRequest:
    """Return Django's own request behind the framework's."""
    inner: HttpRequest = request._request  # noqa: SLF001 - this is how the framework's docs get at it
    return inner


def subject_of(caller: Caller, request: Request) -> str:
    """Name a caller, to count his calls and to keep his keys apart; "" for one who shows nothing."""
    named = {
        "user": caller.user_pk,
        "account": caller.trusted_account,
        "cart": caller.token_cart_id,
        "session": caller.session_id or caller.session_order_id,
        "customer": caller.customer_id,
    }
    for kind, name in named.items():
        if name:
            return f"{kind}:{name}"
    key = shop_request(request).session.session_key
    return f"cookie:{hash_secret(key)}" if key else ""


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request: Any, reason: str) -> Any:
        return reason


def _bearer(request: Request) -> tuple[str, str] | None:
    """Return the kind and the text of the secret that a call shows."""
    for header, kind in (("X-Session-Token", "token"), ("Api-Key", "key"), ("X-Api-Key", "key")):
        if header in request.headers:
            return kind, request.headers[header]
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "api-key"}:
        return ("key" if scheme.lower() == "api-key" else "token"), secret.strip()
    return None


def shown_secret(request: Request) -> str:
    """Return the secret that a call shows, or ""."""
    bearer = _bearer(request)
    return "" if bearer is None else bearer[1]


class CallerAuthentication(BaseAuthentication):
    """Finds the caller; `request.auth` is a `Caller`, `request.user` the shop's user if there is one."""

    def authenticate(self, request: Request) -> tuple[Any, Caller]:
        bearer = _bearer(request)
        if bearer is not None:
            return AnonymousUser(), self._caller_of(bearer)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            self._enforce_csrf(request)
            return shop_request(request).user, get_caller(shop_request(request))
        return AnonymousUser(), Caller()

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def _caller_of(self, bearer: tuple[str, str]) -> Caller:
        kind, secret = bearer
        if not 0 < len(secret) <= MAX_SECRET_LENGTH:
            raise TokenInvalid
        if kind == "key":
            return get_caller_by_api_key(secret)
        return (
            get_caller_by_customer_token(secret) if secret.count(".") == 2 else get_caller_by_secret(secret)
        )

    def _enforce_csrf(self, request: Request) -> None:
        check = _Csrf(lambda _request: None)  # type: ignore[arg-type]  # never called
        check.process_request(shop_request(request))
        reason = check.process_view(shop_request(request), None, (), {})  # type: ignore[arg-type]  # no view yet
        if reason:
            raise exceptions.PermissionDenied(f"CSRF check failed: {reason}")
