"""`apply_observation()`: the one writer of what Henry reports.

Polls, webhooks, return pages, the admin and commands all call it. It locks the order, checks the fence, lets
`interpret.decide()` decide, writes rows and events, and returns what changed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.buyer.details import save_buyer
from django_henry_checkout.flows.cart.carts import remove_purchased, restore_lines
from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.flows.order.transitions import flag_for_review, lock_order, transition_order
from django_henry_checkout.flows.purchase.hosted_payment import expect_payment, was_hosted
from django_henry_checkout.flows.purchase.interpret import (
    NOTHING_BOUGHT,
    REPORTED,
    Change,
    EventEntry,
    LineSnapshot,
    OrderTransition,
    Snapshot,
    decide,
    interpret,
)
from django_henry_checkout.flows.purchase.schedule import next_poll_at
from django_henry_checkout.flows.purchase.stored_answer import without_personal_data
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.flows.queue.retry import run_with_retries
from django_henry_checkout.models import (
    Cart,
    CheckoutSession,
    Order,
    OrderLine,
    Purchase,
    PurchasePoll,
    PurchaseStatus,
    SessionStatus,
    WebhookMessage,
    WebhookStatus,
)
from django_henry_checkout.models.base import money_of
from django_henry_checkout.models.purchases import CLOSED_BY_STAFF
from django_henry_checkout.telemetry import record_observation, span
from django_henry_checkout.types import Observation, Source

logger = logging.getLogger("django_henry_checkout.purchase")

_SESSION_TRANSITIONS = {
    PurchaseStatus.PENDING: SessionStatus.CONFIRMING,
    PurchaseStatus.PROCESSING: SessionStatus.COMPLETED,
    PurchaseStatus.COMPLETE: SessionStatus.COMPLETED,
    PurchaseStatus.PARTIALLY_COMPLETE: SessionStatus.COMPLETED,
    PurchaseStatus.FAILED: SessionStatus.ERRORED,
    PurchaseStatus.CANCELLED: SessionStatus.ERRORED,
}


@dataclass(frozen=True, kw_only=True)
class ApplyResult:
    """Result of applying an observation.

    `lease_lost`: nothing was written. `is_outdated`: the observation is older than the stored state.
    """

    order_status: str
    changed: bool = False
    lease_lost: bool = False
    is_outdated: bool = False


def apply_observation(
    purchase: Purchase,
    observation: Observation,
    *,
    source: str,
    fence: int | None = None,
    text_digest: str = "",
    reported_at: datetime | None = None,
) -> ApplyResult:
    """Apply Henry's state of a purchase.

    Args:
        purchase: as read before the call to Henry; it is read again under the lock.
        source: a `Source`, or the `staff_source` of a staff member.
        fence: the fence of the poller's claim; None for a caller without a lease.
        text_digest: digest of the raw answer, so that the same answer is not parsed again.
        reported_at: when Henry reported it; None means now.

    Returns:
        ApplyResult: `changed` is True if an event was written.

    Effects: one transaction. Writes the purchase, its lines, buyer, session and order, events and deliveries.
    Lines leave the cart when the purchase first appears at Henry, and return if nothing could be bought. The
    next poll is scheduled, or polling ends.
    """
    return run_with_retries(
        lambda: _apply(
            purchase,
            observation,
            source=source,
            fence=fence,
            text_digest=text_digest,
            reported_at=reported_at,
        )
    )


def _apply(
    purchase: Purchase,
    observation: Observation,
    *,
    source: str,
    fence: int | None,
    text_digest: str,
    reported_at: datetime | None,
) -> ApplyResult:
    # Inside a caller's transaction it is all or nothing: a savepoint would only cost.
    with transaction.atomic(savepoint=False):
        # Lines leave the cart when the purchase first appears at Henry, and return if nothing could be bought.
        # Carts are always locked before orders.
        touches_cart = purchase.is_waiting or interpret(observation).order in NOTHING_BOUGHT
        cart, order = lock_order(purchase.order_id, with_cart=touches_cart)
        purchase = Purchase.objects.select_related("poll").get(pk=purchase.pk)
        poll: PurchasePoll | None = getattr(purchase, "poll", None)
        if fence is not None and (poll is None or poll.fence != fence):
            logger.warning("Purchase %s: lease lost, answer dropped.", purchase.ulid)
            return ApplyResult(order_status=order.status, lease_lost=True)
        journal = EventJournal(order, source=source)
        if purchase.ref_id and purchase.ref_id != observation.ref_id:
            # Another order of the same cart: the one that is tracked stays.
            reason = f"several_orders_at_henry: {purchase.ref_id}, {observation.ref_id}"
            flag_for_review(order, reason[:300], journal=journal)
            journal.write()
            return ApplyResult(order_status=order.status, changed=journal.has_events)
        with span("observation", parent=order.traceparent, account=order.account):
            lines = {line.pk: line for line in order.lines.all()}
            change = decide(
                observation,
                _snapshot(order, purchase, lines),
                may_be_out_of_order=source == Source.WEBHOOK,
            )
            _record_drift(purchase, change)
            if change.keeps_ending:
                _record(order, purchase, lines, change, journal)
            else:
                _write(order, purchase, lines, cart, change, observation, journal, reported_at)
                _schedule_poll(order, purchase, poll, observation, text_digest)
            journal.write()
        record_observation(source=source, changed=journal.has_events)
        return ApplyResult(
            order_status=order.status, changed=journal.has_events, is_outdated=change.is_outdated
        )


def _snapshot(order: Order, purchase: Purchase, lines: Mapping[int, OrderLine]) -> Snapshot:
    return Snapshot(
        order_status=order.status,
        purchase_status=purchase.status,
        ref_id=purchase.ref_id,
        drift=tuple(purchase.drift),
        accepted=money_of(purchase.accepted_amount, purchase.accepted_currency),
        closed_by_staff=purchase.error == CLOSED_BY_STAFF,
        lines=tuple(
            LineSnapshot(
                pk=line.pk,
                link=line.link,
                quantity=line.quantity,
                selected_options=tuple(line.selected_options),
                reported={name: getattr(line, name) for name in REPORTED},
            )
            for line in lines.values()
        ),
    )


def _write(
    order: Order,
    purchase: Purchase,
    lines: Mapping[int, OrderLine],
    cart: Cart | None,
    change: Change,
    observation: Observation,
    journal: EventJournal,
    reported_at: datetime | None,
) -> None:
    now = queue_now()
    if change.ref_id:
        _record_ref_id(purchase, change.ref_id, now)
    if cart is not None:
        _update_cart(cart, lines, change)
    _write_lines(lines, change.lines, journal)
    for name, value in change.amounts.items():
        setattr(order, name, value)
    if observation.buyer is not None and order.buyer_erased_at is None:
        save_buyer(order, observation.buyer, only_given=True)
    if change.purchase_status is not None:
        purchase.transition_to(change.purchase_status)
    _record(order, purchase, lines, change, journal)
    _transition_session(order, purchase, now)
    purchase.error = observation.error[:500]
    purchase.answer = without_personal_data(observation)
    purchase.answered_at = reported_at or now
    if purchase.is_terminal:
        purchase.ended_at = now
    purchase.save()


def _update_cart(cart: Cart, lines: Mapping[int, OrderLine], change: Change) -> None:
    if change.ref_id:
        remove_purchased(cart, list(lines.values()))
    if change.restores_cart:
        restore_lines(cart, list(lines.values()))


def _record_drift(purchase: Purchase, change: Change) -> None:
    if change.unknown:
        logger.warning(
            "Purchase %s: unknown statuses from Henry: %s.", purchase.ulid, ", ".join(change.unknown)
        )
    purchase.drift = [*purchase.drift, *change.drift]
    if change.keeps_ending and change.drift:
        purchase.save(update_fields=["drift"])


def _record(
    order: Order, purchase: Purchase, lines: Mapping[int, OrderLine], change: Change, journal: EventJournal
) -> None:
    """Record events, review flags and transitions of the order, as they were decided."""
    for entry in change.entries:
        if isinstance(entry, EventEntry):
            line = None if entry.line_pk is None else lines[entry.line_pk]
            journal.add(entry.type, purchase=purchase, line=line, **entry.payload)
        elif isinstance(entry, OrderTransition):
            transition_order(order, entry.status, journal=journal)
        else:
            flag_for_review(order, entry.reason, journal=journal)


def _record_ref_id(purchase: Purchase, ref_id: str, now: datetime) -> None:
    """Record the refId the first time Henry reports it, and wake webhooks that arrived before it."""
    purchase.ref_id, purchase.found_at = ref_id, now
    purchase.deadline_at = now + app_settings.POLL_TIMEOUT
    early = WebhookMessage.objects.filter(
        account=purchase.account, ref_id=ref_id, status=WebhookStatus.UNMATCHED
    )
    early.update(due_at=now)


def _write_lines(
    lines: Mapping[int, OrderLine], changes: Mapping[int, Mapping[str, Any]], journal: EventJournal
) -> None:
    if not changes:
        return
    changed, columns = [], set[str]()
    for pk, reported in changes.items():
        line = lines[pk]
        columns |= {name for name, value in reported.items() if getattr(line, name) != value}
        for name, value in reported.items():
            setattr(line, name, value)
        changed.append(line)
    # Only the columns that differ: each is a long expression.
    OrderLine.objects.bulk_update(changed, [name for name in REPORTED if name in columns])
    journal.record_lines(changed)


def _transition_session(order: Order, purchase: Purchase, now: datetime) -> None:
    target = _SESSION_TRANSITIONS.get(PurchaseStatus(purchase.status))
    if target is None:
        return
    matching = CheckoutSession.objects.filter(order=order, status__in=CheckoutSession.sources_of(target))
    is_over = target not in CheckoutSession.TRANSITIONS
    matching.update(status=target, ended_at=now if is_over else None)


def _schedule_poll(
    order: Order, purchase: Purchase, poll: PurchasePoll | None, observation: Observation, text_digest: str
) -> None:
    if poll is None:
        return
    if purchase.is_terminal:
        poll.delete()
        if interpret(observation).order in NOTHING_BOUGHT and was_hosted(order):
            # The cart may still be payable on Henry's page, so another payment must be detected.
            expect_payment(order)
        return
    poll.attempts += 1
    poll.errors = 0
    poll.digest, poll.text_digest = observation.digest, text_digest
    poll.due_at = next_poll_at(born_at=purchase.followed_since, status=purchase.status, now=queue_now())
    poll.save(update_fields=["attempts", "errors", "digest", "text_digest", "due_at"])
