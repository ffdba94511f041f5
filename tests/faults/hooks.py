"""Faults that strike a process from within, where a test wants them: read from the environment, for workers and shops.

TEST_FAULTS      JSON, a list of `Fault`s
TEST_RECEIVERS   names of RECEIVERS, with commas: connected to `purchase_submitted` in this process
TEST_CLOCK       a file with the seconds by which the web clock of this process is off, read at each look
TEST_WARM        ask Henry once while Django starts, so that what forks later has an open connection
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
import os
import pkgutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.utils import timezone

#: Longer than any test lasts, so that nothing that is held goes on, and short enough to end by itself.
HELD_SECONDS = 300
#: What the receiver that takes its time takes.
SLOW_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens when a function is reached.

    Args:
        when: "before" or "after" the function, which has to have done something then: `[]` and 0 do not count; or
            "committed": after the first commit in it, and before what was to follow that commit.
        place: the dotted path of the function, as the caller knows it.
        act: one of ACTS.
        mark: a file that says that it has struck, so that it strikes once; without one it always does.
    """

    when: str
    place: str
    act: str
    mark: str = ""

    def strike(self) -> None:
        if self.mark and not _is_first(Path(self.mark)):
            return
        ACTS[self.act]()


def _is_first(mark: Path) -> bool:
    try:
        with mark.open("x") as file:
            file.write(str(time.time()))
    except FileExistsError:
        return False
    return True


def _signal_self(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


ACTS: dict[str, Callable[[], Any]] = {
    "kill": lambda: _signal_self(signal.SIGKILL),
    "stop": lambda: _signal_self(signal.SIGSTOP),
    "hold": lambda: threading.Event().wait(HELD_SECONDS),
    "nothing": lambda: None,
    "count": lambda: _count(Path(os.environ["TEST_COUNT"])),
}


def _count(path: Path) -> None:
    with path.open("a") as file:
        file.write(".")


def install(fault: Fault) -> None:
    """Put the fault around its function, for this process."""
    owner_path, _dot, name = fault.place.rpartition(".")
    owner = pkgutil.resolve_name(owner_path)
    real = inspect.getattr_static(owner, name)

    @functools.wraps(real)
    def struck(*arguments: Any, **named: Any) -> Any:
        if fault.when == "before":
            fault.strike()
        with _after_commit(fault) if fault.when == "committed" else nullcontext():
            answer = real(*arguments, **named)
        if fault.when == "after" and (answer is None or answer):
            fault.strike()
        return answer

    setattr(owner, name, struck)


@contextmanager
def _after_commit(fault: Fault) -> Iterator[None]:
    real = connection.commit

    def commit() -> None:
        real()
        fault.strike()

    connection.commit = commit
    try:
        yield
    finally:
        del connection.commit


def shift_clock() -> None:
    """Let the web clock of this process be off. Called by the settings, before any model has looked at it."""
    path = os.environ.get("TEST_CLOCK")
    if not path:
        return
    real = timezone.now

    def now() -> datetime:
        return real() + timedelta(seconds=float(Path(path).read_text()))

    timezone.now = now


# Receivers --------------------------------------------------------------------------------


def _note(name: str, event_id: str, order: Any) -> None:
    from tests.receivers.models import Received

    Received.objects.create(signal=name, event_id=event_id, order_number=order.number)


def raises(*, event_id: str, order: Any, **kwargs: Any) -> None:
    _note("raises", event_id, order)
    raise RuntimeError("this receiver is broken")


def imports(*, event_id: str, order: Any, **kwargs: Any) -> None:
    _note("imports", event_id, order)
    from tests.faults import not_there  # noqa: F401 - this is the fault


def slow(*, event_id: str, order: Any, **kwargs: Any) -> None:
    _note("slow", event_id, order)
    time.sleep(SLOW_SECONDS)


def hangs(*, event_id: str, order: Any, **kwargs: Any) -> None:
    _note("hangs", event_id, order)
    if order.number == os.environ["TEST_POISONED"]:
        ACTS["hold"]()


def elsewhere(*, event_id: str, order: Any, **kwargs: Any) -> None:
    """Do something that no rollback undoes, and die once before the mark that it was done is committed."""
    _note("elsewhere", event_id, order)
    with Path(os.environ["TEST_ELSEWHERE"]).open("a") as file:
        file.write(f"{event_id}\n")
    Fault(when="", place="", act="kill", mark=os.environ["TEST_ELSEWHERE"] + ".mark").strike()


def poison(*, event_id: str, order: Any, **kwargs: Any) -> None:
    _note("poison", event_id, order)
    if order.number == os.environ["TEST_POISONED"]:
        os._exit(11)


RECEIVERS = {receiver.__name__: receiver for receiver in (raises, imports, slow, hangs, elsewhere, poison)}


# Logs -------------------------------------------------------------------------------------


class RaisingHandler(logging.Handler):
    """A log that is down, with a handler that lets everybody know; for lines with TEST_LOG_ON in them, or all."""

    def emit(self, record: logging.LogRecord) -> None:
        if os.environ.get("TEST_LOG_ON", "") in record.getMessage():
            raise OSError("the log is down")


class HooksConfig(AppConfig):
    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        from django_henry_checkout.signals import purchase_submitted

        for name in filter(None, os.environ.get("TEST_RECEIVERS", "").split(",")):
            purchase_submitted.connect(RECEIVERS[name])
        for fault in json.loads(os.environ.get("TEST_FAULTS", "[]")):
            install(Fault(**fault))
        if os.environ.get("TEST_WARM"):
            _ask_henry()


def _ask_henry() -> None:
    from django_henry_checkout.conf import app_settings
    from django_henry_checkout.gateway import gateway_for

    gateway_for(app_settings.account()).list_orders(limit=1)
