"""Compute when a purchase is polled next. Pure except for the jitter."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django_henry_checkout.conf import app_settings
from django_henry_checkout.models import PurchaseStatus

ERROR_BASE = timedelta(seconds=1)
ERROR_CAP = timedelta(minutes=5)
HINT_BOUNDS = (timedelta(seconds=1), timedelta(hours=1))


class Schedule:
    """The polling settings, read once: a poll cycle uses them thousands of times."""

    def __init__(self) -> None:
        self._steps = app_settings.POLL_SCHEDULE[::-1]
        self._jitter = app_settings.POLL_JITTER
        self._stuck_interval = app_settings.STUCK_INTERVAL.total_seconds()

    def next_poll_at(self, *, born_at: datetime, status: str, now: datetime) -> datetime:
        """Return when to poll again: soon while the purchase is young, hourly once it is stuck."""
        if status == PurchaseStatus.STUCK:
            interval = self._stuck_interval
        else:
            age = (now - born_at).total_seconds()
            interval = next((step for since, step in self._steps if age >= since), self._steps[-1][1])
        spread = random.uniform(1 - self._jitter, 1 + self._jitter)  # noqa: S311 - spreads load
        return now + timedelta(seconds=interval * spread)


def next_poll_at(*, born_at: datetime, status: str, now: datetime) -> datetime:
    """Return when to poll one purchase again."""
    return Schedule().next_poll_at(born_at=born_at, status=status, now=now)


def retry_at(*, now: datetime, errors: int, hint: float | None = None) -> datetime:
    """Return when to retry after consecutive errors: after `Retry-After` if given, else with full jitter."""
    if hint is not None:
        return now + bounded_pause(hint)
    ceiling = min(ERROR_BASE * 2.0 ** min(errors, 10), ERROR_CAP)
    return now + max(ceiling * random.random(), timedelta(milliseconds=200))  # noqa: S311 - spreads load


def bounded_pause(hint: float) -> timedelta:
    """Return a `Retry-After` of `hint` seconds, bounded to between a second and an hour."""
    low, high = HINT_BOUNDS
    return min(max(timedelta(seconds=min(hint, 86_400)), low), high)
