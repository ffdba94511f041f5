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

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import RawCardRefused
from django_henry_checkout.flows.buyer.card_numbers import is_card_number

OPAQUE = frozenset({"metadata", "meta_data", "override_products"})
MAX_DEPTH = 8
MAX_OPAQUE_DEPTH = 32
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = app_settings.MAX_REQUEST_BYTES
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body may have {limit} bytes at most.")
        try:
            content = json.loads(
                body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
            )
            json.dumps(content, ensure_ascii=False, default=str).encode()  # refuses half characters
        except (ValueError, ArithmeticError, RecursionError):
            raise exceptions.ParseError("The body is not a JSON object in UTF-8.") from None
        if not isinstance(content, dict):
            raise exceptions.ParseError("The body must be a JSON object.")
        content = _snake(content, depth=0)
        view = (parser_context or {}).get("view")
        refuse_card_numbers(content, but=getattr(view, "card_path", ()))
        return content


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
        if name in OPAQUE:
            _bound_depth(inner)
        found[name] = inner if name in OPAQUE else _snake(inner, depth=depth + 1)
    return found


def _bound_depth(value: Any) -> None:
    """Refuse what is opaque to us, and so deep that reading it again would fail."""
    level = [value]
    for _depth in range(MAX_OPAQUE_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if level:
        raise exceptions.ParseError("The body is nested too deeply.")


_CARD_NAMES = frozenset({"card_number", "cardnumber", "cvv", "cvc", "cvv2"})
#: What may well be a long number without being a card's.
_NUMBERS = frozenset({"link", "phone", "phone_number", "transaction_id", "image_url", "shipping_method_id"})


def refuse_card_numbers(value: Any, *, but: tuple[str, ...], name: str = "") -> None:
    """Refuse a body that holds what looks like a card number, wherever it is: it would be stored.

    Args:
        but: the way to the one place where a card may stand.

    Raises:
        RawCardRefused: it does; the value is not repeated.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            here = but[1:] if but and key == but[0] else ()
            if but and key == but[0] and not here:
                continue
            spelled = _HUMP.sub(lambda hump: f"_{hump.group(1).lower()}", str(key)).lower()
            if (spelled in _CARD_NAMES and _has_digits(inner)) or is_card_number(key):
                raise RawCardRefused
            refuse_card_numbers(inner, but=here, name=spelled)
    elif isinstance(value, list):
        for inner in value:
            refuse_card_numbers(inner, but=(), name=name)
    elif name not in _NUMBERS and is_card_number(value):
        raise RawCardRefused


def _has_digits(value: Any) -> bool:
    return any(character.isdigit() for character in str(value)) and not isinstance(value, dict | list)
