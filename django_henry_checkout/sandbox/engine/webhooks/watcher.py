"""Looks for changes of orders, and hands what there is to tell to the sender."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from django_henry_checkout.sandbox.engine import orders
from django_henry_checkout.sandbox.engine.state import JSON, Endpoint, Order
from django_henry_checkout.sandbox.engine.store import Store, store
from django_henry_checkout.sandbox.engine.webhooks import events as webhooks
from django_henry_checkout.sandbox.engine.webhooks.events import Delivery, Looks
from django_henry_checkout.sandbox.engine.webhooks.sender import Outcome, Sender
from django_henry_checkout.sandbox.rpc import wire as rpc_wire
from django_henry_checkout.sandbox.v1 import wire as v1_wire

# Of how many orders deliveries are held back at most; those of any more go out as they come.
MAX_HELD = 5000
# How many orders are looked at under one hold of the lock, so that requests come in between.
AT_ONCE = 100
BREATH = 0.001
LONGEST_PAUSE = 60.0


class Watch:
    """Follows the orders that an endpoint wants to hear of, each from one change to the next."""

    def __init__(self, store: Store, sender: Sender) -> None:
        self._store = store
        self._sender = sender
        self._seen: dict[str, Looks] = {}
        self._due: list[tuple[datetime, str]] = []
        # How many of all orders were looked at, the oldest first.
        self._met = 0
        self._held: dict[str, list[Delivery]] = {}

    def start(self) -> None:
        self._begin()
        self._sender.start()
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def look(self) -> None:
        """Notice everything that has changed until now."""
        while self._look_at_some():
            # A lock that is taken again at once is never free for those who wait for it.
            time.sleep(BREATH)

    def reset(self) -> None:
        with self._store.lock:
            self._store.reset()
            self._sender.clear()
            self._begin()

    def set_endpoints(self, endpoints: Iterable[Endpoint]) -> None:
        """Replace the endpoints. What happened before is told to the old ones, if at all."""
        self.look()
        with self._store.lock:
            self._store.set_endpoints(endpoints)
            self._begin()

    @property
    def held(self) -> int:
        """How many deliveries wait for the end of their order, to be sent in another order than they came."""
        with self._store.lock:
            return sum(map(len, self._held.values()))

    def _begin(self) -> None:
        """Take everything as it is now for known."""
        with self._store.lock:
            now = self._store.now()
            self._met = len(self._store.listed)
            self._seen, self._due, self._held = {}, [], {}
            for order in self._store.orders.values():
                change = orders.next_change(order, now)
                if change and any(self._endpoints(order)):
                    self._seen[order.ref_id] = webhooks.looks_of(self._store, order, now)
                    heapq.heappush(self._due, (change, order.ref_id))

    def _run(self) -> None:
        while True:
            self._store.changed.wait(self._pause())
            self._store.changed.clear()
            self.look()

    def _pause(self) -> float:
        with self._store.lock:
            if not self._due:
                return LONGEST_PAUSE
            left = (self._due[0][0] - self._store.now()).total_seconds()
            return min(max(left, 0.0), LONGEST_PAUSE)

    def _look_at_some(self) -> bool:
        with self._store.lock:
            now = self._store.now()
            found = self._store.listed[self._met : self._met + AT_ONCE]
            self._met += len(found)
            while self._due and self._due[0][0] <= now and len(found) < 2 * AT_ONCE:
                found.append(heapq.heappop(self._due)[1])
            for ref_id in found:
                self._notice(self._store.orders[ref_id], now)
            return bool(found)

    def _endpoints(self, order: Order) -> Iterator[Endpoint]:
        """Those that may want to hear of an order. The orders of v0 and the fillers have no webhooks."""
        if order.user_id or order.filler:
            return
        settings = self._settings(order)
        for endpoint in self._store.endpoints.values():
            if webhooks.concerns(endpoint, settings):
                yield endpoint

    def _settings(self, order: Order) -> JSON | None:
        cart = self._store.carts.get(order.cart_id)
        return cart.settings if cart else None

    def _notice(self, order: Order, now: datetime) -> None:
        endpoints = list(self._endpoints(order))
        if not endpoints:
            return
        after = webhooks.looks_of(self._store, order, now)
        events = webhooks.events_of(self._seen.get(order.ref_id), after)
        change = orders.next_change(order, now)
        if change:
            self._seen[order.ref_id] = after
            heapq.heappush(self._due, (change, order.ref_id))
        else:
            self._seen.pop(order.ref_id, None)
        if events:
            self._hand_over(order, list(self._deliveries(order, events, endpoints, now)), is_last=not change)

    def _deliveries(
        self, order: Order, events: list[str], endpoints: list[Endpoint], now: datetime
    ) -> Iterator[Delivery]:
        settings, sending = self._settings(order), self._store.scenario.webhooks
        data = data_of(order, now)
        for event in events:
            body = webhooks.body_of(event, data, sending)
            for endpoint in endpoints:
                if webhooks.wants(endpoint, settings, event):
                    delivery = Delivery(event, order.ref_id, endpoint, body, sending)
                    if sending.drop and self._store.scenario.webhook_dice.random() < sending.drop:
                        self._sender.note(delivery, Outcome(error="not sent: dropped"))
                    else:
                        yield delivery

    def _hand_over(self, order: Order, deliveries: list[Delivery], *, is_last: bool) -> None:
        ready = self._held.pop(order.ref_id, []) + deliveries
        if self._store.scenario.webhooks.reorder:
            if not is_last and len(self._held) < MAX_HELD:
                self._held[order.ref_id] = ready
                return
            ready.reverse()
        self._sender.put(ready)


def data_of(order: Order, now: datetime) -> JSON:
    """A purchase as the status call of its own generation answers it."""
    if order.dialect == "four":
        return rpc_wire.purchase_json(order, now)
    return v1_wire.purchase_json(order, now)


sender = Sender()
watch = Watch(store, sender)
