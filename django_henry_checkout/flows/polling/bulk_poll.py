"""Poll many purchases at once through Henry's order list: one page refreshes up to a hundred.

The list is newest first and paged by time (henry-api.md 7.2, partly inferred), and new orders push older ones
down while it is read. So pages are not chained: each starts at the time of the newest purchase still wanted,
which does not shift. Purchases that no page contains are polled one by one. Other purchases on a page are
refreshed too, although they are not due yet.
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
#: A page with fewer matches than this is no cheaper than single calls.
MIN_MATCHES = 5
#: Number of such pages in a row that ends a bulk poll.
MAX_EMPTY_PAGES = 2
#: Added to the time at which a purchase was recorded: Henry's clock may be slightly ahead.
CLOCK_MARGIN = timedelta(seconds=2)
#: Purchases younger than this are on the first page, however far the clocks differ.
FIRST_PAGE_AGE = timedelta(seconds=30)


class BulkPoll:
    """Claimed purchases that are looked up in the order list, page by page."""

    def __init__(self, claims: Sequence[ClaimedPoll]) -> None:
        self._wanted = {claim.ref_id: claim for claim in claims}
        self._pages = 0
        self._empty_pages = 0
        self._times = sorted(claim.followed_since for claim in claims)
        self._reached = self._times[-1]
        self.wants_page = True
        self.cursor = (
            "" if timezone.now() - self._reached < FIRST_PAGE_AGE else _cursor(self._reached + CLOCK_MARGIN)
        )

    @property
    def missing(self) -> list[ClaimedPoll]:
        """Claims that the pages read so far should have contained, and did not."""
        return [claim for claim in self._wanted.values() if claim.followed_since >= self._reached]

    @property
    def not_listed(self) -> list[ClaimedPoll]:
        """Claims that only further pages can contain."""
        return [claim for claim in self._wanted.values() if claim.followed_since < self._reached]

    def match(self, page: Sequence[RawAnswer]) -> list[tuple[ClaimedPoll, RawAnswer]]:
        """Return the wanted claims that a page contains, each with its row."""
        self._pages += 1
        wanted = self._wanted
        matches = [(wanted.pop(row.ref_id), row) for row in page if row.ref_id in wanted]
        if matches:
            self._reached = min(claim.followed_since for claim, _row in matches)
        elif self.cursor == "":
            self._reached = datetime.max.replace(tzinfo=UTC)  # it started at the top, before every claim
        return matches

    def advance(self, *, refreshed: int) -> None:
        """Decide whether to read another page, after one that refreshed this many purchases, wanted or not."""
        self._empty_pages = 0 if refreshed >= MIN_MATCHES else self._empty_pages + 1
        older = bisect_left(self._times, self._reached)  # none of these was on a page yet
        if self._empty_pages >= MAX_EMPTY_PAGES or older < MIN_MATCHES:
            self.stop()
        elif self._pages >= app_settings.BULK_POLL_MAX_PAGES:
            self.wants_page = False
        else:
            # Not above the end of this page: otherwise the margin alone could fill the next one.
            page_end, self._reached = self._reached, self._times[older - 1]
            self.cursor = _cursor(min(self._reached + CLOCK_MARGIN, page_end))

    def stop(self) -> None:
        """Read no further page; the remaining claims are polled one by one."""
        self.wants_page = False
        self._reached = datetime.min.replace(tzinfo=UTC)


def _cursor(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
