"""Readers of untrusted JSON: each returns a typed value or raises an `ApiError` that names the field."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django_henry_checkout.sandbox.engine.state import JSON

CENT = Decimal("0.01")
MAX_BODY_BYTES = 1024 * 1024
_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
_PHONE = re.compile(r"\+?[0-9]{6,15}")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class ApiError(Exception):
    """The request cannot be served; the client gets `status` and `message`."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def read_json(body: bytes) -> JSON:
    """Parse a JSON object; an empty body is an empty object."""
    if len(body) > MAX_BODY_BYTES:
        raise ApiError("The request body is larger than 1 MiB.", status=413)
    if not body.strip():
        return {}
    try:
        parsed = json.loads(body, parse_float=Decimal, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise ApiError("The request body is not valid JSON.") from None
    if not isinstance(parsed, dict):
        raise ApiError("The request body must be a JSON object.")
    return parsed


def _reject_constant(name: str) -> Any:
    raise ValueError(name)


def read_text(source: JSON, key: str, *, where: str = "", required: bool = True, limit: int = 500) -> str:
    value = source.get(key)
    if value is None and not required:
        return ""
    name = f"{where}.{key}" if where else key
    if not isinstance(value, str):
        raise ApiError(f"{name} must be a string.")
    if required and not value.strip():
        raise ApiError(f"{name} is required.")
    if len(value) > limit:
        raise ApiError(f"{name} is longer than {limit} characters.")
    return value.strip()


def read_object(source: JSON, key: str, *, where: str = "", required: bool = False) -> JSON | None:
    value = source.get(key)
    if value is None and not required:
        return None
    if not isinstance(value, dict):
        raise ApiError(f"{where}.{key} must be an object." if where else f"{key} must be an object.")
    return value


def read_strings(source: JSON, key: str, *, where: str = "") -> tuple[str, ...]:
    value = source.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or len(value) > 50:
        raise ApiError(f"{where}.{key} must be an array of at most 50 strings.")
    return tuple(value)


def read_choice(source: JSON, key: str, choices: tuple[str, ...], *, default: str, where: str = "") -> str:
    value = source.get(key, default)
    if value not in choices:
        name = f"{where}.{key}" if where else key
        raise ApiError(f"{name} must be one of {', '.join(choices)}.")
    return str(value)


def parse_integer(value: object, name: str, *, low: int, high: int) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value) if abs(value) <= high else None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ApiError(f"{name} must be a whole number from {low} to {high}.")
    return value


def read_number(
    source: JSON, key: str, *, where: str = "", default: float, high: float, low: float = 0
) -> float:
    value = source.get(key, default)
    name = f"{where}.{key}" if where else key
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not low <= value <= high:
        raise ApiError(f"{name} must be a number from {low:g} to {high:g}.")
    return float(value)


def read_boolean(source: JSON, key: str, *, where: str = "", default: bool = False) -> bool:
    value = source.get(key, default)
    if not isinstance(value, bool):
        raise ApiError(f"{where}.{key} must be true or false." if where else f"{key} must be true or false.")
    return value


def parse_amount(value: object, name: str, *, high: int = 1_000_000) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= high:
        raise ApiError(f"{name} must be a number from 0 to {high}.")
    exact = Decimal(value)
    if exact != exact.quantize(CENT):
        raise ApiError(f"{name} has more than two decimals.")
    return exact.quantize(CENT)


def parse_price(value: object, name: str) -> Decimal:
    """Return an amount of money that is text or a number."""
    if isinstance(value, str):
        if not _PRICE.fullmatch(value):
            raise ApiError(f'{name} must be an amount such as "12.34".')
        value = Decimal(value)
    # JSON has a negative zero.
    return abs(parse_amount(value, name))


def parse_https_url(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > 2048:
        raise ApiError(f"{name} must be a URL.")
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme != "https" or re.search(r"[\s<>\"\\]", value):
        raise ApiError(f"{name} must be an https URL of a product page.")
    return value


def parse_http_url(value: str, name: str) -> str:
    """Return a URL that can be requested over http or https."""
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or not re.fullmatch(r"[!-~]+", value):
        raise ApiError(f"{name} must be an http or https URL.")
    return value


def parse_email(value: str, name: str) -> str:
    if value and not _EMAIL.fullmatch(value):
        raise ApiError(f"{name} is not an email address.")
    return value


def parse_phone(value: str, name: str) -> str:
    bare = re.sub(r"[\s().-]", "", value)
    if bare and not _PHONE.fullmatch(bare):
        raise ApiError(f"{name} must be a phone number such as +12125550123.")
    return bare


def reject_unknown_keys(source: JSON, allowed: set[str], *, where: str) -> None:
    extra = sorted(set(source) - allowed)
    if extra:
        raise ApiError(f"{where} does not know {', '.join(extra)}; it knows {', '.join(sorted(allowed))}.")


def parse_query_integer(value: str, name: str, *, low: int, high: int) -> int:
    """Return a whole number from a query string."""
    is_plain = value.isascii() and value.isdecimal() and len(value) < 10
    if not is_plain or not low <= int(value) <= high:
        raise ApiError(f"{name} must be a whole number from {low} to {high}.")
    return int(value)


def parse_query_boolean(value: str, name: str) -> bool:
    if value not in ("true", "false"):
        raise ApiError(f"{name} must be true or false.")
    return value == "true"


def is_origin(value: str) -> bool:
    """Return whether this is an exact origin: scheme, host and optional port, with nothing after them."""
    if not _ORIGIN.fullmatch(value):
        return False
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False
