"""Every problem that the API answers: its code, its usual status, and what it says. Also what each call may meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from rest_framework import serializers

from django_henry_checkout.api.problems import KEEP_STATUS
from django_henry_checkout.api.schema.shapes import Money, Shape, text

#: Statuses that Python's own table names differently from version to version.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}

PROBLEMS: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "The body is not a JSON object in UTF-8."),
    "idempotency_key_required": (
        400,
        "Send an Idempotency-Key with each call that buys, so that it can be repeated safely.",
    ),
    "invalid_idempotency_key": (400, "Send an Idempotency-Key of 1 to 255 printable ASCII characters."),
    "prefill_off": (
        409,
        "This shop does not put personal data into the address of Henry's page: see PREFILL_HOSTED_PAGE.",
    ),
    "origin_not_allowed": (
        400,
        "The checkout may not stand in a page of this origin; the shop must list it in FRAME_ANCESTORS.",
    ),
    "receipt_invalid": (
        404,
        "This receipt was not made here, is for another shop, or has lapsed; read the order instead.",
    ),
    "payment_status_refused": (
        400,
        "Confirm only what was paid: Authorized, Captured or PendingExternalSystem.",
    ),
    "already_confirmed": (409, "This order was confirmed before, with another transactionId."),
    "session_not_named": (400, "Show the session's token, or name the session or its cart."),
    "token_invalid": (401, "This link is not valid; start again from the shop."),
    "unauthenticated": (401, "Only the shop's own server or pages mint customer tokens."),
    "payment_refused": (
        402,
        "Henry refused the payment and bought nothing; use another card or another way to pay.",
    ),
    "forbidden": (403, "CSRF check failed: CSRF token missing."),
    "link_closed": (
        403,
        "This link was revoked, has expired, or was used as often as it may be; ask the shop for a new one.",
    ),
    "not_found": (404, "There is nothing at this address."),
    "cart_not_found": (404, "There is no such cart, or it belongs to somebody else."),
    "order_not_found": (404, "There is no such order, or it belongs to somebody else."),
    "session_not_found": (404, "There is no such checkout session, or it belongs to somebody else."),
    "purchase_not_found": (404, "There is no such purchase, or it belongs to somebody else."),
    "method_not_allowed": (405, "This method is not allowed here."),
    "not_acceptable": (406, "Could not satisfy the request Accept header."),
    "cart_changed": (409, "The cart was edited elsewhere; read it again and repeat the change."),
    "buyer_changed": (
        409,
        "Who buys, or where to, was changed elsewhere; look at it again before you pay.",
    ),
    "cart_empty": (409, "Put something into the cart first."),
    "cart_full": (409, "A cart holds 100 lines at most."),
    "order_not_open": (
        409,
        "This order is already being bought or has ended; look at its status instead.",
    ),
    "purchase_under_way": (
        409,
        "A purchase of this cart was sent and its outcome is not known yet; follow the order, do not buy again.",
    ),
    "template_not_sold": (409, "This cart is a template: begin a checkout from its link, which copies it."),
    "not_supported": (
        409,
        "The generation of Henry's API that this shop uses cannot do this; choose another way to pay.",
    ),
    "not_initialized": (409, "Initialize the order first."),
    "quote_required": (409, "Ask for a quote first, so that the buyer knows what he accepts."),
    "quote_expired": (409, "Ask for a new quote; the old one is no longer valid."),
    "AMOUNT_CHANGED": (
        409,
        "Nothing was bought: the total differs from what the buyer accepted. Show him `totals` and ask again.",
    ),
    "still_running": (
        409,
        "The first call with this Idempotency-Key has not answered yet; repeat it a little later.",
    ),
    "token_expired": (
        410,
        "This link has lapsed or was replaced by a newer one; start again from the shop.",
    ),
    "too_large": (413, "The body may have 65536 bytes at most."),
    "unsupported_media_type": (415, "Send JSON, as application/json."),
    "invalid": (422, "Some fields are not valid."),
    "invalid_item": (422, "The product link must begin with https:// and name a host."),
    "line_not_found": (422, "This item is not in the cart."),
    "ambiguous_item": (
        422,
        "The link stands more than once, with different options: name the item by itemId.",
    ),
    "invalid_buyer": (
        422,
        "Correct the buyer's details; `errors` holds, for each field, what is wrong with it.",
    ),
    "buyer_incomplete": (
        422,
        "Complete the buyer's details first; `errors` names the fields that are missing.",
    ),
    "shipping_method_not_offered": (422, "Choose one of the shipping methods that are offered now."),
    "card_required": (422, "Collect a card first, and send its token as `cardToken`."),
    "raw_card_refused": (
        422,
        "Card numbers are not taken here: collect the card with Henry's modal or element, and send its token.",
    ),
    "idempotency_key_reused": (
        422,
        "This Idempotency-Key came with another body before; use a new key for a new call.",
    ),
    "henry_rejected": (422, "Henry refused the request."),
    "throttled": (429, "Wait `retry_after` seconds before you try again."),
    "internal_error": (500, "This is our fault, and was reported. Nothing more was changed."),
    "henry_bad_response": (502, "Nothing was changed; try again in a moment."),
    "henry_not_found": (502, "Nothing was changed; try again in a moment."),
    "untrusted_checkout_url": (502, "Nothing was changed; try again in a moment."),
    "henry_rate_limited": (503, "Nothing was changed; try again in a moment."),
    "henry_unavailable": (503, "Nothing was changed; try again in a moment."),
    "not_configured": (503, "Nothing was changed; try again in a moment."),
    "quote_pending": (503, "Henry is still working out what this costs; repeat the call in a moment."),
    "henry_timeout": (504, "Nothing was changed; try again in a moment."),
}

_MORE: Mapping[str, Mapping[str, object]] = {
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

# What calls of one kind may all meet.
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
#: A checkout begins, or goes on.
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
    """What went wrong, as RFC 9457 has it. Choose what to do by `code`; `docs/errors.md` lists them all."""

    type = serializers.RegexField(r"^urn:django-henry-checkout:\w+$")
    title = text()
    status = serializers.IntegerField(min_value=400, max_value=599)
    code = serializers.CharField()
    detail = serializers.CharField(help_text="For people.")
    field = text(required=False, help_text="The part of the item, or the parameter, that was refused.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field, not the framework's own
        required=False, help_text="What is wrong, by field."
    )
    totals = serializers.DictField(
        child=Money(allow_null=True), required=False, help_text="What the order costs now."
    )
    order_id = text(required=False, help_text="The order to look at instead.")
    request_id = text(required=False, help_text="The id that was sent along to Henry.")


def by_status(codes: Iterable[str], statuses: Mapping[int, int]) -> dict[int, list[str]]:
    """Sort codes by the status that a view answers them with."""
    found: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        found.setdefault(status_of(code, statuses), []).append(code)
    return dict(sorted(found.items()))


def status_of(code: str, statuses: Mapping[int, int]) -> int:
    """Return the status of a problem, which may be another one on calls that follow a page of somebody's."""
    usual, _detail = PROBLEMS[code]
    return usual if code in KEEP_STATUS else statuses.get(usual, usual)


def example_of(code: str) -> dict[str, object]:
    """Write a problem as it is usually answered."""
    status, detail = PROBLEMS[code]
    return {
        "type": f"urn:django-henry-checkout:{code}",
        "title": _TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **_MORE.get(code, {}),
    }
