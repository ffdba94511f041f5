"""Write the table of checks in docs/reference/doctor.md from the code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "doctor.md"
BEGINS, ENDS = "<!-- written by scripts/write_doctor.py -->", "<!-- to here -->"


def table() -> str:
    """Return the table of all checks. Django must be set up."""
    from django_henry_checkout.doctor import CHECKS  # noqa: PLC0415 - after setup

    rows = [_row("Name", "Level", "Why it matters", "Fix"), _row(*["---"] * 4)]
    rows += [_row(f"`{check.name}`", check.level.value, check.why, check.fix) for check in CHECKS]
    return "\n".join(rows)


def _row(*cells: str) -> str:
    escaped = (cell.replace("|", "\\|").replace("<", "&lt;").replace("!r}", "}") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def page_with(text: str) -> str:
    """Return the page with `text` as its table."""
    page = PAGE.read_text(encoding="utf-8")
    before, _begins, rest = page.partition(BEGINS)
    _old, _ends, after = rest.partition(ENDS)
    return f"{before}{BEGINS}\n\n{text}\n\n{ENDS}{after}"


def main() -> int:
    """Write the page; print whether it changed."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    text = page_with(table())
    changed = PAGE.read_text(encoding="utf-8") != text
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
