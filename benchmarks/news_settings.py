"""For P8: the settings of the chaos, with a schedule of polls that the benchmark chooses."""

from __future__ import annotations

import os

from tests.chaos.settings import *  # noqa: F403 - all of them, but for the schedule below
from tests.chaos.settings import HENRY_CHECKOUT as CHAOTIC

HENRY_CHECKOUT = {
    **CHAOTIC,
    "POLL_SCHEDULE": [(0, float(os.environ.get("BENCH_INTERVAL", "2")))],
    "POLL_JITTER": 0.2,
}
