"""Send webhooks from a few worker threads, and log each attempt."""

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

from django_henry_checkout.sandbox.engine.responses import to_iso
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.webhooks import events
from django_henry_checkout.sandbox.engine.webhooks.events import Delivery

TIMEOUT_SECONDS = 5.0
NUM_WORKERS = 8
MAX_PENDING = 50_000
MAX_LOG_ENTRIES = 20_000
CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class DeliveryResult:
    """The status that an endpoint returned, or the error."""

    status: int | None = None
    error: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the endpoint returned a 2xx status."""
        return self.status is not None and 200 <= self.status < 300


def post(url: str, headers: dict[str, str], body: bytes) -> DeliveryResult:
    """Send one request, without proxies and without following redirects."""
    parts = urlsplit(url)
    connection_class = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = connection_class(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", target, body, {**headers, "Connection": "close"})
            response = connection.getresponse()
            _read_to_end(response)
            return DeliveryResult(response.status)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return DeliveryResult(error=f"{type(error).__name__}: {error}"[:200])


def _read_to_end(response: http.client.HTTPResponse) -> None:
    """Read the response within the timeout: closing earlier would reset the endpoint's connection."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while response.read1(CHUNK_BYTES) and time.monotonic() < deadline:
        pass


def call_concurrently(times: int, call: Callable[[], DeliveryResult]) -> list[DeliveryResult]:
    """Make the same call several times at the same moment."""
    if times == 1:
        return [call()]
    with ThreadPoolExecutor(times) as pool:
        futures = [pool.submit(call) for _ in range(times)]
        return [future.result() for future in futures]


class Worker:
    """One thread and its queue. All events of an order share a worker, which keeps them in order."""

    def __init__(self, deliver: Callable[[Delivery, int], None]) -> None:
        self._deliver = deliver
        self._condition = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._sequence = itertools.count()
        self._is_busy = False
        # Incremented by each reset, so that a delivery in flight during one is not retried afterwards.
        self._generation = 0

    def put(self, delivery: Delivery, *, after: float, generation: int | None = None) -> None:
        """Queue a delivery, unless the queue was cleared since `generation`."""
        with self._condition:
            if generation is None or generation == self._generation:
                heapq.heappush(self._queue, (time.monotonic() + after, next(self._sequence), delivery))
                self._condition.notify()

    def clear(self) -> None:
        """Drop everything that is queued."""
        with self._condition:
            self._queue.clear()
            self._generation += 1

    def is_current(self, generation: int) -> bool:
        """Return whether the queue was not cleared since `generation`."""
        return generation == self._generation

    @property
    def num_pending(self) -> int:
        """Number of deliveries that are queued or in flight."""
        with self._condition:
            return len(self._queue) + self._is_busy

    def run(self) -> None:
        """Deliver until the process ends."""
        while True:
            delivery, generation = self._wait_for_next()
            self._deliver(delivery, generation)
            with self._condition:
                self._is_busy = False

    def _wait_for_next(self) -> tuple[Delivery, int]:
        with self._condition:
            while True:
                pause = self._queue[0][0] - time.monotonic() if self._queue else None
                if pause is not None and pause <= 0:
                    break
                self._condition.wait(pause)
            self._is_busy = True
            return heapq.heappop(self._queue)[2], self._generation


class Sender:
    """Distributes deliveries over the workers and keeps the log of attempts."""

    def __init__(self) -> None:
        self._workers = [Worker(self._deliver) for _ in range(NUM_WORKERS)]
        self._log: deque[JSON] = deque(maxlen=MAX_LOG_ENTRIES)
        self._log_lock = threading.Lock()

    def start(self) -> None:
        """Start the worker threads."""
        for worker in self._workers:
            threading.Thread(target=worker.run, name="webhooks", daemon=True).start()

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Queue deliveries; log those that do not fit as not sent."""
        capacity = MAX_PENDING - self.num_pending
        for number, delivery in enumerate(deliveries):
            if number >= capacity:
                self.log_attempt(delivery, DeliveryResult(error="not sent: the queue is full"))
            else:
                self._worker_for(delivery).put(delivery, after=delivery.options.delay_seconds)

    @property
    def num_pending(self) -> int:
        """Number of deliveries that are queued or in flight."""
        return sum(worker.num_pending for worker in self._workers)

    def clear(self) -> None:
        """Drop queued deliveries and the log."""
        for worker in self._workers:
            worker.clear()
        with self._log_lock:
            self._log.clear()

    def list_attempts(self) -> list[JSON]:
        """Return the log, oldest first."""
        with self._log_lock:
            return list(self._log)

    def log_attempt(self, delivery: Delivery, result: DeliveryResult) -> None:
        """Add an attempt to the log."""
        row = {
            "event": delivery.event,
            "refId": delivery.ref_id,
            "uuid": delivery.endpoint.uuid,
            "attempt": delivery.attempt,
            "status": result.status,
            "error": result.error,
            "at": to_iso(datetime.now(UTC)),
        }
        with self._log_lock:
            self._log.append(row)

    def send_now(self, delivery: Delivery, *, times: int, parallel: bool) -> list[DeliveryResult]:
        """Send exact copies of one delivery and wait for the results."""
        call = self._prepare_call(delivery)
        results = call_concurrently(times, call) if parallel else [call() for _ in range(times)]
        for result in results:
            self.log_attempt(delivery, result)
        return results

    def _worker_for(self, delivery: Delivery) -> Worker:
        return self._workers[zlib.crc32(delivery.ref_id.encode()) % NUM_WORKERS]

    def _prepare_call(self, delivery: Delivery) -> Callable[[], DeliveryResult]:
        """Sign a delivery once: copies of it are identical, while a retry gets a new timestamp and signature."""
        endpoint, body = delivery.endpoint, delivery.body
        headers = events.build_headers(endpoint.secret, body, delivery.options, now=time.time())
        return lambda: post(endpoint.url, headers, body)

    def _deliver(self, delivery: Delivery, generation: int) -> None:
        worker, options = self._worker_for(delivery), delivery.options
        copies = options.duplicates + 1 if delivery.attempt == 1 else 1
        for result in call_concurrently(copies, self._prepare_call(delivery)):
            if not worker.is_current(generation):
                return
            self.log_attempt(delivery, result)
            if not result.is_accepted and delivery.attempt <= options.retries:
                retry = replace(delivery, attempt=delivery.attempt + 1)
                worker.put(retry, after=options.retry_after_seconds, generation=generation)
