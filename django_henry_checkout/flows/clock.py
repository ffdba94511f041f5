"""The one clock of leases: the database's, because those who share the leases may disagree about the time."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """Return PostgreSQL's time; elsewhere that of this machine, which is the same where all workers run on it.

    Effects: one statement on PostgreSQL.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
