from __future__ import annotations

import json
import re
from pathlib import Path

from django.utils.translation import override

import django_henry_checkout
from django_henry_checkout.components.element import TEXTS, element_texts

SCRIPT = Path(django_henry_checkout.__file__).parent / "static" / "henry_checkout" / "henry-view.js"


def test_the_script_has_the_same_texts() -> None:
    table = SCRIPT.read_text(encoding="utf-8").split("TEXTS = {")[1].split("};")[0]
    assert dict(re.findall(r'(\w+): "([^"]*)"', table)) == TEXTS


def test_only_translated_texts_are_passed() -> None:
    with override("en"):
        assert element_texts() == ""
    with override("de"):  # Django has a word for this one
        assert json.loads(element_texts() or "{}").get("close", "Close") != ""
