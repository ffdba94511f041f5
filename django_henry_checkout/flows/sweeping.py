"""Reads Henry's order list instead of one purchase at a time: a page refreshes up to a hundred.

The list is newest first and is paged by a time (henry-api.md 7.2, in part inferred), while new orders push
the old ones down. So no page follows from the one before: each begins at the time of the newest purchase that
is still wanted, which shifts with nothing. What no page holds, for whatever reason, is asked for one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from django_henry_checkout.conf import settings
from django_henry_checkout.flows.claims import ClaimedPoll
from django_henry_checkout.types import Glimpse

PAGE = 100
#: A page that tells of fewer than these is no better than asking for each.
WORTHWHILE = 5
#: How many such pages in a row end a sweep.
DRY = 2
#: Added to the time at which we learnt of a purchase: Henry's clock may be a little ahead.
MARGIN = timedelta(seconds=2)
#: Purchases as young as this stand on the first page, whatever the clocks say.
YOUNG = timedelta(seconds=30)


class Sweep:
    """Purchases that are looked for in the order list, page by page."""

    def __init__(self, claims: Sequence[ClaimedPoll]) -> None:
        self._wanted = {claim.ref_id: claim for claim in claims}
        self._pages = 0
        self._dry = 0
        self._reached = max(claim.followed_since for claim in claims)
        self.wants_page = True
        self.cursor = "" if timezone.now() - self._reached < YOUNG else _cursor(self._reached)

    @property
    def left(self) -> list[ClaimedPoll]:
        """What no page has told of yet."""
        return list(self._wanted.values())

    def take(self, page: Sequence[Glimpse]) -> list[tuple[ClaimedPoll, Glimpse]]:
        """Return what a page tells of the purchases that are wanted, and decide about the next one."""
        self._pages += 1
        told = [(self._wanted.pop(row.ref_id), row) for row in page if row.ref_id in self._wanted]
        self._dry = 0 if len(told) >= WORTHWHILE else self._dry + 1
        if told:
            self._reached = min(claim.followed_since for claim, _row in told)
        older = [
            claim.followed_since
            for claim in self._wanted.values()
            if claim.followed_since < self._reached or (not told and self.cursor == "")
        ]
        is_worth_it = len(older) >= WORTHWHILE and self._dry < DRY and self._pages < settings.SWEEP_PAGES
        self.wants_page = self.wants_page and is_worth_it and len(page) > 0
        if older:
            self._reached = max(older)
            self.cursor = _cursor(self._reached)
        return told

    def fail(self) -> None:
        """Ask for no other page."""
        self.wants_page = False


def _cursor(moment: datetime) -> str:
    text = (moment + MARGIN).astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
