"""The watcher and the sender of this process, wired to the payloads of each API generation."""

from __future__ import annotations

from datetime import datetime

from django_henry_checkout.sandbox.engine.state import JSON, Order
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.webhooks.sender import Sender
from django_henry_checkout.sandbox.engine.webhooks.watcher import OrderWatcher
from django_henry_checkout.sandbox.rpc import wire as rpc_wire
from django_henry_checkout.sandbox.v1 import wire as v1_wire


def build_payload(order: Order, now: datetime) -> JSON:
    """Return a purchase as the status call of its own generation returns it."""
    if order.dialect == "four":
        return rpc_wire.purchase_json(order, now)
    return v1_wire.purchase_json(order, now)


sender = Sender()
watcher = OrderWatcher(store, sender, build_payload=build_payload)
