"""Parameters of calls: in the query and in headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_henry_checkout.models import OrderStatus


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter; `schema` as JSON Schema has it."""

    name: str
    place: str
    about: str
    schema: Mapping[str, Any]
    required: bool = False

    def as_json(self) -> dict[str, Any]:
        """Write it as OpenAPI does."""
        return {
            "name": self.name,
            "in": self.place,
            "required": self.required,
            "description": self.about,
            "schema": dict(self.schema),
        }


def _query(name: str, about: str, schema: Mapping[str, Any], *, required: bool = False) -> Parameter:
    return Parameter(name=name, place="query", about=about, schema=schema, required=required)


def _header(name: str, about: str, schema: Mapping[str, Any], *, required: bool = False) -> Parameter:
    return Parameter(name=name, place="header", about=about, schema=schema, required=required)


ID = {"type": "string", "maxLength": 64}

LIMIT = _query(
    "limit", "Orders in one answer.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
)
STATUS = _query(
    "status", "Only orders of this status.", {"type": "string", "enum": sorted(OrderStatus.values)}
)
CURSOR = _query("cursor", "`nextCursor` of the answer before.", {"type": "string"})
AFTER = _query(
    "after",
    "Skips events up to this sequence number.",
    {"type": "integer", "minimum": 0, "maximum": 999_999_999, "default": 0},
)
REF_ID = _query("refId", "What the purchase was answered with.", {"type": "string"}, required=True)
SCALE = _query(
    "scale", "Pixels of one module.", {"type": "integer", "minimum": 1, "maximum": 32, "default": 10}
)
SESSION_QUERY = (
    _query("sessionId", "Names the session, for callers who do not show its token.", ID),
    _query("cartId", "Names the session by its cart.", ID),
)

STORE = _header("Store", "The alias of the order's Henry account; another one is 404.", {"type": "string"})
MODE = _header(
    "Mode",
    "Whether Henry's page will stand in a frame of the page at `Origin`.",
    {"type": "string", "enum": ["Redirect", "Framed"], "default": "Redirect"},
)
ORIGIN = _header("Origin", "The origin of the page that calls.", {"type": "string", "format": "uri"})


def key_header(*, required: bool) -> Parameter:
    """Describe `Idempotency-Key`."""
    about = "Random; the same key and body is done once and answered the same for 48 hours."
    schema = {"type": "string", "pattern": "^[ -~]{1,255}$"}
    return _header("Idempotency-Key", about, schema, required=required)
