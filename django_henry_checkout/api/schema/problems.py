"""The problems of the API: code, default status and example; and the problems that kinds of calls share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from rest_framework import serializers

from django_henry_checkout import exceptions as errors
from django_henry_checkout.api.common.problems import (
    FIXED_STATUS_CODES,
    INTERNAL_ERROR,
    NOTHING_CHANGED,
    get_status,
)
from django_henry_checkout.api.schema.shapes.base import Money, Shape, text

#: Titles that differ between versions of Python.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


def _describe(*kinds: type[errors.CheckoutError]) -> dict[str, tuple[int, str]]:
    """Return code, status and default message of error classes."""
    return {kind.code: (get_status(kind), (kind.__doc__ or "").partition("\n")[0]) for kind in kinds}


#: By code: the default status, and an example of `detail`.
PROBLEMS: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "The body is not a JSON object in UTF-8."),
    **_describe(
        errors.KeyRequired,
        errors.InvalidIdempotencyKey,
        errors.PrefillOff,
        errors.OriginNotAllowed,
        errors.ReceiptInvalid,
        errors.PaymentStatusRefused,
        errors.AlreadyConfirmed,
        errors.SessionNotNamed,
        errors.TokenInvalid,
    ),
    "unauthenticated": (401, "Only the shop's own server or pages mint customer tokens."),
    **_describe(errors.PaymentRefused),
    "forbidden": (403, "CSRF check failed: CSRF token missing."),
    **_describe(errors.LinkClosed),
    "not_found": (404, "There is nothing at this address."),
    **_describe(
        errors.CartNotFound,
        errors.OrderNotFound,
        errors.SessionNotFound,
        errors.PurchaseNotFound,
    ),
    "method_not_allowed": (405, "This method is not allowed here."),
    "not_acceptable": (406, "Could not satisfy the request Accept header."),
    **_describe(errors.CartChanged, errors.BuyerChanged, errors.CartEmpty, errors.CheckoutRefused),
    "cart_full": (409, "A cart holds 100 lines at most."),
    **_describe(
        errors.OrderNotOpen,
        errors.PurchaseUnderWay,
        errors.TemplateNotSold,
        errors.NotSupported,
        errors.NotInitialized,
        errors.QuoteRequired,
        errors.QuoteExpired,
        errors.AmountChanged,
        errors.StillRunning,
        errors.TokenExpired,
    ),
    "too_large": (413, "The body may have 65536 bytes at most."),
    "unsupported_media_type": (415, "Send JSON, as application/json."),
    "invalid": (422, "Some fields are not valid."),
    "invalid_item": (422, "The product link must begin with https:// and name a host."),
    "line_not_found": (422, "This item is not in the cart."),
    "ambiguous_item": (
        422,
        "Several items have this link, with different options: identify the item by itemId.",
    ),
    **_describe(
        errors.InvalidBuyer,
        errors.BuyerIncomplete,
        errors.ShippingNotOffered,
        errors.CardRequired,
        errors.RawCardRefused,
        errors.KeyReused,
    ),
    "henry_rejected": (422, "Henry refused the request."),
    "throttled": (429, "Wait `retry_after` seconds before you try again."),
    "internal_error": (500, INTERNAL_ERROR),
    "henry_bad_response": (502, NOTHING_CHANGED),
    "henry_not_found": (502, NOTHING_CHANGED),
    "untrusted_checkout_url": (502, NOTHING_CHANGED),
    "henry_rate_limited": (503, NOTHING_CHANGED),
    "henry_unavailable": (503, NOTHING_CHANGED),
    "not_configured": (503, NOTHING_CHANGED),
    **_describe(errors.QuotePending),
    "henry_timeout": (504, NOTHING_CHANGED),
}

_EXTRA_MEMBERS: Mapping[str, Mapping[str, object]] = {
    "invalid": {"errors": {"quantity": ["A valid integer is required."]}},
    "invalid_item": {"field": "link"},
    "line_not_found": {"field": "link"},
    "ambiguous_item": {"field": "link"},
    "invalid_buyer": {"errors": {"email": ["This is not an e-mail address."]}},
    "buyer_incomplete": {"errors": {"postalCode": ["This is needed."]}},
    "order_not_open": {"orderId": "01M8079F07F4HFAX2HC5ND3R79"},
    "purchase_under_way": {"orderId": "01M8079F07F4HFAX2HC5ND3R79"},
    "AMOUNT_CHANGED": {"totals": {"total": {"value": "166.78", "currency": "USD"}}},
}

# Problems that calls of one kind share.
READ = ("token_invalid", "not_acceptable", "throttled")
WRITE = (*READ, "forbidden")
BODY = ("bad_request", "too_large", "unsupported_media_type", "invalid", "raw_card_refused")
KEY = (
    "bad_request",
    "too_large",
    "unsupported_media_type",
    "invalid_idempotency_key",
    "idempotency_key_reused",
    "still_running",
)
HENRY = (
    "henry_rejected",
    "henry_bad_response",
    "henry_not_found",
    "henry_rate_limited",
    "henry_unavailable",
    "henry_timeout",
    "not_configured",
)
#: Calls that begin or continue a checkout.
BEGIN = (
    *HENRY,
    "cart_not_found",
    "cart_empty",
    "cart_changed",
    "template_not_sold",
    "order_not_open",
    "purchase_under_way",
    "untrusted_checkout_url",
)
LIVE = ("session_not_named", "session_not_found", "order_not_open", "purchase_under_way", "token_expired")
QUOTE = (*HENRY, "buyer_incomplete", "not_supported", "quote_pending")
BUY = (
    *HENRY,
    *KEY,
    "idempotency_key_required",
    "payment_refused",
    "cart_not_found",
    "cart_changed",
    "order_not_open",
    "purchase_under_way",
    "token_expired",
    "not_supported",
    "quote_required",
    "quote_expired",
    "quote_pending",
    "AMOUNT_CHANGED",
    "buyer_changed",
    "buyer_incomplete",
    "invalid_buyer",
    "invalid_item",
    "card_required",
    "raw_card_refused",
)


class Problem(Shape):
    """A problem (RFC 9457). Decide by `code`; `docs/reference/errors.md` lists all codes."""

    type = serializers.RegexField(r"^urn:django-henry-checkout:\w+$")
    title = text()
    status = serializers.IntegerField(min_value=400, max_value=599)
    code = serializers.CharField()
    detail = serializers.CharField(help_text="A message for people.")
    field = text(required=False, help_text="The invalid field of the item, or the invalid parameter.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field that hides DRF's attribute
        required=False, help_text="Messages by field."
    )
    totals = serializers.DictField(
        child=Money(allow_null=True), required=False, help_text="The current amounts of the order."
    )
    order_id = text(required=False, help_text="The order to check instead.")
    request_id = text(required=False, help_text="The request id that was sent to Henry.")


def group_by_status(codes: Iterable[str], overrides: Mapping[int, int]) -> dict[int, list[str]]:
    """Return the codes of a view by status."""
    found: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        found.setdefault(_get_status(code, overrides), []).append(code)
    return dict(sorted(found.items()))


def _get_status(code: str, overrides: Mapping[int, int]) -> int:
    default, _detail = PROBLEMS[code]
    return default if code in FIXED_STATUS_CODES else overrides.get(default, default)


def build_example(code: str) -> dict[str, object]:
    """Return an example of a problem."""
    status, detail = PROBLEMS[code]
    return {
        "type": f"urn:django-henry-checkout:{code}",
        "title": _TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **_EXTRA_MEMBERS.get(code, {}),
    }
