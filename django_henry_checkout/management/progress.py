"""Progress bars, time arguments and Ctrl-C handling of the long-running commands."""

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


def parse_time(text: str) -> datetime:
    """Parse a time: `30m`, `12h` or `7d` ago, or an ISO 8601 date and time (UTC if it has no offset)."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return timezone.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        parsed = parse_datetime(text)
    except ValueError:
        parsed = None
    if parsed is None:
        raise ArgumentTypeError(f"{text!r} is not a time. Use 30m, 12h, 7d or 2026-11-22T08:00:00+00:00.")
    return parsed if timezone.is_aware(parsed) else parsed.replace(tzinfo=UTC)


def progress_bar(**options: Any) -> tqdm[Any]:
    """Return a progress bar on standard error; it is hidden unless that is a terminal."""
    return tqdm(disable=None, mininterval=0.2, **options)


class StopRequest:
    """Become true after Ctrl-C: the loop finishes its current step, then ends."""

    def __init__(self) -> None:
        self.is_requested = False

    def __bool__(self) -> bool:
        return self.is_requested


@contextmanager
def interruptible() -> Iterator[StopRequest]:
    """Let Ctrl-C end a loop between two steps; a second Ctrl-C ends it at once."""
    stop = StopRequest()

    def request_stop(signum: int, frame: FrameType | None) -> None:
        if stop.is_requested:
            raise KeyboardInterrupt
        stop.is_requested = True

    previous_handler = signal.signal(signal.SIGINT, request_stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous_handler)
