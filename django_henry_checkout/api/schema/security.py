"""The security schemes: how callers authenticate."""

from __future__ import annotations

from typing import Any

from django.conf import settings


def build_security_schemes() -> dict[str, dict[str, Any]]:
    """Return the security schemes; the session cookie has the name that the shop configured."""
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A page of the shop. Mutating calls need X-CSRFToken too.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRFToken",
            "description": "Django's CSRF token, with the session cookie.",
        },
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "The `sessionToken` of a cart or of a checkout session.",
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A customer session token (JWT), or a `sessionToken`.",
        },
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "A trusted server of the shop: `Api-Key hck_...`.",
        },
        "apiKeyHeader": {
            "type": "apiKey",
            "in": "header",
            "name": "Api-Key",
            "description": "The same key in a separate header.",
        },
    }
