"""Tells workers that there is something to do. A nudge may be lost: the rows are found without it, only later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum

from django.db import transaction

logger = logging.getLogger("django_henry_checkout.nudging")


class Work(StrEnum):
    """What there may be to do."""

    POLLS = "polls"
    DELIVERIES = "deliveries"
    WEBHOOKS = "webhooks"


_subscribers: list[Callable[[Work], None]] = []


def subscribe(listener: Callable[[Work], None]) -> None:
    """Have `listener` called after each commit that leaves work to do."""
    if listener not in _subscribers:
        _subscribers.append(listener)


def unsubscribe(listener: Callable[[Work], None]) -> None:
    """Stop calling `listener`."""
    if listener in _subscribers:
        _subscribers.remove(listener)


def wake_workers(work: Work) -> None:
    """Call the listeners once the transaction has been committed. One that fails is logged."""
    if _subscribers:
        transaction.on_commit(lambda: _call(work), robust=True)


def _call(work: Work) -> None:
    for listener in _subscribers:
        try:
            listener(work)
        except Exception as error:  # whatever a broker raises; the rows are there
            logger.warning("A nudge for %s was lost: %s", work, type(error).__name__)
