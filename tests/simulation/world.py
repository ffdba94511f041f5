"""The world of a simulation: shoppers, Henry, staff and time. Each method is one thing that may happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.core.management import call_command
from django.db.models import F, Model
from django.test import override_settings
from django.utils import timezone
from requests import RequestException

from django_henry_checkout.exceptions import CheckoutError, GatewayError
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout import hosted, sessions
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.events import outbox
from django_henry_checkout.flows.operations import staff_actions
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.flows.polling import poller
from django_henry_checkout.flows.webhooks import inbox
from django_henry_checkout.models import (
    AccountRateLimit,
    Cart,
    CheckoutSession,
    Delivery,
    Order,
    Purchase,
    PurchasePoll,
    SessionStatus,
    WebhookMessage,
)
from django_henry_checkout.models.purchases import LIVE_PURCHASE
from django_henry_checkout.testing.builders import build_item
from django_henry_checkout.testing.drain import drain, make_due
from django_henry_checkout.testing.race import RaceNotRunError, race
from django_henry_checkout.testing.sandbox import Sandbox, SandboxRefused
from django_henry_checkout.testing.webhooks import send_webhook
from django_henry_checkout.types import Card, RawCard
from tests.simulation import moves
from tests.simulation.canaries import CARD, EMAIL
from tests.simulation.crashes import FLOWS, Crash, run_mortal
from tests.simulation.moods import Mood
from tests.support.inline import BUYER

LINKS = (
    "https://alpine.example/products/boots",
    "https://clay.example/products/mug",
    "https://paper.example/products/notebook",
)
PRICES = dict(zip(LINKS, ("100.00", "20.00", "9.99"), strict=True))
SCENARIO: dict[str, Any] = {"timing": {"pendingSeconds": 20, "processingSeconds": 40}, "prices": PRICES}
#: The call that buys, in both generations.
BUYS = {"v1": "/v1/cart/*/purchase", "v1-rpc": "/v1/cart/purchase"}
STRANGER = "ckp-ref_stranger"
NOT_BOUGHT = ("failed", "cancelled")
BUYER_HERE = replace(BUYER, email=EMAIL)
#: What passes when time does: every time that the app has written down, and how much of it moves.
TIMES: dict[type[Model], tuple[str, ...]] = {
    PurchasePoll: ("due_at",),
    Purchase: ("created_at", "sent_at", "found_at", "answered_at", "ended_at", "deadline_at"),
    CheckoutSession: ("created_at", "expires_at", "ended_at"),
    Order: ("created_at", "placed_at", "ended_at"),
    WebhookMessage: ("signed_at", "received_at", "due_at", "processed_at"),
    Delivery: ("due_at", "done_at"),
    AccountRateLimit: ("refilled_at", "paused_until", "window_started_at"),
}


@dataclass
class Basket:
    """A shopper's cart here, and how many of each product he has ever put into it."""

    pk: int
    wanted: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Page:
    """Henry's page, as a shopper was sent there."""

    order_pk: int
    henry_cart_id: str
    token: str


@dataclass(frozen=True)
class Letter:
    """What Henry said of a purchase at one moment, to be sent as a webhook some day."""

    ref_id: str
    data: dict[str, Any]
    said_at: datetime
    shifted: float


class World:
    """One shop, one Henry, and what the outside knows of both."""

    def __init__(
        self, sandbox: Sandbox, *, version: str, bulk_poll_threshold: int, hosted_payment_timeout: timedelta
    ) -> None:
        self.sandbox = sandbox
        self.version = version
        self.mood = Mood()
        self.baskets: list[Basket] = []
        self.pages: list[Page] = []
        self.letters: list[Letter] = []
        #: Whose each cart at Henry is, by the cart here; and which payments somebody waited for when they were made.
        self.owners: dict[str, int] = {}
        self.awaited: set[str] = set()
        self.seen_by_staff: set[str] = set()
        self._shifted = 0.0
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
        moves.take()
        sandbox.reset()
        self.clear_weather()
        self._settings = override_settings(
            HENRY_CHECKOUT={
                **sandbox.options(),
                "API_VERSION": version,
                "ALLOW_RAW_CARD": True,
                "READ_RETRIES": 0,
                "POLL_CONCURRENCY": 1,  # so that answers come in one order
                "BULK_POLL_THRESHOLD": bulk_poll_threshold,
                "HOSTED_PAYMENT_TIMEOUT": hosted_payment_timeout,
            }
        )
        self._settings.enable()
        self.mood.connect()

    def close(self) -> None:
        self.mood.disconnect()
        self._settings.disable()

    # Shoppers -----------------------------------------------------------------------------

    def take_basket(self, links: list[str]) -> None:
        cart = carts.create_cart()
        self.baskets.append(Basket(cart.pk))
        for link in links:
            self.add(self.baskets[-1], link)

    def add(self, basket: Basket, link: str, quantity: int = 1) -> None:
        item = build_item(link, price=PRICES[link], quantity=quantity)
        carts.add_item(Cart.objects.get(pk=basket.pk), item)
        basket.wanted[link] += quantity

    def merge(self, basket: Basket, into: Basket) -> None:
        """Sign in: the guest's cart goes into the shopper's own."""
        found = Cart.objects.in_bulk([basket.pk, into.pk])
        carts.merge_carts(found[basket.pk], into=found[into.pk])
        self.note_orders()
        into.wanted += basket.wanted
        self.owners = {cart: into.pk if pk == basket.pk else pk for cart, pk in self.owners.items()}
        self.baskets.remove(basket)

    def begin(self, basket: Basket, crash: Crash | None) -> bool:
        """Begin a hosted checkout; tell whether there is a new page."""
        cart = Cart.objects.get(pk=basket.pk)
        return self._open(self._tried(lambda: sessions.begin_checkout(cart), crash))

    def renew(self, page: Page) -> None:
        self._open(self._tried(lambda: sessions.renew_session(Order.objects.get(pk=page.order_pk)), None))

    def _open(self, begun: Any) -> bool:
        if not isinstance(begun, sessions.StartedCheckout):
            return False
        self.pages.append(Page(begun.order.pk, begun.order.henry_cart_id, begun.token))
        return True

    def pay(self, page: Page, **how: Any) -> None:
        """Pay on Henry's page, which knows nothing of what has become of the order here."""
        is_awaited = Purchase.objects.filter(order=page.order_pk, status__in=LIVE_PURCHASE).exists()
        with suppress(SandboxRefused):  # declined, or paid before
            paid = self.sandbox.pay(page.henry_cart_id, **how)
            if is_awaited:
                self.awaited.add(paid["refId"])

    def payment_return(self, page: Page, hint: str, crash: Crash | None) -> None:
        order = Order.objects.get(pk=page.order_pk)
        cache.clear()  # Henry is asked once in two seconds; here no time passes by itself
        session = self._tried(lambda: hosted.find_hosted_session(order.public_id, page.token), None)
        if isinstance(session, CheckoutSession):
            self._tried(lambda: hosted.resolve_return(session, hosted.ReturnOutcome(hint)), crash, kind="ask")

    def cancel(self, page: Page) -> None:
        for session in CheckoutSession.objects.live().filter(order=page.order_pk):
            sessions.end_session(session, SessionStatus.CANCELED, source="shopper")

    def buy(
        self,
        basket: Basket,
        *,
        card: str,
        crash: Crash | None,
        left_out: str | None = None,
        fault: dict[str, Any] | None = None,
        rival: str | None = None,
    ) -> None:
        """Buy by one call, while something goes wrong on the way."""
        cart = Cart.objects.get(pk=basket.pk)
        changes = Changes(quantities={left_out: None}) if cart.lines.filter(link=left_out).exists() else None
        payment = Payment(card=_card(card))
        if fault is not None:
            self.storm([{"method": "POST", "path": BUYS[self.version], **fault}])
        rivals = {
            "same": lambda: self._buy_again(basket, payment),
            "poll": self._poll_now,
            "expire": sessions.expire_sessions,
        }
        with _racing(f"{FLOWS}.checkout.confirm._commit_intent", rivals.get(rival or "")):
            self._tried(lambda: buy_cart(cart, BUYER_HERE, payment, changes=changes), crash)
        self.clear_weather()
        self._await_what_was_bought()

    def _buy_again(self, basket: Basket, payment: Payment) -> None:
        self._tried(lambda: buy_cart(Cart.objects.get(pk=basket.pk), BUYER_HERE, payment), None)

    def _await_what_was_bought(self) -> None:
        """Whatever the app has bought itself it must follow to its end."""
        self.awaited |= {order["refId"] for order in self.sandbox.orders() if order["via"] == "api"}

    def _tried(self, work: Callable[[], Any], crash: Crash | None, *, kind: str = "") -> Any:
        """The result, or what a shopper would be told. Anything else ends the simulation."""
        try:
            return run_mortal(work, crash, version=self.version)
        except (CheckoutError, GatewayError) as error:
            return error

    # Workers ------------------------------------------------------------------------------

    def poll(self, crash: Crash | None, rival: str | None = None) -> None:
        make_due()
        rivals = {"poll": self._poll_now, "webhook": inbox.process_webhooks, "deliver": outbox.deliver_due}
        with _racing(f"{FLOWS}.polling.poller.apply_observation", rivals.get(rival or "")):
            run_mortal(poller.poll_due, crash)

    def _poll_now(self) -> None:
        """Another worker, to whom the lease looks over."""
        make_due()
        poller.poll_due()

    def apply_webhooks(self, crash: Crash | None) -> None:
        make_due()
        run_mortal(inbox.process_webhooks, crash)

    def deliver(self, crash: Crash | None, rival: str | None = None) -> None:
        make_due()

        def other() -> None:
            make_due()
            outbox.deliver_due()

        with _racing(f"{FLOWS}.events.outbox._deliver", other if rival else None):
            run_mortal(outbox.deliver_due, crash)

    def expire(self, crash: Crash | None) -> None:
        run_mortal(sessions.expire_sessions, crash)

    # Webhooks -----------------------------------------------------------------------------

    def write_letter(self, ref_id: str) -> Letter | None:
        try:
            said = self.sandbox.purchase(ref_id)
        except (SandboxRefused, RequestException):
            return None  # the storm met us
        self.letters.append(Letter(ref_id, said, timezone.now(), self._shifted))
        return self.letters[-1]

    def send_letter(self, letter: Letter, *, is_signed_now: bool, is_thin: bool) -> None:
        age = timedelta(seconds=self._shifted - letter.shifted)
        at = None if is_signed_now else letter.said_at - age
        data = None if is_thin else letter.data
        status = send_webhook(letter.ref_id, data=data, at=at)
        is_in_time = is_signed_now or age < timedelta(minutes=4)
        assert status == 202 or not is_in_time, f"a good webhook was refused: {status}"

    def strangers(self) -> list[int]:
        """The messages that name a stranger's purchase."""
        return [message.pk for message in WebhookMessage.objects.all() if STRANGER in message.body]

    def _give_up_strangers(self) -> None:
        """A day later nobody looks for the purchases of strangers any more."""
        WebhookMessage.objects.filter(pk__in=self.strangers()).update(
            received_at=timezone.now() - timedelta(days=2)
        )

    # Henry, staff and time ----------------------------------------------------------------

    def storm(self, faults: list[dict[str, Any]]) -> None:
        self.sandbox.scenario(**SCENARIO, faults=faults)

    def clear_weather(self) -> None:
        self.sandbox.scenario(**SCENARIO)

    def pass_time(self, seconds: float) -> None:
        """Let time pass everywhere. Here that means that everything happened longer ago."""
        self.sandbox.advance(seconds)
        self._shifted += seconds
        cache.clear()
        step = timedelta(seconds=seconds)
        for model, names in TIMES.items():
            model._default_manager.update(**{name: F(name) - step for name in names})

    def resolve_doubts(self) -> None:
        """Staff look at Henry, and say so where nothing was bought, or what was tried there has failed."""
        orders = self.sandbox.orders()
        bought = {order["cartId"] for order in orders if _may_buy(order)}
        for purchase in Purchase.objects.filter(status="in_doubt"):
            if purchase.henry_cart_id in bought:
                continue
            staff_actions.resolve_not_bought(purchase, by="simulation")
            # What failed there need not be found any more: a person has seen it.
            failed = {order["refId"] for order in orders if order["cartId"] == purchase.henry_cart_id}
            self.seen_by_staff |= failed

    def note_orders(self) -> None:
        """Learn whose each new cart at Henry is, while the cart here is still there."""
        for henry_cart_id, cart_pk in Order.objects.exclude(cart=None).values_list("henry_cart_id", "cart"):
            self.owners.setdefault(henry_cart_id, cart_pk)

    def come_to_rest(self) -> None:
        """No more faults, no more deaths; staff do what is theirs. Everything must come to its end."""
        self.clear_weather()
        self.mood.recover()
        self._give_up_strangers()
        self.sandbox.advance(8000)  # past the end of the slowest order
        for rounds in (4, 40, 40):
            self.pass_time(120)  # longer than anybody waits for the answer to a call that buys
            if not drain(self.sandbox, rounds=rounds, may_stay_open=True).open:
                break
            self.resolve_doubts()
            for delivery in Delivery.objects.filter(status="dead"):
                staff_actions.resume_delivery(delivery, by="simulation")


def make_sqlite_fast(connection: Any, **_kwargs: Any) -> None:
    """No power is cut here: what SQLite has handed to the system counts as written."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")


def _may_buy(order: dict[str, Any]) -> bool:
    return any(item["status"] not in NOT_BOUGHT for item in order["items"])


def _card(name: str) -> Card:
    if name == "raw":
        return Card(raw=RawCard(number=CARD, expiry_month="12", expiry_year="2031", cvv="123"))
    return Card(token=f"card_test_{name}")


@contextmanager
def _racing(target: str, rival: Callable[[], Any] | None) -> Iterator[None]:
    """A race, if there is a rival and if it comes to one."""
    if rival is None:
        yield
        return
    with suppress(RaceNotRunError), race(target, before=rival):
        yield
