"""Best-effort wake-up of workers after a commit; correctness never depends on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum

from django.db import transaction

logger = logging.getLogger("django_henry_checkout.wakeup")


class Work(StrEnum):
    """Kinds of work for which workers are woken up."""

    POLLS = "polls"
    DELIVERIES = "deliveries"
    WEBHOOKS = "webhooks"


_subscribers: list[Callable[[Work], None]] = []


def subscribe(listener: Callable[[Work], None]) -> None:
    """Call `listener` after each commit that leaves work to do."""
    if listener not in _subscribers:
        _subscribers.append(listener)


def unsubscribe(listener: Callable[[Work], None]) -> None:
    """Stop calling `listener`."""
    if listener in _subscribers:
        _subscribers.remove(listener)


def wake_workers(work: Work) -> None:
    """Call the listeners after the transaction is committed. A failure is logged and ignored."""
    if _subscribers:
        transaction.on_commit(lambda: _call_listeners(work), robust=True)


def _call_listeners(work: Work) -> None:
    for listener in _subscribers:
        try:
            listener(work)
        except Exception as error:  # a broker's client may raise anything; workers find the rows without it
            logger.warning("Workers were not woken up for %s: %s", work, type(error).__name__)
