"""Workers as processes of their own, on the database of the test; with Celery also a broker."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from uuid import uuid4

import redis
from celery import Celery
from django.db import connection

from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.shop import ROOT

DOCS = ROOT / "docs" / "howto" / "celery.md"


class Worker:
    """A `henry_worker` that can be killed like the real thing."""

    def __init__(self, sandbox: Sandbox, *, lease_seconds: float = 2, receiver_seconds: float = 0) -> None:
        environment = {
            **_environment(sandbox, lease_seconds=lease_seconds, receiver_seconds=receiver_seconds),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(ROOT),
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


def _environment(sandbox: Sandbox, *, lease_seconds: float, receiver_seconds: float) -> dict[str, str]:
    return {
        **os.environ,
        **_database_environment(),
        "PYTHONWARNINGS": "default",
        "SANDBOX_URL": sandbox.url,
        "TEST_LEASE_SECONDS": str(lease_seconds),
        "TEST_RECEIVER_SECONDS": str(receiver_seconds),
    }


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


# Celery -----------------------------------------------------------------------------------


class CeleryShop:
    """A project "mysite" that was set up with the very lines of docs/howto/celery.md, on the database of the test.

    Args:
        transport: more of CELERY_BROKER_TRANSPORT_OPTIONS.
        options: more of HENRY_CHECKOUT.

    Its queue and the prefix of its keys are its own, so that tests beside each other may share a Redis.
    """

    def __init__(
        self,
        folder: Path,
        sandbox: Sandbox,
        broker_url: str,
        *,
        lease_seconds: float = 30,
        receiver_seconds: float = 0,
        transport: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.folder = folder
        self.queue = f"henry-{uuid4().hex[:12]}"
        self.environment = {
            **_environment(sandbox, lease_seconds=lease_seconds, receiver_seconds=receiver_seconds),
            "REDIS_URL": broker_url,
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        }
        # It would bring the example project's app beside the shop's.
        self.environment.pop("CELERY_BROKER_URL", None)
        more = {"CELERY_QUEUE": self.queue, **options}
        prefixed = {"global_keyprefix": f"{self.queue}:", **(transport or {})}
        package = folder / "mysite"
        package.mkdir()
        (package / "settings.py").write_text(
            "from tests.settings import *\n"
            "HENRY_CHECKOUT = {**HENRY_CHECKOUT}\n"
            f"{documented('settings.py')}\n"
            f"HENRY_CHECKOUT.update({more!r})\n"
            f"CELERY_BROKER_TRANSPORT_OPTIONS.update({prefixed!r})\n"
        )
        for name in ("celery.py", "__init__.py"):
            (package / name).write_text(documented(name))

    def make_app(self) -> Celery:
        """Return an app for this very process, to send tasks with; it is nobody's default yet."""
        found = runpy.run_path(str(self.folder / "mysite" / "settings.py"))
        app = Celery("mysite", fixups=[], set_as_current=False)
        app.config_from_object(SimpleNamespace(**found), namespace="CELERY")
        return app


def documented(name: str) -> str:
    """Return the file that docs/howto/celery.md tells a shop to write."""
    found = re.search(
        rf"```python\n# mysite/{re.escape(name)}(?:, at the end)?\n(.*?)```", DOCS.read_text(), re.DOTALL
    )
    assert found, f"{DOCS} shows no {name}"
    return found.group(1)


class _CeleryProcess:
    """What a Celery worker and beat have in common. What they say is in a file, shown when a test fails."""

    ready_line: ClassVar[str]

    def __init__(self, shop: CeleryShop, name: str, *arguments: str) -> None:
        self.log = shop.folder / f"{name}-{uuid4().hex[:6]}.log"
        command = [sys.executable, "-m", "celery", "--app", "mysite", name, "--loglevel", "INFO", *arguments]
        with self.log.open("w") as output:
            # A session of its own, so that signals reach the children of its pool too.
            self._process = subprocess.Popen(
                command,
                cwd=shop.folder,
                env=shop.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.ready_line in self.output(), what=f"{self.log.name}: {self.ready_line}")

    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it and its children in the middle of whatever they do."""
        self._signal_all(signal.SIGKILL)
        self._process.wait(10)

    def freeze(self) -> None:
        """Stop time for it and its children."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on as if nothing had been."""
        self._signal_all(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end after the work at hand."""
        self._process.terminate()
        assert self._process.wait(60) == 0, self.output()[-3000:]

    def end(self) -> None:
        """Make sure that nothing is left of it, whatever became of the test."""
        if self.is_running():
            self.kill()
        sys.stdout.write(f"----- {self.log.name}\n{self.output()[-5000:]}\n")

    def _signal_all(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)


class CeleryWorker(_CeleryProcess):
    """A Celery worker with a prefork pool."""

    ready_line = " ready."

    def __init__(self, shop: CeleryShop, *, concurrency: int = 2) -> None:
        name = f"{uuid4().hex[:6]}@%h"
        super().__init__(
            shop, "worker", "--queues", shop.queue, "--concurrency", str(concurrency), "--hostname", name
        )

    def received(self) -> list[str]:
        """The ids of the tasks that it was handed, in order."""
        return re.findall(r"Task henry_checkout\.\w+\[([\w-]+)\] received", self.output())


class Beat(_CeleryProcess):
    """Celery beat."""

    ready_line = "beat: Starting..."

    def __init__(self, shop: CeleryShop) -> None:
        schedule = shop.folder / f"beat-{uuid4().hex[:6]}"
        super().__init__(shop, "beat", "--schedule", str(schedule), "--pidfile", "")


class Redis:
    """A Redis of the test's own, which can go away, hang, forget all, and come back at its address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        server = shutil.which("redis-server")
        assert server, "redis-server is missing: `make test` installs it."
        command = [server, "--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder)]
        command += ["--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, seconds=10, what="Redis answers")

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self._port) as client:
                return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def flush(self) -> None:
        with redis.Redis(port=self._port) as client:
            client.flushall()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
