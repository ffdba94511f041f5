"""Query parameters and headers of calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_henry_checkout.models import OrderStatus


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter; `schema` is JSON Schema."""

    name: str
    place: str
    description: str
    schema: Mapping[str, Any]
    required: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the parameter object of OpenAPI."""
        return {
            "name": self.name,
            "in": self.place,
            "required": self.required,
            "description": self.description,
            "schema": dict(self.schema),
        }


def _query(name: str, description: str, schema: Mapping[str, Any], *, required: bool = False) -> Parameter:
    return Parameter(name=name, place="query", description=description, schema=schema, required=required)


def _header(name: str, description: str, schema: Mapping[str, Any], *, required: bool = False) -> Parameter:
    return Parameter(name=name, place="header", description=description, schema=schema, required=required)


ID = {"type": "string", "maxLength": 64}

LIMIT = _query(
    "limit", "Maximum number of orders.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
)
STATUS = _query(
    "status", "Only orders of this status.", {"type": "string", "enum": sorted(OrderStatus.values)}
)
CURSOR = _query("cursor", "`nextCursor` of the previous page.", {"type": "string"})
AFTER = _query(
    "after",
    "Skips events up to this sequence number.",
    {"type": "integer", "minimum": 0, "maximum": 999_999_999, "default": 0},
)
REF_ID = _query("refId", "The `refId` of the purchase.", {"type": "string"}, required=True)
SCALE = _query(
    "scale", "Size of one module in pixels.", {"type": "integer", "minimum": 1, "maximum": 32, "default": 10}
)
SESSION_QUERY = (
    _query("sessionId", "The id of the session, for callers without its token.", ID),
    _query("cartId", "The id of the session's cart.", ID),
)

STORE = _header("Store", "The alias of the order's Henry account; any other is 404.", {"type": "string"})
MODE = _header(
    "Mode",
    "Whether the page at `Origin` embeds Henry's page.",
    {"type": "string", "enum": ["Redirect", "Framed"], "default": "Redirect"},
)
ORIGIN = _header("Origin", "The origin of the calling page.", {"type": "string", "format": "uri"})


def build_key_header(*, required: bool) -> Parameter:
    """Return the parameter `Idempotency-Key`."""
    description = "A random key; for 48 hours, the same key and body run once and get the same response."
    schema = {"type": "string", "pattern": "^[ -~]{1,255}$"}
    return _header("Idempotency-Key", description, schema, required=required)
