"""How fast an account may be asked: one bucket of tokens and one breaker for all workers.

Henry's limits are not known (henry-api.md 10). So POLL_RATE is a ceiling, a 429 halves the rate and pauses
the account, and answers raise it again slowly. One account's trouble never slows another's.
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

logger = logging.getLogger("django_henry_checkout.pace")

#: The bucket holds what may be asked in this many seconds, so that rounds need not come more often.
BURST_SECONDS = 5
MIN_RATE = 0.2
#: Part of POLL_RATE by which each round without a 429 raises the rate.
RECOVERY_STEP = 0.02
WINDOW = timedelta(minutes=1)
#: How many questions are asked first when a pause after failures is over.
PROBE_CALLS = 3


@dataclass
class CallStats:
    """What became of the questions of one round. `pause` is the longest that Henry asked for."""

    asked: int = 0
    answered: int = 0
    failed: int = 0
    limited: int = 0
    pause: float | None = None

    def record_limit(self, retry_after: float | None) -> None:
        """Count an answer 429."""
        self.limited += 1
        if retry_after is not None:
            self.pause = max(self.pause or 0.0, retry_after)


def known_accounts() -> list[str]:
    """Return every account that may have purchases: those of the settings, and those that were asked before."""
    earlier = AccountRateLimit.objects.values_list("account", flat=True)
    return sorted({*app_settings.account_aliases, *earlier})


def available_calls(account: str) -> int:
    """Return how many questions may be asked of an account now; 0 while it is paused.

    Effects: two statements. Workers that look at once may overdraw; the bucket then owes.
    """
    now = database_now()
    pace = AccountRateLimit.objects.filter(pk=account).first() or _create(account, now)
    if pace.paused_until is not None and pace.paused_until > now:
        return 0
    if pace.circuit_open:
        return PROBE_CALLS
    return int(_tokens(pace, now))


def record_usage(account: str, tally: CallStats) -> None:
    """Take the tokens of what was asked, and learn from the answers.

    Effects: one short transaction under the lock of the account's row.
    """
    run_with_retries(lambda: _record_usage(account, tally))


def _create(account: str, now: datetime) -> AccountRateLimit:
    rate = app_settings.POLL_RATE
    fresh = {"rate": rate, "tokens": rate * BURST_SECONDS, "refilled_at": now, "window_started_at": now}
    return AccountRateLimit.objects.get_or_create(account=account, defaults=fresh)[0]


def _tokens(pace: AccountRateLimit, now: datetime) -> float:
    rate = min(pace.rate, app_settings.POLL_RATE)
    grown = pace.tokens + rate * max(0.0, (now - pace.refilled_at).total_seconds())
    return min(grown, max(rate * BURST_SECONDS, 1.0))


def _record_usage(account: str, tally: CallStats) -> None:
    now = database_now()
    with transaction.atomic():
        pace = AccountRateLimit.objects.select_for_update().get(pk=account)
        pace.tokens = _tokens(pace, now) - tally.asked
        pace.refilled_at = now
        if now - pace.window_started_at > WINDOW:
            pace.window_started_at, pace.answers, pace.failures = now, 0, 0
        pace.answers += tally.answered + tally.limited
        pace.failures += tally.failed
        _apply_rate_limit(pace, tally, now=now)
        _apply_failures(pace, tally, now=now)
        pace.save()


def _apply_rate_limit(pace: AccountRateLimit, tally: CallStats, *, now: datetime) -> None:
    ceiling = app_settings.POLL_RATE
    if not tally.limited:
        pace.rate = min(ceiling, pace.rate + ceiling * RECOVERY_STEP)
        return
    # Answers that were under way when the pause began say nothing new.
    if pace.paused_until is None or pace.paused_until <= now:
        pace.rate = max(MIN_RATE, min(pace.rate, ceiling) / 2)
    until = now + bounded_pause(tally.pause or 1.0)
    pace.paused_until = max(until, pace.paused_until or until)
    logger.warning("Account %s: Henry asks for fewer questions, now %.1f/s.", pace.account, pace.rate)


def _apply_failures(pace: AccountRateLimit, tally: CallStats, *, now: datetime) -> None:
    if pace.circuit_open and tally.answered:
        pace.circuit_open, pace.answers, pace.failures = False, 0, 0
        logger.warning("Account %s: Henry answers again.", pace.account)
        return
    too_many = (
        pace.failures >= app_settings.BREAKER_FAILURES and pace.failures * 2 >= pace.failures + pace.answers
    )
    if tally.failed and (pace.circuit_open or too_many):
        if not pace.circuit_open:
            logger.error("Account %s: Henry does not answer; polling pauses.", pace.account)
        pace.circuit_open = True
        pace.window_started_at, pace.answers, pace.failures = now, 0, 0
        pace.paused_until = now + app_settings.BREAKER_PAUSE
