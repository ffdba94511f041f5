"""Run gateway calls in a thread pool; the threads never touch the database."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from django_henry_checkout.flows.polling.bulk_poll import BulkPoll
from django_henry_checkout.flows.polling.claims import ClaimedPoll
from django_henry_checkout.gateway import Gateway
from django_henry_checkout.types import Observation, RawAnswer

Sender = TypeVar("Sender")


class _ThreadPool:
    """Daemon threads, started on demand. A `Future` per call would cost as much as the rest of the call."""

    def __init__(self) -> None:
        self.size = 0
        self.work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def grow(self, size: int) -> None:
        while self.size < size:
            self.size += 1
            threading.Thread(target=self._run, name=f"henry-poll-{self.size}", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.work.get()()


_pools: dict[int, _ThreadPool] = {}
# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_pools.clear)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """Result of one call: raw answers, or the purchases found for a cart, or an error."""

    target: ClaimedPoll | BulkPoll
    answers: tuple[RawAnswer, ...] = ()
    found: tuple[Observation, ...] = ()
    error: Exception | None = None


class CallExecutor(Generic[Sender]):
    """Send calls concurrently and return each result together with its sender."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.in_flight = 0
        self._done: SimpleQueue[tuple[Sender, CallResult]] = SimpleQueue()

    @property
    def has_capacity(self) -> bool:
        """Whether another call may be sent. A few calls queue up, so that no thread is ever idle."""
        return self.in_flight < self.size + self.size // 2 + 1

    def submit(self, sender: Sender, target: ClaimedPoll | BulkPoll, gateway: Gateway) -> None:
        """Send one call."""
        self.in_flight += 1
        pool = _pools.get(self.size) or _pools.setdefault(self.size, _ThreadPool())
        pool.grow(min(self.size, self.in_flight))
        pool.work.put(partial(self._run, sender, target, gateway))

    def _run(self, sender: Sender, target: ClaimedPoll | BulkPoll, gateway: Gateway) -> None:
        try:
            result = _call(target, gateway)
        except Exception as error:  # returned to the thread that waits
            result = CallResult(target=target, error=error)
        self._done.put((sender, result))

    def wait(self, seconds: float) -> list[tuple[Sender, CallResult]]:
        """Return the results that have arrived, at least one.

        Raises:
            Empty: no result arrived in time.
        """
        results = [self._done.get(timeout=seconds)]
        try:
            while True:
                results.append(self._done.get_nowait())
        except Empty:
            self.in_flight -= len(results)
            return results

    def abandon(self) -> None:
        """Drop all calls in flight; their results are ignored."""
        self.in_flight = 0
        self._done = SimpleQueue()


def _call(target: ClaimedPoll | BulkPoll, gateway: Gateway) -> CallResult:
    if isinstance(target, BulkPoll):
        return CallResult(target=target, answers=gateway.list_raw_orders(cursor=target.cursor))
    if target.ref_id:
        return CallResult(target=target, answers=(gateway.fetch_raw_status(target.ref_id),))
    found = gateway.find_purchases(target.henry_cart_id, claimed_id=target.claimed_id, retries=0)
    return CallResult(target=target, found=found)
