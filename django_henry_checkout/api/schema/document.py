"""Builds the OpenAPI document; `scripts/write_schema.py` writes it to `openapi.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings

from django_henry_checkout.api.schema.auto import OwnRegistry
from django_henry_checkout.api.schema.operations import TAGS

_ABOUT = """\
Carts of any merchant's products, Henry's hosted checkout and checkout in the shop's own form, and orders.

Names may be sent as `imageUrl` or `image_url`; responses are in camelCase. Unknown fields are refused. Amounts are
text with the currency's decimal places, but numbers on calls that follow a page of Umbraco's or Henry's. Ids are
ULIDs; the UUID spelling is accepted too. An unknown id and another caller's id get the same 404. Every problem is
`application/problem+json`."""

#: All settings of drf-spectacular, so that the host's have no effect.
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
    # Relative to the URL of this description, which the shop chooses.
    "SERVERS": [{"url": "../v1"}],
    "TAGS": [{"name": name, "description": description} for name, description in TAGS.items()],
    "CAMELIZE_NAMES": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "POSTPROCESSING_HOOKS": [],
    "PREPROCESSING_HOOKS": [],
}


def build_document(urlpatterns: Sequence[Any]) -> dict[str, Any]:
    """Return the description of the API, independent of the host's settings."""
    with patched_settings(_SETTINGS):
        generator: Any = SchemaGenerator(patterns=urlpatterns)
        generator.registry = OwnRegistry()
        document: dict[str, Any] = generator.get_schema(public=True)
    return document


def format_document(document: dict[str, Any]) -> str:
    """Return the document as text: indented, with short parts on one line."""
    return f"{_format(document, '')}\n"


_WIDTH = 110


def _format(value: Any, indent: str) -> str:
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (indent and len(indent) + len(short) <= _WIDTH):
        return short
    deeper = f"{indent}  "
    if isinstance(value, list):
        parts = [_format(each, deeper) for each in value]
    else:
        parts = [f"{json.dumps(name)}: {_format(each, deeper)}" for name, each in value.items()]
    start, end = "[]" if isinstance(value, list) else "{}"
    inner = ",\n".join(f"{deeper}{part}" for part in parts)
    return f"{start}\n{inner}\n{indent}{end}"
