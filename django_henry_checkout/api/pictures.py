"""QR codes: level M, a quiet zone of four modules, dark on an opaque light ground (diddo-checkout.md 10)."""

from __future__ import annotations

import io
from functools import lru_cache

import segno
from django.utils.http import parse_header_parameters

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
QUIET_ZONE = 4


@lru_cache(maxsize=256)
def picture_of(target: str, *, kind: str, scale: int) -> bytes:
    """Draw a QR code.

    Args:
        kind: "png" or "svg".
        scale: pixels of one module.
    """
    code = segno.make_qr(target, error="m")
    stream = io.BytesIO()
    if kind == "png":
        code.save(stream, kind="png", scale=scale, border=QUIET_ZONE, dark="#000", light="#fff")
    else:
        code.save(
            stream, kind="svg", scale=scale, border=QUIET_ZONE, dark="#000", light="#fff", xmldecl=False
        )
    return stream.getvalue()


def negotiate(accept: str) -> str:
    """Choose a kind by an `Accept` header; PNG on a tie, without a header, and where neither is named."""
    best = {kind: _quality(accept, media_type) for kind, media_type in MEDIA_TYPES.items()}
    return "svg" if best["svg"] > best["png"] else "png"


def _quality(accept: str, media_type: str) -> float:
    """Return how welcome a media type is; the most specific range of the header counts."""
    wildcard = f"{media_type.partition('/')[0]}/*"
    found: dict[str, float] = {}
    for part in accept.split(",")[:50]:
        name, options = parse_header_parameters(part)
        try:
            found[name] = float(options.get("q", "1"))
        except ValueError:
            found[name] = 0.0
    return next((found[name] for name in (media_type, wildcard, "*/*") if name in found), 0.0)
