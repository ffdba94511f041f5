"""Which kind of picture of a QR code a caller wants."""

from __future__ import annotations

from django.utils.http import parse_header_parameters

from django_henry_checkout.flows.cart.qr import MEDIA_TYPES


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
