"""QR codes are readable: a QR reader decodes each image, on light and dark pages."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import zxingcpp
from django.test import Client

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.qr import QUIET_ZONE
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.models import Cart
from tests.support.items import make_item

pytestmark = pytest.mark.django_db

SHORT = "a.io"
LONG = f"{'checkout.' * 6}a-shop-with-a-very-long-name.example:8443"
HOSTS = {"short": SHORT, "long": LONG}
PAGES = {"light": 255, "dark": 0, "grey": 128}
MARGIN = 12
Pixels = Any


@pytest.fixture
def template() -> Cart:
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    make_template(cart)
    return Cart.objects.get()


def picture(template: Cart, kind: str, *, host: str, scale: int) -> bytes:
    answer = Client().get(
        f"/henry/api/v1/checkout/{template.ulid}/qr.{kind}",
        {"scale": str(scale)},
        headers={"host": host},
        secure=True,
    )
    assert answer.status_code == 200
    assert answer["Content-Type"] == {"png": "image/png", "svg": "image/svg+xml"}[kind]
    content: bytes = answer.content
    return content


def pixels_of_png(data: bytes) -> Pixels:
    """Read a one-bit greyscale PNG without interlace, as ours are; anything else fails here."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        chunks[kind] = chunks.get(kind, b"") + content
        at += 12 + length
    width, height, depth, colour, _compression, _filter, interlace = struct.unpack(
        ">IIBBBBB", chunks[b"IHDR"]
    )
    assert (depth, colour, interlace) == (1, 0, 0)
    assert b"tRNS" not in chunks  # opaque, so that a dark page does not show through
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, -1)
    assert set(rows[:, 0]) <= {0, 2}  # a row is as it stands, or the difference to the one above
    lines = np.zeros_like(rows[:, 1:])
    for number, row in enumerate(rows):
        above = lines[number - 1] if row[0] and number else 0
        lines[number] = row[1:] + above
    bits = np.unpackbits(lines, axis=1)[:, :width]
    return (bits * 255).astype(np.uint8)


def on_a_page(pixels: Pixels, shade: int) -> Pixels:
    height, width = pixels.shape
    page = np.full((height + 2 * MARGIN, width + 2 * MARGIN), shade, dtype=np.uint8)
    page[MARGIN : MARGIN + height, MARGIN : MARGIN + width] = pixels
    return page


def modules_of(pixels: Pixels, scale: int) -> Pixels:
    """Return the matrix of dark modules; each must be of one colour throughout."""
    size = pixels.shape[0] // scale
    blocks = pixels.reshape(size, scale, size, scale)
    assert (blocks == blocks[:, :1, :, :1]).all()
    return blocks[:, 0, :, 0] == 0


def modules_of_svg(text: str, *, scale: int) -> Pixels:
    """Draw the SVG: a light square, then horizontal strokes, one module high."""
    [side] = set(re.findall(r'(?:width|height)="(\d+)"', text))
    size = int(side) // scale
    assert f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>' in text
    [strokes] = re.findall(r'stroke="#000" d="([^"]+)"', text)
    assert f'transform="scale({scale})"' in text or scale == 1
    drawn = np.zeros((size, size), dtype=bool)
    x = y = 0.0
    for command, arguments in re.findall(r"([Mmh])([^Mmh]*)", strokes):
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", arguments)]
        if command == "M":
            x, y = numbers
        elif command == "m":
            x, y = x + numbers[0], y + numbers[1]
        else:
            drawn[int(y), int(x) : int(x + numbers[0])] = True
            x += numbers[0]
    return drawn


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scale", range(2, 17))
def test_a_png_is_read_back_on_every_page(template: Cart, host: str, scale: int) -> None:
    pixels = pixels_of_png(picture(template, "png", host=HOSTS[host], scale=scale))
    for name, shade in PAGES.items():
        # With bar codes enabled, a decoder sometimes reads one in a row of modules of any long QR code.
        found = zxingcpp.read_barcodes(on_a_page(pixels, shade), formats=zxingcpp.BarcodeFormat.QRCode)
        assert [code.text for code in found] == [f"https://{HOSTS[host]}/henry/c/{template.ulid}"], name


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scale", [1, 2, 7, 16, 32])
def test_an_svg_draws_the_same_modules_as_the_png(template: Cart, host: str, scale: int) -> None:
    svg = picture(template, "svg", host=HOSTS[host], scale=scale).decode()
    png = picture(template, "png", host=HOSTS[host], scale=scale)
    drawn = modules_of_svg(svg, scale=scale)
    assert (drawn == modules_of(pixels_of_png(png), scale)).all()
    assert drawn.any()


@pytest.mark.parametrize("host", HOSTS)
def test_a_drawn_svg_is_read_back(template: Cart, host: str) -> None:
    svg = picture(template, "svg", host=HOSTS[host], scale=4).decode()
    pixels = (
        np.where(modules_of_svg(svg, scale=4), 0, 255).astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    )
    for shade in PAGES.values():
        [code] = zxingcpp.read_barcodes(on_a_page(pixels, shade), formats=zxingcpp.BarcodeFormat.QRCode)
        assert code.text == f"https://{HOSTS[host]}/henry/c/{template.ulid}"


def test_around_it_is_a_light_quiet_zone_of_four_modules(template: Cart) -> None:
    modules = modules_of(pixels_of_png(picture(template, "png", host=SHORT, scale=3)), 3)
    assert QUIET_ZONE == 4
    for side in (modules, modules.T, modules[::-1], modules.T[::-1]):
        assert not side[:4].any()
        assert side[4].any()


def test_the_reader_does_not_read_what_lacks_its_dark_modules(template: Cart) -> None:
    """Proves that the tests above can fail."""
    pixels = pixels_of_png(picture(template, "png", host=SHORT, scale=4)).copy()
    pixels[: pixels.shape[0] // 2] = 255
    assert zxingcpp.read_barcodes(on_a_page(pixels, 255)) == []


@pytest.mark.parametrize("scale", ["0", "33", "x", "-1", "1.5", "", "99999999999999999999"])
def test_a_scale_that_is_no_picture_is_refused(template: Cart, scale: str) -> None:
    answer = Client().get(f"/henry/api/v1/checkout/{template.ulid}/qr.png", {"scale": scale})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
