"""Examples of bodies and answers, by operation: taken from a real run against the sandbox."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("examples.json")


@cache
def _examples() -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content


def examples_of(operation_id: str) -> dict[str, Any]:
    """Return the examples of an operation: "request", and answers by status."""
    return _examples().get(operation_id, {})
