"""The poll engine: claim what is due, ask Henry, apply, set the next time.

Rows decide, so any number of workers may run `poll_due()` at once and be killed at any point: a claim is
a lease that runs out, and a worker that wakes up late is told by its fence. Many questions are under way
at once, in threads that know no database; no transaction is open meanwhile.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from datetime import datetime, timedelta
from queue import Empty

from django.db import DatabaseError, connection

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ConfigurationError, GatewayError, RateLimited
from django_henry_checkout.flows.polling import rate_limit
from django_henry_checkout.flows.polling.bulk_poll import MIN_MATCHES, PAGE_SIZE, BulkPoll
from django_henry_checkout.flows.polling.claims import (
    ClaimedPoll,
    Reschedule,
    claim_polls,
    find_unclaimed_polls,
    reschedule,
)
from django_henry_checkout.flows.polling.executor import CallExecutor, CallResult
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.purchase.lifecycle import handle_deadline, select_observation
from django_henry_checkout.flows.purchase.schedule import Schedule, retry_at
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.gateway import Gateway, gateway_for
from django_henry_checkout.models import Purchase
from django_henry_checkout.types import Observation, Source

logger = logging.getLogger("django_henry_checkout.polling")

MISCONFIGURED_PAUSE = timedelta(minutes=1)
#: For so long a round claims more; then it brings home what is under way.
CYCLE_SECONDS = 20.0
#: Not more for single questions, so that those before are under way meanwhile.
CLAIM_LIMIT = 500
#: How many answers without news are written back at once: as the next page is read meanwhile, not too many.
FLUSH_THRESHOLD = 200
#: After so many questions, and at the end, a round takes them off the account's budget.
USAGE_THRESHOLD = 500


def poll_due(*, limit: int | None = None, seconds: float = CYCLE_SECONDS) -> int:
    """Poll the purchases that are due; return how many were refreshed, or at least asked for.

    Args:
        limit: how many at most; None means POLL_BATCH.
        seconds: how long to go on claiming.

    Effects: per batch one claim, one HTTP read for each purchase or for a hundred of them, one statement
    for all that tell nothing new; for each that does one transaction.
    """
    return PollCycle(limit or app_settings.POLL_BATCH, seconds).run()


class AccountCycle:
    """One account within a round: what may still be asked, what waits to be asked, what became of it."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.gateway: Gateway | None = None
        self.allowed = 0
        self.is_exhausted = False
        self.waiting: deque[ClaimedPoll] = deque()
        self.sweep: BulkPoll | None = None
        self.is_page_in_flight = False
        #: By `time.monotonic`: an answer to what is asked later could come after the lease has ended.
        self.ask_until = 0.0
        self.tally = rate_limit.CallStats()


class PollCycle:
    def __init__(self, limit: int, seconds: float) -> None:
        self._left = limit
        self._worked = 0
        self._ends_at = time.monotonic() + seconds
        self._desks = deque(AccountCycle(account) for account in rate_limit.known_accounts())
        self._asker: CallExecutor[AccountCycle] = CallExecutor(app_settings.POLL_CONCURRENCY)
        self._unchanged: list[Reschedule] = []
        self._schedule = Schedule()
        #: The time of the last claim or answer.
        self._now = queue_now()

    def run(self) -> int:
        try:
            self._claim()
            while self._asker.in_flight:
                self._take_what_came()
                self._claim()
        finally:
            self._flush()
            self._settle()
        return self._worked

    # Claiming -----------------------------------------------------------------------------

    def _claim(self) -> None:
        """Keep as many questions under way as may be, of one account after the other."""
        is_over = time.monotonic() >= self._ends_at
        for _turn in range(len(self._desks)):
            desk = self._desks[0]
            self._desks.rotate(-1)
            if not desk.waiting and desk.sweep is None and not (desk.is_exhausted or is_over):
                self._fill(desk)
            self._ask(desk)

    def _fill(self, desk: AccountCycle) -> None:
        if desk.gateway is None:
            # For the round: what was asked is taken off at its end.
            desk.allowed = rate_limit.available_calls(desk.account)
            try:
                desk.gateway = gateway_for(app_settings.account(desk.account))
            except ConfigurationError as error:
                self._put_off(desk, error)
                return
        lists = desk.gateway.supports_order_list and app_settings.BULK_POLL_THRESHOLD > 0
        share = -(-self._left // len(self._desks))
        most = app_settings.BULK_POLL_MAX_PAGES * PAGE_SIZE if lists else CLAIM_LIMIT
        wanted = min(desk.allowed * PAGE_SIZE if lists else desk.allowed, share, most)
        desk.ask_until = (
            time.monotonic() + app_settings.POLL_LEASE.total_seconds() - app_settings.TOTAL_TIMEOUT
        )
        claims = claim_polls(desk.account, limit=wanted) if wanted > 0 else []
        self._now = queue_now()
        desk.is_exhausted = len(claims) < wanted or wanted <= 0
        self._left -= len(claims)
        self._worked += len(claims)
        followed = [claim for claim in claims if claim.ref_id]
        if lists and len(followed) >= app_settings.BULK_POLL_THRESHOLD:
            desk.sweep = BulkPoll(followed)
            claims = [claim for claim in claims if not claim.ref_id]
        desk.waiting.extend(claims)

    def _put_off(self, desk: AccountCycle, error: ConfigurationError) -> None:
        """Purchases of an account that is not configured (any more) wait; their deadlines pass all the same."""
        claims = claim_polls(desk.account, limit=self._left)
        desk.is_exhausted = True
        self._worked += len(claims)
        due_at = self._now + MISCONFIGURED_PAUSE
        reschedule([Reschedule(claim, due_at, claim.errors + 1, claim.text_digest) for claim in claims])
        if claims:
            text = "%s purchases of account %s cannot be followed: %s"
            logger.error(text, len(claims), desk.account, error)
        for claim in claims:
            self._mind_deadline(claim, is_verified=False)

    def _ask(self, desk: AccountCycle) -> None:
        """Send what may be sent now; what the account may not be asked any more goes back at once."""
        gateway = desk.gateway
        if gateway is None:
            return
        if desk.sweep is not None and desk.sweep.wants_page and not desk.is_page_in_flight:
            if desk.allowed > 0:
                self._send(desk, desk.sweep, gateway)
            else:
                self._end_sweep(desk)
        while desk.waiting and self._asker.has_capacity:
            claim = desk.waiting.popleft()
            if desk.allowed <= 0 or time.monotonic() > desk.ask_until:
                self._put_back(claim, self._now + timedelta(seconds=1))
            else:
                self._send(desk, claim, gateway)

    def _send(self, desk: AccountCycle, what: ClaimedPoll | BulkPoll, gateway: Gateway) -> None:
        desk.is_page_in_flight = desk.is_page_in_flight or isinstance(what, BulkPoll)
        desk.allowed -= 1
        desk.tally.asked += 1
        self._asker.ask(desk, what, gateway)

    # Answers ------------------------------------------------------------------------------

    def _take_what_came(self) -> None:
        try:
            outcomes = self._asker.wait(2 * app_settings.TOTAL_TIMEOUT)
        except Empty:
            logger.warning("%s questions to Henry never ended; their leases will.", self._asker.in_flight)
            self._asker.forget()
            return
        self._now = queue_now()
        for desk, outcome in outcomes:
            self._count(desk, outcome)
            if isinstance(outcome.asked, BulkPoll):
                self._take_page(desk, outcome)
            else:
                self._take(outcome.asked, outcome)
        if len(self._unchanged) >= FLUSH_THRESHOLD:
            self._flush()
        self._settle(at_least=USAGE_THRESHOLD)

    def _count(self, desk: AccountCycle, outcome: CallResult) -> None:
        error = outcome.error
        if isinstance(error, RateLimited):
            desk.tally.record_limit(error.retry_after)
            desk.allowed = 0
        elif isinstance(error, GatewayError) and error.retryable:
            desk.tally.failed += 1
        else:
            desk.tally.answered += 1

    def _take_page(self, desk: AccountCycle, outcome: CallResult) -> None:
        desk.is_page_in_flight = False
        sweep = desk.sweep
        if sweep is None:
            return
        if outcome.error is not None:
            self._log(f"The order list of account {desk.account}", outcome.error)
            sweep.fail()
            self._end_sweep(desk)
            return
        told = sweep.take(outcome.glimpses)
        is_worth_more = len(told) >= MIN_MATCHES
        if is_worth_more:  # the next page is on its way while this one is written
            sweep.go_on(refreshed=len(told))
            self._ask(desk)
        for claim, glimpse in told:
            if not self._put_back_if_known(claim, glimpse.digest):
                self._take(claim, CallResult(asked=claim, glimpses=(glimpse,)))
        beside = self._refresh_others(desk, outcome, known={claim.ref_id for claim, _glimpse in told})
        if not is_worth_more:
            sweep.go_on(refreshed=len(told) + beside)
        if not sweep.wants_page:
            self._end_sweep(desk)

    def _refresh_others(self, desk: AccountCycle, outcome: CallResult, *, known: set[str]) -> int:
        """Put off what a page tells no news of, though it was not claimed; return how many.

        One whose text differs is left to its own time: then it is asked for properly, under a lease.
        """
        digests = {row.ref_id: row.digest for row in outcome.glimpses if row.ref_id not in known}
        if not digests:
            return 0
        soon = self._now + app_settings.POLL_LEASE
        others = find_unclaimed_polls(desk.account, digests, due_before=soon)
        refreshed = sum(self._put_back_if_known(poll, digests[poll.ref_id]) for poll in others)
        self._worked += refreshed
        return refreshed

    def _put_back_if_known(self, claim: ClaimedPoll, text_digest: str) -> bool:
        """Put a purchase back if its text was seen before and it has time left; return whether that was so."""
        if text_digest != claim.text_digest or self._now >= claim.deadline_at:
            return False
        self._put_back(claim, self._next_at(claim))
        return True

    def _end_sweep(self, desk: AccountCycle) -> None:
        """What the pages should have held is asked for one by one; what they did not reach is due again."""
        if desk.sweep is not None:
            desk.waiting.extend(desk.sweep.passed)
            for claim in desk.sweep.not_listed:
                self._put_back(claim, self._now, errors=claim.errors)
            desk.sweep = None

    def _take(self, claim: ClaimedPoll, outcome: CallResult) -> None:
        # The task boundary: one odd purchase must not hold up the others, nor its own deadline.
        is_verified = False
        try:
            is_verified = self._write(claim, outcome)
        except Exception as error:  # see above; logged, and tried again after a pause
            _log_or_reraise(error, claim)
            self._retry(claim)
        self._mind_deadline(claim, is_verified=is_verified)

    def _write(self, claim: ClaimedPoll, outcome: CallResult) -> bool:
        """Write what came; return whether Henry has just said that there is no order."""
        if outcome.error is not None:
            if not isinstance(outcome.error, GatewayError):
                raise outcome.error
            self._log(f"Purchase {claim.ulid}", outcome.error)
            self._retry(claim, hint=outcome.error.retry_after)
            return False
        try:
            observation, text_digest = _read_answer(claim, outcome)
        except GatewayError as error:
            self._log(f"Purchase {claim.ulid}", error)
            self._retry(claim)
            return False
        if observation is None or observation.digest == claim.digest:
            self._put_back(claim, self._next_at(claim), text_digest=text_digest)
        else:
            purchase = Purchase.objects.get(pk=claim.pk)
            apply_observation(
                purchase, observation, source=Source.POLL, fence=claim.fence, text_digest=text_digest
            )
        return not claim.ref_id and observation is None

    def _log(self, what: str, error: Exception) -> None:
        if isinstance(error, GatewayError):
            # Not the error's detail: Henry's words may be personal.
            logger.warning("%s: %s, %s (%s)", what, error.code, error.status, error.request_id)
        else:
            logger.error("%s could not be read.", what, exc_info=error)

    def _next_at(self, claim: ClaimedPoll) -> datetime:
        return self._schedule.next_poll_at(born_at=claim.followed_since, status=claim.status, now=self._now)

    def _retry(self, claim: ClaimedPoll, *, hint: float | None = None) -> None:
        """Try again after a growing pause, but never sooner than the purchase would be polled anyway."""
        errors = claim.errors + 1
        due_at = max(self._next_at(claim), retry_at(now=self._now, errors=errors, hint=hint))
        self._put_back(claim, due_at, errors=errors)

    def _put_back(
        self, claim: ClaimedPoll, due_at: datetime, *, errors: int = 0, text_digest: str | None = None
    ) -> None:
        text_digest = claim.text_digest if text_digest is None else text_digest
        self._unchanged.append(Reschedule(claim, due_at, errors, text_digest))

    def _flush(self) -> None:
        """Write back what told nothing new."""
        rows, self._unchanged = self._unchanged, []
        reschedule(rows)

    def _settle(self, *, at_least: int = 1) -> None:
        """Tell other workers what was asked of each account, if it is worth a transaction; of a limit at once."""
        for desk in self._desks:
            if desk.tally.asked >= at_least or desk.tally.limited:
                tally, desk.tally = desk.tally, rate_limit.CallStats()
                rate_limit.record_usage(desk.account, tally)

    def _mind_deadline(self, claim: ClaimedPoll, *, is_verified: bool) -> None:
        if self._now < claim.deadline_at:
            return
        try:
            self._flush()  # its next poll must not be written after what happens here
            handle_deadline(claim.pk, fence=claim.fence, is_verified=is_verified)
        except Exception as error:  # the task boundary: logged, and the row is due again
            _log_or_reraise(error, claim)


def _read_answer(claim: ClaimedPoll, outcome: CallResult) -> tuple[Observation | None, str]:
    """Return what Henry says, None if it is nothing new, and the digest of its text."""
    if claim.ref_id:
        (glimpse,) = outcome.glimpses
        is_known = glimpse.digest == claim.text_digest
        return None if is_known else glimpse.read(), glimpse.digest
    found = outcome.found and select_observation(Purchase.objects.get(pk=claim.pk), outcome.found)
    return found or None, ""


def _log_or_reraise(error: Exception, claim: ClaimedPoll) -> None:
    """Log what went wrong and go on; if the database is away, the lease brings the purchase back."""
    if isinstance(error, DatabaseError) and not connection.is_usable():
        raise error
    logger.error("Purchase %s could not be followed this time.", claim.ulid, exc_info=error)
