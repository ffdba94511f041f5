"""Reads Henry's order list instead of one purchase at a time: a page refreshes up to a hundred.

The list is newest first and is paged by a time (henry-api.md 7.2, in part inferred), while new orders push
the old ones down. So no page follows from the one before: each begins at the time of the newest purchase that
is still wanted, which shifts with nothing. What no page holds, for whatever reason, is asked for one by one.
What stands beside the wanted ones on a page is refreshed too, though it is not due yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.polling.claims import ClaimedPoll
from django_henry_checkout.types import RawAnswer

PAGE_SIZE = 100
#: A page that tells of fewer than these is no better than asking for each.
MIN_MATCHES = 5
#: How many such pages in a row end a sweep.
MAX_EMPTY_PAGES = 2
#: Added to the time at which we learnt of a purchase: Henry's clock may be a little ahead.
CLOCK_MARGIN = timedelta(seconds=2)
#: Purchases as young as this stand on the first page, whatever the clocks say.
FIRST_PAGE_AGE = timedelta(seconds=30)


class BulkPoll:
    """Purchases that are looked for in the order list, page by page."""

    def __init__(self, claims: Sequence[ClaimedPoll]) -> None:
        self._wanted = {claim.ref_id: claim for claim in claims}
        self._pages = 0
        self._dry = 0
        self._times = sorted(claim.followed_since for claim in claims)
        self._reached = self._times[-1]
        self.wants_page = True
        self.cursor = (
            "" if timezone.now() - self._reached < FIRST_PAGE_AGE else _cursor(self._reached + CLOCK_MARGIN)
        )

    @property
    def passed(self) -> list[ClaimedPoll]:
        """What the pages should have told of, and have not."""
        return [claim for claim in self._wanted.values() if claim.followed_since >= self._reached]

    @property
    def not_listed(self) -> list[ClaimedPoll]:
        """What further pages may tell of."""
        return [claim for claim in self._wanted.values() if claim.followed_since < self._reached]

    def take(self, page: Sequence[RawAnswer]) -> list[tuple[ClaimedPoll, RawAnswer]]:
        """Return what a page tells of the purchases that are wanted."""
        self._pages += 1
        wanted = self._wanted
        told = [(wanted.pop(row.ref_id), row) for row in page if row.ref_id in wanted]
        if told:
            self._reached = min(claim.followed_since for claim, _row in told)
        elif self.cursor == "":
            self._reached = datetime.max.replace(tzinfo=UTC)  # it began at the top, whatever is wanted
        return told

    def go_on(self, *, refreshed: int) -> None:
        """Decide about the next page, after one that has refreshed so many purchases, wanted or not."""
        self._dry = 0 if refreshed >= MIN_MATCHES else self._dry + 1
        older = bisect_left(self._times, self._reached)  # none of these was told of yet
        if self._dry >= MAX_EMPTY_PAGES or older < MIN_MATCHES:
            self.fail()
        elif self._pages >= app_settings.BULK_POLL_MAX_PAGES:
            self.wants_page = False
        else:
            # No further up than where this page ended: else the margin alone might fill the next one.
            ended, self._reached = self._reached, self._times[older - 1]
            self.cursor = _cursor(min(self._reached + CLOCK_MARGIN, ended))

    def fail(self) -> None:
        """Ask for no other page: the list is of no use for what is left."""
        self.wants_page = False
        self._reached = datetime.min.replace(tzinfo=UTC)


def _cursor(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
