"""Errors as RFC 9457 `application/problem+json`, each with a stable `code`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from django_henry_checkout.api.common.callers import CHALLENGE, django_request
from django_henry_checkout.api.common.camel_case import to_camel_case
from django_henry_checkout.api.common.money import serialize_money
from django_henry_checkout.exceptions import (
    AlreadyConfirmed,
    AmountChanged,
    AuthenticationFailed,
    BadResponse,
    BuyerChanged,
    CardRequired,
    CartChanged,
    CartEmpty,
    CartFull,
    CartNotFound,
    CheckoutError,
    CheckoutRefused,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    HenryCheckoutError,
    InvalidBuyer,
    InvalidIdempotencyKey,
    InvalidItem,
    KeyRequired,
    KeyReused,
    LinkClosed,
    NotFound,
    NotInitialized,
    NotSupported,
    OrderNotFound,
    OrderNotOpen,
    PaymentRefused,
    PrefillOff,
    PurchaseNotFound,
    PurchaseUnderWay,
    QuoteExpired,
    QuotePending,
    QuoteRequired,
    RateLimited,
    RawCardRefused,
    ReceiptInvalid,
    Rejected,
    SessionNotFound,
    SessionNotNamed,
    ShippingNotOffered,
    StillRunning,
    TemplateNotSold,
    TokenExpired,
    TokenInvalid,
    TooManyCalls,
    UntrustedCheckoutUrl,
)
from django_henry_checkout.types import format_public_id

logger = logging.getLogger("django_henry_checkout.api")

#: The first matching class counts.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (InvalidItem, 422),
    (InvalidBuyer, 422),
    (ShippingNotOffered, 422),
    (CardRequired, 422),
    (RawCardRefused, 422),
    (CartNotFound, 404),
    (OrderNotFound, 404),
    (SessionNotFound, 404),
    (PurchaseNotFound, 404),
    (LinkClosed, 403),
    (PaymentRefused, 402),
    (NotSupported, 409),
    (TemplateNotSold, 409),
    (PurchaseUnderWay, 409),
    (QuoteRequired, 409),
    (QuoteExpired, 409),
    (AmountChanged, 409),
    (QuotePending, 503),
    (TooManyCalls, 429),
    (KeyRequired, 400),
    (SessionNotNamed, 400),
    (NotInitialized, 409),
    (AlreadyConfirmed, 409),
    (PrefillOff, 409),
    (ReceiptInvalid, 404),
    (TokenInvalid, 401),
    (TokenExpired, 410),
    (CartEmpty, 409),
    (CartFull, 409),
    (CheckoutRefused, 409),
    (CartChanged, 409),
    (BuyerChanged, 409),
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
INTERNAL_ERROR = "An internal error occurred and was reported. Nothing more was changed."
NOTHING_CHANGED = "Nothing was changed; try again in a moment."
#: Codes whose status is never overridden.
FIXED_STATUS_CODES = frozenset({"not_supported"})


def handle_exception(
    error: Exception, context: dict[str, Any], *, status_overrides: Mapping[int, int]
) -> Response:
    """Turn an exception into a problem.

    Args:
        status_overrides: status codes to replace, where the page that a call follows declares fewer.
    """
    if isinstance(error, HenryCheckoutError | ConfigurationError):
        response = _handle_own_error(error, names=context["view"].field_names)
    elif isinstance(error, Http404):
        response = problem(404, "not_found", "There is nothing at this address.")
    elif isinstance(error, exceptions.APIException):
        response = _handle_framework_error(error)
    else:
        response = _handle_bug(error, context)
    if response.data.get("code") not in FIXED_STATUS_CODES:
        response.status_code = status_overrides.get(response.status_code, response.status_code)
        response.data["status"] = response.status_code
        response.data["title"] = HTTPStatus(response.status_code).phrase
    return response


def get_status(kind: type[Exception]) -> int:
    """Return the default status of an error class."""
    return next((status for base, status in _STATUS if issubclass(kind, base)), 500)


def _handle_bug(error: Exception, context: dict[str, Any]) -> Response:
    """Report a bug as Django does, to its signal and its logger, and respond with JSON."""
    request = django_request(context["request"])
    got_request_exception.send(sender=type(context["view"]), request=request)
    logging.getLogger("django.request").error(
        "Internal Server Error: %s",
        request.path,
        exc_info=error,
        extra={"status_code": 500, "request": request},
    )
    response = problem(500, "internal_error", INTERNAL_ERROR)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - else Django reports it again
    return response


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    """Return a problem response. `more` adds members, for example `field`."""
    content = {
        "type": f"urn:django-henry-checkout:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    return Response(content, status=status, content_type="application/problem+json")


def _handle_own_error(
    error: HenryCheckoutError | ConfigurationError, *, names: Mapping[str, str]
) -> Response:
    status = get_status(type(error))
    if isinstance(error, CheckoutError) and (status < 500 or isinstance(error, QuotePending)):
        response = problem(status, error.code, str(error), **_extra_members(error, names))
        if isinstance(error, TokenInvalid):
            response["WWW-Authenticate"] = CHALLENGE
        wait = _retry_after(error)
        if wait is not None:
            response["Retry-After"] = str(wait)
        return response
    request_id = getattr(error, "request_id", "")
    logger.error("The API call failed: %s %s", error, request_id)
    code = getattr(error, "code", "not_configured")
    if isinstance(error, AuthenticationFailed):
        code = "not_configured"
    detail = "Henry refused the request." if status == 422 else NOTHING_CHANGED
    response = problem(status, code, detail, requestId=request_id)
    if status in {503, 504}:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _extra_members(error: CheckoutError, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the members that a problem has in addition; fields are named as the call spells them."""
    if isinstance(error, InvalidItem):
        return {"field": to_camel_case(error.field)}
    if isinstance(error, InvalidBuyer):
        return {
            "errors": {names.get(name, to_camel_case(name)): [text] for name, text in error.errors.items()}
        }
    if isinstance(error, AmountChanged):
        return {"totals": {name: serialize_money(amount) for name, amount in error.totals.items()}}
    if isinstance(error, OrderNotOpen | PurchaseUnderWay) and error.order_id is not None:
        return {"orderId": format_public_id(error.order_id)}
    return {}


def _retry_after(error: CheckoutError) -> int | None:
    if isinstance(error, TooManyCalls):
        return error.retry_after
    return 1 if isinstance(error, StillRunning | QuotePending) else None


def _rename_fields(detail: Any) -> Any:
    """Return validation errors with the field names in camelCase."""
    if isinstance(detail, dict):
        return {to_camel_case(name): _rename_fields(inner) for name, inner in detail.items()}
    return [_rename_fields(inner) for inner in detail] if isinstance(detail, list) else detail


#: DRF translates its own texts; those of the API are the same in each language.
_DETAILS: dict[type[Exception], str] = {
    exceptions.MethodNotAllowed: "This method is not allowed here.",
    exceptions.UnsupportedMediaType: "Send JSON, as application/json.",
    exceptions.Throttled: "Too many calls; wait for the seconds in Retry-After.",
}


def _handle_framework_error(error: exceptions.APIException) -> Response:
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
        return problem(422, "invalid", "Some fields are not valid.", errors=_rename_fields(error.detail))
    response = problem(status, codes.get(status, "error"), _DETAILS.get(type(error), str(error.detail)))
    wait = getattr(error, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(int(wait) + 1)
    challenge = getattr(error, "auth_header", None)
    if challenge:
        response["WWW-Authenticate"] = challenge
    return response
