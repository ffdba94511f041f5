"""Processor time of this process and the SQL that it sends: both sides of a comparison are measured by this."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from django.db import connection

#: One block of calls; returns milliseconds of CPU for each call.
Block = Callable[[], float]


class Watch:
    """Adds up what happens inside `running()`; what stands outside, such as setting up, is not counted.

    BEGIN and COMMIT are not among the statements, savepoints are.
    """

    def __init__(self) -> None:
        self.cpu = 0.0
        self.statements = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count until the block ends."""
        with connection.execute_wrapper(self._count):
            began = time.process_time()
            try:
                yield
            finally:
                self.cpu += time.process_time() - began

    def _count(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements += 1
        return execute(sql, params, many, context)


def cpu_each(one: Callable[[Watch], object], *, calls: int) -> float:
    """Return milliseconds of CPU for one of so many calls; each says by the watch what of it counts."""
    gc.collect()
    watch = Watch()
    for _call in range(calls):
        one(watch)
    return watch.cpu / calls * 1000


def statements(one: Callable[[Watch], object]) -> int:
    """Return how many SQL statements one call sends."""
    watch = Watch()
    one(watch)
    return watch.statements


def medians(*sides: Block, rounds: int) -> list[float]:
    """Run the sides in turn, so often; return the median of each. One round before warms up."""
    found: list[list[float]] = [[] for _side in sides]
    for number in range(rounds + 1):
        for side, times in zip(sides, found, strict=True):
            took = side()
            if number:
                times.append(took)
    return [median(times) for times in found]
