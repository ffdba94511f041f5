"""Makes a call repeatable by `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.callers import shop_request
from django_henry_checkout.flows.idempotency import Answered, claim, fingerprint_of, finish, release
from django_henry_checkout.types import Caller

View = TypeVar("View")
Method = Callable[..., Response]


def idempotent(method: Method) -> Method:
    """Let a mutating call be repeated: same key and body replays, another body is refused.

    The change and its record commit together, so the call must not speak HTTP. Only answers that changed
    something are kept; after a problem the same key may be tried again. A caller who shows nothing has no
    name to keep a key under: for him the header is ignored.
    """

    @wraps(method)
    def repeatable(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key, subject = request.headers.get("Idempotency-Key"), _subject(view.caller, request)
        if key is None or not subject:
            return method(view, request, *args, **kwargs)
        scope = f"{subject} {request.method} {request.path}"[:200]
        record = claim(scope, key, fingerprint=fingerprint_of(request.data))
        if isinstance(record, Answered):
            replayed = Response(record.body, status=record.status)
            replayed.headers["Idempotent-Replayed"] = "true"
            return replayed
        try:
            with transaction.atomic():
                response = method(view, request, *args, **kwargs)
                finish(record, status=response.status_code, body=response.data)
        except Exception:  # whatever it was, nothing was changed: raised again below
            release(record)
            raise
        return response

    return repeatable


def _subject(caller: Caller, request: Request) -> str:
    if caller.user_pk is not None:
        return f"user:{caller.user_pk}"
    if caller.trusted_account:
        return f"account:{caller.trusted_account}"
    if caller.token_cart_id is not None:
        return f"cart:{caller.token_cart_id}"
    session_key = shop_request(request).session.session_key
    return f"session:{session_key}" if session_key else ""
