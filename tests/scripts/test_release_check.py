"""What `make release-check` says of the files that it finds; the whole of it runs before a release."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from tests.support.shop import ROOT


@pytest.fixture(scope="module")
def release_check() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts/release_check.py"))


def test_a_file_too_few_and_one_too_many_are_named(release_check: dict[str, Any]) -> None:
    difference = release_check["difference"]
    assert difference({"a.py", "b.py"}, {"a.py", "b.py"}) == ""
    assert difference({"a.py", "b.py"}, {"a.py", "tests/c.py"}) == "lacks b.py; has tests/c.py"


def test_what_is_no_python_is_missed(release_check: dict[str, Any]) -> None:
    missing_parts = release_check["missing_parts"]
    package = ROOT / "django_henry_checkout"
    files = {str(file.relative_to(ROOT)) for file in package.rglob("*") if file.is_file()}
    assert missing_parts(files) == []
    assert missing_parts({name for name in files if not name.endswith((".html", "py.typed"))}) == [
        "py.typed",
        ".html",
    ]
    catalogue = "django_henry_checkout/locale/de/LC_MESSAGES/django"
    assert missing_parts(files - {f"{catalogue}.mo"}) == [f"{catalogue}.mo"]
