"""P7 and P8: how late polls are under load, and how long news take to a receiver."""

from __future__ import annotations

import time
from statistics import median

from django.db import connection

from benchmarks import rows
from benchmarks.processes import running, running_henry
from benchmarks.results import Result, at_most


def due_lag(*, purchases: int, seconds: float = 60.0) -> list[Result]:
    """P7: so many open purchases at their schedule, two workers; the 99th percentile of what is overdue."""
    rows.clear()
    rows.make_purchases(ended=0, open_=purchases)
    rows.know_answers()
    with connection.cursor() as cursor:
        # All are older than an hour, so that each is due every five minutes; spread evenly.
        cursor.execute(
            "UPDATE henry_checkout_purchasepoll SET due_at = now() + random() * interval '300 seconds'"
        )
    overdue: list[float] = []
    with running_henry(orders=purchases) as url:
        env = {"SANDBOX_URL": url}
        worker = ("-m", "django", "henry_worker", "--interval", "0.2")
        with running(*worker, **env), running(*worker, **env):
            time.sleep(10)
            ends_at = time.monotonic() + seconds
            while time.monotonic() < ends_at:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT extract(epoch FROM now() - due_at) FROM henry_checkout_purchasepoll WHERE due_at < now()"
                    )
                    overdue += [float(late) for (late,) in cursor.fetchall()]
                time.sleep(0.5)
    late = sorted(overdue) or [0.0]
    p99 = late[int(len(late) * 0.99) - 1]
    found = f"p99 {p99:.2f} s, p50 {median(late):.2f} s of {len(late):,} looks at what was overdue; {purchases:,} open"
    return [at_most("P7", "due lag p99 / 5 s, two workers", p99 / 5, 1, found)]


def end_to_end() -> list[Result]:
    """P8, see `benchmarks.news`."""
    from benchmarks.news import by_poll, by_webhook

    return [*by_webhook(), *by_poll()]
