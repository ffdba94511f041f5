"""Size of the scripts of <henry-checkout>, as served and without comments and indentation."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import django_henry_checkout

SCRIPTS = Path(django_henry_checkout.__file__).parent / "static" / "henry_checkout"
NAMES = ("henry-checkout.js", "henry-bridge.js", "henry-view.js")
BLOCK = re.compile(r"/\*.*?\*/", re.DOTALL)
#: Slashes that follow anything but a space belong to a URL.
LINE = re.compile(r"(?:^|(?<=\s))//.*$", re.MULTILINE)


def texts() -> list[str]:
    return [(SCRIPTS / name).read_text(encoding="utf-8") for name in NAMES]


def bare(script: str) -> str:
    lines = (line.strip() for line in LINE.sub("", BLOCK.sub("", script)).splitlines())
    return "\n".join(line for line in lines if line)


def compressed(scripts: list[str]) -> int:
    return sum(len(gzip.compress(each.encode(), compresslevel=9)) for each in scripts)


def test_the_element_is_small_as_it_is_served() -> None:
    assert compressed(texts()) < 11_000


def test_the_element_is_smaller_without_comments_and_indentation() -> None:
    assert compressed([bare(each) for each in texts()]) < 10_000
