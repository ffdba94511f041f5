"""P1 to P3 and P13: how the engine asks, against bare loops of the same call, side by side in one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from django.conf import settings
from django.test import override_settings

from benchmarks import floors, rows
from benchmarks.floors import Measured, measure
from benchmarks.processes import rss, running_henry
from benchmarks.results import Result, at_least, at_most

ROUNDS = 5


@contextmanager
def henry(*, latency: float = 0.0, purchases: int, **options: object) -> Iterator[str]:
    """A stand-in that knows `purchases`, the same ones open here, and the engine pointed at it."""
    rows.clear()
    rows.make_purchases(ended=0, open_=purchases)
    rows.know_answers()
    with running_henry(latency=latency, orders=purchases) as url:
        asked = {**settings.HENRY_CHECKOUT, "BASE_URL": url, "POLL_BATCH": purchases, **options}
        with override_settings(HENRY_CHECKOUT=asked):
            _poll(purchases)  # until the texts are known too
            yield url


def _poll(purchases: int) -> Measured:
    from django_henry_checkout.flows.polling.poller import poll_due

    rows.make_due()
    return measure(lambda: poll_due(limit=purchases, seconds=600))


def single_polls(*, purchases: int = 3000) -> list[Result]:
    """P1: no latency, 64 in flight."""
    ours, bare = [], []
    with henry(purchases=purchases, POLL_CONCURRENCY=64, BULK_POLL_THRESHOLD=0) as url:
        for _round in range(ROUNDS):
            bare.append(measure(lambda: floors.bare_requests(url, count=purchases, concurrency=64)))
            ours.append(_poll(purchases))
    mine, theirs = median(each.cpu_each for each in ours), median(each.cpu_each for each in bare)
    found = f"{mine:.0f} us of CPU against {theirs:.0f} us"
    return [at_most("P1", "CPU of a poll, whole engine / bare loop of `requests`", mine / theirs, 1.3, found)]


def polls_behind_latency(
    *, purchases: int = 8000, latency: float = 0.2, in_flight: int = 256
) -> list[Result]:
    """P2: at 200 ms, 256 in flight."""
    ceiling = in_flight / latency
    with henry(
        latency=latency, purchases=purchases, POLL_CONCURRENCY=in_flight, BULK_POLL_THRESHOLD=0
    ) as url:
        ours = [_poll(purchases).per_second for _round in range(ROUNDS)]
        bare = measure(lambda: floors.bare_requests(url, count=purchases, concurrency=in_flight)).per_second
    best = median(ours)
    found = f"{best:.0f} polls/s; bare `requests` {bare:.0f}/s"
    return [
        at_least("P2", "polls/s at 200 ms latency, 256 in flight / ceiling 1,280", best / ceiling, 0.8, found)
    ]


def bulk_poll(*, purchases: int = 10_000) -> list[Result]:
    """P3: the order list, everything due."""
    ours, fast, slow = [], [], []
    with henry(purchases=purchases, BULK_POLL_MAX_PAGES=100) as url:
        for _round in range(3):
            _poll(purchases)  # until the texts of the list are known
        for _round in range(ROUNDS):
            fast.append(measure(lambda: floors.bare_aiohttp(url, count=purchases, concurrency=64)).per_second)
            slow.append(measure(lambda: floors.bare_requests(url, count=2000, concurrency=64)).per_second)
            before = refreshed()
            took = _poll(purchases)
            count = refreshed() - before
            ours.append(Measured(count, took.wall, took.cpu))
    mine = median(each.per_second for each in ours)
    found = (
        f"{mine:.0f} refs/s, {median(each.cpu_each for each in ours):.0f} us of CPU each; "
        f"aiohttp {median(fast):.0f}/s, `requests` {median(slow):.0f}/s"
    )
    return [
        at_least("P3", "refs refreshed/s by the order list / bare aiohttp loop of single polls",
                 mine / median(fast), 2.5, found),
        at_least("P3", "the same / bare loop of `requests`", mine / median(slow), 10, found),
    ]  # fmt: skip


def cpu_of_single(*, purchases: int = 3000) -> float:
    """Return microseconds of CPU for a single poll, as in P1."""
    with henry(purchases=purchases, POLL_CONCURRENCY=64, BULK_POLL_THRESHOLD=0):
        return median(_poll(purchases).cpu_each for _round in range(ROUNDS))


def cpu_of_bulk_poll(*, purchases: int = 10_000) -> float:
    """Return microseconds of CPU for a purchase that the order list refreshes, as in P3."""
    with henry(purchases=purchases, BULK_POLL_MAX_PAGES=100):
        for _round in range(3):
            _poll(purchases)
        found = []
        for _round in range(ROUNDS):
            before = refreshed()
            took = _poll(purchases)
            found.append(Measured(refreshed() - before, took.wall, took.cpu).cpu_each)
        return median(found)


def refreshed() -> int:
    """Return how many polls were ever answered."""
    from django.db.models import Sum

    from django_henry_checkout.models import PurchasePoll

    return int(PurchasePoll.objects.aggregate(all=Sum("attempts"))["all"])


def memory(*, purchases: int = 2000, polls: int = 360_000) -> list[Result]:
    """P13: an hour at 100 polls a second, as fast as it goes; after a sixtieth of it, and after all."""
    early, done, total = 0, 0, polls
    with henry(purchases=purchases, BULK_POLL_MAX_PAGES=100):
        while done < total:
            done += max(_poll(purchases).count, 1)
            if not early and done >= total / 60:
                early = rss()
    late = rss()
    found = f"{late / 1024:.0f} MiB against {early / 1024:.0f} MiB after the first {total // 60}"
    return [at_most("P13", "memory after an hour's load / after a minute's", late / early, 1.1, found)]
