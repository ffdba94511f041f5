"""How callers show who they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings


def schemes() -> dict[str, dict[str, Any]]:
    """Write the security schemes. The session cookie goes by the name that the shop gave it."""
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A page of the shop. Calls that change something bring X-CSRFToken too.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRFToken",
            "description": "Django's CSRF token, along with the session cookie.",
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
            "description": "The same key in a header of its own.",
        },
    }
