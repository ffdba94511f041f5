"""`apply_observation()`: the one writer of what Henry reports.

Polls, webhooks, return pages, the admin and commands all call it. It locks the order, checks the fence and the
transition, writes rows and events, and returns what changed. Statuses only move forward; an outdated or repeated
answer is recorded as drift at most.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
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
from django_henry_checkout.flows.purchase.interpret import Interpretation, amount_in, interpret, sum_known
from django_henry_checkout.flows.purchase.schedule import next_poll_at
from django_henry_checkout.flows.purchase.stored_answer import without_personal_data
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.flows.queue.retry import run_with_retries
from django_henry_checkout.models import (
    Cart,
    CheckoutSession,
    ItemStatus,
    Order,
    OrderLine,
    OrderStatus,
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
from django_henry_checkout.types import ItemOutcome, Observation, Source

logger = logging.getLogger("django_henry_checkout.purchase")

_ENDING_EVENTS = {
    OrderStatus.COMPLETED: "purchase_completed",
    OrderStatus.PARTIALLY_COMPLETED: "purchase_partially_completed",
    OrderStatus.FAILED: "purchase_failed",
    OrderStatus.CANCELED: "purchase_canceled",
}
_NOTHING_BOUGHT = frozenset({OrderStatus.FAILED, OrderStatus.CANCELED})
_UNLISTED_STATUS = {
    OrderStatus.COMPLETED: ItemStatus.BOUGHT,
    OrderStatus.FAILED: ItemStatus.FAILED,
    OrderStatus.CANCELED: ItemStatus.CANCELED,
}
#: Columns of a line that Henry reports.
_REPORTED = ("status", "confirmation_number", "merchant", "total_amount", "currency")
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
    interpretation = interpret(observation)
    return run_with_retries(
        lambda: _apply(
            purchase,
            observation,
            interpretation,
            source=source,
            fence=fence,
            text_digest=text_digest,
            reported_at=reported_at,
        )
    )


def _apply(
    purchase: Purchase,
    observation: Observation,
    interpretation: Interpretation,
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
        touches_cart = purchase.is_waiting or interpretation.order in _NOTHING_BOUGHT
        cart, order = lock_order(purchase.order_id, with_cart=touches_cart)
        purchase = Purchase.objects.select_related("poll").get(pk=purchase.pk)
        poll: PurchasePoll | None = getattr(purchase, "poll", None)
        if fence is not None and (poll is None or poll.fence != fence):
            logger.warning("Purchase %s: lease lost, answer dropped.", purchase.ulid)
            return ApplyResult(order_status=order.status, lease_lost=True)
        if purchase.ref_id and purchase.ref_id != observation.ref_id:
            return _flag_second_order(order, purchase, observation, source=source)
        if poll is not None:
            poll.text_digest = text_digest
        writer = _ObservationWriter(order, purchase, poll, observation, interpretation)
        writer.reported_at = reported_at or writer.now
        with span("observation", parent=order.traceparent, account=order.account):
            result = writer.run(cart, source=source)
        record_observation(source=source, changed=result.changed)
        return result


def _flag_second_order(
    order: Order, purchase: Purchase, observation: Observation, *, source: str
) -> ApplyResult:
    """Keep the order that is being tracked, and flag the second one of the same cart for review."""
    journal = EventJournal(order, source=source)
    reason = f"several_orders_at_henry: {purchase.ref_id}, {observation.ref_id}"
    flag_for_review(order, reason[:300], journal=journal)
    journal.write()
    return ApplyResult(order_status=order.status, changed=journal.has_events)


class _ObservationWriter:
    """Apply one observation under the lock of its order."""

    def __init__(
        self,
        order: Order,
        purchase: Purchase,
        poll: PurchasePoll | None,
        observation: Observation,
        interpretation: Interpretation,
    ) -> None:
        self.now = self.reported_at = queue_now()
        self.order = order
        self.purchase = purchase
        self.poll = poll
        self.observation = observation
        self.interpretation = interpretation
        self.lines = list(order.lines.all())
        self.is_outdated = False

    def run(self, cart: Cart | None, *, source: str) -> ApplyResult:
        self.cart = cart
        self.journal = EventJournal(self.order, source=source)
        # Webhooks overtake each other: an outdated status in one of them is not drift.
        self.may_be_out_of_order = source == Source.WEBHOOK
        if self.purchase.is_terminal:
            self._record_contradiction()
        else:
            self._record_ref_id()
            self._record_drift()
            self._update_lines()
            self._update_amounts()
            self._update_buyer()
            self._transition()
            self._save_purchase()
            self._schedule_poll()
        self.journal.write()
        return ApplyResult(
            order_status=self.order.status, changed=self.journal.has_events, is_outdated=self.is_outdated
        )

    def _record_contradiction(self) -> None:
        """Keep the final status although Henry now reports another one; record that once as drift."""
        word = self.observation.status
        if self.may_be_out_of_order and self.interpretation.order not in _ENDING_EVENTS:
            self.is_outdated = True
        elif word != self.purchase.status and word not in self.purchase.drift:
            self.purchase.drift = [*self.purchase.drift, word]
            self.purchase.save(update_fields=["drift"])
            self.journal.add("drift_seen", purchase=self.purchase, words=[word], after=self.purchase.status)
            if self.purchase.error == CLOSED_BY_STAFF:
                flag_for_review(self.order, "not_as_staff_decided", journal=self.journal)

    def _record_ref_id(self) -> None:
        """Record the refId the first time Henry reports it."""
        if self.purchase.ref_id:
            return
        self.purchase.ref_id = self.observation.ref_id
        self.purchase.found_at = self.now
        self.purchase.deadline_at = self.now + app_settings.POLL_TIMEOUT
        if self.interpretation.purchase is None:
            self.purchase.transition_to(PurchaseStatus.PENDING)
        self.journal.add("purchase_submitted", purchase=self.purchase, ref_id=self.observation.ref_id)
        WebhookMessage.objects.filter(
            account=self.purchase.account, ref_id=self.purchase.ref_id, status=WebhookStatus.UNMATCHED
        ).update(due_at=self.now)
        if self.order.is_terminal:
            # Paid again after the order had ended: it cannot be reopened, so it needs review.
            flag_for_review(self.order, "paid_after_ending", journal=self.journal)
        if self.order.can_transition_to(OrderStatus.PLACED):
            transition_order(self.order, OrderStatus.PLACED, journal=self.journal)
        if self.cart is not None:
            remove_purchased(self.cart, self.lines)

    def _record_drift(self) -> None:
        new = [word for word in self.interpretation.unknown if word not in self.purchase.drift]
        if new:
            logger.warning(
                "Purchase %s: unknown statuses from Henry: %s.", self.purchase.ulid, ", ".join(new)
            )
            self.purchase.drift = [*self.purchase.drift, *new]
            self.journal.add("drift_seen", purchase=self.purchase, words=new)

    def _update_lines(self) -> None:
        before = {line.pk: _reported_state(line) for line in self.lines}
        for line, outcome, status in self._match_items():
            if outcome is not None and outcome.quantity != line.quantity:
                flag_for_review(self.order, "quantity_differs", journal=self.journal)
            if line.can_transition_to(status):
                line.transition_to(status)
                if status == ItemStatus.FAILED:
                    self.journal.add("order_item_failed", purchase=self.purchase, line=line, link=line.link)
            if outcome is not None:
                _fill_line(line, outcome)
        changed = [line for line in self.lines if _reported_state(line) != before[line.pk]]
        # Only the columns that differ: each is a long expression.
        columns = [
            name
            for name in _REPORTED
            if any(getattr(line, name) != before[line.pk][name] for line in changed)
        ]
        if changed:
            OrderLine.objects.bulk_update(changed, columns)
            self.journal.record_lines(changed)

    def _match_items(self) -> Iterable[tuple[OrderLine, ItemOutcome | None, ItemStatus]]:
        """Pair lines with items, by link and options, then by link alone; each item is used once."""
        items = list(zip(self.observation.items, self.interpretation.items, strict=True))
        unmatched = list(self.lines)
        for exactly in (True, False):
            for line in list(unmatched):
                found = next((pair for pair in items if _is_same(line, pair[0], exactly=exactly)), None)
                if found is not None:
                    items.remove(found)
                    unmatched.remove(line)
                    yield line, *found
        if self.interpretation.order in _ENDING_EVENTS:
            if items:
                flag_for_review(self.order, "items_differ", journal=self.journal)
            for line in unmatched:
                yield line, None, ItemStatus.UNKNOWN if items else self._status_of_unlisted()

    def _status_of_unlisted(self) -> ItemStatus:
        """Return the final status of a line that Henry does not list, although it lists no foreign item.

        If Henry lists other lines, the buyer removed this one on Henry's page. If it lists none, as in v0, the
        line ends like the order.
        """
        if self.observation.items:
            return ItemStatus.CANCELED
        return _UNLISTED_STATUS.get(self.interpretation.order or OrderStatus.OPEN, ItemStatus.UNKNOWN)

    def _update_amounts(self) -> None:
        costs = self.observation.costs
        if costs.total is None:
            return
        order, items = self.order, [item.costs for item in self.observation.items]
        accepted = money_of(self.purchase.accepted_amount, self.purchase.accepted_currency)
        if accepted is not None and (accepted.currency != costs.total.currency or costs.total > accepted):
            flag_for_review(order, "total_above_accepted", journal=self.journal)
        order.currency = costs.total.currency.code
        order.total_amount = costs.total.amount
        order.fee_amount = amount_in(order.currency, costs.fee)
        for name in ("subtotal", "shipping", "tax", "discount"):
            summed = sum_known(getattr(item, name) for item in items)
            money = getattr(costs, name) if summed is None else summed
            setattr(order, f"{name}_amount", amount_in(order.currency, money))

    def _update_buyer(self) -> None:
        buyer = self.observation.buyer
        if buyer is not None and self.order.buyer_erased_at is None:
            save_buyer(self.order, buyer, only_given=True)

    def _transition(self) -> None:
        self._transition_purchase()
        self._transition_order()
        self._transition_session()
        if self.interpretation.review:
            flag_for_review(self.order, self.interpretation.review, journal=self.journal)

    def _transition_purchase(self) -> None:
        status = self.interpretation.purchase
        if status is None or status == self.purchase.status:
            return
        if self.purchase.can_transition_to(status):
            self.purchase.transition_to(status)
        elif self.purchase.status != PurchaseStatus.STUCK:  # a stuck purchase waits for a final status
            self._record_backward(status)

    def _record_backward(self, status: str) -> None:
        self.is_outdated = True
        if self.may_be_out_of_order:
            return
        word = f"{self.purchase.status}>{status}"
        if word not in self.purchase.drift:
            self.purchase.drift = [*self.purchase.drift, word]
            self.journal.add("drift_seen", purchase=self.purchase, words=[word])

    def _transition_order(self) -> None:
        status = self.interpretation.order
        if status is None or status == self.order.status or not self.order.can_transition_to(status):
            return
        if status in _ENDING_EVENTS:
            self.journal.add(_ENDING_EVENTS[status], purchase=self.purchase, ref_id=self.purchase.ref_id)
        if status in _NOTHING_BOUGHT and self.cart is not None:
            restore_lines(self.cart, self.lines)
        transition_order(self.order, status, journal=self.journal)

    def _transition_session(self) -> None:
        target = _SESSION_TRANSITIONS.get(PurchaseStatus(self.purchase.status))
        if target is None:
            return
        matching = CheckoutSession.objects.filter(
            order=self.order, status__in=CheckoutSession.sources_of(target)
        )
        is_over = target not in CheckoutSession.TRANSITIONS
        matching.update(status=target, ended_at=self.now if is_over else None)

    def _save_purchase(self) -> None:
        purchase, observation = self.purchase, self.observation
        purchase.error = observation.error[:500]
        purchase.answer = without_personal_data(observation)
        purchase.answered_at = self.reported_at
        if purchase.is_terminal:
            purchase.ended_at = self.now
        purchase.save()

    def _schedule_poll(self) -> None:
        if self.poll is None:
            return
        if self.purchase.is_terminal:
            self.poll.delete()
            if self.interpretation.order in _NOTHING_BOUGHT and was_hosted(self.order):
                # The cart may still be payable on Henry's page, so another payment must be detected.
                expect_payment(self.order)
            return
        self.poll.attempts += 1
        self.poll.errors = 0
        self.poll.digest = self.observation.digest
        self.poll.due_at = next_poll_at(
            born_at=self.purchase.followed_since, status=self.purchase.status, now=self.now
        )
        self.poll.save(update_fields=["attempts", "errors", "digest", "text_digest", "due_at"])


def _reported_state(line: OrderLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _REPORTED}


def _is_same(line: OrderLine, item: ItemOutcome, *, exactly: bool) -> bool:
    return line.link == item.link and (not exactly or tuple(line.selected_options) == item.selected_options)


def _fill_line(line: OrderLine, outcome: ItemOutcome) -> None:
    line.confirmation_number = outcome.confirmation_number or line.confirmation_number
    line.merchant = outcome.merchant or outcome.host or line.merchant
    if outcome.costs.total is not None:
        line.total_amount = outcome.costs.total.amount
        line.currency = outcome.costs.total.currency.code
