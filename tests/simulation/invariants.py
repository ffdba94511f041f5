"""What must hold after every step, and what must hold at the end. Each check yields what it finds wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatch
from typing import Any
from uuid import UUID

from django_henry_checkout.models import (
    Delivery,
    Event,
    ItemStatus,
    Order,
    OrderLine,
    OrderStatus,
    Purchase,
    PurchasePoll,
    WebhookMessage,
)
from django_henry_checkout.models.base import StateMachine
from django_henry_checkout.models.purchases import UNRESOLVED_PURCHASE
from django_henry_checkout.signals import BY_NAME
from django_henry_checkout.types import format_public_id
from example_project.shop.models import Receipt
from tests.receivers.models import Received
from tests.simulation import moods, moves
from tests.simulation.canaries import LogBook, leaks
from tests.simulation.world import BUYS, NOT_BOUGHT, STRANGER, World

RECORD = "tests.receivers.apps.record"
ENDED = (OrderStatus.COMPLETED, OrderStatus.PARTIALLY_COMPLETED, OrderStatus.FAILED, OrderStatus.CANCELED)
#: Henry's item words from which nothing more comes.
SETTLED = ("complete", *NOT_BOUGHT)

Found = Iterator[str]


@dataclass(frozen=True)
class Fact:
    """An event, as it was written."""

    pk: int
    order_pk: int
    sequence: int
    type: str
    payload: dict[str, Any]
    public_id: UUID

    @property
    def ulid(self) -> str:
        return format_public_id(self.public_id)


class Watch:
    """Looks at both sides, and reads everything once for all that is to be checked."""

    def __init__(self, world: World, log: LogBook) -> None:
        self.world = world
        self.log = log
        self.orders: list[dict[str, Any]] = []

    def look(self) -> None:
        """Ask Henry what was really bought, and read what there is here."""
        self.world.note_orders()
        self.orders = self.world.sandbox.orders()
        columns = ("pk", "order", "sequence", "type", "payload", "public_id")
        rows = Event.objects.order_by("order", "sequence").values_list(*columns)
        self.facts = [Fact(*row) for row in rows]
        self.deliveries = list(Delivery.objects.values_list("event", "receiver", "status"))
        received = Received.objects.order_by("pk")
        self.received = list(received.values_list("signal", "event_id", "order_number"))
        self.here = list(Order.objects.all())

    # After every step ---------------------------------------------------------------------

    def one_order_per_purchase(self) -> Found:
        """No more orders than purchases, no more calls than intents, no product bought twice by the app."""
        for cart_id, count in Counter(order["cartId"] for order in self.orders).items():
            if count > 1:
                yield f"{count} orders of the cart {cart_id} at Henry"
        asked = self.world.sandbox.requests()
        calls = sum(fnmatch(row["path"], BUYS[self.world.version]) for row in asked)
        intents = sum(fact.type == "purchase_sent" for fact in self.facts)
        if calls > intents:
            yield f"{calls} calls that buy, for {intents} intents"
        yield from self._bought_too_much()

    def _bought_too_much(self) -> Found:
        bought: dict[int, Counter[str]] = defaultdict(Counter)
        for order in self.orders:
            if order["via"] == "api":
                units = bought[self.world.owners[order["cartId"]]]
                for item in order["items"]:
                    units[item["link"]] += item["quantity"] if item["status"] not in NOT_BOUGHT else 0
        for basket in self.world.baskets:
            too_much = bought[basket.pk] - basket.wanted
            if too_much:
                yield f"bought for basket {basket.pk} beyond what was wanted: {dict(too_much)}"

    def events_have_deliveries(self) -> Found:
        """Each event has one delivery for each receiver from the moment that it is there."""
        made = defaultdict(list)
        for event_pk, receiver, _status in self.deliveries:
            made[event_pk].append(receiver)
        for fact in self.facts:
            wanted = BY_NAME[fact.type].receivers_by_name() if fact.type in BY_NAME else {}
            if sorted(made[fact.pk]) != sorted(wanted):
                yield f"{fact.type} of order {fact.order_pk} has deliveries {made[fact.pk]}"

    def receivers_ran_at_most_once(self) -> Found:
        """An effect is there exactly if its delivery is marked done."""
        ulids = {fact.pk: fact.ulid for fact in self.facts}
        wanted = {moods.NAME, RECORD}
        done = Counter(
            (receiver, ulids[event_pk])
            for event_pk, receiver, status in self.deliveries
            if status == "done" and receiver in wanted
        )
        ran = Counter(
            (moods.NAME if signal.startswith("moody ") else RECORD, event_id)
            for signal, event_id, _number in self.received
        )
        for key in ran.keys() | done.keys():
            if ran[key] != done[key]:
                yield f"{key}: marked {done[key]} times, ran {ran[key]} times"

    def sequences_have_no_gaps(self) -> Found:
        """The events of an order are numbered from 1 on, and the order knows how many there are."""
        numbers = defaultdict(list)
        for fact in self.facts:
            numbers[fact.order_pk].append(fact.sequence)
        for order in self.here:
            if numbers[order.pk] != list(range(1, order.event_count + 1)):
                yield f"order {order}: events {numbers[order.pk]}, it says {order.event_count}"

    def totals_are_sums(self) -> Found:
        """An order that has ended costs what Henry says that its bought items cost."""
        by_ref = {order["refId"]: order for order in self.orders}
        ended = Purchase.objects.filter(
            order__status__in=ENDED, status__in=["complete", "partially_complete"]
        )
        for purchase in ended.select_related("order"):
            order = purchase.order
            said = by_ref.get(purchase.ref_id, {"items": ()})
            bought = [item for item in said["items"] if item["status"] == "complete"]
            total = sum((Decimal(item["total"]) for item in bought), Decimal(0))
            lines = OrderLine.objects.filter(order=order, status=ItemStatus.BOUGHT)
            own = sum((line.total_amount or Decimal(0) for line in lines), Decimal(0))
            if (order.total_amount or 0) != total or (
                own != total and "paid_after" not in order.review_reason
            ):
                yield f"order {order}: total {order.total_amount}, lines {own}, at Henry {total}"

    def moves_are_legal(self) -> Found:
        """Statuses moved along their tables; the events of an order tell how it came to be what it is."""
        for model, pk, before, after in moves.take():
            if after not in _reachable(model, before):
                yield f"{model.__name__} {pk} moved from {before} to {after}"
        yield from self._replayed()

    def _replayed(self) -> Found:
        told = defaultdict(list)
        for fact in self.facts:
            if fact.type == "order_status_changed":
                told[fact.order_pk].append(fact.payload)
        for order in self.here:
            status: str = OrderStatus.OPEN
            for move in told[order.pk]:
                before, after = move.get("previous_status", ""), move.get("status", "")
                if before != status or after not in Order.TRANSITIONS.get(status, ()):
                    yield f"order {order} was {status}, and then {move}"
                status = after
            if status != order.status:
                yield f"order {order} is {order.status}, by its events {status}"

    def nothing_leaks(self) -> Found:
        """No card, address or key is in a log line, an event, a webhook that is done, or an answer that is kept."""
        yield from leaks(self.log.lines, [fact.payload for fact in self.facts])
        self.log.lines.clear()

    def nothing_was_swallowed(self) -> Found:
        """No task boundary had to catch what nobody expects."""
        yield from self.log.surprises

    def live_purchases_are_polled(self) -> Found:
        """Whatever is under way has a row that brings it back; whatever has ended has none."""
        polled = set(PurchasePoll.objects.values_list("pk", flat=True))
        for purchase in Purchase.objects.select_related("order"):
            is_given_up = "polling_ended" in purchase.order.review_reason
            if (purchase.pk in polled) is purchase.is_terminal and not is_given_up:
                yield f"purchase {purchase.pk} is {purchase.status}, polled: {purchase.pk in polled}"

    # At the end ---------------------------------------------------------------------------

    def everything_ended(self) -> Found:
        """Nothing is in doubt, no receiver waits, no webhook but those of purchases that nobody knows."""
        for purchase in Purchase.objects.filter(status__in=UNRESOLVED_PURCHASE):
            yield f"purchase {purchase} stays {purchase.status}"
        known = {order["refId"] for order in self.orders}
        for message in WebhookMessage.objects.filter(status__in=["received", "unmatched"]):
            # What was paid while nobody waited for it cannot be matched.
            if message.status == "received" or message.ref_id in known & self.world.awaited:
                yield f"webhook {message} stays {message.status}: {message.outcome}"
        for message in WebhookMessage.objects.filter(status="dead").exclude(ref_id=STRANGER):
            yield f"webhook {message} is dead: {message.outcome}"

    def receivers_ran_once_and_in_order(self) -> Found:
        """Each receiver ran exactly once for each event, and in their order for each order."""
        for delivery in Delivery.objects.exclude(status="done"):
            yield f"{delivery} stays {delivery.status}: {delivery.last_error}"
        numbers = {order.pk: order.number for order in self.here}
        told = [fact for fact in self.facts if fact.type in BY_NAME]
        for prefix in ("", "moody "):
            wanted, ran = defaultdict(list), defaultdict(list)
            for fact in told:
                wanted[numbers[fact.order_pk]].append((prefix + fact.type, fact.ulid))
            for signal, event_id, number in self.received:
                if signal.startswith("moody ") is bool(prefix):
                    ran[number].append((signal, event_id))
            if wanted != ran:
                yield f"receivers {prefix}ran for {dict(ran)}, wanted was {dict(wanted)}"
        bought = sum(fact.type in ("purchase_completed", "purchase_partially_completed") for fact in told)
        if Receipt.objects.count() != bought:
            yield f"{Receipt.objects.count()} receipts for {bought} purchases"

    def paid_orders_ended_alike(self) -> Found:
        """What was paid while somebody waited for it has the ending here that it has at Henry."""
        known = {each.ref_id: each for each in Purchase.objects.select_related("order")}
        for said in self.orders:
            ending = _ending_of(said)
            purchase = known.get(said["refId"])
            if purchase is None:
                if said["refId"] in self.world.awaited - self.world.seen_by_staff:
                    yield f"{said['refId']}, {said['status']} at Henry, was never found"
            elif ending is None:
                if purchase.is_terminal:
                    yield f"{said['refId']} is {purchase.status} here, {said['status']} at Henry"
            elif not purchase.is_terminal or (
                purchase.order.status != ending and "paid_after_ending" not in purchase.order.review_reason
            ):
                yield f"order {purchase.order}: {purchase.order.status} here, {ending} at Henry"


def _reachable(model: type[StateMachine], status: str) -> set[str]:
    """Where a status may have come to by any number of moves."""
    found, fresh = {status}, [status]
    while fresh:
        more = set(model.TRANSITIONS.get(fresh.pop(), ())) - found
        found |= more
        fresh += more
    return found


def _ending_of(said: dict[str, Any]) -> str | None:
    """How an order must end here; None if it does not end at Henry."""
    words = [item["status"] for item in said["items"]]
    if said["status"] not in ("complete", "partially_complete", *NOT_BOUGHT) or set(words) - set(SETTLED):
        return None
    bought = words.count("complete")
    if not bought:
        return "canceled" if said["status"] == "cancelled" else "failed"
    return "completed" if bought == len(words) else "partially_completed"


AFTER_EVERY_STEP: tuple[Callable[[Watch], Found], ...] = (
    Watch.one_order_per_purchase,
    Watch.events_have_deliveries,
    Watch.receivers_ran_at_most_once,
    Watch.sequences_have_no_gaps,
    Watch.totals_are_sums,
    Watch.moves_are_legal,
    Watch.live_purchases_are_polled,
    Watch.nothing_leaks,
    Watch.nothing_was_swallowed,
)
AT_THE_END = (
    *AFTER_EVERY_STEP,
    Watch.everything_ended,
    Watch.receivers_ran_once_and_in_order,
    Watch.paid_orders_ended_alike,
)


def check(watch: Watch, invariants: tuple[Callable[[Watch], Found], ...]) -> None:
    """Look once, and fail with everything that is wrong."""
    watch.look()
    wrong = [f"{invariant.__name__}: {what}" for invariant in invariants for what in invariant(watch)]
    assert not wrong, "\n".join(wrong)
