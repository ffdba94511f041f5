"""Settings of the benchmarks: the app alone, on PostgreSQL, in front of a Henry that costs next to nothing."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403 - the suite's settings, on a database of their own

DEBUG = False
HENRY_CHECKOUT = {
    "API_KEY": "sandbox-key",
    "BASE_URL": os.environ.get("SANDBOX_URL", "http://127.0.0.1:9"),
    "CHECKOUT_ORIGINS": ["https://checkout.henrylabs.ai"],
    "POLL_RATE": 10_000.0,
}
