"""Endpoint for Henry's webhooks. No session and no CSRF: a signature over the raw body, and a secret URL."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.flows.webhooks.inbox import is_endpoint, receive_webhook


@login_not_required
@csrf_exempt
@require_POST
def receive(request: HttpRequest, account: str, key: str) -> HttpResponse:
    """Store a webhook and return 202; it is applied later. An invalid signature gets an empty 401."""
    try:
        credentials = app_settings.account(account)
    except ConfigurationError:
        return HttpResponse(status=404)
    if not is_endpoint(credentials, key):
        return HttpResponse(status=404)
    if request.content_type != "application/json":
        return HttpResponse(status=415)
    body = _read_body(request)
    if body is None:
        return HttpResponse(status=413)
    is_accepted = receive_webhook(
        credentials,
        body,
        signature=request.headers.get("X-Henry-Signature", ""),
        timestamp=request.headers.get("X-Henry-Timestamp", ""),
    )
    return HttpResponse(status=202 if is_accepted else 401)


def _read_body(request: HttpRequest) -> bytes | None:
    """Return the raw body, or None if it is too long. The declared length is not trusted."""
    limit = app_settings.WEBHOOK_MAX_BYTES
    try:
        if int(request.headers.get("Content-Length") or 0) > limit:
            return None
    except ValueError:
        return None
    body = request.read(limit + 1)
    return None if len(body) > limit else body
