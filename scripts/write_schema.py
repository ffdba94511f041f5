"""Write the OpenAPI description of the storefront API to the file that is checked in and served."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Write the file, and print whether it changed."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()

    from django_henry_checkout.api.schema.document import build_document, format_document  # noqa: PLC0415 - needs Django
    from django_henry_checkout.api.schema.view import SCHEMA_FILE  # noqa: PLC0415 - after setup
    from django_henry_checkout.api.urls import urlpatterns  # noqa: PLC0415 - after setup

    text = format_document(build_document(urlpatterns))
    changed = not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text(encoding="utf-8") != text
    SCHEMA_FILE.write_text(text, encoding="utf-8")
    print(f"{SCHEMA_FILE.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
