"""Leases on queued rows: webhooks and deliveries. Polls have their own claim, in `flows/polling/claims.py`.

A lease moves `due_at` to its end and increments `fence`. A worker that has lost its lease has an outdated
fence, so its writes are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable

from django_henry_checkout.flows.queue.clock import database_clock, record_database_time
from django_henry_checkout.types import Claim


def take_leases(
    due_at: Callable[[Combinable], QuerySet[Any]], *, limit: int, lasts: timedelta, **changes: Any
) -> list[Claim]:
    """Lease up to `limit` rows that are due.

    Args:
        due_at: returns the rows that are due at a given time.
        changes: updates of other columns of those rows.

    Effects: one short transaction of two statements, or one if nothing is due.
    """
    clock = database_clock()
    due = due_at(clock)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    with transaction.atomic():
        rows = list(due.annotate(claimed_at=clock).values_list("pk", "fence", "claimed_at")[:limit])
        if not rows:
            return []
        now = rows[0][-1]
        if connection.vendor == "postgresql":
            record_database_time(now)
        # Compare-and-set as well: SQLite has no row locks.
        still_due = due.model._default_manager.filter(pk__in=[row[0] for row in rows], due_at__lte=now)  # noqa: SLF001 - documented by Django
        still_due.update(due_at=now + lasts, fence=F("fence") + 1, **changes)
    return [Claim(pk=pk, fence=fence + 1) for pk, fence, _now in rows]
