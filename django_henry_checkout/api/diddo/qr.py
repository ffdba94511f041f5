"""QR codes of template carts' links (diddo-checkout.md 1 and 10)."""

from __future__ import annotations

import hashlib

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import parse_header_parameters
from rest_framework import exceptions
from rest_framework.request import Request

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.diddo.inputs import parse_path_id
from django_henry_checkout.flows.cart.qr import MEDIA_TYPES, render_qr
from django_henry_checkout.flows.cart.templates import open_template

MAX_SCALE = 32


class QrCodeView(StorefrontView):
    #: "png" or "svg"; "" negotiates.
    image_format = ""

    def get(self, request: Request, cart_id: str) -> HttpResponse:
        """Render the QR code of a template cart's link: PNG or SVG, chosen by the path or by `Accept`."""
        template = open_template(parse_path_id(cart_id))
        kind = self.image_format or negotiate_format(request.headers.get("Accept", ""))
        scale = _parse_scale(request.query_params.get("scale", "10"))
        target = request.build_absolute_uri(reverse("henry_checkout:link", args=[template.ulid]))
        body = render_qr(target, kind=kind, scale=scale)
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {
            "ETag": etag,
            "Cache-Control": "private, max-age=3600",
            "Vary": "Authorization" if self.image_format else "Accept, Authorization",
        }
        etags = {
            part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")
        }
        if etags & {etag, "*"}:
            return HttpResponse(status=304, headers=headers)
        headers |= {
            "Content-Disposition": f'inline; filename="checkout-{template.ulid}.{kind}"',
            "X-Content-Type-Options": "nosniff",
        }
        if kind == "svg":
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        return HttpResponse(body, content_type=MEDIA_TYPES[kind], headers=headers)


def _parse_scale(text: str) -> int:
    if not text.isdecimal() or len(text) > 2 or not 1 <= int(text) <= MAX_SCALE:
        raise exceptions.ParseError(f"scale must be a whole number of pixels from 1 to {MAX_SCALE}.")
    return int(text)


def negotiate_format(accept: str) -> str:
    """Return the image format for an `Accept` header; PNG on a tie, without a header, and if it names neither."""
    quality = {kind: _get_quality(accept, media_type) for kind, media_type in MEDIA_TYPES.items()}
    return "svg" if quality["svg"] > quality["png"] else "png"


def _get_quality(accept: str, media_type: str) -> float:
    """Return the quality of a media type; the most specific range of the header counts."""
    wildcard = f"{media_type.partition('/')[0]}/*"
    found: dict[str, float] = {}
    for part in accept.split(",")[:50]:
        name, options = parse_header_parameters(part)
        try:
            found[name] = float(options.get("q", "1"))
        except ValueError:
            found[name] = 0.0
    return next((found[name] for name in (media_type, wildcard, "*/*") if name in found), 0.0)
