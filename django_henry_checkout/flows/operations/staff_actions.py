"""Staff actions on an order. Each is recorded in the order's history with the name of the person.

Staff decide only where Henry is unavailable or gives no answer. What Henry reports later still applies.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import CannotCancel, GatewayError, NotInDoubt, RefTaken
from django_henry_checkout.flows.events.journal import EventJournal, receivers_of
from django_henry_checkout.flows.order.transitions import transition_order
from django_henry_checkout.flows.purchase.apply import ApplyResult, apply_observation
from django_henry_checkout.flows.purchase.lifecycle import abandon_purchase, fetch_observation
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.flows.queue.wakeup import Work, wake_workers
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import (
    Delivery,
    DeliveryStatus,
    Event,
    Order,
    OrderStatus,
    Purchase,
    PurchasePoll,
    PurchaseStatus,
    SessionStatus,
)
from django_henry_checkout.models.purchases import CLOSED_BY_STAFF, UNRESOLVED_PURCHASE
from django_henry_checkout.models.sessions import LIVE_SESSION
from django_henry_checkout.types import Observation, staff_source

NOTE_LENGTH = 300


def poll_now(purchase: Purchase, *, by: str) -> bool:
    """Poll a purchase now; return whether anything changed.

    Raises:
        GatewayError: no usable answer; nothing was changed.
        ConfigurationError: the account is no longer configured.

    Effects: one HTTP read; then as `apply_observation`, and an event with the name of the person.
    """
    observation = fetch_observation(purchase)
    result = None
    if observation is not None:
        result = apply_observation(purchase, observation, source=staff_source(by))
    with transaction.atomic():
        journal = _journal(purchase.order_id, by=by)
        journal.add("purchase_polled", purchase=purchase, found=observation is not None)
        journal.write()
    return result is not None and result.changed


def fetch_by_ref_id(purchase: Purchase, ref_id: str) -> Observation:
    """Fetch the state of a `refId` that staff believe to be this purchase's.

    Raises:
        NotInDoubt: the purchase already has a refId, or has ended.
        RefTaken: another purchase has that refId.
        GatewayError: no usable answer, or the refId is unknown to Henry.

    Effects: one HTTP read; nothing is written.
    """
    if purchase.ref_id or purchase.is_terminal:
        raise NotInDoubt
    if Purchase.objects.filter(account=purchase.account, ref_id=ref_id).exists():
        raise RefTaken
    return gateway_for(app_settings.account(purchase.account)).purchase_status(ref_id, retries=0)


def resolve_found(purchase: Purchase, ref_id: str, *, by: str, note: str = "") -> ApplyResult:
    """Link a purchase to the `refId` that staff found at Henry; from here on it is tracked.

    Raises:
        NotInDoubt, RefTaken, GatewayError: as for `fetch_by_ref_id`; nothing was changed.
    """
    observation = fetch_by_ref_id(purchase, ref_id)
    result = apply_observation(purchase, observation, source=staff_source(by))
    with transaction.atomic():
        journal = _journal(purchase.order_id, by=by)
        if Purchase.objects.get(pk=purchase.pk).ref_id != ref_id:
            raise NotInDoubt  # resolved in another way in the meantime
        journal.add("purchase_found_by_staff", purchase=purchase, ref_id=ref_id, note=note[:NOTE_LENGTH])
        _clear_doubt(journal)
        journal.write()
    return result


def resolve_not_bought(purchase: Purchase, *, by: str, note: str = "", another: bool = True) -> bool:
    """Record that staff verified with Henry that a purchase in doubt bought nothing.

    The state is fetched once more first, and applied if Henry has an order. The decision of staff counts only if
    Henry is unavailable or lists no order.

    Args:
        another: leave the order open for one new attempt; otherwise it is canceled.

    Returns:
        bool: False if the purchase is not, or no longer, in doubt.

    Raises:
        ConfigurationError: the account is no longer configured.

    Effects: one HTTP read; then one transaction.
    """
    with suppress(GatewayError):
        observation = fetch_observation(purchase)
        if observation is not None:
            apply_observation(purchase, observation, source=staff_source(by))
    with transaction.atomic():
        journal = _journal(purchase.order_id, by=by)
        purchase = Purchase.objects.get(pk=purchase.pk)
        if purchase.status != PurchaseStatus.IN_DOUBT:
            return False
        abandon_purchase(purchase, order=journal.order)
        journal.add("purchase_not_bought", purchase=purchase, another=another, note=note[:NOTE_LENGTH])
        _clear_doubt(journal)
        if not another:
            _close(journal)
        journal.write()
    return True


def cancel_order(order: Order, *, by: str, note: str = "") -> None:
    """Cancel an order that is unpaid, or whose purchase is stuck. Nothing is sent to Henry.

    Raises:
        CannotCancel: it has ended, is being bought, or may have been bought.
    """
    with transaction.atomic():
        journal = _journal(order.pk, by=by)
        order = journal.order
        stuck = order.purchases.filter(status=PurchaseStatus.STUCK).first()
        unresolved = order.purchases.filter(status__in=UNRESOLVED_PURCHASE).exists()
        if unresolved or not order.can_transition_to(OrderStatus.CANCELED) or not (stuck or _is_open(order)):
            raise CannotCancel
        if stuck is not None:
            stuck.transition_to(PurchaseStatus.CANCELLED)
            stuck.error, stuck.ended_at = CLOSED_BY_STAFF, timezone.now()
            stuck.save(update_fields=["status", "error", "ended_at"])
            PurchasePoll.objects.filter(purchase=stuck).delete()
        journal.add("order_canceled_by_staff", purchase=stuck, note=note[:NOTE_LENGTH])
        _close(journal)
        journal.write()


def _is_open(order: Order) -> bool:
    return order.status == OrderStatus.OPEN


def _close(journal: EventJournal) -> None:
    order = journal.order
    order.sessions.filter(status__in=LIVE_SESSION).update(
        status=SessionStatus.CANCELED, ended_at=timezone.now()
    )
    if order.can_transition_to(OrderStatus.CANCELED):
        transition_order(order, OrderStatus.CANCELED, journal=journal)


def mark_reviewed(order: Order, *, by: str, note: str = "") -> bool:
    """Record that staff reviewed an order; return whether it needed review."""
    with transaction.atomic():
        journal = _journal(order.pk, by=by)
        order = journal.order
        if not order.wants_review:
            return False
        journal.add("order_reviewed", reason=order.review_reason, note=note[:NOTE_LENGTH])
        order.needs_review, order.review_reason, order.reviewed_at = False, "", timezone.now()
        journal.write()
    return True


def resume_delivery(delivery: Delivery, *, by: str) -> bool:
    """Queue a dead delivery again, with all its attempts; return whether it was dead."""
    dead = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.DEAD)
    with transaction.atomic():
        journal = _journal(delivery.order_id, by=by)
        if not dead.update(status=DeliveryStatus.PENDING, attempts=0, failures=0, due_at=queue_now()):
            return False
        journal.add("delivery_resumed", sequence=delivery.sequence, receiver=delivery.receiver)
        journal.write()
        wake_workers(Work.DELIVERIES)
    return True


@dataclass(frozen=True, kw_only=True)
class PlannedReplay:
    """A receiver that a replay would run. `before` is the status of its delivery; "" if it has none."""

    receiver: str
    before: str


def plan_replay(event: Event, *, receivers: Collection[str] = ()) -> list[PlannedReplay]:
    """Return the receivers that a replay of an event would run.

    Args:
        receivers: limits them to these names; empty means all that are connected now.

    Effects: one query; nothing is written.
    """
    statuses = dict(Delivery.objects.filter(event=event).values_list("receiver", "status"))
    names = [name for name in receivers_of(event.type) if not receivers or name in receivers]
    return [PlannedReplay(receiver=name, before=statuses.get(name, "")) for name in names]


def replay_event(event: Event, *, by: str, receivers: Collection[str] = ()) -> list[PlannedReplay]:
    """Run the receivers of an event again; each gets the same `event_id`.

    Returns:
        list: as `plan_replay`, without the receivers whose delivery is already pending.
    """
    with transaction.atomic():
        journal = _journal(event.order_id, by=by)
        plan = [
            each for each in plan_replay(event, receivers=receivers) if each.before != DeliveryStatus.PENDING
        ]
        if not plan:
            return []
        names, due_at = [each.receiver for each in plan], queue_now()
        finished = Delivery.objects.filter(event=event, receiver__in=names).exclude(
            status=DeliveryStatus.PENDING
        )
        finished.update(status=DeliveryStatus.PENDING, attempts=0, failures=0, due_at=due_at, done_at=None)
        Delivery.objects.bulk_create(
            Delivery(
                event=event,
                order_id=event.order_id,
                sequence=event.sequence,
                receiver=each.receiver,
                due_at=due_at,
            )
            for each in plan
            if not each.before
        )
        journal.add("event_replayed", sequence=event.sequence, receivers=names)
        journal.write()
        wake_workers(Work.DELIVERIES)
    return plan


def _journal(order_pk: int, *, by: str) -> EventJournal:
    """Lock an order and return a journal for it, with a person as the source."""
    return EventJournal(Order.objects.lock().get(pk=order_pk), source=staff_source(by))


def _clear_doubt(journal: EventJournal) -> None:
    """Remove the reasons for review that were only about the doubt."""
    order = journal.order
    reasons = [
        reason for reason in order.review_reason.split("; ") if reason and not reason.startswith("in_doubt")
    ]
    order.review_reason, order.needs_review = "; ".join(reasons), bool(reasons)
