"""The nonce of a page's Content-Security-Policy, whoever sets it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest

_get_nonce: Callable[[HttpRequest], object] | None
try:
    from django.middleware.csp import get_nonce as _get_nonce  # since Django 6.0
except ImportError:
    _get_nonce = None


def nonce_of(request: HttpRequest | None) -> str:
    """Return the nonce of Django's own policy (6.0) or of django-csp; "" where there is none."""
    if request is None:
        return ""
    found = None if _get_nonce is None else _get_nonce(request)
    if found is None:
        found = getattr(request, "csp_nonce", None)
    return "" if found is None else str(found)
