"""The state of the sandbox: all records under one lock, a clock that can be advanced, and an optional file."""

from __future__ import annotations

import json
import secrets
import string
import threading
import uuid
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django_henry_checkout.sandbox.engine import state
from django_henry_checkout.sandbox.engine.scenario import Scenario
from django_henry_checkout.sandbox.engine.state import (
    JSON,
    Cart,
    Endpoint,
    Job,
    Line,
    Order,
    Rules,
    Session,
    Shopper,
    StoredCard,
)

MAX_REQUESTS = 5000
MAX_JOBS = 20_000
_ALPHANUMERIC = string.ascii_letters + string.digits
_KINDS = {
    kind.__name__: kind for kind in vars(state).values() if isinstance(kind, type) and is_dataclass(kind)
}


class UnknownCartError(LookupError):
    """No cart has this id."""


class AlreadyPaidError(Exception):
    """The cart was paid before; `order` is its order."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.ref_id)
        self.order = order


@dataclass
class Options:
    """Command line options of the process."""

    api_key: str = "sandbox-key"
    state_path: Path | None = None
    allow_raw_card: bool = False
    message_origin: str = "*"


@dataclass
class Store:
    """All state. Hold `lock` around reads and writes that must be consistent with each other."""

    options: Options = field(default_factory=Options)
    lock: threading.RLock = field(default_factory=threading.RLock)
    offset: timedelta = timedelta()
    carts: dict[str, Cart] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    cart_orders: dict[str, list[str]] = field(default_factory=dict)
    order_ids: dict[str, str] = field(default_factory=dict)
    # References of all orders, oldest first.
    order_refs: list[str] = field(default_factory=list)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    cards: dict[str, StoredCard] = field(default_factory=dict)
    shoppers: dict[str, Shopper] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    requests: deque[JSON] = field(default_factory=lambda: deque(maxlen=MAX_REQUESTS))
    scenario: Scenario = field(default_factory=Scenario)
    # Set by each change, for the thread that sends webhooks.
    changed: threading.Event = field(default_factory=threading.Event)
    # The JSON of each record as last saved; without it every save would encode the whole state again.
    _encoded: dict[tuple[str, str], str] = field(default_factory=dict)
    _version: int = 0
    _saved_version: int = 0
    _save_lock: threading.Lock = field(default_factory=threading.Lock)

    # The clock

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> datetime:
        with self.lock:
            self.offset += timedelta(seconds=seconds)
            self._mark_changed()
        return self.now()

    # Carts

    def create_cart(
        self, lines: list[Line], *, rules: Rules, settings: JSON | None = None, tags: JSON | None = None
    ) -> Cart:
        cart_id = self.new_cart_id()
        return self.save_cart(Cart(cart_id, self.now(), lines, rules=rules, settings=settings, tags=tags))

    def new_cart_id(self, prefix: str = "") -> str:
        while True:
            cart_id = "crt_" + prefix + random_string(12 - len(prefix))
            if cart_id not in self.carts:
                return cart_id

    def create_rpc_cart(self, lines: list[Line], *, rules: Rules, settings: JSON | None) -> Cart:
        """Create a cart of early v1: it has a UUID, and its orders use four statuses."""
        cart_id = str(uuid.uuid4())
        return self.save_cart(
            Cart(cart_id, self.now(), lines, rules=rules, settings=settings, dialect="four")
        )

    def save_cart(self, cart: Cart) -> Cart:
        with self.lock:
            self.carts[cart.cart_id] = cart
            self._mark_changed()
            return cart

    def get_cart(self, cart_id: str) -> Cart:
        try:
            return self.carts[cart_id]
        except KeyError:
            raise UnknownCartError(cart_id) from None

    def set_lines(self, cart: Cart, lines: list[Line]) -> None:
        with self.lock:
            cart.lines = lines
            self._mark_changed("carts", cart.cart_id)

    def delete_cart(self, cart_id: str) -> None:
        with self.lock:
            self.get_cart(cart_id)
            del self.carts[cart_id]
            self._mark_changed("carts", cart_id)

    # Users of v0

    def get_or_create_shopper(self, user_id: str) -> Shopper:
        with self.lock:
            return self.shoppers.setdefault(user_id, Shopper(user_id))

    def user_cart(self, user_id: str) -> Cart | None:
        """Return the open cart of a user. A paid cart is not open: the next item starts a new one."""
        shopper = self.shoppers.get(user_id)
        cart = self.carts.get(shopper.cart_id) if shopper else None
        return None if cart is None or self.paid_order(cart) else cart

    def set_user_lines(self, user_id: str, lines: list[Line]) -> Cart:
        with self.lock:
            cart = self.user_cart(user_id)
            if cart is None:
                cart = self.save_cart(Cart(str(uuid.uuid4()), self.now(), lines, user_id=user_id))
                self.get_or_create_shopper(user_id).cart_id = cart.cart_id
                self._mark_changed("shoppers", user_id)
            else:
                self.set_lines(cart, lines)
            return cart

    def save_card(self, card: StoredCard, *, user_id: str = "") -> None:
        with self.lock:
            self.cards[card.token] = card
            if user_id:
                self.get_or_create_shopper(user_id).card_token = card.token
            self._mark_changed("shoppers", user_id)

    def user_card(self, user_id: str) -> StoredCard | None:
        shopper = self.shoppers.get(user_id)
        return self.cards.get(shopper.card_token) if shopper else None

    def save_session(self, session: Session) -> None:
        """Store a session, or record that it changed."""
        with self.lock:
            self.sessions[session.token] = session
            self.get_or_create_shopper(session.user_id).session_token = session.token
            self._mark_changed("shoppers", session.user_id)
            self._mark_changed("sessions", session.token)

    # Orders

    def paid_order(self, cart: Cart) -> Order | None:
        return self.orders.get(cart.order_ref)

    def add_order(self, order: Order) -> None:
        """Store an order. A paid one claims its cart, so that a second payment fails."""
        with self.lock:
            cart = self.get_cart(order.cart_id)
            earlier = self.paid_order(cart)
            if earlier:
                raise AlreadyPaidError(earlier)
            if order.is_paid:
                cart.order_ref = order.ref_id
            self._index_order(order)
            self._mark_changed("carts", order.cart_id)

    def next_order_time(self) -> datetime:
        """Return a creation time that no earlier order has: the order list pages by it."""
        with self.lock:
            newest = next(reversed(self.orders.values()), None)
            now = self.now()
            return max(now, newest.created_at + timedelta(milliseconds=1)) if newest else now

    def newest_orders(self, cart_id: str = "", before: datetime | None = None) -> Iterator[Order]:
        """Yield orders, newest first, optionally of one cart and from before a time."""
        refs = self.cart_orders.get(cart_id, []) if cart_id else self.order_refs
        end = bisect_left(refs, before, key=lambda ref: self.orders[ref].created_at) if before else len(refs)
        return (self.orders[refs[index]] for index in range(end - 1, -1, -1))

    def _index_order(self, order: Order) -> None:
        self.orders[order.ref_id] = order
        self.order_refs.append(order.ref_id)
        self.cart_orders.setdefault(order.cart_id, []).append(order.ref_id)
        if order.order_id:
            self.order_ids[order.order_id] = order.ref_id

    # Jobs

    def add_job(self, prefix: str, *, result: JSON, ref_id: str = "") -> Job:
        with self.lock:
            seconds = self.scenario.timing.job_seconds
            job = Job(ref_id or new_ref(prefix), prefix, self.now(), seconds, result=result)
            self.jobs[job.ref_id] = job
            while len(self.jobs) > MAX_JOBS:
                oldest = next(iter(self.jobs))
                del self.jobs[oldest]
                self._encoded.pop(("jobs", oldest), None)
            self._mark_changed()
            return job

    # Whole state

    def reset(self) -> None:
        with self.lock:
            for records in self._records().values():
                records.clear()
            for index in (self.cart_orders, self.order_ids, self.order_refs, self._encoded):
                index.clear()
            self.requests.clear()
            self.offset = timedelta()
            self.scenario = Scenario()
            self._mark_changed()

    def set_endpoints(self, endpoints: Iterable[Endpoint]) -> None:
        with self.lock:
            self.endpoints = {endpoint.uuid: endpoint for endpoint in endpoints}
            for endpoint_uuid in self.endpoints:
                self._encoded.pop(("endpoints", endpoint_uuid), None)
            self._mark_changed()

    def set_scenario(self, scenario: Scenario) -> None:
        with self.lock:
            self.scenario = scenario
            self._mark_changed()

    def _records(self) -> dict[str, dict[str, Any]]:
        """Return everything that is saved, keyed by its name in the file."""
        return {
            "carts": self.carts,
            "orders": self.orders,
            "jobs": self.jobs,
            "cards": self.cards,
            "shoppers": self.shoppers,
            "sessions": self.sessions,
            "endpoints": self.endpoints,
        }

    def _mark_changed(self, kind: str = "", key: str = "") -> None:
        """Record that something changed; a record that existed before must be named."""
        self._version += 1
        self._encoded.pop((kind, key), None)
        self.changed.set()

    def load(self) -> None:
        path = self.options.state_path
        if path is None or not path.exists():
            return
        saved = json.loads(path.read_text(encoding="utf-8"), object_hook=_decode, parse_float=float)
        self.offset = timedelta(seconds=saved["offsetSeconds"])
        self.carts = {cart.cart_id: cart for cart in saved["carts"]}
        self.jobs = {job.ref_id: job for job in saved["jobs"]}
        # Older files lack these keys.
        self.cards = {card.token: card for card in saved.get("cards", [])}
        self.shoppers = {shopper.user_id: shopper for shopper in saved.get("shoppers", [])}
        self.sessions = {session.token: session for session in saved.get("sessions", [])}
        self.endpoints = {endpoint.uuid: endpoint for endpoint in saved.get("endpoints", [])}
        self.scenario = Scenario.parse(saved["scenario"])
        for order in saved["orders"]:
            self._index_order(order)

    def save(self) -> None:
        """Write the state if it changed; concurrent callers share one write."""
        path = self.options.state_path
        if path is None or self._version == self._saved_version:
            return
        requested = self._version
        with self._save_lock:
            if self._saved_version >= requested:
                return
            with self.lock:
                version, text = self._version, self._dump()
            temporary = path.with_name(path.name + ".new")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
            self._saved_version = version

    def _dump(self) -> str:
        parts = {
            "offsetSeconds": str(self.offset.total_seconds()),
            "scenario": json.dumps(self.scenario.source, default=_encode),
            **{name: self._dump_all(name, records) for name, records in self._records().items()},
        }
        return "{" + ",\n".join(f'"{name}": {text}' for name, text in parts.items()) + "}\n"

    def _dump_all(self, name: str, records: Mapping[str, object]) -> str:
        for key, record in records.items():
            if (name, key) not in self._encoded:
                self._encoded[name, key] = json.dumps(record, default=_encode)
        return "[" + ",\n".join(self._encoded[name, key] for key in records) + "]"


def random_string(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def new_ref(prefix: str) -> str:
    """Create the reference of a job: three letters, then a UUID version 4 without its last group."""
    return f"{prefix}-ref_{str(uuid.uuid4()).rpartition('-')[0]}"


def _encode(value: object) -> JSON:
    if isinstance(value, Decimal):
        return {"~decimal": str(value)}
    if isinstance(value, datetime):
        return {"~time": value.isoformat()}
    if is_dataclass(value):
        return {"~kind": type(value).__name__, **{f.name: getattr(value, f.name) for f in fields(value)}}
    raise TypeError(f"cannot save a {type(value).__name__}")


def _decode(saved: JSON) -> Any:
    if "~decimal" in saved:
        return Decimal(saved["~decimal"])
    if "~time" in saved:
        return datetime.fromisoformat(saved["~time"])
    kind = _KINDS.get(saved.pop("~kind", ""))
    return kind(**saved) if kind else saved


store = Store()
