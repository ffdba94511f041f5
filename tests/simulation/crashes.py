"""Deaths of a process between two statements: nothing more is written, and what was not committed is gone.

A killed process runs no `finally` that writes. So from the crash on every statement and every commit is refused.
"""

from __future__ import annotations

import functools
import inspect
import pkgutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.db import connection
from hypothesis import strategies as st

from django_henry_checkout.flows.polling import executor

FLOWS = "django_henry_checkout.flows"
GATEWAYS = {"v1": "v1.GatewayV1", "v1-rpc": "v1_rpc.GatewayV1RPC"}

#: Where each kind of work may die, beside any statement and any commit: the dotted path and the side of it.
POINTS: dict[str, tuple[str, ...]] = {
    "poll": (
        "polling.poller.claim_polls:after", "polling.poller.apply_observation:before", "polling.poller.apply_observation:after",
        "polling.poller.reschedule:before", "polling.poller.reschedule:after", "polling.poller.handle_deadline:before",
        "polling.poller.handle_deadline:after", "purchase.apply._write:after", "purchase.apply.remove_purchased:after",
        "events.journal.EventJournal.write:before", "events.journal.EventJournal.write:after", "polling.rate_limit.record_usage:before",
    ),
    "deliver": ("events.outbox._claim:after", "events.outbox._call:before", "events.outbox._call:after", "events.outbox._deliver:after"),
    "webhooks": (
        "webhooks.inbox._claim:after", "webhooks.inbox._resolve:before", "webhooks.inbox._resolve:after", "webhooks.inbox._end:before",
        "webhooks.inbox.apply_observation:before", "webhooks.inbox.apply_observation:after", "events.journal.EventJournal.write:after",
    ),
    "expire": ("checkout.sessions._end:before", "checkout.sessions._end:after", "events.journal.EventJournal.write:after"),
    "begin": ("checkout.sessions._get_hosted_page:after", "checkout.sessions._create_order:after", "checkout.sessions._open_session:after"),
    "buy": (
        "checkout.sessions._get_hosted_page:after", "checkout.sessions._open_session:after", "checkout.confirm._commit_intent:before",
        "checkout.confirm._commit_intent:after", "GATEWAY.purchase:before", "GATEWAY.purchase:after",
        "checkout.confirm.apply_observation:before", "checkout.confirm.apply_observation:after", "checkout.confirm._revert_intent:before",
        "checkout.confirm._revert_intent:after", "checkout.confirm.mark_in_doubt:before", "events.journal.EventJournal.write:before",
        "events.journal.EventJournal.write:after", "purchase.apply._write:after",
    ),
    "ask": ("purchase.lifecycle.apply_observation:before", "purchase.lifecycle.apply_observation:after", "events.journal.EventJournal.write:after"),
}  # fmt: skip


class Died(BaseException):
    """The process ended here. No `except Exception` meets it."""


@dataclass(frozen=True)
class Crash:
    """`point` is one of POINTS, or "statement", or "commit"; `count` says at which time that it is passed."""

    point: str
    count: int = 1

    def __repr__(self) -> str:
        return f"Crash({self.point!r}, {self.count})"


def crashes(kind: str) -> st.SearchStrategy[Crash | None]:
    """Often none, so that the work goes on."""
    named = st.builds(Crash, st.sampled_from(POINTS[kind]), st.sampled_from([1, 1, 2]))
    statement = st.builds(Crash, st.just("statement"), st.integers(1, 40))
    commit = st.builds(Crash, st.sampled_from(["commit:before", "commit:after"]), st.integers(1, 5))
    return st.one_of(st.none(), st.none(), named, named, statement, commit)


class _Process:
    def __init__(self, crash: Crash) -> None:
        self.is_dead = False
        self._crash = crash
        self._left = crash.count

    def reach(self, point: str) -> None:
        """Die if this is the point, for the time that it is meant."""
        if self.is_dead:
            raise Died(repr(self._crash))
        if point == self._crash.point:
            self._left -= 1
            if self._left == 0:
                self.is_dead = True
                raise Died(repr(self._crash))

    def execute(self, execute: Any, *statement: Any) -> Any:
        self.reach("statement")
        return execute(*statement)

    def around(self, point: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def mortal(*arguments: Any, **named: Any) -> Any:
            self.reach(f"{point}:before")
            answer = function(*arguments, **named)
            self.reach(f"{point}:after")
            return answer

        return mortal


@contextmanager
def _patched(process: _Process, point: str, version: str) -> Iterator[None]:
    path = point.replace("GATEWAY", f"django_henry_checkout.gateway.{GATEWAYS[version]}")
    path = path if path != point else f"{FLOWS}.{point}"
    owner_path, _dot, name = path.rpartition(".")
    owner = pkgutil.resolve_name(owner_path)
    raw = inspect.getattr_static(owner, name)
    with patch.object(owner, name, process.around(point, raw)):
        yield


#: Where processes have died so far, to see that they do.
deaths: Counter[str] = Counter()


def run_mortal(work: Callable[[], Any], crash: Crash | None, *, version: str = "v1") -> Any:
    """Run `work` in a process that may die; None if it did."""
    if crash is None:
        return work()
    process = _Process(crash)
    point = crash.point.partition(":")[0]
    try:
        with ExitStack() as stack:
            stack.enter_context(connection.execute_wrapper(process.execute))
            stack.enter_context(
                patch.object(connection, "commit", process.around("commit", connection.commit))
            )
            if point not in ("statement", "commit"):
                stack.enter_context(_patched(process, point, version))
            return work()
    except Died:
        return None
    finally:
        if process.is_dead:
            deaths[crash.point] += 1
            _bury()


def _bury() -> None:
    """Roll back what was open, and let questions that were under way come to nothing."""
    connection.in_atomic_block = False
    connection.close()
    connection.connect()
    for pool in list(executor._pools.values()):
        over = threading.Event()
        pool.work.put(over.set)  # behind whatever is under way: the one thread comes to it last
        assert over.wait(60)
