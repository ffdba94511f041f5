"""The one clock of leases and queues: the database's, because those who share them may disagree about the time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

#: The database's time when this process last asked for it, and this machine's steady clock at that moment.
_last_seen: tuple[datetime, float] | None = None


def database_now() -> datetime:
    """Return PostgreSQL's time; elsewhere that of this machine, which is the same where all workers run on it.

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
    """Return the same as an expression, for a statement that asks for something else anyway."""
    if connection.vendor == "postgresql":
        return Now()
    return Value(timezone.now(), output_field=DateTimeField())


def record_database_time(moment: datetime) -> None:
    """Take note of what the database's time is now, from a statement that said so."""
    global _last_seen  # noqa: PLW0603 - one for the process
    _last_seen = moment, time.monotonic()


def queue_now() -> datetime:
    """Return the database's time without asking for it: as last heard by this process, and gone on since.

    A worker hears it with each claim. A process that never did, such as a web server, goes by its own clock.
    """
    if _last_seen is None:
        return timezone.now()
    moment, at = _last_seen
    return moment + timedelta(seconds=time.monotonic() - at)
