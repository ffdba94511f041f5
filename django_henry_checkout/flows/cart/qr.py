"""QR codes: level M, a quiet zone of four modules, dark on an opaque light background (diddo-checkout.md 10)."""

from __future__ import annotations

import io
from functools import lru_cache

import segno

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
QUIET_ZONE = 4


@lru_cache(maxsize=256)
def render_qr(target: str, *, kind: str, scale: int) -> bytes:
    """Render a QR code as an image file.

    Args:
        kind: "png" or "svg".
        scale: pixels per module.
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
