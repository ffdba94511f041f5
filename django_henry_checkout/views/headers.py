"""Response headers about frames and windows, set for each page of the app and never for the whole site."""

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
CSP_HEADER = "Content-Security-Policy"
COOP_HEADER = "Cross-Origin-Opener-Policy"


def keeps_opener(view: View) -> View:
    """Let the pages of a payment window keep in touch with the page that opened it; redirects need this too."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers[COOP_HEADER] = "unsafe-none"
        return response

    return cast("View", wrapped)


def allow_framing(request: HttpRequest, response: HttpResponse, *origins: str) -> HttpResponse:
    """Let only pages of these origins frame a response; the rest of the site's policy stays.

    `X-Frame-Options` cannot list origins, so it is left out.
    """
    ancestors = ["'self'", *origins]
    response.xframe_options_exempt = True
    if CSP_HEADER in response.headers:
        return response
    if _DJANGO_CSP in settings.MIDDLEWARE and getattr(settings, "SECURE_CSP", None):
        override = import_module("django.views.decorators.csp").csp_override
        policy = {**settings.SECURE_CSP, "frame-ancestors": ancestors}
        return cast("HttpResponse", override(policy)(lambda _request: response)(request))
    # A report-only policy sends another header, so the app's own header is still needed.
    enforced = getattr(settings, "CONTENT_SECURITY_POLICY", None)
    if _DJANGO_CSP_PACKAGE in settings.MIDDLEWARE and enforced:
        update = import_module("csp.decorators").csp_replace
        return cast(
            "HttpResponse", update({"frame-ancestors": ancestors})(lambda _request: response)(request)
        )
    response.headers[CSP_HEADER] = f"frame-ancestors {' '.join(ancestors)}"
    return response
