"""The database's clock, used for leases and queues because the clocks of workers may differ."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

#: The last database time that this process read, and `time.monotonic()` at that moment.
_last_seen: tuple[datetime, float] | None = None


def database_now() -> datetime:
    """Return the database's time on PostgreSQL, and this machine's time on other databases.

    Effects: one statement on PostgreSQL.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    record_database_time(moment)
    return moment


def database_clock() -> Combinable:
    """Return the same as an expression, to use within another statement."""
    if connection.vendor == "postgresql":
        return Now()
    return Value(timezone.now(), output_field=DateTimeField())


def record_database_time(moment: datetime) -> None:
    """Store the current database time, as returned by a statement."""
    global _last_seen  # noqa: PLW0603 - one for the process
    _last_seen = moment, time.monotonic()


def queue_now() -> datetime:
    """Return the database's time without a query: the last one that this process read, plus the time since.

    A worker reads it with each claim. A process that never did, such as a web server, uses its own clock.
    """
    if _last_seen is None:
        return timezone.now()
    moment, read_at = _last_seen
    return moment + timedelta(seconds=time.monotonic() - read_at)
