"""Change a JSON response by dotted paths: `data.*.status` is the status of every member of data."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from django_henry_checkout.sandbox.engine.state import JSON


def rewrite_json(value: Any, params: JSON) -> None:
    """Set, then rename, then remove members in place. A path without a match changes nothing."""
    for path, new in params["set"].items():
        for container, key in _resolve(value, path):
            container[key] = copy.deepcopy(new)
    for path, name in params["rename"].items():
        for container, key in _resolve_existing(value, path):
            if isinstance(container, dict):
                container[name] = container.pop(key)
    for path in params["remove"]:
        # Last first: removing a list member shifts the indexes after it.
        for container, key in reversed(_resolve_existing(value, path)):
            del container[key]


def _resolve_existing(value: Any, path: str) -> list[tuple[Any, Any]]:
    return [
        (container, key)
        for container, key in _resolve(value, path)
        if isinstance(container, list) or key in container
    ]


def _resolve(value: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """Yield each container that the path leads to, with the key or index in it."""
    step, _, rest = path.partition(".")
    for key in _matching_keys(value, step):
        if not rest:
            yield value, key
        elif isinstance(value, list) or key in value:
            yield from _resolve(value[key], rest)


def _matching_keys(container: Any, step: str) -> list[Any]:
    if isinstance(container, dict):
        return list(container) if step == "*" else [step]
    if not isinstance(container, list):
        return []
    if step == "*":
        return list(range(len(container)))
    is_index = step.isascii() and step.isdecimal() and int(step) < len(container)
    return [int(step)] if is_index else []
