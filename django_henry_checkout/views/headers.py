"""What a page tells the browser about frames and windows, page by page: nothing is set for the whole site."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

_DJANGO_CSP = "django.middleware.csp.ContentSecurityPolicyMiddleware"
_DJANGO_CSP_PACKAGE = "csp.middleware.CSPMiddleware"
POLICY = "Content-Security-Policy"
OPENER = "Cross-Origin-Opener-Policy"


def opens_popups(view: View) -> View:
    """Let pages of a view of yours talk to the payment window that they open.

    Django says `Cross-Origin-Opener-Policy: same-origin` on each page by default: then the window that a page
    opens looks closed to it at once, and it can neither follow nor close it. The checkout still works; it is only
    less smooth. Put this on the views whose templates hold `{% henry_checkout_button %}`.
    """

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers.setdefault(OPENER, "same-origin-allow-popups")
        return response

    wrapped.opens_popups = True  # type: ignore[attr-defined]  # how `henry_doctor` knows
    return cast("View", wrapped)


def keeps_its_opener(view: View) -> View:
    """Let the pages of a payment window stay in touch with the page that opened it; redirects count too."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers[OPENER] = "unsafe-none"
        return response

    return cast("View", wrapped)


def may_be_framed(request: HttpRequest, response: HttpResponse, *origins: str) -> HttpResponse:
    """Let pages of these origins, and no others, show a response in a frame; all else of the site's policy stays.

    `X-Frame-Options` knows no list of origins, so it is left out.
    """
    ancestors = ["'self'", *origins]
    response.xframe_options_exempt = True
    if POLICY in response.headers:
        return response
    if _DJANGO_CSP in settings.MIDDLEWARE and getattr(settings, "SECURE_CSP", None):
        override = import_module("django.views.decorators.csp").csp_override
        policy = {**settings.SECURE_CSP, "frame-ancestors": ancestors}
        return cast("HttpResponse", override(policy)(lambda _request: response)(request))
    # One that only reports sends no policy of this kind, so ours goes out by itself.
    enforced = getattr(settings, "CONTENT_SECURITY_POLICY", None)
    if _DJANGO_CSP_PACKAGE in settings.MIDDLEWARE and enforced:
        update = import_module("csp.decorators").csp_replace
        return cast(
            "HttpResponse", update({"frame-ancestors": ancestors})(lambda _request: response)(request)
        )
    response.headers[POLICY] = f"frame-ancestors {' '.join(ancestors)}"
    return response
