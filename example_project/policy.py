"""The shop's Content-Security-Policy, to show that the checkout needs no exception from a strict one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

HEADER = "Content-Security-Policy"
#: Django has a middleware for `SECURE_CSP` since 6.0; before, the one below does the same.
POLICY_MIDDLEWARE: str = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "example_project.policy.ContentSecurityPolicyMiddleware"
)


def strict_policy(henry: Sequence[str]) -> dict[str, list[str]]:
    """Return the policy for `SECURE_CSP`.

    Args:
        henry: origins of Henry's pages. In the demo the product pictures come from there too.
    """
    origins = list(dict.fromkeys(henry))
    return {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", *origins],
        "frame-src": ["'self'", *origins],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],  # the pages that may be framed say so themselves
    }


class ContentSecurityPolicyMiddleware:
    """Sends `SECURE_CSP` with each answer that has no policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # Django's own error pages for developers are styled inline.
        shows_traceback = settings.DEBUG and response.status_code in {
            HTTPStatus.NOT_FOUND,
            HTTPStatus.INTERNAL_SERVER_ERROR,
        }
        if not shows_traceback:
            policy: dict[str, list[str]] = settings.SECURE_CSP
            response.headers.setdefault(
                HEADER, "; ".join(" ".join([name, *sources]) for name, sources in policy.items())
            )
        return response
