"""Runs everything that waits until nothing is left to do, without waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from django_henry_checkout.flows.operations.run import deliver_events, poll_and_expire
from django_henry_checkout.flows.webhooks.inbox import process_webhooks
from django_henry_checkout.models import (
    AccountRateLimit,
    Delivery,
    DeliveryStatus,
    Event,
    Purchase,
    PurchasePoll,
    PurchaseStatus,
    WebhookMessage,
)
from django_henry_checkout.models.purchases import LIVE_PURCHASE
from django_henry_checkout.models.webhooks import WAITING_WEBHOOK
from django_henry_checkout.testing.sandbox import Sandbox

ROUNDS = 40
SECONDS = 30.0
#: After so many rounds that change nothing, nothing will change any more.
QUIET_ROUNDS = 3
#: The sandbox's clock moves on by this much after the first round, twice as much after each other one.
FIRST_STEP = 5.0
LONGEST_STEP = 3600.0
MOST_NAMED = 20


class NotDrainedError(AssertionError):
    """Something did not come to its end; `open` says what, one line each."""

    def __init__(self, why: str, open_rows: list[str]) -> None:
        super().__init__("\n  ".join([f"{why}, and still open:", *open_rows]))
        self.open = open_rows


@dataclass(frozen=True, kw_only=True)
class DrainResult:
    """What a run did. `open` names what cannot go on by itself: an unpaid checkout is not among it."""

    rounds: int
    worked: int
    open: tuple[str, ...] = ()


def drain(
    sandbox: Sandbox | None = None,
    *,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    may_stay_open: bool = False,
) -> DrainResult:
    """Poll, apply webhooks, run receivers and expire sessions until nothing more happens.

    What is due later is made due now. Sessions and deadlines keep their times: only what has lapsed ends.

    Args:
        sandbox: its clock is moved on, so that orders go on there.
        rounds: at most so many; each asks about every open purchase once.
        seconds: at most so long, of real time.
        may_stay_open: return what is left instead of raising.

    Raises:
        NotDrainedError: a purchase, a webhook or a receiver did not come to its end.
    """
    ends_at = time.monotonic() + seconds
    done, worked, quiet, step = 0, 0, 0, FIRST_STEP
    before = _state()
    while done < rounds and time.monotonic() < ends_at:
        if sandbox is not None:
            sandbox.wait_for_webhooks()
        make_due()
        worked += process_webhooks() + poll_and_expire() + _deliver_all(ends_at)
        done += 1
        now = _state()
        quiet, before = (quiet + 1 if now == before else 0), now
        # What goes on at Henry may take long, by Henry's clock.
        if quiet >= QUIET_ROUNDS and (sandbox is None or step >= LONGEST_STEP or not any(what_is_open())):
            break
        if sandbox is not None:
            sandbox.advance(step)
            step = min(2 * step, LONGEST_STEP)
    left = list(what_is_open())
    if left and not may_stay_open:
        why = "Nothing changes any more" if quiet >= QUIET_ROUNDS else "There was no more time"
        raise NotDrainedError(f"{why} after {done} rounds", left)
    return DrainResult(rounds=done, worked=worked, open=tuple(left))


def _deliver_all(ends_at: float) -> int:
    worked = 0
    while time.monotonic() < ends_at and (found := deliver_events()):
        worked += found
    return worked


def make_due() -> None:
    """Make everything that waits due now, and lift the pauses of accounts: as if time had passed."""
    now = timezone.now()
    PurchasePoll.objects.filter(due_at__gt=now).update(due_at=now)
    Delivery.objects.filter(status=DeliveryStatus.PENDING, due_at__gt=now).update(due_at=now)
    WebhookMessage.objects.filter(status__in=WAITING_WEBHOOK, due_at__gt=now).update(due_at=now)
    AccountRateLimit.objects.update(paused_until=None, refilled_at=now - timedelta(hours=1))


def _state() -> tuple[Any, ...]:
    """What changes if anything happens."""
    return (
        Event.objects.count(),
        sorted(Purchase.objects.values_list("pk", "status")),
        sorted(WebhookMessage.objects.values_list("pk", "status")),
        sorted(Delivery.objects.exclude(status=DeliveryStatus.DONE).values_list("pk", "attempts")),
    )


def what_is_open() -> Iterator[str]:
    """Yield a line for each purchase, webhook and delivery that has not come to its end, at most so many."""
    yield from _open_purchases()
    for message in WebhookMessage.objects.filter(status__in=WAITING_WEBHOOK)[:MOST_NAMED]:
        yield f"webhook {message}: {message.status} {message.outcome}".rstrip()
    # What waits behind a parked one is named by that.
    unfinished = Delivery.objects.exclude(status=DeliveryStatus.DONE).select_related("event", "order")
    for delivery in unfinished.order_by("order", "receiver", "sequence")[:MOST_NAMED]:
        yield (
            f"receiver {delivery.receiver} of {delivery.event} of order {delivery.order}: "
            f"{delivery.status}, {delivery.attempts} attempts {delivery.last_error}".rstrip()
        )


def _open_purchases() -> Iterator[str]:
    """An unpaid checkout is none: it may stay open for good."""
    unfinished = LIVE_PURCHASE - {PurchaseStatus.PLANNED}
    for purchase in Purchase.objects.filter(status__in=unfinished).select_related("order")[:MOST_NAMED]:
        last = purchase.answer.get("status", "nothing")
        poll = PurchasePoll.objects.filter(pk=purchase.pk).first()
        polled = "not polled any more" if poll is None else f"{poll.attempts} polls, {poll.errors} errors"
        yield (
            f"purchase {purchase} of order {purchase.order}: {purchase.status}; Henry says {last}; {polled}"
        )
