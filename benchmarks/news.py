"""P8: from the end of a purchase at Henry to the receiver's commit, on an idle system with Celery."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median

from benchmarks import rows
from benchmarks.processes import ROOT, running
from benchmarks.results import Result, at_most
from django_henry_checkout.testing.sandbox import running_sandbox

SECRET = "whsec_of_the_chaos_0123456789"
#: Seconds from the payment to the end of the purchase, at the sandbox.
TAKES = 1.5
INTERVAL = 2.0


def _measure(*, webhooks: bool, purchases: int) -> list[float]:
    """Buy one after the other; return the seconds from each end to its receiver."""
    rows.clear()  # what other benchmarks left open would be polled
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    celery = ("-m", "celery", "--app", "tests.chaos.celery")
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox())
        sandbox.scenario(
            timing={"pendingSeconds": TAKES / 3, "processingSeconds": TAKES * 2 / 3, "jobSeconds": 0}
        )
        env = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.news_settings", "SANDBOX_URL": sandbox.url,
            "CHAOS_BROKER": os.environ["REDIS_URL"], "BENCH_INTERVAL": "60" if webhooks else str(INTERVAL),
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env={**os.environ, **env},
            check=True,
        )
        stack.enter_context(
            running(
                "-m", "gunicorn", "--threads", "4", "--bind", f"127.0.0.1:{port}", "benchmarks.wsgi", **env
            )
        )
        stack.enter_context(running(*celery, "worker", "--concurrency", "2", **env))
        stack.enter_context(
            running(*celery, "beat", "--schedule", str(folder / "beat"), "--pidfile", "", **env)
        )
        if webhooks:
            url = f"http://127.0.0.1:{port}/henry/webhooks/default/chaos"
            sandbox.set_webhook_endpoints([{"uuid": "b", "url": url, "secret": SECRET, "everyCart": True}])
        command = [sys.executable, "-m", "benchmarks.news_shopper", str(purchases)]
        said = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        )
        ends = {
            order["cartId"]: datetime.fromisoformat(order["paidAt"]).timestamp() + TAKES
            for order in sandbox.orders()
        }
    told: dict[str, float] = json.loads(said.stdout)
    return [told[cart_id] - ends[cart_id] for cart_id in told]


def by_webhook(*, purchases: int = 30) -> list[Result]:
    """Return the median with webhooks; polls come too late to help."""
    found = _measure(webhooks=True, purchases=purchases)
    p50 = median(found)
    return [
        at_most(
            "P8",
            "from the end at Henry to the receiver's commit, by webhook, p50 / 150 ms",
            p50 / 0.15,
            1,
            f"p50 {p50 * 1000:.0f} ms, worst {max(found) * 1000:.0f} ms",
        )
    ]


def by_poll(*, purchases: int = 30) -> list[Result]:
    """Return the median without webhooks."""
    found = _measure(webhooks=False, purchases=purchases)
    p50 = median(found)
    goal = INTERVAL + 0.15
    return [
        at_most(
            "P8",
            "the same by poll, p50 / the interval of 2 s + 150 ms",
            p50 / goal,
            1,
            f"p50 {p50 * 1000:.0f} ms, worst {max(found) * 1000:.0f} ms",
        )
    ]
