"""What long commands have in common: a bar, times to type, and a clean end after Ctrl-C."""

from __future__ import annotations

import re
import signal
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

_AGO = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """Read a time: `30m`, `12h` or `7d` ago, or an ISO date and time with its zone (UTC if it has none)."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return timezone.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        read = parse_datetime(text)
    except ValueError:
        read = None
    if read is None:
        raise ArgumentTypeError(f"{text!r} is no time: write 30m, 12h, 7d, or 2026-11-22T08:00:00+00:00")
    return read if timezone.is_aware(read) else read.replace(tzinfo=UTC)


def bar(**options: Any) -> tqdm[Any]:
    """Return a progress bar on standard error; it stays away where nobody looks."""
    return tqdm(disable=None, mininterval=0.2, **options)


class Stop:
    """Becomes true when Ctrl-C was pressed: what is under way is finished first."""

    def __init__(self) -> None:
        self.is_wanted = False

    def __bool__(self) -> bool:
        return self.is_wanted


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Let Ctrl-C end a loop between two steps; a second one ends it at once."""
    stop = Stop()

    def note(signum: int, frame: FrameType | None) -> None:
        if stop.is_wanted:
            raise KeyboardInterrupt
        stop.is_wanted = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
