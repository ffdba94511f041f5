"""Per-account token bucket and circuit breaker, shared by all workers.

Henry's limits are unknown (henry-api.md 10). So POLL_RATE is a ceiling: a 429 halves the rate and pauses the
account, and successful calls raise it again slowly. One account's errors never slow down another account.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.purchase.schedule import bounded_pause
from django_henry_checkout.flows.queue.clock import database_now
from django_henry_checkout.flows.queue.retry import run_with_retries
from django_henry_checkout.models import AccountRateLimit

logger = logging.getLogger("django_henry_checkout.rate_limit")

#: Size of the bucket in seconds of POLL_RATE, so that poll cycles need not run more often.
BURST_SECONDS = 5
MIN_RATE = 0.2
#: Fraction of POLL_RATE by which each cycle without a 429 raises the rate.
RECOVERY_STEP = 0.02
WINDOW = timedelta(minutes=1)
#: Number of calls that test an account when a pause after failures ends.
PROBE_CALLS = 3


@dataclass
class CallStats:
    """Results of one cycle's calls. `pause` is the longest `Retry-After`, in seconds."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    limited: int = 0
    pause: float | None = None

    def record_limit(self, retry_after: float | None) -> None:
        """Count one 429 response."""
        self.limited += 1
        if retry_after is not None:
            self.pause = max(self.pause or 0.0, retry_after)


def known_accounts() -> list[str]:
    """Return every account that may have purchases: the configured ones, and those that were polled before."""
    earlier = AccountRateLimit.objects.values_list("account", flat=True)
    return sorted({*app_settings.account_aliases, *earlier})


def available_calls(account: str) -> int:
    """Return how many calls an account may receive now; 0 while it is paused.

    Effects: two statements. Concurrent workers may overdraw the bucket, which then goes negative.
    """
    now = database_now()
    limit = AccountRateLimit.objects.filter(pk=account).first() or _create(account, now)
    if limit.paused_until is not None and limit.paused_until > now:
        return 0
    if limit.circuit_open:
        return PROBE_CALLS
    return int(_tokens(limit, now))


def record_usage(account: str, stats: CallStats) -> None:
    """Deduct calls from the bucket, and adjust rate and breaker to their results.

    Effects: one short transaction under the lock of the account's row.
    """
    run_with_retries(lambda: _record_usage(account, stats))


def _create(account: str, now: datetime) -> AccountRateLimit:
    rate = app_settings.POLL_RATE
    fresh = {"rate": rate, "tokens": rate * BURST_SECONDS, "refilled_at": now, "window_started_at": now}
    return AccountRateLimit.objects.get_or_create(account=account, defaults=fresh)[0]


def _tokens(limit: AccountRateLimit, now: datetime) -> float:
    rate = min(limit.rate, app_settings.POLL_RATE)
    refilled = limit.tokens + rate * max(0.0, (now - limit.refilled_at).total_seconds())
    return min(refilled, max(rate * BURST_SECONDS, 1.0))


def _record_usage(account: str, stats: CallStats) -> None:
    now = database_now()
    with transaction.atomic():
        limit = AccountRateLimit.objects.select_for_update().get(pk=account)
        limit.tokens = _tokens(limit, now) - stats.calls
        limit.refilled_at = now
        if now - limit.window_started_at > WINDOW:
            limit.window_started_at, limit.answers, limit.failures = now, 0, 0
        limit.answers += stats.answered + stats.limited
        limit.failures += stats.failed
        _apply_rate_limit(limit, stats, now=now)
        _apply_failures(limit, stats, now=now)
        limit.save()


def _apply_rate_limit(limit: AccountRateLimit, stats: CallStats, *, now: datetime) -> None:
    ceiling = app_settings.POLL_RATE
    if not stats.limited:
        limit.rate = min(ceiling, limit.rate + ceiling * RECOVERY_STEP)
        return
    # Calls that were in flight when the pause began carry no new information.
    if limit.paused_until is None or limit.paused_until <= now:
        limit.rate = max(MIN_RATE, min(limit.rate, ceiling) / 2)
    until = now + bounded_pause(stats.pause or 1.0)
    limit.paused_until = max(until, limit.paused_until or until)
    logger.warning("Account %s: rate limited by Henry, now %.1f calls per second.", limit.account, limit.rate)


def _apply_failures(limit: AccountRateLimit, stats: CallStats, *, now: datetime) -> None:
    if limit.circuit_open and stats.answered:
        limit.circuit_open, limit.answers, limit.failures = False, 0, 0
        logger.warning("Account %s: Henry is available again.", limit.account)
        return
    too_many = (
        limit.failures >= app_settings.BREAKER_FAILURES
        and limit.failures * 2 >= limit.failures + limit.answers
    )
    if stats.failed and (limit.circuit_open or too_many):
        if not limit.circuit_open:
            logger.error("Account %s: Henry is unavailable; polling pauses.", limit.account)
        limit.circuit_open = True
        limit.window_started_at, limit.answers, limit.failures = now, 0, 0
        limit.paused_until = now + app_settings.BREAKER_PAUSE
