"""Product pictures: one SVG stage, a palette per tone, and a drawing per kind of product."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from string import Template

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound

from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS_BY_SLUG

_DRAWINGS = resources.files("django_henry_checkout.sandbox.pages") / "drawings"


@dataclass(frozen=True)
class Tone:
    """A palette: two background colours, then the product's light, main and dark, and an accent."""

    wall: str
    floor: str
    light: str
    main: str
    dark: str
    accent: str


TONES = {
    "pine": Tone("#e9f0ea", "#cfdccf", "#4f8a72", "#2f6b55", "#1f4b3c", "#e2a24b"),
    "moss": Tone("#f1f2e4", "#dcdfc4", "#96a267", "#77854a", "#545f31", "#d98f4e"),
    "sea": Tone("#e6f0f1", "#c9dee0", "#5fa3a8", "#3c858c", "#275f66", "#efb47c"),
    "sky": Tone("#e8eff8", "#cbdaec", "#7ea3d1", "#5681b8", "#385e90", "#f0b95f"),
    "slate": Tone("#ebeef2", "#d2d9e1", "#7a8ba0", "#5a6b81", "#3d4a5c", "#e0956a"),
    "ink": Tone("#f0ece4", "#dbd3c5", "#565a63", "#3a3d45", "#24262c", "#cc8d5c"),
    "sand": Tone("#f6efe4", "#e6d8c2", "#e0c59d", "#cbaa7b", "#a2825a", "#4f8578"),
    "amber": Tone("#faf0dc", "#eedbb4", "#e3ad57", "#ca8b33", "#996520", "#3f6f66"),
    "clay": Tone("#f7ebe3", "#e8d0c1", "#cf8a68", "#b56d4a", "#87492d", "#456f6b"),
    "rose": Tone("#f8ecea", "#ebd3cf", "#d98f86", "#c26f66", "#944c46", "#4b6e86"),
    "plum": Tone("#f2ebf2", "#dfd0e0", "#9a76a0", "#7a5581", "#573a5d", "#e2ad62"),
}


def picture(request: HttpRequest, slug: str) -> HttpResponse:
    """Serve the picture of a product."""
    content = find_picture(slug)
    if content is None:
        return HttpResponseNotFound("No such picture", content_type="text/plain")
    response = HttpResponse(content, content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def find_picture(slug: str) -> bytes | None:
    """Return the picture of a product, or a plain parcel for products that are not in the catalogue."""
    product = PRODUCTS_BY_SLUG.get(slug)
    if product:
        return render_picture(product.drawing, product.tone)
    return render_picture("parcel", "sand") if slug == "parcel" else None


@functools.cache
def render_picture(drawing: str, tone: str) -> bytes:
    """Place a drawing on the stage, in the colours of a tone.

    Both files refer to colours as `$main` etc.; the stage also defines the CSS classes of the drawings.
    """
    colours = vars(TONES[tone])
    shapes = Template(_read_shapes(drawing)).substitute(colours)
    return Template(_read_svg("stage")).substitute(colours, drawing=shapes).encode()


def _read_shapes(drawing: str) -> str:
    """Return a drawing without its outer element, which the stage replaces."""
    return _read_svg(drawing).partition(">")[2].strip().removesuffix("</svg>").strip()


def _read_svg(name: str) -> str:
    return (_DRAWINGS / f"{name}.svg").read_text(encoding="utf-8")
