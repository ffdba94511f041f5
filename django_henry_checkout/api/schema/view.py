"""Serves the description that is checked in."""

from __future__ import annotations

import hashlib
from functools import cache

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.callers import shop_request
from django_henry_checkout.api.schema.file import FILE


@cache
def _content() -> tuple[bytes, str]:
    content = FILE.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


class SchemaView(HenryView):
    authentication_classes = []
    throttle_classes = []

    def get(self, request: Request) -> HttpResponse:
        """Read the description of this API, in OpenAPI 3.1. Open to everyone."""
        content, etag = _content()
        headers = {"ETag": etag, "Cache-Control": "public, max-age=3600"}
        response = HttpResponse(content, content_type="application/json", headers=headers)
        return get_conditional_response(shop_request(request), etag=etag, response=response) or response
