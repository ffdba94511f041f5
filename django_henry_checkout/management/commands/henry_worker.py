from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from django_henry_checkout.flows.working import run_once

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
        while not stop.is_set():
            if not self._round():
                stop.wait(interval)
        self.stdout.write("Worker ended.")

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

    def _round(self) -> int:
        """Work one round. A database that is away is waited for: the rows are still there afterwards."""
        try:
            return run_once()
        except (OperationalError, InterfaceError) as error:
            self.stderr.write(f"The database is not answering, trying again: {type(error).__name__}")
            connection.close()
            return 0
