"""What a webhook says, whom it concerns and how it is signed. Nothing is sent here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django_henry_checkout.sandbox.engine import orders
from django_henry_checkout.sandbox.engine.responses import to_json
from django_henry_checkout.sandbox.engine.scenario import Sending
from django_henry_checkout.sandbox.engine.state import JSON, Endpoint, Order
from django_henry_checkout.sandbox.engine.store import Store
from django_henry_checkout.sandbox.engine.validation import RefusedError

UPDATED = "order.purchase"


@dataclass(frozen=True)
class Looks:
    """What can be told of an order from outside: its status and those of its items."""

    status: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one endpoint."""

    event: str
    ref_id: str
    endpoint: Endpoint
    body: bytes
    sending: Sending
    attempt: int = 1


def looks_of(store: Store, order: Order, now: datetime) -> Looks:
    return Looks(orders.status_now(store, order, now=now), tuple(orders.line_statuses(order, now)))


def events_of(before: Looks | None, after: Looks) -> list[str]:
    """The events of one change, the widest first.

    [SIM] The first status of an order is a change too. `complete` is the end in which some items may have failed,
    as it was in early v1; `full.complete` is the one in which none has.
    """
    if after == before:
        return []
    found = [UPDATED]
    earlier = before.items if before else [""] * len(after.items)
    if any(new == "failed" != old for old, new in zip(earlier, after.items, strict=True)):
        found.append("order.item.failed")
    if before is None or before.status != after.status:
        found += _ends(after)
    return found


def _ends(after: Looks) -> Iterator[str]:
    if after.status in ("complete", "partially_complete"):
        yield "order.purchase.complete"
    if after.status == "complete" and set(after.items) == {"complete"}:
        yield "order.purchase.full.complete"
    if after.status == "cancelled":
        yield "order.purchase.cancelled"


def wants(endpoint: Endpoint, settings: JSON | None, event: str) -> bool:
    """Whether an event of a cart with these settings goes to this endpoint. A type stands for all below it."""
    if endpoint.every_cart:
        return True
    return any(f"{event}.".startswith(f"{kind}.") for kind in _types(settings, endpoint.uuid))


def concerns(endpoint: Endpoint, settings: JSON | None) -> bool:
    return endpoint.every_cart or any(_types(settings, endpoint.uuid))


def _types(settings: JSON | None, uuid: str) -> Iterator[str]:
    for entry in (settings or {}).get("events") or []:
        if any(
            action["type"] == "send_webhook" and action["webhookUUID"] == uuid for action in entry["data"]
        ):
            yield entry["type"]


def check_events(settings: JSON) -> None:
    """Refuse `settings.events` that could never be read; which UUIDs exist is asked when there is news."""
    entries = settings.get("events")
    if entries is not None and not isinstance(entries, list):
        raise RefusedError("settings.events must be an array.")
    for at, entry in enumerate(entries or []):
        where = f"settings.events[{at}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            raise RefusedError(f"{where}.type must be a string.")
        if not isinstance(entry.get("data"), list) or not all(map(_is_action, entry["data"])):
            raise RefusedError(f"{where}.data must be an array of actions; send_webhook has a webhookUUID.")


def _is_action(action: Any) -> bool:
    if not isinstance(action, dict) or not isinstance(action.get("type"), str):
        return False
    return action["type"] != "send_webhook" or isinstance(action.get("webhookUUID"), str)


def body_of(event: str, data: JSON, sending: Sending) -> bytes:
    shown = {"refId": data["refId"]} if sending.thin and "refId" in data else data
    return to_json(_merged({"event": event, "data": shown}, sending.extra)).encode()


def _merged(body: JSON, extra: JSON) -> JSON:
    both = {**body, **extra}
    for key in body.keys() & extra.keys():
        if isinstance(body[key], dict) and isinstance(extra[key], dict):
            both[key] = _merged(body[key], extra[key])
    return both


def headers_of(secret: str, body: bytes, sending: Sending, *, now: float) -> dict[str, str]:
    """The headers of a delivery that leaves at this Unix time."""
    stamp = str(round((now + sending.timestamp_offset_seconds) * 1000))
    found = {"Content-Type": "application/json", "X-Henry-Timestamp": stamp}
    if sending.signature != "none":
        key = secret if sending.signature == "good" else f"not {secret}"
        found["X-Henry-Signature"] = sign(key, stamp, body)
    return found


def sign(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
