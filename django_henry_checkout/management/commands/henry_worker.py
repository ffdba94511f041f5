from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from django_henry_checkout.flows.working import deliver, follow, run_once

logger = logging.getLogger("django_henry_checkout.worker")

ROUND_TRIP_LIMIT = 10_000


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
        # Two threads, so that a receiver that takes its time holds up no purchase.
        deliveries = threading.Thread(target=self._loop, args=(deliver, stop, interval), name="deliveries")
        deliveries.start()
        self._loop(follow, stop, interval)
        deliveries.join()
        self.stdout.write("Worker ended.")

    def _loop(self, work: Callable[[], int], stop: threading.Event, interval: float) -> None:
        try:
            while not stop.is_set():
                if not self._round(work):
                    stop.wait(interval)
        finally:
            connection.close()

    def _listen(self, stop: threading.Event) -> None:
        def end(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)

    def _work_until_idle(self, stop: threading.Event) -> None:
        done = 0
        for _round in range(ROUND_TRIP_LIMIT):
            worked = run_once()
            done += worked
            if not worked or stop.is_set():
                break
        self.stdout.write(f"Nothing is due any more; {done} rows were worked on.")

    def _round(self, work: Callable[[], int]) -> int:
        """Work one round. A database that is away is waited for: the rows are still there afterwards."""
        try:
            return work()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database refused, trying again: %s", type(error).__name__)
            connection.close()
            return 0
