"""Product pictures, drawn in code: one calm stage for all, a palette per tone, a drawing per kind of product."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django_henry_checkout.sandbox.engine.catalogue import BY_SLUG
from django_henry_checkout.sandbox.pages import drawings_gear, drawings_home

DRAWINGS = {**drawings_gear.DRAWINGS, **drawings_home.DRAWINGS}


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
PARCEL = ("parcel", "sand")

_STAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" width="800" height="800">
<defs>
<linearGradient id="wall" x1="0" y1="0" x2=".35" y2="1"><stop stop-color="{wall}"/><stop offset="1" stop-color="{floor}"/></linearGradient>
<radialGradient id="glow" cx=".36" cy=".26" r=".8"><stop stop-color="#fff" stop-opacity=".78"/><stop offset=".4" stop-color="#fff" stop-opacity=".42"/><stop offset=".75" stop-color="#fff" stop-opacity=".1"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient>
<radialGradient id="cast"><stop stop-color="{dark}" stop-opacity=".42"/><stop offset=".55" stop-color="{dark}" stop-opacity=".2"/><stop offset="1" stop-color="{dark}" stop-opacity="0"/></radialGradient>
<linearGradient id="m" x1="0" y1="0" x2="1" y2=".55"><stop stop-color="{light}"/><stop offset="1" stop-color="{main}"/></linearGradient>
<linearGradient id="d" x1="0" y1="0" x2="1" y2=".55"><stop stop-color="{main}"/><stop offset="1" stop-color="{dark}"/></linearGradient>
<linearGradient id="r" x1="0" x2="1"><stop stop-color="{main}"/><stop offset=".28" stop-color="{light}"/><stop offset=".62" stop-color="{main}"/><stop offset="1" stop-color="{dark}"/></linearGradient>
<linearGradient id="s" x1="0" x2="1"><stop stop-color="#aeb2b6"/><stop offset=".3" stop-color="#f1f3f4"/><stop offset=".65" stop-color="#bfc3c7"/><stop offset="1" stop-color="#868b91"/></linearGradient>
<linearGradient id="w" x1="0" y1="0" x2="1" y2=".3"><stop stop-color="#dcb384"/><stop offset="1" stop-color="#b98a5a"/></linearGradient>
<linearGradient id="c" x1="0" y1="0" x2="1" y2=".6"><stop stop-color="#fffdf8"/><stop offset="1" stop-color="#e9e0d0"/></linearGradient>
<linearGradient id="k" x1="0" y1="0" x2="1" y2=".6"><stop stop-color="#4a4c52"/><stop offset="1" stop-color="#2a2b30"/></linearGradient>
</defs>
<style>.m{{fill:url(#m)}}.d{{fill:url(#d)}}.r{{fill:url(#r)}}.s{{fill:url(#s)}}.w{{fill:url(#w)}}.c{{fill:url(#c)}}.k{{fill:url(#k)}}
.f{{fill:{main}}}.n{{fill:{dark}}}.l{{fill:{light}}}.a{{fill:{accent}}}.hi{{fill:#fff;opacity:.28}}.lo{{fill:#1a1512;opacity:.14}}
.t{{fill:none;stroke:{dark};stroke-width:5;stroke-linecap:round;stroke-linejoin:round;opacity:.55}}
.u{{fill:none;stroke:#fff;stroke-width:6;stroke-linecap:round;stroke-linejoin:round;opacity:.38}}
.o{{fill:none;stroke-linecap:round;stroke-linejoin:round}}.cast{{fill:url(#cast)}}</style>
<rect width="800" height="800" fill="url(#wall)"/><rect width="800" height="800" fill="url(#glow)"/>
{drawing}
</svg>
"""


def picture_for(slug: str) -> bytes | None:
    """The picture of a product, or of a plain parcel for goods that are not in the catalogue."""
    product = BY_SLUG.get(slug)
    if product:
        return draw(product.drawing, product.tone)
    return draw(*PARCEL) if slug == "parcel" else None


@functools.cache
def draw(drawing: str, tone: str) -> bytes:
    colours = vars(TONES[tone])
    shape = DRAWINGS[drawing]
    for name, colour in colours.items():
        shape = shape.replace(f"${name}", colour)
    return _STAGE.format(drawing=shape.strip(), **colours).encode()
