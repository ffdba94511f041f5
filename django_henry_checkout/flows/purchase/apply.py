"""`apply_observation()`: the one writer of what Henry says.

Poll, webhook, return page, admin and commands all come here. It locks the order, checks fence and move, writes
rows and events, and returns what changed. Status moves forward only; a late or repeated answer is
recorded as drift at most.
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

logger = logging.getLogger("django_henry_checkout.observations")

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
#: What Henry tells of a line.
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
    """What it did. `stale`: the lease was lost, nothing was written. `is_behind`: it was older than what is known."""

    order_status: str
    changed: bool = False
    stale: bool = False
    is_outdated: bool = False


def apply_observation(
    purchase: Purchase,
    observation: Observation,
    *,
    source: str,
    fence: int | None = None,
    text_digest: str = "",
    said_at: datetime | None = None,
) -> ApplyResult:
    """Write what Henry says about a purchase.

    Args:
        purchase: as read before the call to Henry; it is read again under the lock.
        source: a `Source`, or the `staff_source` of a person.
        fence: the fence of the poller's claim; None for a caller that has no lease.
        text_digest: that of the answer's text, so that the same text need not be read again.
        said_at: when Henry said it, if that was not just now.

    Returns:
        Applied: `changed` is True if an event was written.

    Effects: one transaction. Rows of purchase, lines, buyer, session, order; events and deliveries; the
    cart loses what is being bought when the purchase is first seen, and gets it back if nothing could be
    bought; the next poll is set, or polling ends.
    """
    verdict = interpret(observation)
    return run_with_retries(
        lambda: _apply(
            purchase,
            observation,
            verdict,
            source=source,
            fence=fence,
            text_digest=text_digest,
            said_at=said_at,
        )
    )


def _apply(
    purchase: Purchase,
    observation: Observation,
    verdict: Interpretation,
    *,
    source: str,
    fence: int | None,
    text_digest: str,
    said_at: datetime | None,
) -> ApplyResult:
    # Within a caller's transaction all of it counts or nothing: a savepoint would only cost.
    with transaction.atomic(savepoint=False):
        # The cart loses its lines at the first sight of the purchase, and gets them back if nothing can be
        # bought. Carts are locked before orders, by everybody.
        touches_cart = purchase.is_waiting or verdict.order in _NOTHING_BOUGHT
        cart, order = lock_order(purchase.order_id, with_cart=touches_cart)
        purchase = Purchase.objects.select_related("poll").get(pk=purchase.pk)
        poll: PurchasePoll | None = getattr(purchase, "poll", None)
        if fence is not None and (poll is None or poll.fence != fence):
            logger.warning("Purchase %s: lease lost, answer dropped.", purchase.ulid)
            return ApplyResult(order_status=order.status, stale=True)
        if purchase.ref_id and purchase.ref_id != observation.ref_id:
            return _flag_second_order(order, purchase, observation, source=source)
        if poll is not None:
            poll.text_digest = text_digest
        application = _ObservationWriter(order, purchase, poll, observation, verdict)
        application.said_at = said_at or application.now
        with span("observation", parent=order.traceparent, account=order.account):
            applied = application.run(cart, source=source)
        record_observation(source=source, is_news=applied.changed)
        return applied


def _flag_second_order(
    order: Order, purchase: Purchase, observation: Observation, *, source: str
) -> ApplyResult:
    """Another order of the same cart: the one that is followed stays, and a person is told of both."""
    journal = EventJournal(order, source=source)
    reason = f"several_orders_at_henry: {purchase.ref_id}, {observation.ref_id}"
    flag_for_review(order, reason[:300], journal=journal)
    journal.write()
    return ApplyResult(order_status=order.status, changed=journal.has_events)


class _ObservationWriter:
    """One observation being applied under the lock of its order."""

    def __init__(
        self,
        order: Order,
        purchase: Purchase,
        poll: PurchasePoll | None,
        observation: Observation,
        verdict: Interpretation,
    ) -> None:
        self.now = self.said_at = queue_now()
        self.order = order
        self.purchase = purchase
        self.poll = poll
        self.observation = observation
        self.verdict = verdict
        self.lines = list(order.lines.all())
        self.is_outdated = False

    def run(self, cart: Cart | None, *, source: str) -> ApplyResult:
        self.cart = cart
        self.journal = EventJournal(self.order, source=source)
        # Webhooks overtake each other: an old word from one says nothing against Henry.
        self.may_be_out_of_order = source == Source.WEBHOOK
        if self.purchase.is_terminal:
            self._note_contradiction()
        else:
            self._take_ref()
            self._note_unknown_words()
            self._take_items()
            self._take_money()
            self._take_buyer()
            self._move()
            self._save_purchase()
            self._schedule()
        self.journal.write()
        return ApplyResult(
            order_status=self.order.status, changed=self.journal.has_events, is_outdated=self.is_outdated
        )

    def _note_contradiction(self) -> None:
        """Henry says something else about a purchase that has ended: keep the ending, record the word once."""
        word = self.observation.status
        if self.may_be_out_of_order and self.verdict.order not in _ENDING_EVENTS:
            self.is_outdated = True
        elif word != self.purchase.status and word not in self.purchase.drift:
            self.purchase.drift = [*self.purchase.drift, word]
            self.purchase.save(update_fields=["drift"])
            self.journal.add("drift_seen", purchase=self.purchase, words=[word], after=self.purchase.status)
            if self.purchase.error == CLOSED_BY_STAFF:
                flag_for_review(self.order, "not_as_staff_decided", journal=self.journal)

    def _take_ref(self) -> None:
        """The first sight of the purchase: from here on it is followed by its `ref_id`."""
        if self.purchase.ref_id:
            return
        self.purchase.ref_id = self.observation.ref_id
        self.purchase.found_at = self.now
        self.purchase.deadline_at = self.now + app_settings.POLL_TIMEOUT
        if self.verdict.purchase is None:
            self.purchase.transition_to(PurchaseStatus.PENDING)
        self.journal.add("purchase_submitted", purchase=self.purchase, ref_id=self.observation.ref_id)
        WebhookMessage.objects.filter(
            account=self.purchase.account, ref_id=self.purchase.ref_id, status=WebhookStatus.UNMATCHED
        ).update(due_at=self.now)
        if self.order.is_terminal:
            # Paid once more after the order had ended: it cannot be reopened, so a person must act.
            flag_for_review(self.order, "paid_after_ending", journal=self.journal)
        if self.order.can_transition_to(OrderStatus.PLACED):
            transition_order(self.order, OrderStatus.PLACED, journal=self.journal)
        if self.cart is not None:
            remove_purchased(self.cart, self.lines)

    def _note_unknown_words(self) -> None:
        new = [word for word in self.verdict.unknown if word not in self.purchase.drift]
        if new:
            logger.warning("Purchase %s: unknown words from Henry: %s.", self.purchase.ulid, ", ".join(new))
            self.purchase.drift = [*self.purchase.drift, *new]
            self.journal.add("drift_seen", purchase=self.purchase, words=new)

    def _take_items(self) -> None:
        before = {line.pk: _reported_state(line) for line in self.lines}
        for line, outcome, status in self._matched():
            if outcome is not None and outcome.quantity != line.quantity:
                flag_for_review(self.order, "quantity_differs", journal=self.journal)
            if line.can_transition_to(status):
                line.transition_to(status)
                if status == ItemStatus.FAILED:
                    self.journal.add("order_item_failed", purchase=self.purchase, line=line, link=line.link)
            if outcome is not None:
                _fill_line(line, outcome)
        changed = [line for line in self.lines if _reported_state(line) != before[line.pk]]
        # Of the columns only those that differ: each is a long expression.
        told = [
            name
            for name in _REPORTED
            if any(getattr(line, name) != before[line.pk][name] for line in changed)
        ]
        if changed:
            OrderLine.objects.bulk_update(changed, told)
            self.journal.record_lines(changed)

    def _matched(self) -> Iterable[tuple[OrderLine, ItemOutcome | None, ItemStatus]]:
        """Pair lines with items, by link and options, else by link alone; each item is used once."""
        items = list(zip(self.observation.items, self.verdict.items, strict=True))
        unmatched = list(self.lines)
        for exactly in (True, False):
            for line in list(unmatched):
                found = next((pair for pair in items if _is_same(line, pair[0], exactly=exactly)), None)
                if found is not None:
                    items.remove(found)
                    unmatched.remove(line)
                    yield line, *found
        if self.verdict.order in _ENDING_EVENTS:
            if items:
                flag_for_review(self.order, "items_differ", journal=self.journal)
            for line in unmatched:
                yield line, None, ItemStatus.UNKNOWN if items else self._fate_of_unlisted()

    def _fate_of_unlisted(self) -> ItemStatus:
        """What became of a line that Henry does not list, when all that it lists are ours.

        If it lists others, the buyer took it out on Henry's page. If it lists none, as v0 does, the line
        shares the fate of the order.
        """
        if self.observation.items:
            return ItemStatus.CANCELED
        return _UNLISTED_STATUS.get(self.verdict.order or OrderStatus.OPEN, ItemStatus.UNKNOWN)

    def _take_money(self) -> None:
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

    def _take_buyer(self) -> None:
        buyer = self.observation.buyer
        if buyer is not None and self.order.buyer_erased_at is None:
            save_buyer(self.order, buyer, only_given=True)

    def _move(self) -> None:
        self._move_purchase()
        self._move_order()
        self._move_session()
        if self.verdict.review:
            flag_for_review(self.order, self.verdict.review, journal=self.journal)

    def _move_purchase(self) -> None:
        status = self.verdict.purchase
        if status is None or status == self.purchase.status:
            return
        if self.purchase.can_transition_to(status):
            self.purchase.transition_to(status)
        elif self.purchase.status != PurchaseStatus.STUCK:  # stuck ones wait for an ending
            self._note_backward(status)

    def _note_backward(self, status: str) -> None:
        self.is_outdated = True
        if self.may_be_out_of_order:
            return
        word = f"{self.purchase.status}>{status}"
        if word not in self.purchase.drift:
            self.purchase.drift = [*self.purchase.drift, word]
            self.journal.add("drift_seen", purchase=self.purchase, words=[word])

    def _move_order(self) -> None:
        status = self.verdict.order
        if status is None or status == self.order.status or not self.order.can_transition_to(status):
            return
        if status in _ENDING_EVENTS:
            self.journal.add(_ENDING_EVENTS[status], purchase=self.purchase, ref_id=self.purchase.ref_id)
        if status in _NOTHING_BOUGHT and self.cart is not None:
            restore_lines(self.cart, self.lines)
        transition_order(self.order, status, journal=self.journal)

    def _move_session(self) -> None:
        target = _SESSION_TRANSITIONS.get(PurchaseStatus(self.purchase.status))
        if target is None:
            return
        movable = CheckoutSession.objects.filter(
            order=self.order, status__in=CheckoutSession.sources_of(target)
        )
        is_over = target not in CheckoutSession.TRANSITIONS
        movable.update(status=target, ended_at=self.now if is_over else None)

    def _save_purchase(self) -> None:
        purchase, observation = self.purchase, self.observation
        purchase.error = observation.error[:500]
        purchase.answer = without_personal_data(observation)
        purchase.answered_at = self.said_at
        if purchase.is_terminal:
            purchase.ended_at = self.now
        purchase.save()

    def _schedule(self) -> None:
        if self.poll is None:
            return
        if self.purchase.is_terminal:
            self.poll.delete()
            if self.verdict.order in _NOTHING_BOUGHT and was_hosted(self.order):
                # The cart can perhaps be paid once more on Henry's page: somebody must notice.
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
