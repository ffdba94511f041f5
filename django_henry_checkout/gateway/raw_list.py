"""Split a list in a response into the texts of its entries, so that they can be compared before parsing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from django_henry_checkout.exceptions import Rejected
from django_henry_checkout.gateway.response import Response, require_json_type

_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_NO_ARRAY = "it is not an envelope with an array"


def entries_of(response: Response, *, name: str) -> list[tuple[Any, str]]:
    """Return each entry of the envelope's array `data`, as a pair of its member `name` and its text.

    The member is None if it is missing. It is parsed leniently (floats, duplicate keys), so use it only as an
    id, and parse the text strictly for anything else.

    Raises:
        BadResponse: the response is not an envelope with an array.
        Rejected: the envelope reports that Henry refused the request.
    """
    require_json_type(response)
    try:
        text = response.body.decode("utf-8")
        envelope = dict(_members(text, name))
    except UnicodeDecodeError:
        raise response.unusable("it is not UTF-8") from None
    except (ValueError, IndexError, RecursionError):
        raise response.unusable(_NO_ARRAY) from None
    if envelope.get("success", True) is False:
        raise Rejected(
            "Henry refused the request, in a 2xx response.",
            status=response.status,
            request_id=response.request_id,
        )
    found = envelope.get("data")
    if not isinstance(found, _Entries):
        raise response.unusable(_NO_ARRAY)
    return list(found)


class _Entries(list[tuple[Any, str]]):
    """The entries of the array `data`."""


def _members(text: str, member: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of the outermost object; `data` as `_Entries` if it is an array."""
    at, names = _after(text, 0, "{"), set[str]()
    has_more = text[at] != "}"
    while has_more:
        name, at = _decode(text, at)
        if not isinstance(name, str) or name in names:
            raise ValueError(name)
        names.add(name)
        at = _after(text, at, ":")
        if name == "data" and text[at] == "[":
            value, at = _entries(text, at, member)
        else:
            value, at = _decode(text, at)
        yield name, value
        has_more, at = _next(text, at)
    if _after(text, at, "}") != len(text):
        raise JSONDecodeError("extra data", text, at)


def _entries(text: str, at: int, member: str) -> tuple[_Entries, int]:
    found = _Entries()
    at = _after(text, at, "[")
    has_more = text[at] != "]"
    while has_more:
        # Only the member and the text are kept, so that each parsed entry is freed at once.
        value, end = _decode(text, at)
        found.append((value.get(member) if isinstance(value, dict) else None, text[at:end]))
        has_more, at = _next(text, end)
    return found, _after(text, at, "]")


def _next(text: str, at: int) -> tuple[bool, int]:
    """Skip a comma, which another value must follow; return whether there was one, and the new position."""
    comma = _COMMA.match(text, at)
    return (False, at) if comma is None else (True, comma.end())


def _after(text: str, at: int, delimiter: str) -> int:
    """Return the position after a delimiter and the whitespace around it."""
    at = _skip_space(text, at)
    if text[at] != delimiter:
        raise JSONDecodeError(f"no {delimiter}", text, at)
    return _skip_space(text, at + 1)


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
