"""Purchases as bytes: one that looks as it did when it was last asked for is not written again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django_henry_checkout.sandbox.engine import orders
from django_henry_checkout.sandbox.engine.responses import to_json
from django_henry_checkout.sandbox.engine.scenario import Scenario
from django_henry_checkout.sandbox.engine.state import JSON, Order
from django_henry_checkout.sandbox.engine.store import store

KEPT = 20_000


class Shown:
    """Writes purchases in the spelling of one generation, and keeps the last writing of each."""

    def __init__(self, write: Callable[[Order, datetime], JSON]) -> None:
        self._write = write
        # Each with the scenario it was written under, and the time until which it stays as it is.
        self._kept: dict[str, tuple[bytes, Scenario, datetime | None]] = {}

    def one(self, order: Order) -> bytes:
        return self.all([order])[0]

    def all(self, found: Iterable[Order]) -> list[bytes]:
        now, scenario = store.now(), store.scenario
        return [self._kept_one(order, now, scenario) or self._written(order) for order in found]

    def _kept_one(self, order: Order, now: datetime, scenario: Scenario) -> bytes | None:
        body, under, until = self._kept.get(order.ref_id, (None, None, None))
        return body if under is scenario and (until is None or now < until) else None

    def _written(self, order: Order) -> bytes:
        # Under the lock, so that no other scenario comes in between.
        with store.lock:
            now = store.now()
            body = to_json(self._write(order, now)).encode()
            self._kept[order.ref_id] = (body, store.scenario, orders.next_change(order, now))
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return body
