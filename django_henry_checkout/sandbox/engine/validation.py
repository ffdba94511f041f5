"""Small readers of untrusted JSON: each returns a typed value or says in plain words what is wrong."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django_henry_checkout.sandbox.engine.state import JSON

CENT = Decimal("0.01")
MAX_BODY = 1024 * 1024
_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
_PHONE = re.compile(r"\+?[0-9]{6,15}")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class RefusedError(Exception):
    """The request cannot be served; `status` and `message` go to the caller."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def read_json(body: bytes) -> JSON:
    """Parse a JSON object; an empty body counts as an empty object."""
    if len(body) > MAX_BODY:
        raise RefusedError("The request body is larger than 1 MiB.", status=413)
    if not body.strip():
        return {}
    try:
        parsed = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise RefusedError("The request body is not valid JSON.") from None
    if not isinstance(parsed, dict):
        raise RefusedError("The request body must be a JSON object.")
    return parsed


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def text(source: JSON, key: str, *, where: str = "", required: bool = True, limit: int = 500) -> str:
    value = source.get(key)
    if value is None and not required:
        return ""
    name = f"{where}.{key}" if where else key
    if not isinstance(value, str):
        raise RefusedError(f"{name} must be a string.")
    if required and not value.strip():
        raise RefusedError(f"{name} is required.")
    if len(value) > limit:
        raise RefusedError(f"{name} is longer than {limit} characters.")
    return value.strip()


def mapping(source: JSON, key: str, *, where: str = "", required: bool = False) -> JSON | None:
    value = source.get(key)
    if value is None and not required:
        return None
    if not isinstance(value, dict):
        raise RefusedError(f"{where}.{key} must be an object." if where else f"{key} must be an object.")
    return value


def texts(source: JSON, key: str, *, where: str = "") -> tuple[str, ...]:
    value = source.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or len(value) > 50:
        raise RefusedError(f"{where}.{key} must be an array of at most 50 strings.")
    return tuple(value)


def one_of(source: JSON, key: str, choices: tuple[str, ...], *, default: str, where: str = "") -> str:
    value = source.get(key, default)
    if value not in choices:
        name = f"{where}.{key}" if where else key
        raise RefusedError(f"{name} must be one of {', '.join(choices)}.")
    return str(value)


def whole(value: object, name: str, *, low: int, high: int) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value) if abs(value) <= high else None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RefusedError(f"{name} must be a whole number from {low} to {high}.")
    return value


def number(source: JSON, key: str, *, where: str = "", default: float, high: float, low: float = 0) -> float:
    value = source.get(key, default)
    name = f"{where}.{key}" if where else key
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not low <= value <= high:
        raise RefusedError(f"{name} must be a number from {low:g} to {high:g}.")
    return float(value)


def switch(source: JSON, key: str, *, where: str = "", default: bool = False) -> bool:
    value = source.get(key, default)
    if not isinstance(value, bool):
        raise RefusedError(
            f"{where}.{key} must be true or false." if where else f"{key} must be true or false."
        )
    return value


def amount(value: object, name: str, *, high: int = 1_000_000) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= high:
        raise RefusedError(f"{name} must be a number from 0 to {high}.")
    exact = Decimal(value)
    if exact != exact.quantize(CENT):
        raise RefusedError(f"{name} has more than two decimals.")
    return exact.quantize(CENT)


def price(value: object, name: str) -> Decimal:
    """An amount of money as text or as a number."""
    if isinstance(value, str):
        if not _PRICE.fullmatch(value):
            raise RefusedError(f'{name} must be an amount such as "12.34".')
        value = Decimal(value)
    # JSON has a zero below zero.
    return abs(amount(value, name))


def https_link(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > 2048:
        raise RefusedError(f"{name} must be a URL.")
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme != "https" or re.search(r"[\s<>\"\\]", value):
        raise RefusedError(f"{name} must be an https URL of a product page.")
    return value


def web_address(value: str, name: str) -> str:
    """An address that can be called over http or https."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not re.fullmatch(r"[!-~]+", value):
        raise RefusedError(f"{name} must be an http or https URL.")
    return value


def email(value: str, name: str) -> str:
    if value and not _EMAIL.fullmatch(value):
        raise RefusedError(f"{name} is not an email address.")
    return value


def phone(value: str, name: str) -> str:
    bare = re.sub(r"[\s().-]", "", value)
    if bare and not _PHONE.fullmatch(bare):
        raise RefusedError(f"{name} must be a phone number such as +12125550123.")
    return bare


def known_keys(source: JSON, allowed: set[str], *, where: str) -> None:
    extra = sorted(set(source) - allowed)
    if extra:
        raise RefusedError(
            f"{where} does not know {', '.join(extra)}; it knows {', '.join(sorted(allowed))}."
        )


def query_whole(given: str, name: str, *, low: int, high: int) -> int:
    """A whole number from a query string."""
    plain = given.isascii() and given.isdecimal() and len(given) < 10
    if not plain or not low <= int(given) <= high:
        raise RefusedError(f"{name} must be a whole number from {low} to {high}.")
    return int(given)


def query_switch(given: str, name: str) -> bool:
    if given not in ("true", "false"):
        raise RefusedError(f"{name} must be true or false.")
    return given == "true"


def is_origin(given: str) -> bool:
    """Whether this is an exact origin: scheme, host and port, with nothing after them."""
    if not _ORIGIN.fullmatch(given):
        return False
    try:
        return urlsplit(given).port != 0
    except ValueError:
        return False
