"""Makes a call repeatable by `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast

from django.db import transaction
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from ulid import ULID

from django_henry_checkout.api.callers import subject_of
from django_henry_checkout.api.names import JSON
from django_henry_checkout.exceptions import ConfigurationError, HenryCheckoutError, KeyRequired
from django_henry_checkout.flows.access.idempotency import (
    StoredResponse,
    claim_key,
    fingerprint,
    record_progress,
    release_key,
    store_response,
)
from django_henry_checkout.models import IdempotencyRecord, Order

Method = Callable[..., Response]
OnIntent = Callable[[Order], None]


def idempotent(method: Method) -> Method:
    """Let a mutating call be repeated: same key and body replays, another body is refused.

    The change and its record commit together, so the call must not speak HTTP. Only answers that changed
    something are kept; after a problem the same key may be tried again. A caller who shows nothing has no
    name to keep a key under: for him the header is ignored.
    """

    @wraps(method)
    def repeatable(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key, subject = request.headers.get("Idempotency-Key"), subject_of(view.caller, request)
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
        except Exception:  # whatever it was, nothing was changed: raised again below
            release_key(record)
            raise
        return response

    return repeatable


def _scope(subject: str, request: Request) -> str:
    return f"{subject} {request.method} {request.path}"[:200]


def by_key(view: Any, request: Request, act: Callable[[JSON | None], tuple[Response, JSON]]) -> Response:
    """Make a call repeatable that speaks HTTP, or whose answer holds a secret, so that it cannot be kept.

    Args:
        act: does the call, and returns with the answer what a repetition needs to go on from; it gets that
            back when the call is repeated, and None the first time.
    """
    key, subject = request.headers.get("Idempotency-Key"), subject_of(view.caller, request)
    if key is None or not subject:
        return act(None)[0]
    record = claim_key(_scope(subject, request), key, fingerprint=fingerprint(request.data))
    if isinstance(record, StoredResponse):
        response, _reference = act(record.body)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    try:
        response, reference = act(None)
    except Exception:  # whatever it was: raised again below
        release_key(record)
        raise
    store_response(record, status=response.status_code, body=reference)
    return response


def buy_once(
    view: Any,
    request: Request,
    *,
    buy: Callable[[OnIntent], Order],
    show: Callable[[Order], Response],
) -> Response:
    """Make a call that buys repeatable. It must bring an `Idempotency-Key`.

    The record keeps which order the call led to, from the moment that the intent to buy is committed: so a
    call that died is never made again by its key, and what is answered is the order as it is now. A problem
    before that, and a refusal by Henry, leaves no record: the same key may be tried again.

    Raises:
        KeyRequired, InvalidIdempotencyKey, KeyReused, StillRunning: nothing was done.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise KeyRequired
    scope = _scope(subject_of(view.caller, request) or "nobody", request)
    record = claim_key(scope, key, fingerprint=fingerprint(without_card(cast("JSON", request.data))))
    if record.body is not None:
        order = Order.objects.get(public_id=ULID.from_str(record.body["orderId"]).to_uuid())
        response = show(order)
        response.headers["Idempotent-Replayed"] = "true"
        if isinstance(record, IdempotencyRecord):  # the first call died after its intent
            store_response(record, status=response.status_code, body=record.body)
        return response
    assert isinstance(record, IdempotencyRecord)  # noqa: S101 - an answered one has a body
    try:
        order = buy(lambda order: record_progress(record, {"orderId": order.ulid}))
    except (HenryCheckoutError, APIException, ConfigurationError):
        release_key(record)
        raise
    response = show(order)
    store_response(record, status=response.status_code, body={"orderId": order.ulid})
    return response


def without_card(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without card numbers, which may not leave a trace even in a fingerprint."""
    buyer = content.get("buyer")
    if not isinstance(buyer, dict) or not isinstance(buyer.get("card"), dict):
        return dict(content)
    card = {name: value for name, value in buyer["card"].items() if name != "details"}
    token = buyer["card"].get("details", {})
    token = token.get("card_token") if isinstance(token, dict) else None
    return {**content, "buyer": {**buyer, "card": {**card, "token": token}}}
