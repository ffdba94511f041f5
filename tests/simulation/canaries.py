"""Values that must never be seen where they do not belong, and the sinks in which they are looked for."""

from __future__ import annotations

import json
import logging
from typing import Any

from django_henry_checkout.exceptions import GatewayError
from django_henry_checkout.models import Delivery, Order, Purchase, WebhookMessage

API_KEY = "hk_canary_0f6d2b"
EMAIL = "canary.ada@leak.example"
#: A number that passes the check digit and pays, and is no other test card's.
CARD = "5555555555554444"
CANARIES = (API_KEY, EMAIL, CARD, "5555 5555 5555 4444")


class UnwellError(Exception):
    """What a receiver of the simulation raises when it is told to."""


class LogBook(logging.Handler):
    """Keeps what any logger says, as text, and the errors that came with it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.surprises: list[str] = []
        self._before: list[tuple[logging.Logger, int, bool]] = []
        self._formatter = logging.Formatter("%(name)s %(levelname)s %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        text = self._formatter.format(record)
        self.lines.append(text)
        error = record.exc_info[1] if record.exc_info else None
        is_ours = record.name.startswith("django_henry_checkout")
        if is_ours and error is not None and not isinstance(error, UnwellError | GatewayError):
            self.surprises.append(text)

    def open(self) -> None:
        """Listen to everybody; keep the noise of those that talk much from whoever else listens."""
        for logger in _loggers():
            self._before.append((logger, logger.level, logger.propagate))
            logger.setLevel(logging.DEBUG)
            logger.addHandler(self)
            logger.propagate = False

    def shut(self) -> None:
        for logger, level, propagates in self._before:
            logger.removeHandler(self)
            logger.setLevel(level)
            logger.propagate = propagates


def _loggers() -> list[logging.Logger]:
    names = ("django_henry_checkout", "django", "urllib3", "requests", "tests", "shop", None)
    return [logging.getLogger(name) for name in names]


def leaks(lines: list[str], payloads: list[Any]) -> list[str]:
    """Every place where a canary is seen."""
    sinks = {
        "log": "\n".join(lines),
        "event": _text(payloads),
        # A webhook that waits, or that nobody could read, is kept as it came.
        "webhook": _rows(
            WebhookMessage.objects.filter(status__in=["done", "refused"]), "body", "outcome", "event"
        ),
        "purchase": _rows(Purchase.objects.all(), "answer", "error", "settings", "drift"),
        "delivery": _rows(Delivery.objects.exclude(last_error=""), "last_error"),
        "order": _rows(Order.objects.all(), "review_reason", "metadata", "hosted_url"),
    }
    found = ((name, text.find(each), text) for name, text in sinks.items() for each in CANARIES)
    return [f"{name}: {text[max(at - 150, 0) : at + 50]}" for name, at, text in found if at >= 0]


def _rows(rows: Any, *columns: str) -> str:
    return _text(list(rows.values_list(*columns)))


def _text(values: list[Any]) -> str:
    return json.dumps(values, default=str)
