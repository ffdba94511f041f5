"""Run a function in many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

THREADS = 8


def at_once(work: Callable[[int], Any], *, threads: int = THREADS) -> list[Any]:
    barrier = threading.Barrier(threads)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(20)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))
