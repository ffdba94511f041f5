"""Idempotent calls by `Idempotency-Key`. Calls that buy need a key, and pause after many refused payments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any, cast

from django.db import transaction
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from ulid import ULID

from django_henry_checkout.api.common.callers import get_subject
from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.throttling import get_rate_subjects
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    ConfigurationError,
    HenryCheckoutError,
    KeyRequired,
    PaymentRefused,
    TooManyCalls,
)
from django_henry_checkout.flows.access.idempotency import (
    StoredResponse,
    claim_key,
    fingerprint,
    record_progress,
    release_key,
    store_response,
)
from django_henry_checkout.flows.access.throttling import check_rate, count_call
from django_henry_checkout.models import IdempotencyRecord, Order

Method = Callable[..., Response]
OnIntent = Callable[[Order], None]


def idempotent(method: Method) -> Method:
    """Make a view method idempotent: the same key and body replay the response, another body is refused.

    The change and its record commit together, so the method must not make HTTP calls. Only successful
    responses are stored; after a problem the same key can be used again. For unauthenticated callers the
    header is ignored.
    """

    @wraps(method)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key, subject = request.headers.get("Idempotency-Key"), get_subject(view.caller, request)
        if key is None or not subject:
            return method(view, request, *args, **kwargs)
        record = claim_key(_scope(subject, request), key, fingerprint=fingerprint(request.data))
        if isinstance(record, StoredResponse):
            replayed = Response(record.body, status=record.status)
            replayed.headers["Idempotent-Replayed"] = "true"
            return replayed
        try:
            with transaction.atomic():
                response = method(view, request, *args, **kwargs)
                store_response(record, status=response.status_code, body=response.data)
        except Exception:  # nothing was changed; raised again below
            release_key(record)
            raise
        return response

    return wrapper


def _scope(subject: str, request: Request) -> str:
    return f"{subject} {request.method} {request.path}"[:200]


def idempotent_call(
    view: Any, request: Request, act: Callable[[JSON | None], tuple[Response, JSON]]
) -> Response:
    """Run a call idempotently that makes HTTP calls, or whose response holds a secret and is never stored.

    Args:
        act: runs the call; returns the response and the reference that a repeated call continues from.
            Receives that reference when the call is repeated, and None the first time.
    """
    key, subject = request.headers.get("Idempotency-Key"), get_subject(view.caller, request)
    if key is None or not subject:
        return act(None)[0]
    record = claim_key(_scope(subject, request), key, fingerprint=fingerprint(request.data))
    if isinstance(record, StoredResponse):
        response, _reference = act(record.body)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    try:
        response, reference = act(None)
    except Exception:  # raised again below
        release_key(record)
        raise
    store_response(record, status=response.status_code, body=reference)
    return response


def idempotent_purchase(
    view: Any,
    request: Request,
    *,
    buy: Callable[[OnIntent], Order],
    respond: Callable[[Order], Response],
) -> Response:
    """Run a call that buys: once for each key, and not after many refused payments.

    Raises:
        KeyRequired, InvalidIdempotencyKey, KeyReused, StillRunning: nothing was done.
        TooManyCalls: too many payments of the caller were refused, as when stolen cards are tested.
    """
    rate = app_settings.API_THROTTLES["refused"]
    subjects = [f"refused:{subject}" for subject, _scope in get_rate_subjects(request)]
    check_rate(subjects, rate=rate)
    try:
        return _buy_once(view, request, buy=buy, respond=respond)
    except PaymentRefused:
        with suppress(TooManyCalls):  # raised by the next call
            count_call(subjects, rate=rate)
        raise


def _buy_once(
    view: Any,
    request: Request,
    *,
    buy: Callable[[OnIntent], Order],
    respond: Callable[[Order], Response],
) -> Response:
    """Buy, or respond with the current state of the order that an earlier call with the key led to.

    The record holds the order from the moment that the intent to buy is committed: if the process dies, a
    repeated call never buys again. A problem before that, or a refusal by Henry, leaves no record.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise KeyRequired
    scope = _scope(get_subject(view.caller, request) or "anonymous", request)
    record = claim_key(scope, key, fingerprint=fingerprint(remove_card(cast("JSON", request.data))))
    if record.body is not None:
        order = Order.objects.get(public_id=ULID.from_str(record.body["orderId"]).to_uuid())
        response = respond(order)
        response.headers["Idempotent-Replayed"] = "true"
        if isinstance(record, IdempotencyRecord):  # the first call died after its intent
            store_response(record, status=response.status_code, body=record.body)
        return response
    assert isinstance(record, IdempotencyRecord)  # noqa: S101 - a stored response has a body
    try:
        order = buy(lambda order: record_progress(record, {"orderId": order.ulid}))
    except (HenryCheckoutError, APIException, ConfigurationError):
        release_key(record)
        raise
    response = respond(order)
    store_response(record, status=response.status_code, body={"orderId": order.ulid})
    return response


def remove_card(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without card numbers, which must leave no trace even in a fingerprint."""
    buyer = content.get("buyer")
    if not isinstance(buyer, dict) or not isinstance(buyer.get("card"), dict):
        return dict(content)
    card = {name: value for name, value in buyer["card"].items() if name != "details"}
    token = buyer["card"].get("details", {})
    token = token.get("card_token") if isinstance(token, dict) else None
    return {**content, "buyer": {**buyer, "card": {**card, "token": token}}}
