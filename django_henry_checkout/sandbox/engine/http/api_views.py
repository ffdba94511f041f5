"""Build views: API key, methods, and errors as envelopes."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.store import AlreadyPaidError, UnknownCartError, store
from django_henry_checkout.sandbox.engine.validation import ApiError

P = ParamSpec("P")


def has_valid_key(request: HttpRequest) -> bool:
    """Return whether the request has the API key of this sandbox."""
    given = request.headers.get("x-api-key", "")
    return hmac.compare_digest(given.encode(), store.options.api_key.encode())


def api_view(
    **methods: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Build a view from one handler per HTTP method; it requires the API key."""

    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not has_valid_key(request):
            return envelope("Invalid API key.", status=401)
        handler = methods.get(request.method or "")
        if handler is None:
            response = envelope(f"{request.method} is not possible here.", status=405)
            response["Allow"] = ", ".join(methods)
            return response
        return with_error_responses(handler)(request, *args, **kwargs)

    return view


def control_view(**methods: Any) -> Any:
    """Build a control view from one handler per HTTP method; it requires no key."""

    def view(request: HttpRequest) -> HttpResponse:
        handler = methods.get(request.method or "")
        if handler is None:
            return envelope(f"{request.method} is not possible here.", status=405)
        return with_error_responses(handler)(request)

    return view


def with_error_responses(handler: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Return the handler with the sandbox's exceptions turned into error envelopes."""

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return handler(*args, **kwargs)
        except ApiError as error:
            return envelope(error.message, status=error.status)
        except UnknownCartError:
            return envelope("Cart not found.", status=404)
        except AlreadyPaidError:
            return envelope("This cart has been bought already.", status=409)

    return wrapped


def not_found(request: HttpRequest, **_: Any) -> HttpResponse:
    """Answer API paths that do not exist."""
    if not has_valid_key(request):
        return envelope("Invalid API key.", status=401)
    return envelope("There is nothing at this address.", status=404)
