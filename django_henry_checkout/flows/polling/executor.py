"""Asks Henry many questions at once, in threads. They know gateways and plain values, and no database."""

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
    """Threads that ask, made when they are first needed. Futures would cost as much as the rest of a question."""

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
    """What came of one question: glimpses, or the purchases found of a cart, or an error."""

    asked: ClaimedPoll | BulkPoll
    glimpses: tuple[RawAnswer, ...] = ()
    found: tuple[Observation, ...] = ()
    error: Exception | None = None


class CallExecutor(Generic[Sender]):
    """Questions under way. Whoever asks gets the answer back together with himself."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.in_flight = 0
        self._done: SimpleQueue[tuple[Sender, CallResult]] = SimpleQueue()

    @property
    def has_capacity(self) -> bool:
        """Whether one more may be sent; a few wait, so that no thread does."""
        return self.in_flight < self.size + self.size // 2 + 1

    def ask(self, sender: Sender, asked: ClaimedPoll | BulkPoll, gateway: Gateway) -> None:
        """Send one question."""
        self.in_flight += 1
        pool = _pools.get(self.size) or _pools.setdefault(self.size, _ThreadPool())
        pool.grow(min(self.size, self.in_flight))
        pool.work.put(partial(self._run, sender, asked, gateway))

    def _run(self, sender: Sender, asked: ClaimedPoll | BulkPoll, gateway: Gateway) -> None:
        try:
            outcome = _call(asked, gateway)
        except Exception as error:  # handed over to whoever waits
            outcome = CallResult(asked=asked, error=error)
        self._done.put((sender, outcome))

    def wait(self, seconds: float) -> list[tuple[Sender, CallResult]]:
        """Return what has come, at least one answer.

        Raises:
            Empty: nothing came for so long.
        """
        came = [self._done.get(timeout=seconds)]
        try:
            while True:
                came.append(self._done.get_nowait())
        except Empty:
            self.in_flight -= len(came)
            return came

    def forget(self) -> None:
        """Wait no longer."""
        self.in_flight = 0
        self._done = SimpleQueue()


def _call(asked: ClaimedPoll | BulkPoll, gateway: Gateway) -> CallResult:
    if isinstance(asked, BulkPoll):
        return CallResult(asked=asked, glimpses=gateway.list_raw_orders(cursor=asked.cursor))
    if asked.ref_id:
        return CallResult(asked=asked, glimpses=(gateway.fetch_raw_status(asked.ref_id),))
    found = gateway.find_purchases(asked.henry_cart_id, claimed_id=asked.claimed_id, retries=0)
    return CallResult(asked=asked, found=found)
