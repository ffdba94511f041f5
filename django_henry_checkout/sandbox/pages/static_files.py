"""Static files of the pages."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePath

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound

_DIRECTORY = resources.files("django_henry_checkout.sandbox") / "static" / "sandbox"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
# Read once: only these names are served, so no path of a request ever reaches the file system.
_FILES = {
    file.name: file.read_bytes() for file in _DIRECTORY.iterdir() if PurePath(file.name).suffix in _TYPES
}


def static(request: HttpRequest, name: str) -> HttpResponse:
    """Serve a stylesheet, script or icon."""
    content = _FILES.get(name)
    if content is None:
        return HttpResponseNotFound("Not found", content_type="text/plain")
    response = HttpResponse(content, content_type=_TYPES[PurePath(name).suffix])
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-cache"
    return response


def favicon(request: HttpRequest) -> HttpResponse:
    """Serve the icon of all pages."""
    response = HttpResponse(_FILES["mark.svg"], content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=3600"
    return response
