"""How the API spells names."""

from __future__ import annotations

from typing import Any

#: An object of a body or an answer.
JSON = dict[str, Any]


def camel(name: str) -> str:
    """Spell a name as the API does: `postal_code` as `postalCode`."""
    first, *rest = str(name).split("_")
    return first + "".join(part.capitalize() for part in rest)
