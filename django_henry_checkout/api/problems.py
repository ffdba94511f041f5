"""Errors as RFC 9457 `application/problem+json`, each with a stable `code`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    BadResponse,
    CartChanged,
    CartEmpty,
    CartFull,
    CartNotFound,
    CheckoutError,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    HenryCheckoutError,
    InvalidIdempotencyKey,
    InvalidItem,
    KeyReused,
    NotFound,
    OrderNotFound,
    OrderNotOpen,
    RateLimited,
    Rejected,
    StillRunning,
    TokenInvalid,
    TokenLapsed,
    UntrustedCheckoutUrl,
)

logger = logging.getLogger("django_henry_checkout.api")

#: The first class that fits counts.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (InvalidItem, 422),
    (CartNotFound, 404),
    (OrderNotFound, 404),
    (TokenInvalid, 401),
    (TokenLapsed, 410),
    (CartEmpty, 409),
    (CartFull, 409),
    (CartChanged, 409),
    (OrderNotOpen, 409),
    (InvalidIdempotencyKey, 400),
    (KeyReused, 422),
    (StillRunning, 409),
    (UntrustedCheckoutUrl, 502),
    (CheckoutError, 400),
    (AuthenticationFailed, 503),
    (NotFound, 502),
    (Rejected, 422),
    (GatewayTimeout, 504),
    (RateLimited, 503),
    (BadResponse, 502),
    (GatewayError, 503),
    (ConfigurationError, 503),
)
RETRY_SECONDS = 30


def answer_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into a problem; None for a bug, which Django answers with 500."""
    if isinstance(error, HenryCheckoutError | ConfigurationError):
        return _of_ours(error)
    if isinstance(error, Http404):
        return problem(404, "not_found", "There is nothing at this address.")
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    return None


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    """Return one problem. `more` adds members, for instance `field`."""
    content = {
        "type": f"urn:django-henry-checkout:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    return Response(content, status=status, content_type="application/problem+json")


def _of_ours(error: HenryCheckoutError | ConfigurationError) -> Response:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if isinstance(error, InvalidItem):
        return problem(status, error.code, str(error), field=error.field)
    if isinstance(error, CheckoutError) and status < 500:
        response = problem(status, error.code, str(error))
        if isinstance(error, StillRunning):
            response["Retry-After"] = "1"
        return response
    request_id = getattr(error, "request_id", "")
    logger.error("The API cannot answer: %s %s", error, request_id)
    code = getattr(error, "code", "not_configured")
    if isinstance(error, AuthenticationFailed):
        code = "not_configured"
    detail = "Henry refused the request." if status == 422 else "Nothing was changed; try again in a moment."
    response = problem(status, code, detail, requestId=request_id)
    if status in {503, 504}:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _of_framework(error: exceptions.APIException) -> Response:
    codes = {
        400: "bad_request",
        401: "unauthenticated",
        403: "forbidden",
        405: "method_not_allowed",
        406: "not_acceptable",
        413: "too_large",
        415: "unsupported_media_type",
        429: "throttled",
    }
    status = error.status_code
    if isinstance(error, exceptions.ValidationError):
        return problem(422, "invalid", "Some fields are not valid.", errors=error.detail)
    response = problem(status, codes.get(status, "error"), str(error.detail))
    wait = getattr(error, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(int(wait) + 1)
    challenge = getattr(error, "auth_header", None)
    if challenge:
        response["WWW-Authenticate"] = challenge
    return response
