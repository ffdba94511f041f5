"""JSON answers, and the envelope that every generation of the API shares."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from django.http import HttpResponse

from django_henry_checkout.sandbox.engine.state import JSON

# The json module cannot write a Decimal as a number, so each is written as a marked string and unquoted after.
_MARK = secrets.token_hex(8)
_MARKED = re.compile(rf'"{_MARK}(-?[0-9.E+-]+)"')


def to_json(value: object) -> str:
    return _MARKED.sub(r"\1", json.dumps(value, default=_marked))


def _marked(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value}"
    raise TypeError(type(value).__name__)


def answer(value: object, *, status: int = 200) -> HttpResponse:
    return HttpResponse(to_json(value), content_type="application/json", status=status)


def written(body: bytes) -> HttpResponse:
    """An answer that is JSON already."""
    return HttpResponse(body, content_type="application/json")


def listing(message: str, rows: Iterable[bytes]) -> HttpResponse:
    """The envelope of a list whose rows are JSON already."""
    head = to_json({"success": True, "status": "success", "message": message}).encode()
    return written(b"".join((head[:-1], b', "data": [', b", ".join(rows), b"]}")))


def envelope(message: str, data: object = None, *, status: int = 200) -> HttpResponse:
    body: JSON = {
        "success": status < 400,
        "status": "success" if status < 400 else "error",
        "message": message,
    }
    if data is not None:
        body["data"] = data
    return answer(body, status=status)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
