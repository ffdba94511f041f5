"""Retry transactions that fail with a deadlock, a serialization failure or a lock timeout."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection

T = TypeVar("T")

MAX_ATTEMPTS = 4
#: PostgreSQL: serialization failure, deadlock, lock timeout. MySQL: deadlock, lock timeout.
_TRANSIENT = frozenset({"40001", "40P01", "55P03", 1213, 1205})


def run_with_retries(work: Callable[[], T]) -> T:
    """Run a whole transaction, up to MAX_ATTEMPTS times. It must have no effects outside the database.

    Within another transaction it runs once, because that one has to be retried as a whole.
    """
    for attempt in range(1, MAX_ATTEMPTS):
        try:
            return work()
        except OperationalError as error:
            if connection.in_atomic_block or not _is_transient(error):
                raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - spreads load
    return work()


def _is_transient(error: OperationalError) -> bool:
    cause = error.__cause__
    code = getattr(cause, "sqlstate", None) or (error.args[0] if error.args else None)
    return code in _TRANSIENT or "database is locked" in str(error)
