from __future__ import annotations

import pytest

from django_henry_checkout.gateway.framing import Framing, read_framing

PAGE = "https://checkout.henrylabs.ai/cart/crt_1"
SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, Framing.ALLOWED),
        ({"X-Frame-Options": "DENY"}, Framing.REFUSED),
        ({"X-Frame-Options": " deny "}, Framing.REFUSED),
        ({"X-Frame-Options": "SAMEORIGIN"}, Framing.REFUSED),
        ({"X-Frame-Options": "ALLOW-FROM https://shop.example"}, Framing.ALLOWED),  # browsers ignore it
        ({"Content-Security-Policy": "default-src 'self'"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors 'none'"}, Framing.REFUSED),
        ({"Content-Security-Policy": "frame-ancestors 'self'"}, Framing.REFUSED),
        ({"Content-Security-Policy": "frame-ancestors *"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors https:"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors http:"}, Framing.REFUSED),
        ({"Content-Security-Policy": "frame-ancestors https://shop.example"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "img-src *; Frame-Ancestors HTTPS://SHOP.example/"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors shop.example"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors http://shop.example"}, Framing.ALLOWED),  # or better
        ({"Content-Security-Policy": "frame-ancestors https://shop.example:443"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors https://shop.example:*"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors wss://shop.example"}, Framing.REFUSED),
        ({"Content-Security-Policy": "frame-ancestors https://shop.example:8443"}, Framing.REFUSED),
        ({"Content-Security-Policy": "frame-ancestors *.example"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "frame-ancestors *.shop.example"}, Framing.REFUSED),  # not the apex
        ({"Content-Security-Policy": "frame-ancestors https://evilshop.example"}, Framing.REFUSED),
        # A policy with frame-ancestors overrides the old header; of several policies all must allow it.
        ({"Content-Security-Policy": "frame-ancestors *", "X-Frame-Options": "DENY"}, Framing.ALLOWED),
        ({"Content-Security-Policy": "img-src *", "X-Frame-Options": "DENY"}, Framing.REFUSED),
        ({"Content-Security-Policy": "frame-ancestors *, frame-ancestors 'none'"}, Framing.REFUSED),
    ],
)
def test_headers(headers: dict[str, str], found: Framing) -> None:
    assert read_framing(headers, page=PAGE, ancestors=[SHOP]) is found


def test_every_embedding_page_is_checked() -> None:
    headers = {"Content-Security-Policy": "frame-ancestors https://shop.example"}
    both = [SHOP, "https://store.example"]
    assert read_framing(headers, page=PAGE, ancestors=both) is Framing.REFUSED
    headers = {"Content-Security-Policy": "frame-ancestors https://shop.example https://store.example"}
    assert read_framing(headers, page=PAGE, ancestors=both) is Framing.ALLOWED


def test_a_page_of_the_same_origin() -> None:
    own = ["https://checkout.henrylabs.ai"]
    for headers in ({"X-Frame-Options": "SAMEORIGIN"}, {"Content-Security-Policy": "frame-ancestors 'self'"}):
        assert read_framing(headers, page=PAGE, ancestors=own) is Framing.ALLOWED
