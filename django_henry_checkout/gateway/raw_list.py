"""Cuts a list of Henry's into its entries without reading them: one may be compared before it is parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from django_henry_checkout.exceptions import Rejected
from django_henry_checkout.gateway.response import Answer, require_json_type

_skim = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")


def entries_of(answer: Answer, *, name: str) -> list[tuple[Any, str]]:
    """Return each entry of the envelope's array `data` as text, and before it the entry's member `name`.

    That member is roughly parsed: good for an id, not for an amount, for it may have been a float, or one of
    several of that name. It is None where there is none. What counts is read from the text, strictly.

    Raises:
        BadResponse: this is no envelope around an array.
        Rejected: the envelope says that Henry refused.
    """
    require_json_type(answer)
    try:
        text = answer.body.decode("utf-8")
        envelope = dict(_members(text, name))
    except UnicodeDecodeError:
        raise answer.bad("it is not UTF-8") from None
    except (ValueError, IndexError, RecursionError):
        raise answer.bad("it is no envelope around an array") from None
    if envelope.get("success", True) is False:
        raise Rejected(
            "Henry refused the request, in a 2xx answer.", status=answer.status, request_id=answer.request_id
        )
    found = envelope.get("data")
    if not isinstance(found, _Entries):
        raise answer.bad("it is no envelope around an array")
    return list(found)


class _Entries(list[tuple[Any, str]]):
    """The entries of the one array that is wanted."""


def _members(text: str, wanted: str) -> Iterator[tuple[str, Any]]:
    """Walk through the members of the outermost object; `data` comes as `_Entries` if it is an array."""
    at, seen = _after(text, 0, "{"), set[str]()
    goes_on = text[at] != "}"
    while goes_on:
        name, at = _skim(text, at)
        if not isinstance(name, str) or name in seen:
            raise ValueError(name)
        seen.add(name)
        at = _after(text, at, ":")
        if name == "data" and text[at] == "[":
            value, at = _entries(text, at, wanted)
        else:
            value, at = _skim(text, at)
        yield name, value
        goes_on, at = _next(text, at)
    if _after(text, at, "}") != len(text):
        raise JSONDecodeError("something follows", text, at)


def _entries(text: str, at: int, wanted: str) -> tuple[_Entries, int]:
    found = _Entries()
    at = _after(text, at, "[")
    goes_on = text[at] != "]"
    while goes_on:
        # Nothing else of it is kept: what is let go at once makes room for the next one.
        value, end = _skim(text, at)
        found.append((value.get(wanted) if isinstance(value, dict) else None, text[at:end]))
        goes_on, at = _next(text, end)
    return found, _after(text, at, "]")


def _next(text: str, at: int) -> tuple[bool, int]:
    """Step over a comma, which another value must follow; without one, stay."""
    comma = _COMMA.match(text, at)
    return (False, at) if comma is None else (True, comma.end())


def _after(text: str, at: int, mark: str) -> int:
    """Step over a mark and the space around it."""
    at = _skip(text, at)
    if text[at] != mark:
        raise JSONDecodeError(f"no {mark}", text, at)
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
