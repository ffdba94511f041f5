from __future__ import annotations

import re
import subprocess
import sys

import pytest

from django_henry_checkout import models
from tests.docs.blocks import DOCS
from tests.support.shop import ROOT

PAGE = (DOCS / "reference/python.md").read_text(encoding="utf-8")
MODELS = re.findall(r"^### (\w+)\n\n\| Attribute .*\n\| --- .*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)


def test_the_generated_parts_are_current() -> None:
    command = [sys.executable, "scripts/write_reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"Run `python scripts/write_reference.py`: {done.stdout}{done.stderr}"


@pytest.mark.parametrize(("name", "table"), MODELS)
def test_the_documented_attributes_exist(name: str, table: str) -> None:
    cells = [row.split("|")[1] for row in table.splitlines()]
    named = [attribute for cell in cells for attribute in re.findall(r"`(\w+)", cell)]
    assert named
    assert [attribute for attribute in named if not hasattr(getattr(models, name), attribute)] == []


def test_every_model_is_documented() -> None:
    assert [name for name, _table in MODELS] == [
        "Order",
        "OrderLine",
        "Purchase",
        "OrderBuyer",
        "Cart",
        "CartLine",
    ]
