"""The nonce of a page's Content-Security-Policy, from Django or from django-csp."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest

_get_nonce: Callable[[HttpRequest], object] | None
try:
    from django.middleware.csp import get_nonce as _get_nonce  # since Django 6.0
except ImportError:
    _get_nonce = None


def csp_nonce(request: HttpRequest | None) -> str:
    """Return the nonce of Django's own policy (6.0) or of django-csp, or "" if neither sets one."""
    if request is None:
        return ""
    nonce = None if _get_nonce is None else _get_nonce(request)
    if nonce is None:
        nonce = getattr(request, "csp_nonce", None)
    return "" if nonce is None else str(nonce)
