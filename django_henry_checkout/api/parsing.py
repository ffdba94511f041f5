"""Reads JSON bodies strictly: bounded, UTF-8, no duplicate keys, numbers as Decimal.

Names may be spelled `buyerInfo` or `buyer_info`; inside they are `buyer_info`. What is opaque to us
(metadata, overrides by link) keeps its names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework import exceptions, status
from rest_framework.parsers import BaseParser

from django_henry_checkout.conf import settings

OPAQUE = frozenset({"metadata", "meta_data", "override_products"})
MAX_DEPTH = 8
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.MAX_REQUEST_BYTES
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body may have {limit} bytes at most.")
        try:
            content = json.loads(
                body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
            )
        except (ValueError, ArithmeticError, RecursionError):
            raise exceptions.ParseError("The body is not a JSON object in UTF-8.") from None
        if not isinstance(content, dict):
            raise exceptions.ParseError("The body must be a JSON object.")
        return _snake(content, depth=0)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _value in pairs}) < len(pairs):
        raise ValueError("duplicate keys")
    return dict(pairs)


def _snake(value: Any, *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise exceptions.ParseError("The body is nested too deeply.")
    if isinstance(value, list):
        return [_snake(inner, depth=depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        name = _HUMP.sub(lambda hump: f"_{hump.group(1).lower()}", key)
        if name in found:
            raise exceptions.ParseError(f"{name} is given twice, in two spellings.")
        found[name] = inner if name in OPAQUE else _snake(inner, depth=depth + 1)
    return found
