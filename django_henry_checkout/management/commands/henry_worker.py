from __future__ import annotations

import logging
import signal
import socket
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from django_henry_checkout.flows.operations.prune import prune_batch
from django_henry_checkout.flows.operations.run import deliver_events, poll_and_expire, run_once
from django_henry_checkout.flows.queue import wakeup
from django_henry_checkout.flows.queue.heartbeat import record_heartbeat
from django_henry_checkout.flows.queue.wakeup import Work
from django_henry_checkout.flows.webhooks.inbox import process_webhooks
from django_henry_checkout.models import WorkerKind

logger = logging.getLogger("django_henry_checkout.worker")

#: Rounds of `--once`, in case rows keep becoming due.
MAX_ROUNDS = 10_000
PRUNE_SECONDS = 3600.0


class Command(BaseCommand):
    help = "Polls purchases, applies webhooks and runs signal receivers in one process, without a broker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Exit when nothing is due any more.")
        parser.add_argument(
            "--interval",
            type=float,
            default=0.5,
            help="Seconds to wait when nothing is due (default: 0.5).",
        )

    def handle(self, *args: Any, once: bool, interval: float, **options: Any) -> None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            self._handle_signals(stop)
        if once:
            self._run_until_idle(stop)
            return
        self.stdout.write("Worker ready. Press Ctrl-C to stop it after its current work.")
        # One thread for each, so that a slow receiver does not delay polls, nor a slow poll webhooks.
        loops = [
            Loop(deliver_events, stop, interval),
            Loop(process_webhooks, stop, interval),
            Loop(prune_batch, stop, PRUNE_SECONDS),
        ]
        woken = {Work.DELIVERIES: loops[0], Work.WEBHOOKS: loops[1]}
        wake = partial(_wake, woken)
        wakeup.subscribe(wake)
        try:
            for loop in loops:
                loop.start()
            Loop(_poll, stop, interval).run()
            for loop in loops:
                loop.wake()
                loop.join()
        finally:
            wakeup.unsubscribe(wake)
        self.stdout.write("Worker stopped.")

    def _handle_signals(self, stop: threading.Event) -> None:
        def request_stop(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, request_stop)
        signal.signal(signal.SIGINT, request_stop)

    def _run_until_idle(self, stop: threading.Event) -> None:
        # One fixed name: a scheduler may start a new process every minute.
        record_heartbeat(WorkerKind.WORKER, f"{socket.gethostname()}:once")
        total = 0
        for _round in range(MAX_ROUNDS):
            processed = run_once()
            total += processed
            if not processed or stop.is_set():
                break
        self.stdout.write(f"Nothing is due any more. Rows processed: {total}.")


class Loop(threading.Thread):
    """Call `work` repeatedly; when nothing is due, wait for the interval or until woken."""

    def __init__(self, work: Callable[[], int], stop: threading.Event, interval: float) -> None:
        super().__init__(name=f"henry-{work.__name__}")
        self._work = work
        self._stop_requested = stop
        self._interval = interval
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def run(self) -> None:
        try:
            while not self._stop_requested.is_set():
                self._woken.clear()
                if not self._run_work():
                    self._woken.wait(self._interval)
        finally:
            connection.close()

    def _run_work(self) -> int:
        """Call `work` once. After a database error return 0, so that it is retried after the interval."""
        try:
            return self._work()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Database error, trying again: %s", type(error).__name__)
            connection.close()
            return 0


def _poll() -> int:
    record_heartbeat(WorkerKind.WORKER)
    return poll_and_expire()


def _wake(loops: Mapping[Work, Loop], work: Work) -> None:
    if work in loops:
        loops[work].wake()
