"""Watch orders for changes of status and queue the webhooks of each change."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django_henry_checkout.sandbox.engine import orders
from django_henry_checkout.sandbox.engine.state import JSON, Endpoint, Order
from django_henry_checkout.sandbox.engine.store import Store
from django_henry_checkout.sandbox.engine.webhooks import events
from django_henry_checkout.sandbox.engine.webhooks.events import Delivery, OrderSnapshot
from django_henry_checkout.sandbox.engine.webhooks.sender import DeliveryResult, Sender

# Maximum number of orders whose deliveries `reorder` holds back; those of further orders are sent at once.
MAX_HELD_ORDERS = 5000
# Number of orders processed under one hold of the lock, so that requests can be served in between.
BATCH_SIZE = 100
YIELD_SECONDS = 0.001
MAX_PAUSE_SECONDS = 60.0


class OrderWatcher:
    """Follows each order that an endpoint is subscribed to, from one change to the next.

    `build_payload` serializes an order for the generation of the API that created it.
    """

    def __init__(
        self, store: Store, sender: Sender, *, build_payload: Callable[[Order, datetime], JSON]
    ) -> None:
        self._store = store
        self._sender = sender
        self._build_payload = build_payload
        self._snapshots: dict[str, OrderSnapshot] = {}
        self._due: list[tuple[datetime, str]] = []
        # Number of orders, oldest first, that were processed at least once.
        self._num_known = 0
        self._held: dict[str, list[Delivery]] = {}

    def start(self) -> None:
        """Start the threads of the watcher and the sender."""
        self._restart()
        self._sender.start()
        threading.Thread(target=self._run, name="watcher", daemon=True).start()

    def process_changes(self) -> None:
        """Queue the webhooks of every change until now."""
        while self._process_batch():
            # Without a pause this thread takes the lock again before the threads that wait for it.
            time.sleep(YIELD_SECONDS)

    def reset(self) -> None:
        """Reset the store, and drop queued deliveries and the log."""
        with self._store.lock:
            self._store.reset()
            self._sender.clear()
            self._restart()

    def set_endpoints(self, endpoints: Iterable[Endpoint]) -> None:
        """Replace the endpoints. Earlier changes are sent to the previous ones only."""
        self.process_changes()
        with self._store.lock:
            self._store.set_endpoints(endpoints)
            self._restart()

    @property
    def num_held(self) -> int:
        """Number of deliveries that `reorder` holds back until their order is final."""
        with self._store.lock:
            return sum(map(len, self._held.values()))

    def _restart(self) -> None:
        """Treat the present state of all orders as already reported."""
        with self._store.lock:
            now = self._store.now()
            self._num_known = len(self._store.order_refs)
            self._snapshots, self._due, self._held = {}, [], {}
            for order in self._store.orders.values():
                change_at = orders.next_change_at(order, now)
                if change_at and any(self._subscribed_endpoints(order)):
                    self._snapshots[order.ref_id] = events.take_snapshot(self._store, order, now)
                    heapq.heappush(self._due, (change_at, order.ref_id))

    def _run(self) -> None:
        while True:
            self._store.changed.wait(self._seconds_to_next_change())
            self._store.changed.clear()
            self.process_changes()

    def _seconds_to_next_change(self) -> float:
        with self._store.lock:
            if not self._due:
                return MAX_PAUSE_SECONDS
            seconds = (self._due[0][0] - self._store.now()).total_seconds()
            return min(max(seconds, 0.0), MAX_PAUSE_SECONDS)

    def _process_batch(self) -> bool:
        with self._store.lock:
            now = self._store.now()
            ref_ids = self._store.order_refs[self._num_known : self._num_known + BATCH_SIZE]
            self._num_known += len(ref_ids)
            while self._due and self._due[0][0] <= now and len(ref_ids) < 2 * BATCH_SIZE:
                ref_ids.append(heapq.heappop(self._due)[1])
            for ref_id in ref_ids:
                self._process_order(self._store.orders[ref_id], now)
            return bool(ref_ids)

    def _subscribed_endpoints(self, order: Order) -> Iterator[Endpoint]:
        """Yield the endpoints that may get events of an order. Orders of v0 and fillers have no webhooks."""
        if order.user_id or order.filler:
            return
        settings = self._cart_settings(order)
        for endpoint in self._store.endpoints.values():
            if events.has_subscription(endpoint, settings):
                yield endpoint

    def _cart_settings(self, order: Order) -> JSON | None:
        cart = self._store.carts.get(order.cart_id)
        return cart.settings if cart else None

    def _process_order(self, order: Order, now: datetime) -> None:
        endpoints = list(self._subscribed_endpoints(order))
        if not endpoints:
            return
        after = events.take_snapshot(self._store, order, now)
        changes = events.list_events(self._snapshots.get(order.ref_id), after)
        change_at = orders.next_change_at(order, now)
        if change_at:
            self._snapshots[order.ref_id] = after
            heapq.heappush(self._due, (change_at, order.ref_id))
        else:
            self._snapshots.pop(order.ref_id, None)
        if changes:
            deliveries = list(self._build_deliveries(order, changes, endpoints, now))
            self._dispatch(order, deliveries, is_final=not change_at)

    def _build_deliveries(
        self, order: Order, changes: list[str], endpoints: list[Endpoint], now: datetime
    ) -> Iterator[Delivery]:
        settings, options = self._cart_settings(order), self._store.scenario.webhooks
        data = self._build_payload(order, now)
        for event in changes:
            body = events.build_body(event, data, options)
            for endpoint in endpoints:
                if events.is_subscribed(endpoint, settings, event):
                    delivery = Delivery(event, order.ref_id, endpoint, body, options)
                    if options.drop and self._store.scenario.webhook_rng.random() < options.drop:
                        self._sender.log_attempt(delivery, DeliveryResult(error="not sent: dropped"))
                    else:
                        yield delivery

    def _dispatch(self, order: Order, deliveries: list[Delivery], *, is_final: bool) -> None:
        ready = self._held.pop(order.ref_id, []) + deliveries
        if self._store.scenario.webhooks.reorder:
            if not is_final and len(self._held) < MAX_HELD_ORDERS:
                self._held[order.ref_id] = ready
                return
            ready.reverse()
        self._sender.put(ready)
