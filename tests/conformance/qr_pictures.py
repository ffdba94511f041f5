"""Reads images of QR codes, independently of the code that renders them."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any

import numpy
import zxingcpp

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def pixels_of_png(data: bytes) -> Any:
    """Read a PNG of one bit per pixel: 0 is dark, 255 light."""
    assert data.startswith(PNG_MAGIC)
    width, height, depth, color, *_rest = struct.unpack(">IIBBBBB", data[16:29])
    assert (depth, color) == (1, 0), "grey of one bit"
    packed, at = b"", len(PNG_MAGIC)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    rows = numpy.frombuffer(zlib.decompress(packed), dtype=numpy.uint8).reshape(height, -1)
    plain = numpy.zeros((height, rows.shape[1] - 1), dtype=numpy.uint8)
    for number, (kind, *_bytes) in enumerate(rows):
        assert kind in {0, 2}, "rows are plain, or the difference to the row above"
        plain[number] = rows[number, 1:] + (plain[number - 1] if kind and number else 0)
    return numpy.unpackbits(plain, axis=1)[:, :width] * numpy.uint8(255)


def pixels_of_svg(data: bytes) -> Any:
    """Draw an SVG whose dark modules are horizontal strokes on one opaque light square."""
    text = data.decode()
    scale = int(next(iter(re.findall(r"scale\((\d+)\)", text)), "1"))
    [(ground, side)] = re.findall(r'fill="(#fff)" d="M0 0h(\d+)v\2h-\2z"', text)
    assert ground == "#fff"
    picture = numpy.full((int(side), int(side)), 255, dtype=numpy.uint8)
    [strokes] = re.findall(r'stroke="#000" d="([^"]+)"', text)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", strokes):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            picture[int(y), int(x) : int(x + values[0])] = 0
            x += values[0]
        else:
            dx, dy = values
            x, y = (dx, dy) if command == "M" else (x + dx, y + dy)
    return numpy.kron(picture, numpy.ones((scale, scale), dtype=numpy.uint8))


def read_code(pixels: Any) -> Any:
    """Read the one QR code of an image."""
    [code] = zxingcpp.read_barcodes(numpy.ascontiguousarray(pixels), formats=zxingcpp.BarcodeFormat.QRCode)
    assert str(code.format).replace(" ", "") == "QRCode"
    return code


def border_of(pixels: Any) -> tuple[int, int, int, int]:
    """Return the number of light pixels left, right, above and below the code."""
    dark_rows, dark_columns = (numpy.flatnonzero((pixels == 0).any(axis=axis)) for axis in (1, 0))
    height, width = pixels.shape
    left, right = int(dark_columns[0]), int(width - 1 - dark_columns[-1])
    return left, right, int(dark_rows[0]), int(height - 1 - dark_rows[-1])
