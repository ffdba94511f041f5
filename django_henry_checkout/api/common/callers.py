"""Authentication of callers: a page of the shop, the holder of a bearer token, or a trusted server.

If a call has a token or key, its cookies are not read, so it needs no CSRF token. A mutating call with the
shop's cookies needs a CSRF token too.
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


def django_request(request: Request) -> HttpRequest:
    """Return the Django request that a DRF request wraps."""
    inner: HttpRequest = request._request  # noqa: SLF001 - documented by DRF, without a public name
    return inner


def get_subject(caller: Caller, request: Request) -> str:
    """Return a name for a caller, for rate limits and idempotency keys; "" for an unauthenticated one."""
    names = {
        "user": caller.user_pk,
        "account": caller.trusted_account,
        "cart": caller.token_cart_id,
        "session": caller.session_id or caller.session_order_id,
        "customer": caller.customer_id,
    }
    for kind, name in names.items():
        if name:
            return f"{kind}:{name}"
    key = django_request(request).session.session_key
    return f"cookie:{hash_secret(key)}" if key else ""


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request: Any, reason: str) -> Any:
        return reason


def _read_secret(request: Request) -> tuple[str, str] | None:
    """Return the kind ("token" or "key") and the text of the secret that a call sends."""
    for header, kind in (("X-Session-Token", "token"), ("Api-Key", "key"), ("X-Api-Key", "key")):
        if header in request.headers:
            return kind, request.headers[header]
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "api-key"}:
        return ("key" if scheme.lower() == "api-key" else "token"), secret.strip()
    return None


def get_secret(request: Request) -> str:
    """Return the token or key that a call sends, or ""."""
    secret = _read_secret(request)
    return "" if secret is None else secret[1]


class CallerAuthentication(BaseAuthentication):
    """Set `request.auth` to a `Caller`, and `request.user` to the shop's user if there is one."""

    def authenticate(self, request: Request) -> tuple[Any, Caller]:
        secret = _read_secret(request)
        if secret is not None:
            return AnonymousUser(), self._find_caller(*secret)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            self._enforce_csrf(request)
            return django_request(request).user, get_caller(django_request(request))
        return AnonymousUser(), Caller()

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def _find_caller(self, kind: str, secret: str) -> Caller:
        if not 0 < len(secret) <= MAX_SECRET_LENGTH:
            raise TokenInvalid
        if kind == "key":
            return get_caller_by_api_key(secret)
        is_jwt = secret.count(".") == 2
        return get_caller_by_customer_token(secret) if is_jwt else get_caller_by_secret(secret)

    def _enforce_csrf(self, request: Request) -> None:
        check = _Csrf(lambda _request: None)  # type: ignore[arg-type]  # never called
        check.process_request(django_request(request))
        reason = check.process_view(django_request(request), None, (), {})  # type: ignore[arg-type]  # no view yet
        if reason:
            raise exceptions.PermissionDenied(f"CSRF check failed: {reason}")
