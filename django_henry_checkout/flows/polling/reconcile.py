"""Compare purchases with Henry's order list, newest first, and fix differences.

Rows of the list carry no time (henry-api.md 7.2). So pages are not chained: each starts at the time of the oldest
known purchase on the page before, or one step further back if that page contained none.
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

logger = logging.getLogger("django_henry_checkout.reconcile")

PAGE_SIZE = 100
CLOCK_MARGIN = timedelta(seconds=2)
#: How far back the next page starts after a page without a known purchase.
STEP = timedelta(minutes=10)
#: Longest wait for an account whose rate limit is exhausted.
WAIT_LIMIT = timedelta(minutes=10)


@dataclass
class ReconcileReport:
    """Progress of a reconciliation.

    Attributes:
        reached: everything newer has been compared; a later run may continue from here.
        unknown: refIds listed by Henry that no purchase here has.
        missing: refIds of finished purchases here that Henry does not list.
    """

    reached: datetime
    calls: int = 0
    agreed: int = 0
    differed: int = 0
    fixed: int = 0
    found: int = 0
    failed: int = 0
    unknown: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    @property
    def is_clean(self) -> bool:
        """Whether nothing needs review."""
        return not (self.unknown or self.missing or self.failed or self.differed > self.fixed)


def reconcile(account: str, *, since: datetime, until: datetime, fix: bool) -> Iterator[ReconcileReport]:
    """Compare the purchases of an account that were sent or found in a period; yield after each call.

    Args:
        since, until: aware; the comparison runs from `until` back to `since`.
        fix: apply Henry's state where it differs, as a poll would. Otherwise differences are only counted.

    Raises:
        ConfigurationError: the account is not configured.
        RateLimited: the account's rate limit stayed exhausted for WAIT_LIMIT.

    Effects: one HTTP read at a time, within the account's rate limit; with `fix` one transaction per difference.
    """
    gateway = gateway_for(app_settings.account(account))
    comparison = _Comparison(account, gateway, ReconcileReport(reached=until), since=since, fix=fix)
    yield from comparison.by_pages() if gateway.supports_order_list else comparison.one_by_one()
    yield from comparison.without_ref_id()


class _Comparison:
    def __init__(
        self, account: str, gateway: Gateway, report: ReconcileReport, *, since: datetime, fix: bool
    ) -> None:
        self.account = account
        self.gateway = gateway
        self.report = report
        self.since = since
        self.until = report.reached
        self.fix = fix
        self._seen: set[str] = set()

    def by_pages(self) -> Iterator[ReconcileReport]:
        is_last = False
        while not is_last and self.report.reached > self.since:
            rows = self._list_orders(self.report.reached)
            known = self._purchases([row.ref_id for row in rows])
            for row in rows:
                if row.ref_id not in self._seen:
                    self._compare(row, known.get(row.ref_id))
            self._seen |= {row.ref_id for row in rows}
            self._move_back(known)
            is_last = len(rows) < PAGE_SIZE
            if is_last:
                self.report.reached = self.since
            yield self.report
        self._find_missing()

    def _move_back(self, known: dict[str, Purchase]) -> None:
        oldest = min((purchase.followed_since for purchase in known.values()), default=None)
        further = self.report.reached - STEP
        # Purchases are recorded here slightly after Henry creates them: the next page overlaps this one.
        self.report.reached = (
            further if oldest is None else min(oldest + CLOCK_MARGIN, self.report.reached - CLOCK_MARGIN)
        )

    def one_by_one(self) -> Iterator[ReconcileReport]:
        """Fetch each purchase, for a generation without an order list."""
        for purchase in self._in_period().exclude(ref_id="").order_by("-pk").iterator(PAGE_SIZE):
            self._fetch(purchase)
            self.report.reached = purchase.followed_since
            yield self.report

    def without_ref_id(self) -> Iterator[ReconcileReport]:
        """Look up purchases without a refId: hosted payments, and purchases in doubt."""
        for purchase in (
            self._in_period().filter(ref_id="", ended_at=None).order_by("-pk").iterator(PAGE_SIZE)
        ):
            self._fetch(purchase)
            yield self.report

    def _in_period(self) -> QuerySet[Purchase]:
        since = Coalesce("found_at", "sent_at", "created_at")
        return (
            Purchase.objects.filter(account=self.account)
            .annotate(since=since)
            .filter(since__gte=self.since, since__lte=self.until)
        )

    def _purchases(self, refs: Sequence[str]) -> dict[str, Purchase]:
        found = Purchase.objects.filter(account=self.account, ref_id__in=refs)
        return {purchase.ref_id: purchase for purchase in found}

    def _find_missing(self) -> None:
        """Collect purchases that finished here and that Henry's complete list did not contain."""
        ended = self._in_period().exclude(ref_id="").exclude(ended_at=None)
        self.report.missing |= set(ended.values_list("ref_id", flat=True)) - self._seen

    # Fetch and compare ----------------------------------------------------------------------

    def _list_orders(self, moment: datetime) -> tuple[RawAnswer, ...]:
        cursor = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._wait_for_rate_limit()
        rows = self.gateway.list_raw_orders(cursor=cursor, limit=PAGE_SIZE)
        self._count()
        return rows

    def _fetch(self, purchase: Purchase) -> None:
        self._wait_for_rate_limit()
        try:
            observation = fetch_observation(purchase)
        except GatewayError as error:
            self._count(is_answered=not error.retryable)
            self._record_failure(purchase.ulid, error)
            return
        self._count()
        if observation is not None:
            self.report.found += not purchase.ref_id
            self._compare_with(purchase, observation)

    def _wait_for_rate_limit(self) -> None:
        """Wait for the account's rate limit, which polling shares."""
        ends_at = time.monotonic() + WAIT_LIMIT.total_seconds()
        while rate_limit.available_calls(self.account) < 1:
            if time.monotonic() > ends_at:
                raise RateLimited(f"The rate limit of account {self.account} is exhausted; try again later.")
            time.sleep(0.2)

    def _count(self, *, is_answered: bool = True) -> None:
        """Record one call for the account's rate limit and circuit breaker."""
        self.report.calls += 1
        rate_limit.record_usage(
            self.account, rate_limit.CallStats(calls=1, answered=is_answered, failed=not is_answered)
        )

    def _compare(self, row: RawAnswer, purchase: Purchase | None) -> None:
        if purchase is None:
            self.report.unknown.add(row.ref_id)
            return
        try:
            self._compare_with(purchase, row.parse())
        except GatewayError as error:
            self._record_failure(purchase.ulid, error)

    def _compare_with(self, purchase: Purchase, observation: Observation) -> None:
        interpretation = interpret(observation)
        if purchase.ref_id and interpretation.purchase in {None, purchase.status}:
            self.report.agreed += 1
            return
        self.report.differed += 1
        if self.fix:
            apply_observation(purchase, observation, source=Source.RECONCILE)
            agrees = Purchase.objects.filter(pk=purchase.pk, status=interpretation.purchase)
            self.report.fixed += agrees.exists()

    def _record_failure(self, name: str, error: GatewayError) -> None:
        self.report.failed += 1
        logger.warning("Purchase %s: %s, %s (%s)", name, error.code, error.status, error.request_id)
