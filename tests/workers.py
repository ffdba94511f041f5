"""Workers as processes of their own, on the database of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from tests.henry import ROOT, Sandbox


class Worker:
    """A `henry_worker` that can be killed like the real thing."""

    def __init__(self, sandbox: Sandbox, *, lease_seconds: float = 2, receiver_seconds: float = 0) -> None:
        environment = {
            **os.environ,
            **_database_environment(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "default",
            "SANDBOX_URL": sandbox.url,
            "TEST_LEASE_SECONDS": str(lease_seconds),
            "TEST_RECEIVER_SECONDS": str(receiver_seconds),
        }
        command = [sys.executable, "-m", "django", "henry_worker", "--interval", "0.05"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(10) == -signal.SIGKILL

    def end(self) -> None:
        """Make sure that nothing is left of it, whatever became of the test."""
        if self._process.poll() is None:
            self.kill()

    def stop(self) -> None:
        """Ask it to end after the work at hand."""
        if self._process.poll() is None:
            self._process.terminate()
            assert self._process.wait(20) == 0


def _database_environment() -> dict[str, str]:
    database: dict[str, Any] = connection.settings_dict
    if connection.vendor == "sqlite":
        return {"TEST_SQLITE_NAME": str(database["NAME"])}
    user, host, port = database["USER"], database["HOST"], database["PORT"]
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    return {"DATABASE_URL": f"postgres://{user}{password}@{host}:{port}/{database['NAME']}"}


def wait_until(condition: Callable[[], object], *, seconds: float = 60, what: str = "") -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"not within {seconds} s: {what or condition}"
        time.sleep(0.05)
