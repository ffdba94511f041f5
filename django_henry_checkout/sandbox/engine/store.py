"""The one state of the sandbox: carts, orders and jobs under one lock, a clock that can be moved, and a file."""

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

REQUESTS_KEPT = 5000
JOBS_KEPT = 20_000
_ALPHANUMERIC = string.ascii_letters + string.digits
_KINDS = {
    kind.__name__: kind for kind in vars(state).values() if isinstance(kind, type) and is_dataclass(kind)
}


class UnknownCartError(LookupError):
    """No cart has this id."""


class AlreadyBoughtError(Exception):
    """The cart was paid before; `order` is what came of it."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.ref_id)
        self.order = order


@dataclass
class Options:
    """How the process was started."""

    api_key: str = "sandbox-key"
    state_path: Path | None = None
    allow_raw_card: bool = False
    message_origin: str = "*"


@dataclass
class Store:
    """All state. Take `lock` around any read or write that must hold together."""

    options: Options = field(default_factory=Options)
    lock: threading.RLock = field(default_factory=threading.RLock)
    offset: timedelta = timedelta()
    carts: dict[str, Cart] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    cart_orders: dict[str, list[str]] = field(default_factory=dict)
    order_ids: dict[str, str] = field(default_factory=dict)
    # The references of all orders, oldest first.
    listed: list[str] = field(default_factory=list)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    cards: dict[str, StoredCard] = field(default_factory=dict)
    shoppers: dict[str, Shopper] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    requests: deque[JSON] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))
    scenario: Scenario = field(default_factory=Scenario)
    # Set with each change, for the thread that looks for news to send.
    changed: threading.Event = field(default_factory=threading.Event)
    # The JSON of each record as last written; without it every save would encode the whole state again.
    _texts: dict[tuple[str, str], str] = field(default_factory=dict)
    _version: int = 0
    _saved_version: int = 0
    _save_lock: threading.Lock = field(default_factory=threading.Lock)

    # The clock

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> datetime:
        with self.lock:
            self.offset += timedelta(seconds=seconds)
            self._touch()
        return self.now()

    # Carts

    def create_cart(
        self, lines: list[Line], *, rules: Rules, settings: JSON | None = None, tags: JSON | None = None
    ) -> Cart:
        cart_id = self.new_cart_id()
        return self.keep_cart(Cart(cart_id, self.now(), lines, rules=rules, settings=settings, tags=tags))

    def new_cart_id(self, prefix: str = "") -> str:
        while True:
            cart_id = "crt_" + prefix + random_text(12 - len(prefix))
            if cart_id not in self.carts:
                return cart_id

    def create_early_cart(self, lines: list[Line], *, rules: Rules, settings: JSON | None) -> Cart:
        """A cart as early v1 made them: with a UUID, and orders that know four status words."""
        cart_id = str(uuid.uuid4())
        return self.keep_cart(
            Cart(cart_id, self.now(), lines, rules=rules, settings=settings, dialect="four")
        )

    def keep_cart(self, cart: Cart) -> Cart:
        with self.lock:
            self.carts[cart.cart_id] = cart
            self._touch()
            return cart

    def cart(self, cart_id: str) -> Cart:
        try:
            return self.carts[cart_id]
        except KeyError:
            raise UnknownCartError(cart_id) from None

    def set_lines(self, cart: Cart, lines: list[Line]) -> None:
        with self.lock:
            cart.lines = lines
            self._touch("carts", cart.cart_id)

    def delete_cart(self, cart_id: str) -> None:
        with self.lock:
            self.cart(cart_id)
            del self.carts[cart_id]
            self._touch("carts", cart_id)

    # The shoppers of v0

    def shopper(self, user_id: str) -> Shopper:
        with self.lock:
            return self.shoppers.setdefault(user_id, Shopper(user_id))

    def user_cart(self, user_id: str) -> Cart | None:
        """The open cart of a user. Once it is paid the user has none, and the next item starts a new one."""
        shopper = self.shoppers.get(user_id)
        cart = self.carts.get(shopper.cart_id) if shopper else None
        return None if cart is None or self.bought_order(cart) else cart

    def set_user_lines(self, user_id: str, lines: list[Line]) -> Cart:
        with self.lock:
            cart = self.user_cart(user_id)
            if cart is None:
                cart = self.keep_cart(Cart(str(uuid.uuid4()), self.now(), lines, user_id=user_id))
                self.shopper(user_id).cart_id = cart.cart_id
                self._touch("shoppers", user_id)
            else:
                self.set_lines(cart, lines)
            return cart

    def keep_card(self, card: StoredCard, *, user_id: str = "") -> None:
        with self.lock:
            self.cards[card.token] = card
            if user_id:
                self.shopper(user_id).card_token = card.token
            self._touch("shoppers", user_id)

    def user_card(self, user_id: str) -> StoredCard | None:
        shopper = self.shoppers.get(user_id)
        return self.cards.get(shopper.card_token) if shopper else None

    def keep_session(self, session: Session) -> None:
        """File a session, or write down that it changed."""
        with self.lock:
            self.sessions[session.token] = session
            self.shopper(session.user_id).session_token = session.token
            self._touch("shoppers", session.user_id)
            self._touch("sessions", session.token)

    # Orders

    def bought_order(self, cart: Cart) -> Order | None:
        return self.orders.get(cart.order_ref)

    def add_order(self, order: Order) -> None:
        """File an order; a paid one claims its cart, and the claim is what makes a second payment fail."""
        with self.lock:
            cart = self.cart(order.cart_id)
            earlier = self.bought_order(cart)
            if earlier:
                raise AlreadyBoughtError(earlier)
            if order.is_paid:
                cart.order_ref = order.ref_id
            self._file_order(order)
            self._touch("carts", order.cart_id)

    def next_order_time(self) -> datetime:
        """A time no earlier order has: the order list pages by it."""
        with self.lock:
            newest = next(reversed(self.orders.values()), None)
            now = self.now()
            return max(now, newest.created_at + timedelta(milliseconds=1)) if newest else now

    def newest_orders(self, cart_id: str = "", before: datetime | None = None) -> Iterator[Order]:
        refs = self.cart_orders.get(cart_id, []) if cart_id else self.listed
        end = bisect_left(refs, before, key=lambda ref: self.orders[ref].created_at) if before else len(refs)
        return (self.orders[refs[at]] for at in range(end - 1, -1, -1))

    def _file_order(self, order: Order) -> None:
        self.orders[order.ref_id] = order
        self.listed.append(order.ref_id)
        self.cart_orders.setdefault(order.cart_id, []).append(order.ref_id)
        if order.order_id:
            self.order_ids[order.order_id] = order.ref_id

    # Jobs

    def add_job(self, prefix: str, *, result: JSON, ref_id: str = "") -> Job:
        with self.lock:
            seconds = self.scenario.timing.job_seconds
            job = Job(ref_id or new_ref(prefix), prefix, self.now(), seconds, result=result)
            self.jobs[job.ref_id] = job
            while len(self.jobs) > JOBS_KEPT:
                oldest = next(iter(self.jobs))
                del self.jobs[oldest]
                self._texts.pop(("jobs", oldest), None)
            self._touch()
            return job

    # Whole state

    def reset(self) -> None:
        with self.lock:
            for kept in self._records().values():
                kept.clear()
            for index in (self.cart_orders, self.order_ids, self.listed, self._texts):
                index.clear()
            self.requests.clear()
            self.offset = timedelta()
            self.scenario = Scenario()
            self._touch()

    def set_endpoints(self, endpoints: Iterable[Endpoint]) -> None:
        with self.lock:
            self.endpoints = {endpoint.uuid: endpoint for endpoint in endpoints}
            for uuid_of in self.endpoints:
                self._texts.pop(("endpoints", uuid_of), None)
            self._touch()

    def set_scenario(self, scenario: Scenario) -> None:
        with self.lock:
            self.scenario = scenario
            self._touch()

    def _records(self) -> dict[str, dict[str, Any]]:
        """Everything that is written to the file, by the name it has there."""
        return {
            "carts": self.carts,
            "orders": self.orders,
            "jobs": self.jobs,
            "cards": self.cards,
            "shoppers": self.shoppers,
            "sessions": self.sessions,
            "endpoints": self.endpoints,
        }

    def _touch(self, kind: str = "", key: str = "") -> None:
        """Note that something changed; a record that existed before must be named."""
        self._version += 1
        self._texts.pop((kind, key), None)
        self.changed.set()

    def load(self) -> None:
        path = self.options.state_path
        if path is None or not path.exists():
            return
        kept = json.loads(path.read_text(encoding="utf-8"), object_hook=_decode, parse_float=float)
        self.offset = timedelta(seconds=kept["offsetSeconds"])
        self.carts = {cart.cart_id: cart for cart in kept["carts"]}
        self.jobs = {job.ref_id: job for job in kept["jobs"]}
        # A file from before these existed is still read.
        self.cards = {card.token: card for card in kept.get("cards", [])}
        self.shoppers = {shopper.user_id: shopper for shopper in kept.get("shoppers", [])}
        self.sessions = {session.token: session for session in kept.get("sessions", [])}
        self.endpoints = {endpoint.uuid: endpoint for endpoint in kept.get("endpoints", [])}
        self.scenario = Scenario.parse(kept["scenario"])
        for order in kept["orders"]:
            self._file_order(order)

    def save(self) -> None:
        """Write the state if it changed; callers that arrive together share one write."""
        path = self.options.state_path
        if path is None or self._version == self._saved_version:
            return
        wanted = self._version
        with self._save_lock:
            if self._saved_version >= wanted:
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
            if (name, key) not in self._texts:
                self._texts[name, key] = json.dumps(record, default=_encode)
        return "[" + ",\n".join(self._texts[name, key] for key in records) + "]"


def random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def new_ref(prefix: str) -> str:
    """A reference id of a job: three letters, then a UUID version 4 without its last group."""
    return f"{prefix}-ref_{str(uuid.uuid4()).rpartition('-')[0]}"


def _encode(value: object) -> JSON:
    if isinstance(value, Decimal):
        return {"~decimal": str(value)}
    if isinstance(value, datetime):
        return {"~time": value.isoformat()}
    if is_dataclass(value):
        return {"~kind": type(value).__name__, **{f.name: getattr(value, f.name) for f in fields(value)}}
    raise TypeError(f"cannot keep a {type(value).__name__}")


def _decode(kept: JSON) -> Any:
    if "~decimal" in kept:
        return Decimal(kept["~decimal"])
    if "~time" in kept:
        return datetime.fromisoformat(kept["~time"])
    kind = _KINDS.get(kept.pop("~kind", ""))
    return kind(**kept) if kind else kept


store = Store()
