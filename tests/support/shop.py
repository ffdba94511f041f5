"""Settings of a shop that uses a sandbox, and constants that many tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django_henry_checkout.testing.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
#: The card number that pays on the hosted page.
PAYS = "4242424242424242"


def shop_settings(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """Return HENRY_CHECKOUT for a shop that uses this sandbox, and has no webhook secret of its own."""
    return {"API_KEY": sandbox.api_key, "BASE_URL": sandbox.url, "CHECKOUT_ORIGINS": [sandbox.url], **more}
