"""Write the OpenAPI description of the storefront API to the file that is checked in and served."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Write the file; say whether it changed."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()

    from django_henry_checkout.api.schema.document import as_text, build_document  # noqa: PLC0415 - after setup
    from django_henry_checkout.api.schema.file import FILE  # noqa: PLC0415 - after setup

    text = as_text(build_document())
    changed = not FILE.exists() or FILE.read_text(encoding="utf-8") != text
    FILE.write_text(text, encoding="utf-8")
    print(f"{FILE.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
