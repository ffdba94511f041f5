"""The machine that lets things happen in any order, and looks after each of them."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from django_henry_checkout.models import CartLine, CheckoutSession, Event, Order, Purchase, WebhookMessage
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.testing.webhooks import send_webhook
from tests.simulation.canaries import LogBook
from tests.simulation.crashes import Crash, crashes
from tests.simulation.invariants import AFTER_EVERY_STEP, AT_THE_END, Watch, check
from tests.simulation.world import LINKS, STRANGER, World

MOST_BASKETS = 4
some = st.integers(0, 11)
links = st.sampled_from(LINKS)
#: How far Henry's clock goes on: not at all, to the next status, to the end, past a slow order's end.
jumps = st.sampled_from([0, 25, 65, 4000])
LIES = ("wrong", "old", "future", "altered", "missing")
CARDS = (
    "pays", "pays", "raw", "declined", "some_items_fail", "all_items_fail", "cancelled", "hidden_failures", "slow",
)  # fmt: skip
OUTCOMES: tuple[dict[str, str], ...] = (
    {}, {"outcome": "complete"}, {"outcome": "partially_complete"}, {"outcome": "failed"}, {"outcome": "cancelled"},
    {"card": "4000000000000002"}, {"card": "4000000000050007"}, {"card": "4000000000060006"},
)  # fmt: skip
#: What may go wrong with a call that buys; with `process` it was carried out.
BUYING_FAULTS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    {"fault": "lost_reply"},
    {"fault": "reset"},
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 500, "process": True},
    {"fault": "status", "status": 429, "headers": {"Retry-After": "7"}},
    {"fault": "status", "status": 429, "process": True},
    {"fault": "status", "status": 402},
    {"fault": "status", "status": 409},
    {"fault": "garbage", "kind": "truncated", "process": True},
    {"fault": "garbage", "kind": "wrong_type"},
    {"fault": "garbage", "kind": "html", "process": True},
)
#: What may go wrong with any call; each is met as often as its number says.
STORMS: tuple[dict[str, Any], ...] = (
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 429, "headers": {"Retry-After": "30"}},
    {"fault": "reset"},
    {"fault": "lost_reply"},
    {"fault": "garbage", "kind": "truncated"},
    {"fault": "garbage", "kind": "wrong_type"},
    {"fault": "body", "json": {"refId": "", "status": "complete", "products": []}},
)
ODD_BODIES = (b"{}", b"[1]", b'{"event": 5}', b'{"event": "order.purchase", "data": {"refId": 7}}', b"\xff{")


class ShopMachine(RuleBasedStateMachine):
    """`sandbox` is set by whoever runs it."""

    sandbox: Sandbox
    #: What became of everything in all examples so far, to see that enough happens.
    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.log = LogBook()
        self.log.open()
        self.world: World | None = None

    @initialize(
        version=st.sampled_from(["v1", "v1-rpc"]),
        bulk_poll_threshold=st.sampled_from([2, 20]),
        hosted_payment_timeout=st.sampled_from([timedelta(hours=2), timedelta(days=5)]),
        first=st.lists(links, min_size=1, max_size=2),
    )
    def open_shop(
        self, version: str, bulk_poll_threshold: int, hosted_payment_timeout: timedelta, first: list[str]
    ) -> None:
        self.world = World(
            self.sandbox,
            version=version,
            bulk_poll_threshold=bulk_poll_threshold,
            hosted_payment_timeout=hosted_payment_timeout,
        )
        self.watch = Watch(self.world, self.log)
        self.world.take_basket(first)

    # Shoppers -----------------------------------------------------------------------------

    @rule(which=some, wanted=st.lists(links, min_size=1, max_size=3), is_new=st.booleans())
    def shop(self, which: int, wanted: list[str], is_new: bool) -> None:
        if is_new and len(self.world.baskets) < MOST_BASKETS:
            self.world.take_basket(wanted)
        else:
            self.world.add(self._basket(which), wanted[0], len(wanted))

    @precondition(lambda self: len(self.world.baskets) > 1)
    @rule(which=some)
    def sign_in(self, which: int) -> None:
        basket = self._basket(which)
        into = next(each for each in self.world.baskets if each is not basket)
        self.world.merge(basket, into)

    @rule(which=some, refill=links, crash=crashes("begin"), how=st.sampled_from((None, *OUTCOMES)))
    def check_out(self, which: int, refill: str, crash: Crash | None, how: dict[str, str] | None) -> None:
        if self.world.begin(self._basket(which, refill), crash) and how is not None:
            self.world.pay(self.world.pages[-1], **how)

    @rule(
        which=some,
        refill=links,
        how=st.sampled_from(OUTCOMES),
        seconds=jumps,
        then=st.sampled_from(["poll", "hear", "mishear"]),
        crash=crashes("webhooks"),
    )
    def check_out_and_wait(
        self, which: int, refill: str, how: dict[str, str], seconds: int, then: str, crash: Crash | None
    ) -> None:
        """What most shoppers do, and what most often comes of it."""
        self.check_out(which, refill, None, how)
        self.poll(0, None, None)
        self.watch.look()
        if then == "poll" or not self.watch.orders:
            self.poll(seconds, None, None)
        elif then == "hear":
            self.hear_of_an_order(-1, seconds, is_sent=True, is_thin=False, crash=crash)
        else:
            self.hear_in_another_order(-1, order=[2, 0, 1], crash=crash)

    @precondition(lambda self: self.world.pages)
    @rule(which=some, how=st.sampled_from(OUTCOMES))
    def pay_an_old_page(self, which: int, how: dict[str, str]) -> None:
        self.world.pay(self._page(which), **how)

    @precondition(lambda self: self.world.pages)
    @rule(which=some, hint=st.sampled_from(["completed", "canceled", "errored"]), crash=crashes("ask"))
    def payment_return(self, which: int, hint: str, crash: Crash | None) -> None:
        self.world.payment_return(self._page(which), hint, crash)

    @precondition(lambda self: self.world.pages)
    @rule(which=some, is_over=st.booleans())
    def cancel_or_try_again(self, which: int, is_over: bool) -> None:
        (self.world.cancel if is_over else self.world.renew)(self._page(which))

    @rule(
        which=some,
        refill=links,
        card=st.sampled_from(CARDS),
        left_out=st.none() | links,
        crash=crashes("buy"),
    )
    def buy(self, which: int, refill: str, card: str, left_out: str | None, crash: Crash | None) -> None:
        self.world.buy(self._basket(which, refill), card=card, left_out=left_out, crash=crash)

    @rule(
        which=some,
        refill=links,
        card=st.sampled_from(CARDS),
        fault=st.sampled_from(BUYING_FAULTS),
        crash=crashes("buy"),
        rival=st.sampled_from([None, None, "same", "poll", "expire"]),
    )
    def buy_in_bad_weather(self, which: int, refill: str, **how: Any) -> None:
        self.world.buy(self._basket(which, refill), **how)

    # Workers ------------------------------------------------------------------------------

    @rule(
        seconds=jumps,
        crash=crashes("poll"),
        rival=st.sampled_from([None, None, "poll", "webhook", "deliver"]),
    )
    def poll(self, seconds: int, crash: Crash | None, rival: str | None) -> None:
        self.sandbox.advance(seconds)
        self.world.poll(crash, rival)

    @rule(seconds=jumps)
    def poll_without_trouble(self, seconds: int) -> None:
        self.world.clear_weather()
        self.poll(seconds, None, None)

    @rule(
        crash=crashes("deliver"), rival=st.sampled_from([None, "deliver"]), ill=st.sampled_from([0, 0, 2, 9])
    )
    def deliver(self, crash: Crash | None, rival: str | None, ill: int) -> None:
        self.world.mood.fall_ill(ill)
        self.world.deliver(crash, rival)

    @rule(minutes=st.sampled_from([1, 10, 31, 150]), crash=crashes("expire"))
    def pass_time(self, minutes: int, crash: Crash | None) -> None:
        self.world.pass_time(60 * minutes)
        self.world.expire(crash)

    # Webhooks -----------------------------------------------------------------------------

    @precondition(lambda self: self.watch.orders)
    @rule(which=some, seconds=jumps, is_sent=st.booleans(), is_thin=st.booleans(), crash=crashes("webhooks"))
    def hear_of_an_order(
        self, which: int, seconds: int, is_sent: bool, is_thin: bool, crash: Crash | None
    ) -> None:
        """Henry says something now; perhaps it comes at once, perhaps some day. It is of one of the newest."""
        self.sandbox.advance(seconds)
        newest = self.watch.orders[-3:]
        letter = self.world.write_letter(newest[which % len(newest)]["refId"])
        if letter is not None and is_sent:
            self.world.send_letter(letter, is_signed_now=False, is_thin=is_thin)
            self.world.apply_webhooks(crash)

    @precondition(lambda self: self.watch.orders)
    @rule(which=some, order=st.permutations(range(3)), crash=crashes("webhooks"))
    def hear_in_another_order(self, which: int, order: list[int], crash: Crash | None) -> None:
        """Three things that Henry says one after the other come in another order, each as if it were new."""
        newest = self.watch.orders[-3:]
        letters = []
        for seconds in (0, 25, 20):
            self.sandbox.advance(seconds)
            letters.append(self.world.write_letter(newest[which % len(newest)]["refId"]))
        for letter in (letters[at] for at in order):
            if letter is not None:
                self.world.send_letter(letter, is_signed_now=True, is_thin=False)
                self.world.apply_webhooks(crash)

    @precondition(lambda self: self.world.letters)
    @rule(
        picks=st.lists(some, min_size=1, max_size=4),
        is_signed_now=st.booleans(),
        is_thin=st.booleans(),
        crash=crashes("webhooks"),
    )
    def hear_it_late_or_again(
        self, picks: list[int], is_signed_now: bool, is_thin: bool, crash: Crash | None
    ) -> None:
        for which in picks:
            letter = self.world.letters[which % len(self.world.letters)]
            self.world.send_letter(letter, is_signed_now=is_signed_now, is_thin=is_thin)
        self.world.apply_webhooks(crash)

    @precondition(lambda self: len(self.world.strangers()) < 3)
    @rule(body=st.sampled_from(ODD_BODIES), signature=st.sampled_from(LIES))
    def be_lied_to(self, body: bytes, signature: Any) -> None:
        """A stranger's purchase, nonsense, and good news with a bad signature."""
        assert send_webhook(STRANGER) == 202
        assert send_webhook(body=body) == 202
        for letter in self.world.letters[:2]:
            assert send_webhook(data={**letter.data, "status": "cancelled"}, signature=signature) == 401

    # Henry, staff -------------------------------------------------------------------------

    @rule(faults=st.lists(st.sampled_from(STORMS), min_size=1, max_size=2), times=st.integers(1, 3))
    def raise_a_storm(self, faults: list[dict[str, Any]], times: int) -> None:
        self.world.storm([{**fault, "times": times} for fault in faults])

    @precondition(lambda self: Purchase.objects.filter(status="in_doubt").exists())
    @rule()
    def resolve_doubts(self) -> None:
        self.world.resolve_doubts()

    # The end ------------------------------------------------------------------------------

    @invariant()
    def all_is_well(self) -> None:
        if self.world is not None:
            check(self.watch, AFTER_EVERY_STEP)

    def teardown(self) -> None:
        world = self.world
        try:
            if world is not None and sys.exc_info()[1] is None:
                world.come_to_rest()
                check(self.watch, AT_THE_END)
                self.seen.update(what_happened())
        finally:
            if world is not None:
                world.close()
            self.log.shut()

    def _basket(self, which: int, refill: str = "") -> Any:
        basket = self.world.baskets[which % len(self.world.baskets)]
        if refill and not CartLine.objects.filter(cart=basket.pk).exists():
            self.world.add(basket, refill)
        return basket

    def _page(self, which: int) -> Any:
        return self.world.pages[which % len(self.world.pages)]


def what_happened() -> Counter[str]:
    """Count how orders, purchases, sessions and webhooks ended, and which events there were."""
    found: Counter[str] = Counter()
    for model in (Order, Purchase, CheckoutSession, WebhookMessage):
        statuses = model._default_manager.values_list("status", flat=True)
        found.update(f"{model.__name__} {status}" for status in statuses)
    found.update(f"Event {kind}" for kind in Event.objects.values_list("type", flat=True))
    for reasons in Order.objects.exclude(review_reason="").values_list("review_reason", flat=True):
        found.update(f"review {reason.partition(':')[0]}" for reason in reasons.split("; "))
    found.update(
        f"webhook: {outcome[:25]}" for outcome in WebhookMessage.objects.values_list("outcome", flat=True)
    )
    return found
