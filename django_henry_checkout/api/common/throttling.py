"""Rate limits: cheap calls are counted in the cache, calls that reach Henry in the database."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from django_henry_checkout.api.common.callers import django_request, get_subject
from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.access.throttling import client_network, count_call
from django_henry_checkout.types import Caller


class CallerThrottle(SimpleRateThrottle):
    """Count cheap calls per caller in the cache. Slows abuse down; not a security measure."""

    def __init__(self) -> None:
        """Skip the rate lookup of the base class: the rate depends on the view and the method."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = view.get_rate_scope(request.method)
        if self.scope == "checkout":
            return True  # counted by CheckoutThrottle
        self.rate = app_settings.API_THROTTLES[self.scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str:
        subject = get_subject(cast("Caller", request.auth), request) or self.get_ident(request)
        return f"henry_checkout:{self.scope}:{subject}"


class CheckoutThrottle(BaseThrottle):
    """Count calls that reach Henry per caller and per network in the database."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if view.get_rate_scope(request.method) == "checkout":
            for subject, scope in get_rate_subjects(request):
                count_call([f"checkout:{subject}"], rate=app_settings.API_THROTTLES[scope])
        return True


def get_rate_subjects(request: Request) -> list[tuple[str, str]]:
    """Return the caller and the client's network, each with the scope of its rate; unknown ones are left out."""
    subject = get_subject(cast("Caller", request.auth), request)
    network = client_network(django_request(request))
    return [pair for pair in ((subject, "checkout"), (network, "network")) if pair[0]]
