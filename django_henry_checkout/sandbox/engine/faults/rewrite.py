"""Changes in a JSON answer by dotted paths: `data.*.status` is the status of every member of data."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from django_henry_checkout.sandbox.engine.state import JSON


def rewrite(value: Any, params: JSON) -> None:
    """Set, then rename, then remove. A path that leads nowhere changes nothing."""
    for path, new in params["set"].items():
        for holder, key in _places(value, path):
            holder[key] = copy.deepcopy(new)
    for path, name in params["rename"].items():
        for holder, key in _found(value, path):
            if isinstance(holder, dict):
                holder[name] = holder.pop(key)
    for path in params["remove"]:
        # From the end, so that the places of a list stay true while it shrinks.
        for holder, key in reversed(_found(value, path)):
            del holder[key]


def _found(value: Any, path: str) -> list[tuple[Any, Any]]:
    return [
        (holder, key) for holder, key in _places(value, path) if isinstance(holder, list) or key in holder
    ]


def _places(value: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """Each holder that the path leads to, with the key or index in it."""
    step, _, rest = path.partition(".")
    for key in _keys(value, step):
        if not rest:
            yield value, key
        elif isinstance(value, list) or key in value:
            yield from _places(value[key], rest)


def _keys(holder: Any, step: str) -> list[Any]:
    if isinstance(holder, dict):
        return list(holder) if step == "*" else [step]
    if not isinstance(holder, list):
        return []
    if step == "*":
        return list(range(len(holder)))
    return [int(step)] if step.isascii() and step.isdecimal() and int(step) < len(holder) else []
