"""The poll engine: claim what is due, call Henry, apply the answers, schedule the next polls.

Rows decide, so any number of workers may run `poll_due()` at once and be killed at any point: a claim is a
lease that expires, and a worker that resumes after losing its lease is refused by its fence. Many calls are in
flight at once, in threads that do not touch the database, and no transaction is open meanwhile.
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
#: A cycle claims for this long; then it only finishes the calls in flight.
CYCLE_SECONDS = 20.0
#: Most rows per claim for single calls, so that earlier calls are in flight while rows are claimed.
CLAIM_LIMIT = 500
#: Unchanged answers are written back in batches of this size; small, because the next page is read meanwhile.
FLUSH_THRESHOLD = 200
#: An account's usage is persisted after this many calls, and at the end of the cycle.
USAGE_THRESHOLD = 500


def poll_due(*, limit: int | None = None, seconds: float = CYCLE_SECONDS) -> int:
    """Poll the purchases that are due; return how many were refreshed or at least requested.

    Args:
        limit: upper bound; None means POLL_BATCH.
        seconds: how long to keep claiming.

    Effects: per batch one claim, one HTTP read for each purchase or for each hundred of them, one statement for
    all unchanged answers; one transaction for each answer that changed.
    """
    return PollCycle(limit or app_settings.POLL_BATCH, seconds).run()


class AccountCycle:
    """Per-account state of one poll cycle: remaining budget, queue, results."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.gateway: Gateway | None = None
        self.budget = 0
        self.is_exhausted = False
        self.pending: deque[ClaimedPoll] = deque()
        self.bulk_poll: BulkPoll | None = None
        self.is_page_in_flight = False
        #: On the clock of `time.monotonic`: the answer to a later call could arrive after the lease has expired.
        self.call_until = 0.0
        self.stats = rate_limit.CallStats()


class PollCycle:
    """One cycle over all accounts."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._left = limit
        self._polled = 0
        self._ends_at = time.monotonic() + seconds
        self._accounts = deque(AccountCycle(account) for account in rate_limit.known_accounts())
        self._executor: CallExecutor[AccountCycle] = CallExecutor(app_settings.POLL_CONCURRENCY)
        self._unchanged: list[Reschedule] = []
        self._schedule = Schedule()
        #: The time of the last claim or answer.
        self._now = queue_now()

    def run(self) -> int:
        """Run the cycle; return how many purchases were polled."""
        try:
            self._send_calls()
            while self._executor.in_flight:
                self._handle_results()
                self._send_calls()
        finally:
            self._flush()
            self._persist_usage()
        return self._polled

    # Claim and send -------------------------------------------------------------------------

    def _send_calls(self) -> None:
        """Keep as many calls in flight as allowed, one account after the other."""
        is_over = time.monotonic() >= self._ends_at
        for _turn in range(len(self._accounts)):
            cycle = self._accounts[0]
            self._accounts.rotate(-1)
            if not cycle.pending and cycle.bulk_poll is None and not (cycle.is_exhausted or is_over):
                self._claim_for(cycle)
            self._send_pending(cycle)

    def _claim_for(self, cycle: AccountCycle) -> None:
        if cycle.gateway is None:
            # For the whole cycle: its calls are deducted when it ends.
            cycle.budget = rate_limit.available_calls(cycle.account)
            try:
                cycle.gateway = gateway_for(app_settings.account(cycle.account))
            except ConfigurationError as error:
                self._defer(cycle, error)
                return
        in_bulk = cycle.gateway.supports_order_list and app_settings.BULK_POLL_THRESHOLD > 0
        share = -(-self._left // len(self._accounts))
        ceiling = app_settings.BULK_POLL_MAX_PAGES * PAGE_SIZE if in_bulk else CLAIM_LIMIT
        wanted = min(cycle.budget * PAGE_SIZE if in_bulk else cycle.budget, share, ceiling)
        lease_seconds = app_settings.POLL_LEASE.total_seconds()
        cycle.call_until = time.monotonic() + lease_seconds - app_settings.TOTAL_TIMEOUT
        claims = claim_polls(cycle.account, limit=wanted) if wanted > 0 else []
        self._now = queue_now()
        cycle.is_exhausted = len(claims) < wanted or wanted <= 0
        self._left -= len(claims)
        self._polled += len(claims)
        with_ref_id = [claim for claim in claims if claim.ref_id]
        if in_bulk and len(with_ref_id) >= app_settings.BULK_POLL_THRESHOLD:
            cycle.bulk_poll = BulkPoll(with_ref_id)
            claims = [claim for claim in claims if not claim.ref_id]
        cycle.pending.extend(claims)

    def _defer(self, cycle: AccountCycle, error: ConfigurationError) -> None:
        """Postpone the purchases of an account that is not configured; their deadlines still apply."""
        claims = claim_polls(cycle.account, limit=self._left)
        cycle.is_exhausted = True
        self._polled += len(claims)
        due_at = self._now + MISCONFIGURED_PAUSE
        reschedule([Reschedule(claim, due_at, claim.errors + 1, claim.text_digest) for claim in claims])
        if claims:
            text = "%s purchases of account %s cannot be polled: %s"
            logger.error(text, len(claims), cycle.account, error)
        for claim in claims:
            self._check_deadline(claim, is_verified=False)

    def _send_pending(self, cycle: AccountCycle) -> None:
        """Send the calls that the budget allows; release the claims that it does not."""
        gateway = cycle.gateway
        if gateway is None:
            return
        if cycle.bulk_poll is not None and cycle.bulk_poll.wants_page and not cycle.is_page_in_flight:
            if cycle.budget > 0:
                self._send(cycle, cycle.bulk_poll, gateway)
            else:
                self._end_bulk_poll(cycle)
        while cycle.pending and self._executor.has_capacity:
            claim = cycle.pending.popleft()
            if cycle.budget <= 0 or time.monotonic() > cycle.call_until:
                self._reschedule(claim, self._now + timedelta(seconds=1))
            else:
                self._send(cycle, claim, gateway)

    def _send(self, cycle: AccountCycle, target: ClaimedPoll | BulkPoll, gateway: Gateway) -> None:
        cycle.is_page_in_flight = cycle.is_page_in_flight or isinstance(target, BulkPoll)
        cycle.budget -= 1
        cycle.stats.calls += 1
        self._executor.submit(cycle, target, gateway)

    # Results --------------------------------------------------------------------------------

    def _handle_results(self) -> None:
        try:
            results = self._executor.wait(2 * app_settings.TOTAL_TIMEOUT)
        except Empty:
            logger.warning("%s calls to Henry never returned; their leases expire.", self._executor.in_flight)
            self._executor.abandon()
            return
        self._now = queue_now()
        for cycle, result in results:
            self._count(cycle, result)
            if isinstance(result.target, BulkPoll):
                self._handle_page(cycle, result)
            else:
                self._handle_result(result.target, result)
        if len(self._unchanged) >= FLUSH_THRESHOLD:
            self._flush()
        self._persist_usage(at_least=USAGE_THRESHOLD)

    def _count(self, cycle: AccountCycle, result: CallResult) -> None:
        error = result.error
        if isinstance(error, RateLimited):
            cycle.stats.record_limit(error.retry_after)
            cycle.budget = 0
        elif isinstance(error, GatewayError) and error.retryable:
            cycle.stats.failed += 1
        else:
            cycle.stats.answered += 1

    def _handle_page(self, cycle: AccountCycle, result: CallResult) -> None:
        cycle.is_page_in_flight = False
        bulk_poll = cycle.bulk_poll
        if bulk_poll is None:
            return
        if result.error is not None:
            self._log(f"The order list of account {cycle.account}", result.error)
            bulk_poll.stop()
            self._end_bulk_poll(cycle)
            return
        matches = bulk_poll.match(result.answers)
        has_enough = len(matches) >= MIN_MATCHES
        if has_enough:  # the next page is in flight while this one is written
            bulk_poll.advance(refreshed=len(matches))
            self._send_pending(cycle)
        for claim, answer in matches:
            if not self._reschedule_if_unchanged(claim, answer.digest):
                self._handle_result(claim, CallResult(target=claim, answers=(answer,)))
        others = self._refresh_unclaimed(cycle, result, claimed={claim.ref_id for claim, _row in matches})
        if not has_enough:
            bulk_poll.advance(refreshed=len(matches) + others)
        if not bulk_poll.wants_page:
            self._end_bulk_poll(cycle)

    def _refresh_unclaimed(self, cycle: AccountCycle, result: CallResult, *, claimed: set[str]) -> int:
        """Reschedule unclaimed purchases whose row on this page is unchanged; return how many.

        One whose row has changed keeps its due time: it is then polled under a lease.
        """
        digests = {row.ref_id: row.digest for row in result.answers if row.ref_id not in claimed}
        if not digests:
            return 0
        soon = self._now + app_settings.POLL_LEASE
        others = find_unclaimed_polls(cycle.account, digests, due_before=soon)
        refreshed = sum(self._reschedule_if_unchanged(poll, digests[poll.ref_id]) for poll in others)
        self._polled += refreshed
        return refreshed

    def _reschedule_if_unchanged(self, claim: ClaimedPoll, text_digest: str) -> bool:
        """Reschedule a purchase whose answer is unchanged and whose deadline is ahead; return whether it was."""
        if text_digest != claim.text_digest or self._now >= claim.deadline_at:
            return False
        self._reschedule(claim, self._next_poll_at(claim))
        return True

    def _end_bulk_poll(self, cycle: AccountCycle) -> None:
        """Poll one by one what the pages should have contained; release what they did not reach."""
        if cycle.bulk_poll is not None:
            cycle.pending.extend(cycle.bulk_poll.missing)
            for claim in cycle.bulk_poll.not_listed:
                self._reschedule(claim, self._now, errors=claim.errors)
            cycle.bulk_poll = None

    def _handle_result(self, claim: ClaimedPoll, result: CallResult) -> None:
        # The task boundary: one bad purchase must not hold up the others, nor its own deadline.
        is_verified = False
        try:
            is_verified = self._apply_result(claim, result)
        except Exception as error:  # see above; logged, and retried after a pause
            _log_or_reraise(error, claim)
            self._retry(claim)
        self._check_deadline(claim, is_verified=is_verified)

    def _apply_result(self, claim: ClaimedPoll, result: CallResult) -> bool:
        """Apply a result; return whether Henry has just confirmed that there is no order."""
        if result.error is not None:
            if not isinstance(result.error, GatewayError):
                raise result.error
            self._log(f"Purchase {claim.ulid}", result.error)
            self._retry(claim, hint=result.error.retry_after)
            return False
        try:
            observation, text_digest = _read_answer(claim, result)
        except GatewayError as error:
            self._log(f"Purchase {claim.ulid}", error)
            self._retry(claim)
            return False
        if observation is None or observation.digest == claim.digest:
            self._reschedule(claim, self._next_poll_at(claim), text_digest=text_digest)
        else:
            purchase = Purchase.objects.get(pk=claim.pk)
            apply_observation(
                purchase, observation, source=Source.POLL, fence=claim.fence, text_digest=text_digest
            )
        return not claim.ref_id and observation is None

    def _log(self, what: str, error: Exception) -> None:
        if isinstance(error, GatewayError):
            # Without the error's detail: Henry's text may contain personal data.
            logger.warning("%s: %s, %s (%s)", what, error.code, error.status, error.request_id)
        else:
            logger.error("%s could not be read.", what, exc_info=error)

    # Write back -----------------------------------------------------------------------------

    def _next_poll_at(self, claim: ClaimedPoll) -> datetime:
        return self._schedule.next_poll_at(born_at=claim.followed_since, status=claim.status, now=self._now)

    def _retry(self, claim: ClaimedPoll, *, hint: float | None = None) -> None:
        """Retry after a growing pause, but not before the purchase would be polled anyway."""
        errors = claim.errors + 1
        due_at = max(self._next_poll_at(claim), retry_at(now=self._now, errors=errors, hint=hint))
        self._reschedule(claim, due_at, errors=errors)

    def _reschedule(
        self, claim: ClaimedPoll, due_at: datetime, *, errors: int = 0, text_digest: str | None = None
    ) -> None:
        text_digest = claim.text_digest if text_digest is None else text_digest
        self._unchanged.append(Reschedule(claim, due_at, errors, text_digest))

    def _flush(self) -> None:
        """Write back the unchanged polls."""
        rows, self._unchanged = self._unchanged, []
        reschedule(rows)

    def _persist_usage(self, *, at_least: int = 1) -> None:
        """Persist each account's usage in batches; persist a 429 immediately."""
        for cycle in self._accounts:
            if cycle.stats.calls >= at_least or cycle.stats.limited:
                stats, cycle.stats = cycle.stats, rate_limit.CallStats()
                rate_limit.record_usage(cycle.account, stats)

    def _check_deadline(self, claim: ClaimedPoll, *, is_verified: bool) -> None:
        if self._now < claim.deadline_at:
            return
        try:
            self._flush()  # the next poll must not be written after what happens here
            handle_deadline(claim.pk, fence=claim.fence, is_verified=is_verified)
        except Exception as error:  # the task boundary: logged, and the row is due again
            _log_or_reraise(error, claim)


def _read_answer(claim: ClaimedPoll, result: CallResult) -> tuple[Observation | None, str]:
    """Return Henry's observation, None if it is unchanged, and the digest of the raw answer."""
    if claim.ref_id:
        (answer,) = result.answers
        is_known = answer.digest == claim.text_digest
        return None if is_known else answer.parse(), answer.digest
    found = result.found and select_observation(Purchase.objects.get(pk=claim.pk), result.found)
    return found or None, ""


def _log_or_reraise(error: Exception, claim: ClaimedPoll) -> None:
    """Log an error and continue; reraise it if the database is unavailable, because the lease then recovers."""
    if isinstance(error, DatabaseError) and not connection.is_usable():
        raise error
    logger.error("Purchase %s could not be polled.", claim.ulid, exc_info=error)
