"""P4: processor time for one poll, the naive Celery design against ours."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

from benchmarks import polls
from benchmarks.henry import ref_of
from benchmarks.processes import ROOT, children_cpu, running_henry
from benchmarks.results import Result, at_least


def naive_cpu(*, refs: int = 1000, seconds: float = 12.0) -> tuple[float, float]:
    """Return microseconds of CPU per poll, and polls per second, of one prefork worker with two children."""
    from benchmarks.naive import poll

    with running_henry(orders=refs) as url:
        before = children_cpu()
        command = [
            sys.executable,
            "-m",
            "celery",
            "--app",
            "benchmarks.naive",
            "worker",
            "--concurrency",
            "2",
        ]
        worker = subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(4)
        asked_before = _asked(url)
        ends_at = time.time() + seconds
        for number in range(refs):
            poll.delay(url, ref_of(number), ends_at)
        time.sleep(max(0.0, ends_at - time.time()))
        count = _asked(url) - asked_before
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
        # The worker is a child of ours; what it and its children used is counted once they have ended.
        return (children_cpu() - before) / max(count, 1) * 1e6, count / seconds


def _asked(url: str) -> int:
    with urllib.request.urlopen(f"{url}/asked", timeout=10) as answer:
        return int(re.findall(rb"\d+", answer.read())[0])


def against_naive() -> list[Result]:
    """P4: the naive design, then ours, single and by the order list."""
    naive_us, per_second = naive_cpu()
    single_us, bulk_us = polls.cpu_of_single(), polls.cpu_of_bulk_poll()
    found = f"naive {naive_us:.0f} us and {per_second:.0f} polls/s; ours {single_us:.0f} us, by list {bulk_us:.0f} us"
    return [
        at_least(
            "P4", "CPU of a poll, one Celery task per purchase / ours, single", naive_us / single_us, 5, found
        ),
        at_least("P4", "the same / ours, by the order list", naive_us / bulk_us, 100, found),
    ]
