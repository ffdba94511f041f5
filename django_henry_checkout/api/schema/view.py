"""Serves the OpenAPI description."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.callers import django_request

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "openapi.json"


@cache
def _load_schema() -> tuple[bytes, str]:
    content = SCHEMA_FILE.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


class SchemaView(StorefrontView):
    authentication_classes = []
    throttle_classes = []

    def get(self, request: Request) -> HttpResponse:
        """Read the description of this API, in OpenAPI 3.1. No authentication is needed."""
        content, etag = _load_schema()
        headers = {"ETag": etag, "Cache-Control": "public, max-age=3600"}
        response = HttpResponse(content, content_type="application/json", headers=headers)
        return get_conditional_response(django_request(request), etag=etag, response=response) or response
