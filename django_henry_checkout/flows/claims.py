"""Claims polls that are due, and writes back those that told nothing new: two statements a batch, and one.

A claim is a lease: it moves `due_at` to its end and raises `fence`. Whoever lost his lease writes nothing.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from django_henry_checkout.conf import settings
from django_henry_checkout.flows.clock import database_now
from django_henry_checkout.flows.retrying import retried
from django_henry_checkout.models import PurchasePoll
from django_henry_checkout.types import format_public_id

_ROW = (
    "pk", "fence", "errors", "digest", "text_digest", "account", "purchase__ref_id", "purchase__henry_cart_id",
    "purchase__claimed_id", "purchase__status", "followed_since", "purchase__deadline_at", "purchase__public_id",
)  # fmt: skip
_FOLLOWED_SINCE = Coalesce("purchase__found_at", "purchase__sent_at", "purchase__created_at")


@dataclass(frozen=True, slots=True)
class ClaimedPoll:
    """A purchase that is ours to ask about until `lease_until`, as it was when it was claimed."""

    lease_until: datetime
    fence: int
    pk: int
    errors: int
    digest: str
    text_digest: str
    account: str
    ref_id: str
    henry_cart_id: str
    claimed_id: str
    status: str
    followed_since: datetime
    deadline_at: datetime
    public_id: UUID

    @property
    def ulid(self) -> str:
        """The public id of the purchase, for logs."""
        return format_public_id(self.public_id)


@dataclass(frozen=True, slots=True)
class PutBack:
    """When a claimed poll is due again. `errors` are those in a row."""

    claimed: ClaimedPoll
    due_at: datetime
    errors: int
    text_digest: str


def claim_polls(account: str, *, limit: int) -> list[ClaimedPoll]:
    """Claim up to `limit` polls of an account that are due, longest overdue first.

    Effects: one short transaction of two statements, whatever the limit and the size of the table.
    """
    return retried(lambda: _claim(account, limit))


def _claim(account: str, limit: int) -> list[ClaimedPoll]:
    now = database_now()
    lease_until = now + settings.POLL_LEASE
    with transaction.atomic():
        due = PurchasePoll.objects.due(account, now).annotate(followed_since=_FOLLOWED_SINCE)
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        rows: list[tuple[Any, ...]] = list(due.values_list(*_ROW)[:limit])
        # Compare-and-set as well: SQLite has no row locks.
        PurchasePoll.objects.filter(pk__in=[row[0] for row in rows], due_at__lte=now).update(
            due_at=lease_until, fence=F("fence") + 1, worker=_worker_name()
        )
    return [ClaimedPoll(lease_until, row[1] + 1, row[0], *row[2:]) for row in rows]


def polls_of(account: str, refs: Collection[str], *, due_before: datetime) -> list[ClaimedPoll]:
    """Return the polls of these purchases that are due before a time, without claiming them.

    Whoever claims one meanwhile raises its fence, so that what is written back here is dropped.

    Effects: one statement.
    """
    polls = PurchasePoll.objects.filter(account=account, due_at__lt=due_before)
    named = polls.filter(purchase__account=account, purchase__ref_id__in=refs)
    rows: list[tuple[Any, ...]] = list(named.annotate(followed_since=_FOLLOWED_SINCE).values_list(*_ROW))
    return [ClaimedPoll(due_before, row[1], row[0], *row[2:]) for row in rows]


def _worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def put_back(rows: Sequence[PutBack]) -> None:
    """Set the next polls where there is nothing new. A lost lease writes nothing: somebody else has the row.

    Effects: one statement on PostgreSQL, one per row elsewhere.
    """
    if rows:
        retried(lambda: _put_back(sorted(rows, key=lambda row: row.claimed.pk)))


_SET = "SET due_at = {due_at}, errors = {errors}, text_digest = {text_digest}, tries = tries + 1"
_NEW = ("due_at", "errors", "text_digest", "pk", "fence")


def _put_back(rows: Sequence[PutBack]) -> None:
    table = connection.ops.quote_name(PurchasePoll._meta.db_table)  # noqa: SLF001 - Django's public name for it
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            new = _SET.format(due_at="new.due_at", errors="new.errors", text_digest="new.text_digest")
            cursor.execute(
                f"UPDATE {table} {new} FROM json_to_recordset(%s::json)"
                " AS new (due_at timestamptz, errors int, text_digest text, pk bigint, fence int)"
                f" WHERE {table}.purchase_id = new.pk AND {table}.fence = new.fence",
                # One text: arrays would take several times as long to write.
                [
                    json.dumps(
                        [dict(zip(_NEW, _values(row, row.due_at.isoformat()), strict=True)) for row in rows]
                    )
                ],
            )
        else:
            new = _SET.format(due_at="%s", errors="%s", text_digest="%s")
            moment = connection.ops.adapt_datetimefield_value
            cursor.executemany(
                f"UPDATE {table} {new} WHERE purchase_id = %s AND fence = %s",
                [_values(row, moment(row.due_at)) for row in rows],
            )


def _values(row: PutBack, due_at: Any) -> tuple[Any, ...]:
    return (due_at, row.errors, row.text_digest, row.claimed.pk, row.claimed.fence)
