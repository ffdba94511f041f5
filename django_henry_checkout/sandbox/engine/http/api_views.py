"""What every API call goes through: the key, the method, and refusals as envelopes."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.store import AlreadyBoughtError, UnknownCartError, store
from django_henry_checkout.sandbox.engine.validation import RefusedError

P = ParamSpec("P")


def has_key(request: HttpRequest) -> bool:
    given = request.headers.get("x-api-key", "")
    return hmac.compare_digest(given.encode(), store.options.api_key.encode())


def api(
    **methods: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Make one view of a handler per HTTP method, behind the key and with errors as envelopes."""

    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not has_key(request):
            return envelope("Invalid API key.", status=401)
        handler = methods.get(request.method or "")
        if handler is None:
            refused = envelope(f"{request.method} is not possible here.", status=405)
            refused["Allow"] = ", ".join(methods)
            return refused
        return guarded(handler)(request, *args, **kwargs)

    return view


def guarded(handler: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Turn the sandbox's own exceptions into error envelopes."""

    @functools.wraps(handler)
    def safe(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return handler(*args, **kwargs)
        except RefusedError as refused:
            return envelope(refused.message, status=refused.status)
        except UnknownCartError:
            return envelope("Cart not found.", status=404)
        except AlreadyBoughtError:
            return envelope("This cart has been bought already.", status=409)

    return safe


def not_found(request: HttpRequest, **_: Any) -> HttpResponse:
    if not has_key(request):
        return envelope("Invalid API key.", status=401)
    return envelope("There is nothing at this address.", status=404)
