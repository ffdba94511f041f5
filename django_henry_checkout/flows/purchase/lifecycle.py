"""Look up a purchase at Henry, select its order, and handle deadlines and doubt."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import PurchaseNotFound
from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.flows.order.transitions import flag_for_review
from django_henry_checkout.flows.purchase.apply import ApplyResult, apply_observation
from django_henry_checkout.flows.purchase.hosted_payment import expect_payment, was_hosted
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import (
    Order,
    OrderLine,
    OrderStatus,
    Purchase,
    PurchasePoll,
    PurchaseStatus,
    Quote,
    SessionStatus,
)
from django_henry_checkout.models.purchases import LIVE_PURCHASE, UNRESOLVED_PURCHASE
from django_henry_checkout.types import (
    Caller,
    HenryStatus,
    Observation,
    Source,
    local_ref,
    public_ids_of_local_ref,
)

logger = logging.getLogger("django_henry_checkout.purchase")

_NOT_BOUGHT = frozenset({HenryStatus.FAILED, HenryStatus.CANCELLED})


def ensure_expected_payment(order: Order) -> Purchase | None:
    """Return the live purchase of an order; expect a payment again if the last one was abandoned.

    Henry's page stays payable as long as its cart exists, so a shopper may still pay after that.
    """
    live = Purchase.objects.filter(order=order, status__in=LIVE_PURCHASE)
    found = live.first()
    if found is not None or order.status != OrderStatus.OPEN:
        return found
    with transaction.atomic():
        order = Order.objects.lock().get(pk=order.pk)
        found = live.first()
        if found is None and order.status == OrderStatus.OPEN:
            found = expect_payment(order)
    return found


def find_purchase(ref_id: str, *, caller: Caller) -> Purchase:
    """Return a purchase of the caller by Henry's `refId`, or by the local one while Henry has issued none.

    Raises:
        PurchaseNotFound: it does not exist, belongs to somebody else, or the caller's secret gives no access to
            personal data; all look the same.
    """
    if caller.is_hosted or not ref_id.isprintable():
        raise PurchaseNotFound
    purchases = Purchase.objects.select_related("order").filter(order__in=Order.objects.owned_by(caller))
    bounds = public_ids_of_local_ref(ref_id)
    if bounds is None:
        found = purchases.filter(ref_id=ref_id).exclude(ref_id="").first()
    else:
        near = purchases.filter(public_id__range=bounds)[:100]
        found = next((each for each in near if local_ref(each.public_id) == ref_id), None)
    if found is None:
        raise PurchaseNotFound
    return found


def last_purchase(order: Order) -> Purchase:
    """Return the newest purchase of an order that was sent, ignoring payments that are only expected."""
    sent = Purchase.objects.select_related("order").filter(order=order, sent_at__isnull=False)
    return sent.latest("pk")


def fetch_observation(purchase: Purchase, *, retries: int = 0) -> Observation | None:
    """Fetch the state of a purchase from Henry; None while a hosted cart has no order.

    Raises:
        GatewayError: no usable answer.
        ConfigurationError: the account is no longer configured.

    Effects: one HTTP read, more only with `retries`. If Henry lists orders that cannot be this one, or more than
    one that can, the order is flagged for review.
    """
    gateway = gateway_for(app_settings.account(purchase.account))
    if not purchase.is_waiting:
        return gateway.purchase_status(purchase.ref_id, retries=retries)
    found = gateway.find_purchases(purchase.henry_cart_id, claimed_id=purchase.claimed_id, retries=retries)
    return select_observation(purchase, found) if found else None


def select_observation(purchase: Purchase, found: Sequence[Observation]) -> Observation | None:
    """Select the order to track: one that is being bought or was bought, else the newest."""
    refs = [observation.ref_id for observation in found]
    known = set(
        Purchase.objects.filter(account=purchase.account, ref_id__in=refs).values_list("ref_id", flat=True)
    )
    fresh = _with_matching_items(
        purchase, [observation for observation in found if observation.ref_id not in known]
    )
    candidates = [observation for observation in fresh if observation.status not in _NOT_BOUGHT]
    if len(candidates) > 1:
        refs = [observation.ref_id for observation in candidates]
        _flag(purchase, f"several_orders_at_henry: {', '.join(refs)}")
    # The list is newest first; of several candidates the one that was paid first is tracked.
    if candidates:
        return candidates[-1]
    if purchase.status in UNRESOLVED_PURCHASE and was_hosted(purchase.order):
        return (
            None  # the failed order may be an older attempt on Henry's page, not the result of this purchase
        )
    return next(iter(fresh), None)


def _with_matching_items(purchase: Purchase, found: list[Observation]) -> list[Observation]:
    """Keep the orders that contain a product of this purchase, in case Henry's filter by cart did not work.

    A single order is kept even if its links are all spelled differently; its items are then flagged for review.
    """
    if len(found) <= 1:
        return found
    links = set(OrderLine.objects.filter(order=purchase.order_id).values_list("link", flat=True))
    ours = [
        observation
        for observation in found
        if not observation.items or links & {item.link for item in observation.items}
    ]
    if ours:
        return ours
    _flag(purchase, "foreign_orders_in_henrys_list")
    return []


def _flag(purchase: Purchase, reason: str) -> None:
    with transaction.atomic():
        order = Order.objects.lock().get(pk=purchase.order_id)
        journal = EventJournal(order, source="worker")
        flag_for_review(order, reason[:300], journal=journal)
        journal.write()


def record_claimed_id(purchase: Purchase, claimed_id: str) -> None:
    """Store an order id that a browser claims. It proves nothing: Henry is asked which cart it belongs to."""
    if Purchase.objects.filter(pk=purchase.pk, ref_id="").update(claimed_id=claimed_id):
        purchase.claimed_id = claimed_id


def refresh_purchase(purchase: Purchase, *, source: Source) -> ApplyResult | None:
    """Fetch and apply the state of a purchase now, outside its schedule; None if Henry has no order yet.

    Raises:
        GatewayError: no usable answer; nothing was changed.

    Effects: one HTTP read, then as `apply_observation`.
    """
    observation = fetch_observation(purchase)
    return None if observation is None else apply_observation(purchase, observation, source=source)


def handle_deadline(purchase_pk: int, *, fence: int, is_verified: bool) -> None:
    """Handle a purchase that is still open past its deadline. Nothing happens if the lease was lost.

    - Sent, and its sender never returned: it becomes in doubt.
    - In doubt, and not listed by Henry: flagged for review; nothing is sent again.
    - An expected payment: `abandoned` if Henry has just confirmed that there is no order (`is_verified`);
      otherwise flagged for review and polled slowly.
    - At Henry: `stuck`, flagged for review and polled slowly; polling ends after STUCK_TIMEOUT.
    """
    now = queue_now()
    with transaction.atomic():
        order = Order.objects.lock().get(purchases=purchase_pk)
        purchase = Purchase.objects.select_related("poll").get(pk=purchase_pk)
        poll: PurchasePoll | None = getattr(purchase, "poll", None)
        if poll is None or poll.fence != fence or purchase.is_terminal or now < purchase.deadline_at:
            return
        journal = EventJournal(order, source="worker")
        if purchase.status == PurchaseStatus.SENT:
            _mark_in_doubt(purchase, poll, journal=journal)
        elif purchase.status == PurchaseStatus.PLANNED and is_verified:
            purchase.transition_to(PurchaseStatus.ABANDONED)
            purchase.ended_at = now
            poll.delete()
            journal.add("expected_payment_ended", purchase=purchase)
        elif now >= (purchase.sent_at or purchase.created_at) + _max_lifetime(purchase):
            poll.delete()
            flag_for_review(order, "polling_ended", journal=journal)
        elif purchase.status == PurchaseStatus.IN_DOUBT:
            _keep_in_doubt(purchase, poll, is_verified=is_verified, now=now)
            reason = "in_doubt_not_found" if is_verified else "in_doubt_unverified"
            flag_for_review(order, reason, journal=journal)
        elif purchase.is_waiting:
            _schedule_slow_poll(purchase, poll, now=now)
            flag_for_review(order, "payment_unverified", journal=journal)
        elif purchase.status != PurchaseStatus.STUCK:
            purchase.transition_to(PurchaseStatus.STUCK)
            _schedule_slow_poll(purchase, poll, now=now)
            flag_for_review(order, "purchase_stuck", journal=journal)
        else:
            _schedule_slow_poll(purchase, poll, now=now)
        purchase.save()
        journal.write()


def mark_in_doubt(purchase: Purchase, *, source: str) -> None:
    """Mark a sent purchase as in doubt: its outcome is unknown, and it is looked up at Henry from now on."""
    with transaction.atomic():
        order = Order.objects.lock().get(pk=purchase.order_id)
        purchase = Purchase.objects.select_related("poll").get(pk=purchase.pk)
        if purchase.status != PurchaseStatus.SENT:
            return  # found in the meantime
        journal = EventJournal(order, source=source)
        _mark_in_doubt(purchase, purchase.poll, journal=journal)
        purchase.save()
        journal.write()


def abandon_purchase(purchase: Purchase, *, order: Order) -> None:
    """End a purchase that bought nothing, under its order's lock; order and session stay open for another attempt."""
    purchase.transition_to(PurchaseStatus.ABANDONED)
    purchase.ended_at = timezone.now()
    purchase.save(update_fields=["status", "error", "ended_at"])
    PurchasePoll.objects.filter(purchase=purchase).delete()
    session = order.sessions.filter(status=SessionStatus.CONFIRMING).first()
    if session is not None:
        is_quoted = Quote.objects.filter(session=session).exists()
        session.transition_to(SessionStatus.QUOTED if is_quoted else SessionStatus.OPEN)
        session.save(update_fields=["status"])
    if was_hosted(order):
        expect_payment(order)  # the order's page at Henry can still be paid


def _mark_in_doubt(purchase: Purchase, poll: PurchasePoll, *, journal: EventJournal) -> None:
    now = queue_now()
    purchase.transition_to(PurchaseStatus.IN_DOUBT)
    purchase.deadline_at = now + app_settings.IN_DOUBT_TIMEOUT
    poll.due_at = now
    poll.save(update_fields=["due_at"])
    journal.add("purchase_in_doubt", purchase=purchase)


def _keep_in_doubt(purchase: Purchase, poll: PurchasePoll, *, is_verified: bool, now: datetime) -> None:
    if is_verified:
        _schedule_slow_poll(purchase, poll, now=now)
    else:  # Henry was unavailable: try again soon
        purchase.deadline_at = now + app_settings.IN_DOUBT_TIMEOUT


def _max_lifetime(purchase: Purchase) -> timedelta:
    return app_settings.STUCK_TIMEOUT + (
        app_settings.HOSTED_PAYMENT_TIMEOUT if purchase.henry_cart_id else app_settings.POLL_TIMEOUT
    )


def _schedule_slow_poll(purchase: Purchase, poll: PurchasePoll, *, now: datetime) -> None:
    purchase.deadline_at = now + app_settings.STUCK_INTERVAL
    poll.due_at = purchase.deadline_at
    poll.save(update_fields=["due_at"])
