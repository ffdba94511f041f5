"""JSON responses, and the envelope that all generations of the API share."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from django.http import HttpResponse

from django_henry_checkout.sandbox.engine.state import JSON

# The json module cannot write a Decimal as a number: write it as a marked string, then remove the quotes.
_MARK = secrets.token_hex(8)
_MARKED_DECIMAL = re.compile(rf'"{_MARK}(-?[0-9.E+-]+)"')


def to_json(value: object) -> str:
    """Serialize a value, with decimals as exact numbers."""
    return _MARKED_DECIMAL.sub(r"\1", json.dumps(value, default=_mark_decimal))


def _mark_decimal(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value}"
    raise TypeError(type(value).__name__)


def json_response(value: object, *, status: int = 200) -> HttpResponse:
    """Return a value as a JSON response."""
    return HttpResponse(to_json(value), content_type="application/json", status=status)


def raw_json_response(body: bytes) -> HttpResponse:
    """Return a response whose body is serialized already."""
    return HttpResponse(body, content_type="application/json")


def list_response(message: str, rows: Iterable[bytes]) -> HttpResponse:
    """Return the envelope of a list whose rows are serialized already."""
    head = to_json({"success": True, "status": "success", "message": message}).encode()
    return raw_json_response(b"".join((head[:-1], b', "data": [', b", ".join(rows), b"]}")))


def envelope(message: str, data: object = None, *, status: int = 200) -> HttpResponse:
    """Return data in the envelope of the API; a status from 400 on is an error."""
    body: JSON = {
        "success": status < 400,
        "status": "success" if status < 400 else "error",
        "message": message,
    }
    if data is not None:
        body["data"] = data
    return json_response(body, status=status)


def to_iso(moment: datetime) -> str:
    """Format a time in UTC, with microseconds and a trailing Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
