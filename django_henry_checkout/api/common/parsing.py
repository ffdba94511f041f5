"""Strict parsing of JSON bodies: bounded, UTF-8, no duplicate keys, numbers as Decimal.

Names may be spelled `buyerInfo` or `buyer_info` and become `buyer_info`. Opaque objects (metadata, overrides
by link) keep their names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework import exceptions, status
from rest_framework.parsers import BaseParser

from django_henry_checkout.api.common.camel_case import to_snake_case
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import RawCardRefused
from django_henry_checkout.flows.buyer.card_numbers import is_card_number

OPAQUE = frozenset({"metadata", "meta_data", "override_products"})
MAX_DEPTH = 8
MAX_OPAQUE_DEPTH = 32


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
                body.decode("utf-8"),
                parse_float=Decimal,
                parse_constant=_refuse_constant,
                object_pairs_hook=_refuse_duplicates,
            )
            json.dumps(content, ensure_ascii=False, default=str).encode()  # fails on lone surrogates
        except (ValueError, ArithmeticError, RecursionError):
            raise exceptions.ParseError("The body is not a JSON object in UTF-8.") from None
        if not isinstance(content, dict):
            raise exceptions.ParseError("The body must be a JSON object.")
        content = _convert_names(content, depth=0)
        view = (parser_context or {}).get("view")
        refuse_card_numbers(content, allowed_path=getattr(view, "card_path", ()))
        return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _value in pairs}) < len(pairs):
        raise ValueError("duplicate keys")
    return dict(pairs)


def _convert_names(value: Any, *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise exceptions.ParseError("The body is nested too deeply.")
    if isinstance(value, list):
        return [_convert_names(inner, depth=depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        name = to_snake_case(key)
        if name in found:
            raise exceptions.ParseError(f"{name} is given twice, in two spellings.")
        if name in OPAQUE:
            _check_depth(inner)
        found[name] = inner if name in OPAQUE else _convert_names(inner, depth=depth + 1)
    return found


def _check_depth(value: Any) -> None:
    """Refuse an opaque value that is nested so deeply that reading it again would fail."""
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
#: Fields that may hold a long number that is not a card's.
_NUMBER_FIELDS = frozenset(
    {"link", "phone", "phone_number", "transaction_id", "image_url", "shipping_method_id"}
)


def refuse_card_numbers(value: Any, *, allowed_path: tuple[str, ...], name: str = "") -> None:
    """Refuse a body with anything that looks like a card number: it would be stored.

    Args:
        allowed_path: the keys that lead to the one place where a card is allowed.

    Raises:
        RawCardRefused: the value is not repeated in the message.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            is_on_path = bool(allowed_path) and key == allowed_path[0]
            if is_on_path and len(allowed_path) == 1:
                continue
            field = to_snake_case(str(key)).lower()
            if (field in _CARD_NAMES and _has_digits(inner)) or is_card_number(key):
                raise RawCardRefused
            refuse_card_numbers(inner, allowed_path=allowed_path[1:] if is_on_path else (), name=field)
    elif isinstance(value, list):
        for inner in value:
            refuse_card_numbers(inner, allowed_path=(), name=name)
    elif name not in _NUMBER_FIELDS and is_card_number(value):
        raise RawCardRefused


def _has_digits(value: Any) -> bool:
    return any(character.isdigit() for character in str(value)) and not isinstance(value, dict | list)
