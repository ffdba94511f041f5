"""Cache of serialized purchases: clients poll the same purchase far more often than it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django_henry_checkout.sandbox.engine import orders
from django_henry_checkout.sandbox.engine.responses import to_json
from django_henry_checkout.sandbox.engine.scenario import Scenario
from django_henry_checkout.sandbox.engine.state import JSON, Order
from django_henry_checkout.sandbox.engine.store import store

MAX_ENTRIES = 20_000


class PurchaseCache:
    """Serializes purchases for one generation of the API and caches the result."""

    def __init__(self, serialize: Callable[[Order, datetime], JSON]) -> None:
        self._serialize = serialize
        # Body, the scenario it was serialized under, and the time at which the order changes next.
        self._entries: dict[str, tuple[bytes, Scenario, datetime | None]] = {}

    def get(self, order: Order) -> bytes:
        """Return one purchase as JSON."""
        return self.get_many([order])[0]

    def get_many(self, found: Iterable[Order]) -> list[bytes]:
        """Return purchases as JSON."""
        now, scenario = store.now(), store.scenario
        return [self._get_cached(order, now, scenario) or self._render(order) for order in found]

    def _get_cached(self, order: Order, now: datetime, scenario: Scenario) -> bytes | None:
        body, cached_scenario, expires_at = self._entries.get(order.ref_id, (None, None, None))
        return body if cached_scenario is scenario and (expires_at is None or now < expires_at) else None

    def _render(self, order: Order) -> bytes:
        # Under the lock, so that the scenario cannot be replaced meanwhile.
        with store.lock:
            now = store.now()
            body = to_json(self._serialize(order, now)).encode()
            self._entries[order.ref_id] = (body, store.scenario, orders.next_change_at(order, now))
            while len(self._entries) > MAX_ENTRIES:
                del self._entries[next(iter(self._entries))]
        return body
