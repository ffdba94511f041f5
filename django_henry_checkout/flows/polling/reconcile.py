"""Compares what we know with Henry's order list, from new to old, and mends what differs.

Rows of the list bear no time (henry-api.md 7.2). So no page follows from the one before: each begins at the time
of the oldest purchase of ours that the last one told of, or, where it told of none, a step further back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import GatewayError, RateLimited
from django_henry_checkout.flows.polling import rate_limit
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.purchase.interpret import interpret
from django_henry_checkout.flows.purchase.lifecycle import fetch_observation
from django_henry_checkout.gateway import Gateway, gateway_for
from django_henry_checkout.models import Purchase
from django_henry_checkout.types import Observation, RawAnswer, Source

logger = logging.getLogger("django_henry_checkout.reconciling")

PAGE_SIZE = 100
CLOCK_MARGIN = timedelta(seconds=2)
#: How far back the next page begins when one told of no purchase of ours.
STEP = timedelta(minutes=10)
#: For so long an account that may not be asked is waited for.
WAIT_LIMIT = timedelta(minutes=10)


@dataclass
class ReconcileReport:
    """What a reconciliation has found so far.

    Attributes:
        reached: everything younger has been compared; a later run may go on from here.
        unknown: refIds at Henry that no purchase of ours has.
        missing: refIds of ours that ended well here and that Henry does not tell of.
    """

    reached: datetime
    asked: int = 0
    agreed: int = 0
    differed: int = 0
    mended: int = 0
    found: int = 0
    failed: int = 0
    unknown: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left that a person should look at."""
        return not (self.unknown or self.missing or self.failed or self.differed > self.mended)


def reconcile(account: str, *, since: datetime, until: datetime, mend: bool) -> Iterator[ReconcileReport]:
    """Compare the purchases of an account that were sent, or found, in a span of time; yield after each question.

    Args:
        since, until: aware; the walk goes from `until` back to `since`.
        mend: write what Henry says where it differs, as a poll would. Otherwise it is only counted.

    Raises:
        ConfigurationError: there is no such account.
        RateLimited: the account could not be asked for a long time.

    Effects: one HTTP read at a time, within the account's budget; with `mend` one transaction for each difference.
    """
    gateway = gateway_for(app_settings.account(account))
    walk = _Walk(account, gateway, ReconcileReport(reached=until), since=since, mend=mend)
    yield from walk.by_pages() if gateway.supports_order_list else walk.one_by_one()
    yield from walk.nameless()


class _Walk:
    def __init__(
        self, account: str, gateway: Gateway, report: ReconcileReport, *, since: datetime, mend: bool
    ) -> None:
        self.account = account
        self.gateway = gateway
        self.report = report
        self.since = since
        self.until = report.reached
        self.mend = mend
        self._seen: set[str] = set()

    def by_pages(self) -> Iterator[ReconcileReport]:
        is_last = False
        while not is_last and self.report.reached > self.since:
            rows = self._ask(self.report.reached)
            known = self._purchases([row.ref_id for row in rows])
            for row in rows:
                if row.ref_id not in self._seen:
                    self._compare(row, known.get(row.ref_id))
            self._seen |= {row.ref_id for row in rows}
            self._step_back(known)
            is_last = len(rows) < PAGE_SIZE
            if is_last:
                self.report.reached = self.since
            yield self.report
        self._look_for_missing()

    def _step_back(self, known: dict[str, Purchase]) -> None:
        oldest = min((purchase.followed_since for purchase in known.values()), default=None)
        further = self.report.reached - STEP
        # Ours were noted a little after Henry made them: the next page overlaps this one.
        self.report.reached = (
            further if oldest is None else min(oldest + CLOCK_MARGIN, self.report.reached - CLOCK_MARGIN)
        )

    def one_by_one(self) -> Iterator[ReconcileReport]:
        """Where there is no order list: ask for each of ours."""
        for purchase in self._ours().exclude(ref_id="").order_by("-pk").iterator(PAGE_SIZE):
            self._ask_for(purchase)
            self.report.reached = purchase.followed_since
            yield self.report

    def nameless(self) -> Iterator[ReconcileReport]:
        """Look up what has no refId yet: hosted pages that were paid, and purchases in doubt."""
        for purchase in self._ours().filter(ref_id="", ended_at=None).order_by("-pk").iterator(PAGE_SIZE):
            self._ask_for(purchase)
            yield self.report

    def _ours(self) -> QuerySet[Purchase]:
        since = Coalesce("found_at", "sent_at", "created_at")
        return (
            Purchase.objects.filter(account=self.account)
            .annotate(since=since)
            .filter(since__gte=self.since, since__lte=self.until)
        )

    def _purchases(self, refs: Sequence[str]) -> dict[str, Purchase]:
        found = Purchase.objects.filter(account=self.account, ref_id__in=refs)
        return {purchase.ref_id: purchase for purchase in found}

    def _look_for_missing(self) -> None:
        """Henry's list told of all that it has: what ended here and was not in it is odd."""
        ended = self._ours().exclude(ref_id="").exclude(ended_at=None)
        self.report.missing |= set(ended.values_list("ref_id", flat=True)) - self._seen

    # Asking and comparing -----------------------------------------------------------------

    def _ask(self, moment: datetime) -> tuple[RawAnswer, ...]:
        cursor = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._wait_for_leave()
        rows = self.gateway.list_raw_orders(cursor=cursor, limit=PAGE_SIZE)
        self._count()
        return rows

    def _ask_for(self, purchase: Purchase) -> None:
        self._wait_for_leave()
        try:
            observation = fetch_observation(purchase)
        except GatewayError as error:
            self._count(is_answered=not error.retryable)
            self._note_failure(purchase.ulid, error)
            return
        self._count()
        if observation is not None:
            self.report.found += not purchase.ref_id
            self._take(purchase, observation)

    def _wait_for_leave(self) -> None:
        """Wait until the account may be asked: polling shares its budget."""
        ends_at = time.monotonic() + WAIT_LIMIT.total_seconds()
        while rate_limit.available_calls(self.account) < 1:
            if time.monotonic() > ends_at:
                raise RateLimited(f"Account {self.account} may not be asked at the moment; try again later.")
            time.sleep(0.2)

    def _count(self, *, is_answered: bool = True) -> None:
        """Take it off the account's budget, and let its breaker know."""
        self.report.asked += 1
        rate_limit.record_usage(
            self.account, rate_limit.CallStats(asked=1, answered=is_answered, failed=not is_answered)
        )

    def _compare(self, row: RawAnswer, purchase: Purchase | None) -> None:
        if purchase is None:
            self.report.unknown.add(row.ref_id)
            return
        try:
            self._take(purchase, row.read())
        except GatewayError as error:
            self._note_failure(purchase.ulid, error)

    def _take(self, purchase: Purchase, observation: Observation) -> None:
        verdict = interpret(observation)
        if purchase.ref_id and verdict.purchase in {None, purchase.status}:
            self.report.agreed += 1
            return
        self.report.differed += 1
        if self.mend:
            apply_observation(purchase, observation, source=Source.RECONCILE)
            agrees = Purchase.objects.filter(pk=purchase.pk, status=verdict.purchase)
            self.report.mended += agrees.exists()

    def _note_failure(self, name: str, error: GatewayError) -> None:
        self.report.failed += 1
        logger.warning("Purchase %s: %s, %s (%s)", name, error.code, error.status, error.request_id)
