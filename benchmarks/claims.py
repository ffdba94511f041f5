"""P5 and P6: claims and write-backs, in tables of ten thousand to ten million purchases."""

from __future__ import annotations

import multiprocessing
import random
import time
from datetime import timedelta
from statistics import median

from django.db import connection
from django.utils import timezone

from benchmarks import rows
from benchmarks.results import Result, at_least, at_most

BATCH = 500


def _claim_times(count: int) -> list[float]:
    """Claim so many batches; each is due again afterwards, among all the others, as after a poll."""
    from django_henry_checkout.flows.polling.claims import Reschedule, claim_polls, reschedule

    found = []
    for _round in range(count):
        began = time.perf_counter()
        claims = claim_polls("default", limit=BATCH)
        found.append((time.perf_counter() - began) * 1000)
        assert len(claims) == BATCH, len(claims)
        now = timezone.now()
        reschedule(
            [Reschedule(claim, now - timedelta(seconds=random.random()), 0, "x" * 32) for claim in claims]
        )
    return found


def table_sizes(*, sizes: tuple[tuple[int, int], ...]) -> list[Result]:
    """P5: the median claim of 500 by size; each size is (all purchases, those that are open)."""
    times = []
    for total, open_ in sizes:
        rows.clear()
        rows.make_purchases(ended=total - open_, open_=open_)
        rows.make_due()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE henry_checkout_purchasepoll")
        _claim_times(3)
        times.append(median(_claim_times(45)))
    found = "; ".join(f"{total:,}: {ms:.1f} ms" for (total, _open), ms in zip(sizes, times, strict=True))
    what = f"claim of {BATCH} at {sizes[-1][0]:,} rows / at {sizes[0][0]:,}"
    return [at_most("P5", what, times[-1] / times[0], 1.25, found)]


def _claim_and_write(seconds: float) -> float:
    """Claim and write back for so long; return rows per second."""
    from django_henry_checkout.flows.polling.claims import Reschedule, claim_polls, reschedule

    connection.close()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        claims = claim_polls("default", limit=BATCH)
        now = timezone.now() - timedelta(seconds=1)  # due again at once, behind all others
        reschedule([Reschedule(claim, now, 0, "x" * 32) for claim in claims])
        done += len(claims)
    return done / (time.perf_counter() - began)


def throughput(*, purchases: int = 100_000, seconds: float = 5.0) -> list[Result]:
    """P6: rows per second, one process, then two."""
    rows.clear()
    rows.make_purchases(ended=0, open_=purchases)
    connection.close()
    context = multiprocessing.get_context("fork")
    one, two = [], []
    for _round in range(3):
        for number, found in ((1, one), (2, two)):
            with context.Pool(number) as pool:
                found.append(sum(pool.map(_claim_and_write, [seconds] * number)))
    single, double = median(one), median(two)
    said = f"{single:,.0f} rows/s with one process, {double:,.0f} with two"
    return [
        Result(
            "P6",
            "claim + write-back, rows/s with one process / 10,000",
            single / 10_000,
            ">= 1",
            single >= 10_000,
            said,
        ),
        at_least("P6", "the same with two processes / with one", double / single, 1.8, said),
    ]
