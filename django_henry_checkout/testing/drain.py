"""Runs all pending work to its end, without waiting for schedules."""

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

MAX_ROUNDS = 40
MAX_SECONDS = 30.0
#: After this many rounds without a change, nothing will change any more.
QUIET_ROUNDS = 3
#: Seconds by which the sandbox's clock advances after the first round. The step doubles each round.
FIRST_STEP = 5.0
MAX_STEP = 3600.0
MAX_LINES = 20


class NotDrainedError(AssertionError):
    """Some work did not end; `open` describes it, one line each."""

    def __init__(self, why: str, open_rows: list[str]) -> None:
        super().__init__("\n  ".join([f"{why}, and still open:", *open_rows]))
        self.open = open_rows


@dataclass(frozen=True, kw_only=True)
class DrainResult:
    """Result of `drain`. `open` describes the work that did not end; unpaid checkouts do not count."""

    rounds: int
    worked: int
    open: tuple[str, ...] = ()


def drain(
    sandbox: Sandbox | None = None,
    *,
    rounds: int = MAX_ROUNDS,
    seconds: float = MAX_SECONDS,
    may_stay_open: bool = False,
) -> DrainResult:
    """Poll, apply webhooks, run receivers and expire sessions until nothing changes any more.

    Work that is due later is made due now. Sessions and deadlines keep their times, so only expired ones end.

    Args:
        sandbox: its clock is advanced, so that its orders progress.
        rounds: maximum number of rounds; each polls every open purchase once.
        seconds: maximum run time, in real time.
        may_stay_open: return the work that did not end instead of raising.

    Raises:
        NotDrainedError: a purchase, a webhook or a receiver did not end.
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
        # Orders may take hours by Henry's clock.
        if quiet >= QUIET_ROUNDS and (sandbox is None or step >= MAX_STEP or not any(describe_open_work())):
            break
        if sandbox is not None:
            sandbox.advance(step)
            step = min(2 * step, MAX_STEP)
    left = list(describe_open_work())
    if left and not may_stay_open:
        why = "Nothing changes any more" if quiet >= QUIET_ROUNDS else "The limit was reached"
        raise NotDrainedError(f"{why} after {done} rounds", left)
    return DrainResult(rounds=done, worked=worked, open=tuple(left))


def _deliver_all(ends_at: float) -> int:
    worked = 0
    while time.monotonic() < ends_at and (found := deliver_events()):
        worked += found
    return worked


def make_due() -> None:
    """Make all pending work due now, and end the pauses of accounts, as if time had passed."""
    now = timezone.now()
    PurchasePoll.objects.filter(due_at__gt=now).update(due_at=now)
    Delivery.objects.filter(status=DeliveryStatus.PENDING, due_at__gt=now).update(due_at=now)
    WebhookMessage.objects.filter(status__in=WAITING_WEBHOOK, due_at__gt=now).update(due_at=now)
    AccountRateLimit.objects.update(paused_until=None, refilled_at=now - timedelta(hours=1))


def _state() -> tuple[Any, ...]:
    """Return values that differ if anything has changed."""
    return (
        Event.objects.count(),
        sorted(Purchase.objects.values_list("pk", "status")),
        sorted(WebhookMessage.objects.values_list("pk", "status")),
        sorted(Delivery.objects.exclude(status=DeliveryStatus.DONE).values_list("pk", "attempts")),
    )


def describe_open_work() -> Iterator[str]:
    """Yield one line per purchase, webhook and delivery that has not ended, at most MAX_LINES of each."""
    yield from _open_purchases()
    for message in WebhookMessage.objects.filter(status__in=WAITING_WEBHOOK)[:MAX_LINES]:
        yield f"webhook {message}: {message.status} {message.outcome}".rstrip()
    # Deliveries that wait for a dead one are listed with it.
    unfinished = Delivery.objects.exclude(status=DeliveryStatus.DONE).select_related("event", "order")
    for delivery in unfinished.order_by("order", "receiver", "sequence")[:MAX_LINES]:
        yield (
            f"receiver {delivery.receiver} of {delivery.event} of order {delivery.order}: "
            f"{delivery.status}, {delivery.attempts} attempts {delivery.last_error}".rstrip()
        )


def _open_purchases() -> Iterator[str]:
    """Yield one line per purchase that has not ended; unpaid checkouts (`planned`) may stay open."""
    unfinished = LIVE_PURCHASE - {PurchaseStatus.PLANNED}
    for purchase in Purchase.objects.filter(status__in=unfinished).select_related("order")[:MAX_LINES]:
        last = purchase.answer.get("status", "nothing")
        poll = PurchasePoll.objects.filter(pk=purchase.pk).first()
        polled = "no longer polled" if poll is None else f"{poll.attempts} polls, {poll.errors} errors"
        yield (
            f"purchase {purchase} of order {purchase.order}: {purchase.status}; Henry says {last}; {polled}"
        )
