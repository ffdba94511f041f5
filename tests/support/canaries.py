"""Values that must appear only where they belong, and a search of every place that they could reach."""

from __future__ import annotations

import html
import json
import logging
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import caches
from django.db import connection
from django.test import Client

from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import Api

CARD_NUMBER = "4242424242424242"
CVV = "8642"
HENRY_KEY = "hk-canary-9f2c41d7e0b8"
EMAIL = "canary.mail@shop.example"
PHONE = "+12125550187"
STREET = "77 Canary Wharf Lane"

#: The columns in which each value is allowed, as table.column; other values have none.
#: `shop_receipt` is the example shop's own table, filled by its receiver.
PLACES: dict[str, set[str]] = {
    "e-mail": {
        "henry_checkout_orderbuyer.email",
        "henry_checkout_customersession.buyer",
        "shop_receipt.sent_to",
    },
    "phone": {"henry_checkout_orderbuyer.phone", "henry_checkout_customersession.buyer"},
    "street": {
        "henry_checkout_orderbuyer.shipping_address",
        "henry_checkout_orderbuyer.billing_address",
        "henry_checkout_customersession.buyer",
    },
    "cookie": {"django_session.session_key"},
}
#: What every log record has; its numbers could look like a CVV.
_ORDINARY = set(vars(logging.makeLogRecord({}))) - {"args"}
_SEPARATORS = re.compile(r"[\s().+-]")


class AllRecords(logging.Handler):
    """Keeps each log record as text: the message, the traceback, and the extra attributes."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        formatted = logging.Formatter("%(name)s %(levelname)s %(message)s").format(record)
        more = {name: value for name, value in vars(record).items() if name not in _ORDINARY}
        self.texts.append(f"{formatted} {more!r}")


@contextmanager
def all_logs() -> Iterator[AllRecords]:
    """Collect the records of every logger at DEBUG, including those that do not propagate."""
    handler = AllRecords()
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    levels = {logger: (logger.level, logger.disabled) for logger in loggers}
    observed = [logger for logger in loggers if logger.parent is None or not logger.propagate]
    try:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
            logger.disabled = False
        for logger in observed:
            logger.addHandler(handler)
        yield handler
    finally:
        for logger in observed:
            logger.removeHandler(handler)
        for logger, (level, disabled) in levels.items():
            logger.setLevel(level)
            logger.disabled = disabled


@dataclass
class Watch:
    """Makes calls, keeps the responses, and searches all sinks."""

    sandbox: Sandbox
    logs: AllRecords
    canaries: dict[str, list[str]] = field(default_factory=dict)
    answers: list[tuple[str, frozenset[str], str]] = field(default_factory=list)
    called: dict[str, set[int]] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def add(self, name: str, *texts: str) -> None:
        """Search for a value from now on."""
        known = self.canaries.setdefault(name, [])
        known += [text for text in texts if text and text not in known]

    def call(
        self, api: Api, method: str, path: str, body: Any = None, *, shows: str = "", **headers: str
    ) -> Any:
        """Make a call; `shows` lists the canaries that its response documents, separated by commas."""
        answer = api(method, path, body, **headers)
        self.keep(f"{method} {path}", answer, shows=shows)
        return answer

    def keep(self, what: str, answer: Any, *, shows: str = "") -> None:
        if getattr(answer, "resolver_match", None) is not None:
            self.called.setdefault(answer.resolver_match.url_name, set()).add(answer.status_code)
        self.statuses.append(answer.status_code)
        text = f"{answer.status_code} {dict(answer.headers)} {answer.content.decode('utf-8', 'replace')}"
        self.answers.append(
            (f"{what}: {answer.status_code}", frozenset(filter(None, shows.split(","))), text)
        )

    def found_in(self, text: str) -> set[str]:
        """Return the names of the canaries in a text, in any spelling."""
        compact = _SEPARATORS.sub("", text)
        return {
            name
            for name, values in self.canaries.items()
            if any(_is_in(name, value, text, compact) for value in values)
        }

    def leaks(self) -> dict[str, set[str]]:
        """Return the leaks: each place with the canaries that it must not hold."""
        found: dict[str, set[str]] = {}
        for place, text, allowed in self._sinks():
            names = self.found_in(text) - allowed
            if names:
                found.setdefault(place, set()).update(names)
        return found

    def _sinks(self) -> Iterator[tuple[str, str, set[str]]]:
        for number, text in enumerate(self.logs.texts):
            yield f"log {number}: {text[:120]}", text, set()
        for place, shown, text in self.answers:
            yield f"answer {place}", text, set(shown)
        for place, text in rows():
            yield place, text, {name for name, places in PLACES.items() if place in places}
        for session in Session.objects.all():
            yield "session store", str(session.get_decoded()), set()
        for text in cached():
            yield "cache", text, set()
        for message in mail.outbox:
            yield f"mail {message.subject}", mail_text(message), set()
        for row in self.sandbox.requests():
            names = ("path", "query", "referer", "userAgent", "bodyKeys")
            yield f"sandbox {row['path']}", " ".join(str(row[name]) for name in names), set()


def _is_in(name: str, value: str, text: str, compact: str) -> bool:
    if name == "CVV":  # so short that only a whole word counts
        return re.search(rf"(?<![\w.-]){value}(?![\w.-])", text) is not None
    if name in {"card number", "phone"}:
        return value.lstrip("+") in compact
    return any(
        spelled in text for spelled in (value, quote(value), html.escape(value), json.dumps(value)[1:-1])
    )


def rows() -> Iterator[tuple[str, str]]:
    """Read every cell of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, int) and (name == "id" or name.endswith("_id")):
                        continue  # a count of rows, which could look like a CVV
                    is_binary = isinstance(value, bytes | memoryview)
                    yield f"{table}.{name}", bytes(value).decode("latin-1") if is_binary else str(value)


def cached() -> Iterator[str]:
    """Read the local-memory caches: their keys and their values."""
    for cache in caches.all():
        for key, value in list(cache._cache.items()):
            yield f"{key} {pickle.loads(value)!r}"


def mail_text(message: Any) -> str:
    """Return all parts of a mail as text."""
    return "\n".join(
        [message.subject, message.body, *(str(part[0]) for part in getattr(message, "alternatives", ()))]
    )


def plain_client() -> Client:
    """Return a client that responds with an error page instead of raising."""
    return Client(raise_request_exception=False)
