"""The poll engine: claim what is due, ask Henry, apply, set the next time.

Rows decide, so any number of workers may run `poll_due()` at once and be killed at any point: a claim is
a lease that runs out, and a worker that wakes up late is told by its fence. No transaction is open while
Henry is asked.
"""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from django_henry_checkout.conf import settings
from django_henry_checkout.exceptions import ConfigurationError, GatewayError
from django_henry_checkout.flows.observations import apply_observation
from django_henry_checkout.flows.purchases import ask_henry, pass_deadline
from django_henry_checkout.flows.schedule import next_poll_at, retry_at
from django_henry_checkout.models import Purchase, PurchasePoll
from django_henry_checkout.types import Observation, Source

logger = logging.getLogger("django_henry_checkout.polling")

MISCONFIGURED_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class _Claimed:
    purchase: Purchase
    fence: int
    lease_until: datetime
    errors: int
    digest: str


def poll_due(*, limit: int | None = None) -> int:
    """Poll the purchases that are due; return how many were claimed.

    Effects: one claim for the batch; for each purchase one HTTP read, then one statement if nothing
    changed, else one transaction.
    """
    claims = _claim(limit or settings.POLL_BATCH)
    for claimed in claims:
        if timezone.now() >= claimed.lease_until:
            break  # the batch took too long: others have these by now
        # The task boundary: one odd purchase must not hold up the others, nor its own deadline.
        is_verified = False
        try:
            is_verified = _poll(claimed)
        except Exception as error:  # see above; logged, and tried again after a pause
            _survive(error, claimed)
            _retry(claimed)
        try:
            if timezone.now() >= claimed.purchase.deadline_at:
                pass_deadline(claimed.purchase, fence=claimed.fence, is_verified=is_verified)
        except Exception as error:  # see above; logged, and the row is due again
            _survive(error, claimed)
    return len(claims)


def _survive(error: Exception, claimed: _Claimed) -> None:
    """Log what went wrong and go on; if the database is away, the lease brings the purchase back."""
    if isinstance(error, DatabaseError) and not connection.is_usable():
        raise error
    logger.error("Purchase %s could not be followed this time.", claimed.purchase.ulid, exc_info=error)


def _claim(limit: int) -> list[_Claimed]:
    now = timezone.now()
    lease_until = now + settings.POLL_LEASE
    with transaction.atomic():
        due = PurchasePoll.objects.due(now)
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        rows = {row.pk: row for row in due[:limit]}
        # Compare-and-set as well: SQLite has no row locks.
        PurchasePoll.objects.filter(pk__in=rows, due_at__lte=now).update(
            due_at=lease_until, fence=F("fence") + 1, worker=_worker_name()
        )
    purchases = Purchase.objects.in_bulk(list(rows))
    return [
        _Claimed(purchases[pk], row.fence + 1, lease_until, row.errors, row.digest)
        for pk, row in rows.items()
        if pk in purchases
    ]


def _worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def _poll(claimed: _Claimed) -> bool:
    """Ask Henry and write the answer; return whether Henry has just said that there is no order."""
    purchase = claimed.purchase
    try:
        observation = ask_henry(purchase)
    except GatewayError as error:
        # Not the error's detail: Henry's words may be personal.
        logger.warning("Purchase %s: %s, %s (%s)", purchase.ulid, error.code, error.status, error.request_id)
        _retry(claimed, hint=error.retry_after)
    except ConfigurationError as error:
        logger.error("Purchase %s cannot be followed: %s", purchase.ulid, error)  # noqa: TRY400 - no trace needed
        _put_back(claimed, timezone.now() + MISCONFIGURED_PAUSE, errors=claimed.errors + 1)
    else:
        _take(claimed, observation)
        return observation is None
    return False


def _retry(claimed: _Claimed, *, hint: float | None = None) -> None:
    """Try again after a growing pause, but never sooner than the purchase would be polled anyway."""
    now, errors = timezone.now(), claimed.errors + 1
    due_at = max(next_poll_at(claimed.purchase, now=now), retry_at(now=now, errors=errors, hint=hint))
    _put_back(claimed, due_at, errors=errors)


def _take(claimed: _Claimed, observation: Observation | None) -> None:
    purchase = claimed.purchase
    if observation is None or observation.digest == claimed.digest:
        _put_back(claimed, next_poll_at(purchase, now=timezone.now()), errors=0)
    else:
        apply_observation(purchase, observation, source=Source.POLL, fence=claimed.fence)


def _put_back(claimed: _Claimed, due_at: datetime, *, errors: int) -> None:
    """Set the next poll when there is nothing new. A lost lease writes nothing: somebody else has the row."""
    mine = PurchasePoll.objects.filter(pk=claimed.purchase.pk, fence=claimed.fence)
    mine.update(due_at=due_at, errors=errors, tries=F("tries") + 1)
