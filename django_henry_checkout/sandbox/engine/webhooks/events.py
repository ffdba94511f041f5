"""Webhook events: which changes trigger them, who is subscribed, their bodies and signatures."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django_henry_checkout.sandbox.engine import orders
from django_henry_checkout.sandbox.engine.responses import to_json
from django_henry_checkout.sandbox.engine.scenario import WebhookOptions
from django_henry_checkout.sandbox.engine.state import JSON, Endpoint, Order
from django_henry_checkout.sandbox.engine.store import Store
from django_henry_checkout.sandbox.engine.validation import ApiError

ORDER_UPDATED = "order.purchase"


@dataclass(frozen=True)
class OrderSnapshot:
    """What webhooks report of an order: its status and those of its items."""

    status: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint."""

    event: str
    ref_id: str
    endpoint: Endpoint
    body: bytes
    options: WebhookOptions
    attempt: int = 1


def take_snapshot(store: Store, order: Order, now: datetime) -> OrderSnapshot:
    """Return the statuses of an order at this time."""
    return OrderSnapshot(
        orders.current_status(store, order, now=now), tuple(orders.line_statuses(order, now))
    )


def list_events(before: OrderSnapshot | None, after: OrderSnapshot) -> list[str]:
    """Return the events of one change, the most general first.

    [SIM] The first status of an order is a change too. With `complete` some items may have failed, as in early v1;
    with `full.complete` none has.
    """
    if after == before:
        return []
    events = [ORDER_UPDATED]
    earlier = before.items if before else [""] * len(after.items)
    if any(new == "failed" != old for old, new in zip(earlier, after.items, strict=True)):
        events.append("order.item.failed")
    if before is None or before.status != after.status:
        events += _final_events(after)
    return events


def _final_events(after: OrderSnapshot) -> Iterator[str]:
    if after.status in ("complete", "partially_complete"):
        yield "order.purchase.complete"
    if after.status == "complete" and set(after.items) == {"complete"}:
        yield "order.purchase.full.complete"
    if after.status == "cancelled":
        yield "order.purchase.cancelled"


# Subscriptions


def is_subscribed(endpoint: Endpoint, settings: JSON | None, event: str) -> bool:
    """Return whether an event of a cart with these settings goes to this endpoint. A type covers all below it."""
    if endpoint.every_cart:
        return True
    return any(f"{event}.".startswith(f"{kind}.") for kind in _subscribed_types(settings, endpoint.uuid))


def has_subscription(endpoint: Endpoint, settings: JSON | None) -> bool:
    """Return whether any event of a cart with these settings goes to this endpoint."""
    return endpoint.every_cart or any(_subscribed_types(settings, endpoint.uuid))


def _subscribed_types(settings: JSON | None, uuid: str) -> Iterator[str]:
    for entry in (settings or {}).get("events") or []:
        if any(
            action["type"] == "send_webhook" and action["webhookUUID"] == uuid for action in entry["data"]
        ):
            yield entry["type"]


def validate_events(settings: JSON) -> None:
    """Refuse a malformed `settings.events`. Unknown UUIDs are accepted: an endpoint may be registered later."""
    entries = settings.get("events")
    if entries is not None and not isinstance(entries, list):
        raise ApiError("settings.events must be an array.")
    for index, entry in enumerate(entries or []):
        where = f"settings.events[{index}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            raise ApiError(f"{where}.type must be a string.")
        if not isinstance(entry.get("data"), list) or not all(map(_is_action, entry["data"])):
            raise ApiError(f"{where}.data must be an array of actions; send_webhook has a webhookUUID.")


def _is_action(action: Any) -> bool:
    if not isinstance(action, dict) or not isinstance(action.get("type"), str):
        return False
    return action["type"] != "send_webhook" or isinstance(action.get("webhookUUID"), str)


# Body and headers


def build_body(event: str, data: JSON, options: WebhookOptions) -> bytes:
    """Return the body of an event, changed as the scenario says."""
    data = {"refId": data["refId"]} if options.thin and "refId" in data else data
    return to_json(_merge({"event": event, "data": data}, options.extra)).encode()


def _merge(body: JSON, extra: JSON) -> JSON:
    merged = {**body, **extra}
    for key in body.keys() & extra.keys():
        if isinstance(body[key], dict) and isinstance(extra[key], dict):
            merged[key] = _merge(body[key], extra[key])
    return merged


def build_headers(secret: str, body: bytes, options: WebhookOptions, *, now: float) -> dict[str, str]:
    """Return the headers of a delivery that is sent at this Unix time."""
    timestamp = str(round((now + options.timestamp_offset_seconds) * 1000))
    headers = {"Content-Type": "application/json", "X-Henry-Timestamp": timestamp}
    if options.signature != "none":
        key = secret if options.signature == "good" else f"not {secret}"
        headers["X-Henry-Signature"] = sign(key, timestamp, body)
    return headers


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body: HMAC-SHA256 over `{timestamp}.{body}` in hex."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
