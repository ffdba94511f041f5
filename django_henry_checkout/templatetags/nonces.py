"""The nonce of a page's Content-Security-Policy, whoever sets it."""

from __future__ import annotations

from django.http import HttpRequest


def nonce_of(request: HttpRequest | None) -> str:
    """Return the nonce of Django's own policy (6.0) or of django-csp; "" where there is none."""
    if request is None:
        return ""
    try:
        from django.middleware.csp import get_nonce  # noqa: PLC0415 - since Django 6.0
    except ImportError:
        found = None
    else:
        found = get_nonce(request)
    if found is None:
        found = getattr(request, "csp_nonce", None)
    return "" if found is None else str(found)
