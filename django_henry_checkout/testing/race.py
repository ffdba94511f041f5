"""Deterministic races: a competitor runs once, right before or after one function call."""

from __future__ import annotations

import functools
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

Action = Callable[[], Any]


class RaceNotRunError(AssertionError):
    """The function was not called, so there was no race and the test proves nothing."""


class RaceInTransactionError(AssertionError):
    """Race elsewhere: inside the open transaction of the caller there is no room for a competitor."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Race:
    """A race that is set up; `result` is the competitor's return value, `error` its exception."""

    def __init__(self, *, before: Action | None, after: Action | None) -> None:
        self.was_run = False
        self.result: Any = None
        self.error: Exception | None = None
        self._before, self._after = before, after
        self._lock = threading.Lock()
        self._depth = _transaction_depth()

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the competitor around its first call."""

        @functools.wraps(function)
        def raced(*arguments: Any, **named: Any) -> Any:
            # The competitor and later callers call the function unchanged.
            with self._lock:
                is_first, self.was_run = not self.was_run, True
            if not is_first:
                return function(*arguments, **named)
            self._compete(self._before)
            result = function(*arguments, **named)
            self._compete(self._after)
            return result

        return raced

    def _compete(self, action: Action | None) -> None:
        if action is None:
            return
        if _transaction_depth() > self._depth:
            self.error = RaceInTransactionError()
            return
        try:
            self.result = action()
        except Exception as error:  # raised at the end of the block; the raced function must not see it
            self.error = error


def _transaction_depth() -> int:
    return len(connection.atomic_blocks)


@contextmanager
def race(target: str, *, before: Action | None = None, after: Action | None = None) -> Iterator[Race]:
    """Patch one function of the app, so that a competitor runs right before or after its first call.

    Args:
        target: the dotted path under which its callers look it up, such as
            "shop.receivers.send_receipt"; a method of a class works too.
        before: the competitor; runs when the function is called, before its first line.
        after: the competitor; runs when the function has returned, before its caller continues.

    Raises:
        RaceNotRunError: the function was not called within the block.
        RaceInTransactionError: it was called inside a transaction that began within the block.
        Exception: the exception of the competitor, at the end of the block.
    """
    if before is None and after is None:
        raise ValueError("Pass a competitor as before or after.")
    path, _dot, name = target.rpartition(".")
    owner = pkgutil.resolve_name(path)
    raw = inspect.getattr_static(owner, name)
    running = Race(before=before, after=after)
    raced = running.wrap(getattr(owner, name))
    is_unbound = isinstance(raw, staticmethod | classmethod)
    is_own = name in vars(owner)
    setattr(owner, name, staticmethod(raced) if is_unbound else raced)
    try:
        yield running
    finally:
        if is_own:
            setattr(owner, name, raw)
        else:
            delattr(owner, name)
    if running.error is not None:
        raise running.error
    if not running.was_run:
        raise RaceNotRunError(f"{target} was not called.")
