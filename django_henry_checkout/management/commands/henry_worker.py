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
from django_henry_checkout.flows.operations.run import deliver_events, listen, poll_and_expire, run_once
from django_henry_checkout.flows.queue import wakeup
from django_henry_checkout.flows.queue.heartbeat import record_heartbeat
from django_henry_checkout.flows.queue.wakeup import Work
from django_henry_checkout.models import WorkerKind

logger = logging.getLogger("django_henry_checkout.worker")

ROUND_TRIP_LIMIT = 10_000
#: What is old is looked for so often.
PRUNE_SECONDS = 3600.0


class Command(BaseCommand):
    help = "Follows purchases and runs signal receivers in this one process; no broker is needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Work until nothing is due, then end.")
        parser.add_argument(
            "--interval", type=float, default=0.5, help="Seconds to rest when nothing is due (default 0.5)."
        )

    def handle(self, *args: Any, once: bool, interval: float, **options: Any) -> None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            self._listen(stop)
        if once:
            self._work_until_idle(stop)
            return
        self.stdout.write("Worker ready: following purchases. Ctrl-C ends it after the work at hand.")
        # A thread for each, so that a receiver that takes its time holds up no purchase, nor a poll a webhook.
        loops = [
            Loop(deliver_events, stop, interval),
            Loop(listen, stop, interval),
            Loop(prune_batch, stop, PRUNE_SECONDS),
        ]
        woken = {Work.DELIVERIES: loops[0], Work.WEBHOOKS: loops[1]}
        wake = partial(_wake, woken)
        wakeup.subscribe(wake)
        try:
            for loop in loops:
                loop.start()
            Loop(_follow, stop, interval).run()
            for loop in loops:
                loop.wake()
                loop.join()
        finally:
            wakeup.unsubscribe(wake)
        self.stdout.write("Worker ended.")

    def _listen(self, stop: threading.Event) -> None:
        def end(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)

    def _work_until_idle(self, stop: threading.Event) -> None:
        # One name for all of them: a scheduler may start a new process every minute.
        record_heartbeat(WorkerKind.WORKER, f"{socket.gethostname()}:once")
        done = 0
        for _round in range(ROUND_TRIP_LIMIT):
            worked = run_once()
            done += worked
            if not worked or stop.is_set():
                break
        self.stdout.write(f"Nothing is due any more; {done} rows were worked on.")


class Loop(threading.Thread):
    """Works, and rests while nothing is due: until the interval has passed, or somebody wakes it."""

    def __init__(self, work: Callable[[], int], stop: threading.Event, interval: float) -> None:
        super().__init__(name=f"henry-{work.__name__}")
        self._work = work
        self._stopped = stop
        self._interval = interval
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._woken.clear()
                if not self._round():
                    self._woken.wait(self._interval)
        finally:
            connection.close()

    def _round(self) -> int:
        """Work one round. A database that is away is waited for: the rows are still there afterwards."""
        try:
            return self._work()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database refused, trying again: %s", type(error).__name__)
            connection.close()
            return 0


def _follow() -> int:
    record_heartbeat(WorkerKind.WORKER)
    return poll_and_expire()


def _wake(loops: Mapping[Work, Loop], work: Work) -> None:
    if work in loops:
        loops[work].wake()
