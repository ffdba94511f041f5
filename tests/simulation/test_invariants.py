"""Each invariant sees what it is there for: one thing is spoiled in a world that was well."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from django_henry_checkout.models import (
    CheckoutSession,
    Delivery,
    Event,
    Order,
    OrderLine,
    Purchase,
    PurchasePoll,
    WebhookMessage,
)
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.shop.models import Receipt
from tests.receivers.models import Received
from tests.simulation.canaries import CARD, EMAIL, LogBook
from tests.simulation.invariants import AT_THE_END, Watch, check
from tests.simulation.world import LINKS, World

pytestmark = pytest.mark.once


@pytest.fixture
def watch(henry: Sandbox) -> Iterator[Watch]:
    """One order by Henry's page, one by one call, both ended and told of."""
    log = LogBook()
    log.open()
    world = World(henry, version="v1", bulk_poll_threshold=20, hosted_payment_timeout=timedelta(hours=2))
    watch = Watch(world, log)
    world.take_basket(list(LINKS[:2]))
    world.begin(world.baskets[0], None)
    world.pay(world.pages[0], outcome="partially_complete")
    world.take_basket([LINKS[2]])
    world.buy(world.baskets[1], card="raw", crash=None)
    world.come_to_rest()
    check(watch, AT_THE_END)
    yield watch
    world.close()
    log.shut()


def call_henry_again(watch: Watch) -> None:
    cart = Purchase.objects.filter(sent_at__isnull=False).get().henry_cart_id
    watch.world.sandbox._http.post(f"{watch.world.sandbox.url}/v1/cart/{cart}/purchase", json={}, timeout=20)


def want_less(watch: Watch) -> None:
    watch.world.baskets[1].wanted.clear()


def open_again(watch: Watch) -> None:
    """Also in the events, so that only the table can object."""
    moved = Order.objects.filter(status="completed")
    event = Event.objects.filter(type="order_status_changed", order__in=moved).latest("sequence")
    Event.objects.filter(pk=event.pk).update(payload={**event.payload, "status": "placed"})
    moved.update(status="placed")


def leak_into_event(watch: Watch) -> None:
    Event.objects.filter(pk=Event.objects.latest("pk").pk).update(payload={"email": EMAIL})


def leak_into_log(watch: Watch) -> None:
    logging.getLogger("shop").debug("paid by %s", CARD)


def leak_into_webhook(watch: Watch) -> None:
    _webhook("done", body=f'{{"email": "{EMAIL}"}}')


def swallow(watch: Watch) -> None:
    logging.getLogger("django_henry_checkout.polling").error("not this time", exc_info=KeyError("status"))


def run_in_another_order(watch: Watch) -> None:
    ran = Received.objects.filter(order_number=Order.objects.first().number, signal__startswith="moody ")
    first, second = ran.order_by("pk")[:2]
    first.signal, second.signal = second.signal, first.signal
    first.event_id, second.event_id = second.event_id, first.event_id
    first.save()
    second.save()


def _webhook(status: str, **more: Any) -> None:
    WebhookMessage.objects.create(
        account="default", digest=status, status=status, signed_at=timezone.now(), **more
    )


def spoil(rows: Any, **columns: Any) -> Callable[[Watch], None]:
    return lambda _watch: rows.all().update(**columns)


SPOILED: dict[str, tuple[str, Callable[[Watch], Any]]] = {
    "more than was wanted": ("one_order_per_purchase", want_less),
    "an event without delivery": ("events_have_deliveries", lambda _w: Delivery.objects.first().delete()),
    "an effect without mark": ("receivers_ran_at_most_once", spoil(Delivery.objects, status="pending")),
    "a mark without effect": ("receivers_ran_at_most_once", lambda _w: Received.objects.first().delete()),
    "a gap": ("sequences_have_no_gaps", spoil(Event.objects.filter(type="purchase_submitted"), sequence=99)),
    "a wrong count": ("sequences_have_no_gaps", spoil(Order.objects, event_count=F("event_count") + 1)),
    "a wrong total": ("totals_are_sums", spoil(Order.objects, total_amount=F("total_amount") + 1)),
    "a wrong line": ("totals_are_sums", spoil(OrderLine.objects, total_amount=7)),
    "a move without event": ("moves_are_legal", spoil(Order.objects, status="failed")),
    "a move back": ("moves_are_legal", open_again),
    "a purchase moved back": ("moves_are_legal", spoil(Purchase.objects, status="pending")),
    "a session moved back": ("moves_are_legal", spoil(CheckoutSession.objects, status="canceled")),
    "a live purchase without poll": ("live_purchases_are_polled", spoil(Purchase.objects, status="in_doubt")),
    "an ended purchase with poll": (
        "live_purchases_are_polled",
        lambda _w: PurchasePoll.objects.create(
            purchase=Purchase.objects.first(), account="default", due_at=timezone.now()
        ),
    ),
    "an address in an event": ("nothing_leaks", leak_into_event),
    "a card in the log": ("nothing_leaks", leak_into_log),
    "an address in a webhook": ("nothing_leaks", leak_into_webhook),
    "an error that was caught": ("nothing_was_swallowed", swallow),
    "a purchase in doubt": ("everything_ended", spoil(Purchase.objects, status="in_doubt")),
    "a webhook that waits": ("everything_ended", lambda _w: _webhook("received")),
    "a webhook that is dead": ("everything_ended", lambda _w: _webhook("dead")),
    "a receiver that was parked": ("receivers_ran_once_and_in_order", spoil(Delivery.objects, status="dead")),
    "receivers out of order": ("receivers_ran_once_and_in_order", run_in_another_order),
    "a receipt that is missing": (
        "receivers_ran_once_and_in_order", lambda _w: Receipt.objects.first().delete(),
    ),
    "another ending": ("paid_orders_ended_alike", spoil(Order.objects, status="canceled")),
    "a purchase that is not known": ("paid_orders_ended_alike", spoil(Purchase.objects, ref_id="")),
    "a purchase that has not ended": ("paid_orders_ended_alike", spoil(Purchase.objects, status="stuck")),
}  # fmt: skip


def test_what_is_spoiled_is_seen(watch: Watch) -> None:
    for what, (invariant, spoil_it) in SPOILED.items():
        wanted = copy.deepcopy(watch.world.baskets)
        with transaction.atomic():
            spoil_it(watch)
            seen = _seen(watch)
            transaction.set_rollback(True)
        assert f"{invariant}: " in seen, f"{what}: {seen or 'nothing'} was seen"
        watch.world.baskets = wanted
        watch.log.surprises.clear()
    # What Henry was asked cannot be taken back.
    call_henry_again(watch)
    assert "one_order_per_purchase: 2 calls that buy, for 1 intents" in _seen(watch)


def _seen(watch: Watch) -> str:
    try:
        check(watch, AT_THE_END)
    except AssertionError as error:
        return str(error)
    return ""
