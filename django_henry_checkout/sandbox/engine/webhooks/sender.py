"""Sends webhooks: a few threads, each with a queue of its own, and a log of what became of each delivery."""

from __future__ import annotations

import heapq
import http.client
import itertools
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django_henry_checkout.sandbox.engine.responses import iso
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.webhooks import events as webhooks
from django_henry_checkout.sandbox.engine.webhooks.events import Delivery

TIMEOUT = 5.0
LANES = 8
MAX_WAITING = 50_000
LOG_KEPT = 20_000
READ_AT_ONCE = 65_536


@dataclass(frozen=True)
class Outcome:
    """What an endpoint answered, or why it did not."""

    status: int | None = None
    error: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, headers: dict[str, str], body: bytes) -> Outcome:
    """Send one request, past any proxy and without following a redirect."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            connection.request("POST", target, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            _take(answer)
            return Outcome(answer.status)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Outcome(error=f"{type(error).__name__}: {error}"[:200])


def _take(answer: http.client.HTTPResponse) -> None:
    """Read an answer to its end, for as long as is fair: what is left would cut the endpoint short."""
    deadline = time.monotonic() + TIMEOUT
    while answer.read1(READ_AT_ONCE) and time.monotonic() < deadline:
        pass


def at_once(times: int, call: Callable[[], Outcome]) -> list[Outcome]:
    """Make the same call several times at the same moment."""
    if times == 1:
        return [call()]
    with ThreadPoolExecutor(times) as pool:
        sent = [pool.submit(call) for _ in range(times)]
        return [future.result() for future in sent]


class Lane:
    """One thread and what it still has to send. The events of an order share a lane, which keeps their order."""

    def __init__(self, deliver: Callable[[Delivery, int], None]) -> None:
        self._deliver = deliver
        self._ready = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()
        self._is_busy = False
        # Counts the resets, so that what was under way during one is not sent again after it.
        self._age = 0

    def put(self, delivery: Delivery, *, after: float, age: int | None = None) -> None:
        with self._ready:
            if age is None or age == self._age:
                heapq.heappush(self._queue, (time.monotonic() + after, next(self._numbers), delivery))
                self._ready.notify()

    def clear(self) -> None:
        with self._ready:
            self._queue.clear()
            self._age += 1

    def is_of_now(self, age: int) -> bool:
        return age == self._age

    @property
    def waiting(self) -> int:
        with self._ready:
            return len(self._queue) + self._is_busy

    def run(self) -> None:
        while True:
            delivery, age = self._next()
            self._deliver(delivery, age)
            with self._ready:
                self._is_busy = False

    def _next(self) -> tuple[Delivery, int]:
        with self._ready:
            while True:
                pause = self._queue[0][0] - time.monotonic() if self._queue else None
                if pause is not None and pause <= 0:
                    break
                self._ready.wait(pause)
            self._is_busy = True
            return heapq.heappop(self._queue)[2], self._age


class Sender:
    """The queue in front of the endpoints."""

    def __init__(self) -> None:
        self._lanes = [Lane(self._deliver) for _ in range(LANES)]
        self._log: deque[JSON] = deque(maxlen=LOG_KEPT)
        self._log_lock = threading.Lock()

    def start(self) -> None:
        for lane in self._lanes:
            threading.Thread(target=lane.run, name="webhooks", daemon=True).start()

    def put(self, deliveries: Iterable[Delivery]) -> None:
        room = MAX_WAITING - self.waiting
        for number, delivery in enumerate(deliveries):
            if number >= room:
                self.note(delivery, Outcome(error="not sent: the queue is full"))
            else:
                self._lane(delivery).put(delivery, after=delivery.sending.delay_seconds)

    @property
    def waiting(self) -> int:
        """How many deliveries wait or are under way."""
        return sum(lane.waiting for lane in self._lanes)

    def clear(self) -> None:
        for lane in self._lanes:
            lane.clear()
        with self._log_lock:
            self._log.clear()

    def log(self) -> list[JSON]:
        with self._log_lock:
            return list(self._log)

    def note(self, delivery: Delivery, outcome: Outcome) -> None:
        row = {
            "event": delivery.event,
            "refId": delivery.ref_id,
            "uuid": delivery.endpoint.uuid,
            "attempt": delivery.attempt,
            "status": outcome.status,
            "error": outcome.error,
            "at": iso(datetime.now(UTC)),
        }
        with self._log_lock:
            self._log.append(row)

    def send_now(self, delivery: Delivery, *, times: int, parallel: bool) -> list[Outcome]:
        """Send exact copies of one delivery while the caller waits."""
        call = self._call(delivery)
        outcomes = at_once(times, call) if parallel else [call() for _ in range(times)]
        for outcome in outcomes:
            self.note(delivery, outcome)
        return outcomes

    def _lane(self, delivery: Delivery) -> Lane:
        return self._lanes[zlib.crc32(delivery.ref_id.encode()) % LANES]

    def _call(self, delivery: Delivery) -> Callable[[], Outcome]:
        """Signed once: copies of a delivery are the same to the last byte, a later attempt is not."""
        endpoint, body = delivery.endpoint, delivery.body
        headers = webhooks.headers_of(endpoint.secret, body, delivery.sending, now=time.time())
        return lambda: post(endpoint.url, headers, body)

    def _deliver(self, delivery: Delivery, age: int) -> None:
        lane, sending = self._lane(delivery), delivery.sending
        copies = sending.duplicates + 1 if delivery.attempt == 1 else 1
        for outcome in at_once(copies, self._call(delivery)):
            if not lane.is_of_now(age):
                return
            self.note(delivery, outcome)
            if not outcome.is_accepted and delivery.attempt <= sending.retries:
                again = replace(delivery, attempt=delivery.attempt + 1)
                lane.put(again, after=sending.retry_after_seconds, age=age)
