"""Names in both spellings: `postal_code` in Python, `postalCode` in JSON."""

from __future__ import annotations

import re
from typing import Any

#: A JSON object of a request or response.
JSON = dict[str, Any]

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def to_camel_case(name: str) -> str:
    """Return `postalCode` for `postal_code`."""
    first, *rest = str(name).split("_")
    return first + "".join(part.capitalize() for part in rest)


def to_snake_case(name: str) -> str:
    """Return `postal_code` for `postalCode`."""
    return _HUMP.sub(lambda hump: f"_{hump.group(1).lower()}", name)
