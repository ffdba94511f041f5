"""Races that happen each time: a competitor runs right before or after one function, once."""

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
    """The function was never called, so nothing raced: the test would prove nothing."""


class RaceInTransactionError(AssertionError):
    """Race elsewhere: within a transaction of the function's caller nobody else could come in between."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Race:
    """A race that is set up. `result` is what the competitor returned, `error` what went wrong with it."""

    def __init__(self, *, before: Action | None, after: Action | None) -> None:
        self.was_run = False
        self.result: Any = None
        self.error: Exception | None = None
        self._before, self._after = before, after
        self._lock = threading.Lock()
        self._depth = _transactions()

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the competitor around its first call."""

        @functools.wraps(function)
        def raced(*arguments: Any, **named: Any) -> Any:
            # The competitor, and whoever comes later, calls the function as it is.
            with self._lock:
                is_first, self.was_run = not self.was_run, True
            if not is_first:
                return function(*arguments, **named)
            self._compete(self._before)
            answer = function(*arguments, **named)
            self._compete(self._after)
            return answer

        return raced

    def _compete(self, action: Action | None) -> None:
        if action is None:
            return
        if _transactions() > self._depth:
            self.error = RaceInTransactionError()
            return
        try:
            self.result = action()
        except Exception as error:  # raised at the end: whoever is raced against must not meet it
            self.error = error


def _transactions() -> int:
    return len(connection.atomic_blocks)


@contextmanager
def race(target: str, *, before: Action | None = None, after: Action | None = None) -> Iterator[Race]:
    """Patch one function of the app, so that a competitor runs right before or after its first call.

    Args:
        target: the dotted path under which it is looked up, such as
            "django_henry_checkout.flows.checkout.confirm._commit_intent"; a method of a class can be named too.
        before: runs when the function has been called, before it begins.
        after: runs when it is done, before its caller goes on.

    Raises:
        RaceNotRunError: the function was not called within the block.
        RaceInTransactionError: it was called within a transaction that began within the block.
        Exception: whatever the competitor raised, at the end of the block.
    """
    if before is None and after is None:
        raise ValueError("Say what is to run, before or after.")
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
