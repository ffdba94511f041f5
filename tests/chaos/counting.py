"""Counts, when all is quiet, what Henry bought against what the shop says, and what its receivers did."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import django

os.environ["CHAOS_BROKER"] = ""  # this process sends no wake-ups
django.setup()

from django.db import DatabaseError, InterfaceError, connection

from django_henry_checkout.flows.operations.staff_actions import resolve_not_bought, resume_delivery
from django_henry_checkout.models import Delivery, Event, Order, Purchase, PurchasePoll, WebhookMessage
from django_henry_checkout.signals import BY_NAME
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import format_public_id
from example_project.shop.models import Receipt
from tests.receivers.models import Received

T = TypeVar("T")

ENDINGS = {
    "complete": "completed",
    "partially_complete": "partially_completed",
    "failed": "failed",
    "cancelled": "canceled",
}
OPEN = ("sent", "in_doubt", "pending", "processing", "stuck")


class Count:
    """What is there, asked of the database and of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._by_a_person: Counter[str] = Counter()

    def purchases(self) -> int:
        """How many were sent, or found at Henry."""
        return _patiently(lambda: Purchase.objects.exclude(ref_id="", sent_at=None).count())

    def progress(self) -> str:
        return _patiently(
            lambda: (
                f"{Purchase.objects.count()} purchases, {PurchasePoll.objects.count()} followed, "
                f"{Delivery.objects.filter(status='done').count()} deliveries"
            )
        )

    def wait_until_quiet(self, seconds: float) -> bool:
        """Wait until nothing is open; a person decides what only a person can."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            left = _patiently(self._left)
            if not any(left.values()):
                return True
            time.sleep(1)
        print(f"not quiet: {left}")
        return False

    def _left(self) -> dict[str, int]:
        paid = {order["cartId"] for order in self._sandbox.orders()}
        self._act_as_a_person(paid)
        waits = Purchase.objects.filter(status="planned").values_list("henry_cart_id", flat=True)
        return {
            "open": Purchase.objects.filter(status__in=OPEN).count(),
            "paid and not seen": len(paid & set(waits)),
            "deliveries": Delivery.objects.exclude(status="done").count(),
            "webhooks": WebhookMessage.objects.filter(status="received").count(),
        }

    def _act_as_a_person(self, paid: set[str]) -> None:
        doubtful = Purchase.objects.filter(
            status="in_doubt", order__review_reason__contains="in_doubt_not_found"
        )
        for purchase in doubtful.exclude(henry_cart_id__in=paid):
            self._by_a_person["resolved as not bought"] += resolve_not_bought(purchase, by="chaos")
        for delivery in Delivery.objects.filter(status="dead"):
            self._by_a_person["resumed"] += resume_delivery(delivery, by="chaos")

    def report(self, *, is_quiet: bool) -> bool:
        """Print the tally; return whether every promise was kept."""
        upstream = self._sandbox.orders()
        per_cart = Counter(order["cartId"] for order in upstream)
        ours = dict(Order.objects.values_list("henry_cart_id", "status"))
        wrong = [
            (order["cartId"], order["status"], ours.get(order["cartId"]))
            for order in upstream
            if ours.get(order["cartId"]) != ENDINGS.get(order["status"])
        ]
        told = Counter(Received.objects.values_list("event_id", flat=True))
        happened = {
            format_public_id(event_id)
            for event_id in Event.objects.filter(type__in=BY_NAME).values_list("public_id", flat=True)
        }
        receipts = Counter(Receipt.objects.values_list("order_id", flat=True))
        broken = {
            "bought twice": sum(number > 1 for number in per_cart.values()),
            "ended otherwise than at Henry": len(wrong),
            "events not told": len(happened - set(told)),
            "events told more than once": sum(number > 1 for number in told.values()),
            "receipts more than once": sum(number > 1 for number in receipts.values()),
            "gaps in events": sum(order.events.count() != order.event_count for order in Order.objects.all()),
            "not quiet": int(not is_quiet),
        }
        print(f"bought at Henry: {len(upstream)}; orders here: {dict(Counter(ours.values()))}")
        print(
            f"events: {len(happened)}, receivers run: {sum(told.values())}; by a person: {dict(self._by_a_person)}"
        )
        print(f"webhooks: {dict(Counter(WebhookMessage.objects.values_list('status', flat=True)))}")
        print(
            f"to review: {dict(Counter(Order.objects.exclude(review_reason='').values_list('review_reason', flat=True)))}"
        )
        for name, number in broken.items():
            print(f"{name}: {number}")
        for cart_id, theirs, mine in wrong[:10]:
            print(f"  {cart_id}: {theirs} at Henry, {mine} here")
        return not any(broken.values())


def _patiently(ask: Callable[[], T]) -> T:
    """Ask the database, which may just have been cut off, a few times."""
    for _try in range(20):
        try:
            return ask()
        except (DatabaseError, InterfaceError):
            connection.close()
            time.sleep(0.3)
    return ask()
