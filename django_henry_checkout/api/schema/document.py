"""Makes the description of the API; `scripts/write_schema.py` writes it to its file."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings

from django_henry_checkout.api import urls
from django_henry_checkout.api.schema.auto import OwnRegistry
from django_henry_checkout.api.schema.table import TAGS

_ABOUT = """\
Carts of any merchant's products, Henry's hosted checkout and checkout in the shop's own form, and orders.

Names may be sent as `imageUrl` or `image_url`; answers are in camelCase. Fields that are not known are refused.
Amounts are text with the currency's places, but numbers on the calls that follow a page of Umbraco's or Henry's.
Ids are ULIDs; the UUID spelling is taken too. An id that is unknown and one that is somebody else's get the same
404. Every problem is `application/problem+json`."""

#: The whole of drf-spectacular's settings, so that the host's own change nothing here.
_SETTINGS: dict[str, Any] = {
    **{
        name: value
        for name, value in SPECTACULAR_DEFAULTS.items()
        if not name.startswith("SERVE_") and name != "DEFAULT_GENERATOR_CLASS"
    },
    "OAS_VERSION": "3.1.0",
    "TITLE": "Storefront API",
    "VERSION": "1",
    "DESCRIPTION": _ABOUT,
    # Relative to where this description is served, wherever the shop has put it.
    "SERVERS": [{"url": "../v1"}],
    "TAGS": [{"name": name, "description": about} for name, about in TAGS.items()],
    "CAMELIZE_NAMES": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "POSTPROCESSING_HOOKS": [],
    "PREPROCESSING_HOOKS": [],
}


def build_document() -> dict[str, Any]:
    """Return the description of the API, whatever the host has set for its own."""
    with patched_settings(_SETTINGS):
        generator: Any = SchemaGenerator(patterns=urls.urlpatterns)
        generator.registry = OwnRegistry()
        document: dict[str, Any] = generator.get_schema(public=True)
    return document


def as_text(document: dict[str, Any]) -> str:
    """Write it as it is checked in: indented, with what is short on one line."""
    return f"{_written(document, '')}\n"


_WIDTH = 110


def _written(value: Any, indent: str) -> str:
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (indent and len(indent) + len(short) <= _WIDTH):
        return short
    deeper = f"{indent}  "
    if isinstance(value, list):
        parts = [_written(each, deeper) for each in value]
    else:
        parts = [f"{json.dumps(name)}: {_written(each, deeper)}" for name, each in value.items()]
    start, end = "[]" if isinstance(value, list) else "{}"
    inner = ",\n".join(f"{deeper}{part}" for part in parts)
    return f"{start}\n{inner}\n{indent}{end}"
