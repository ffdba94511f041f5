"""Follows a purchase: asks Henry, finds the order of a hosted cart, and never gives up in silence."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from django_henry_checkout.conf import settings
from django_henry_checkout.flows.ledger import Journal
from django_henry_checkout.flows.observations import Applied, apply_observation
from django_henry_checkout.flows.orders import flag_for_review
from django_henry_checkout.flows.schedule import next_poll_at
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import Order, Purchase, PurchasePoll, PurchaseStatus
from django_henry_checkout.types import Observation, PurchaseWord, Source

logger = logging.getLogger("django_henry_checkout.purchases")

_LOST = frozenset({PurchaseWord.FAILED, PurchaseWord.CANCELLED})


def start_wait(order: Order) -> None:
    """Begin to wait for the order which a hosted payment leaves at Henry.

    Runs inside the caller's transaction. An order has one wait, however many sessions it has: they all
    lead to the same cart at Henry.
    """
    now = timezone.now()
    purchase = Purchase.objects.create(
        order=order,
        account=order.account,
        henry_cart_id=order.henry_cart_id,
        deadline_at=now + settings.HOSTED_WAIT,
    )
    PurchasePoll.objects.create(purchase=purchase, due_at=next_poll_at(purchase, now=now))


def ask_henry(purchase: Purchase, *, retries: int = 0) -> Observation | None:
    """Read from Henry what became of a purchase; None while a hosted cart has no order.

    Raises:
        GatewayError: no usable answer.
        ConfigurationError: the account is not configured any more.

    Effects: one HTTP read, more only with `retries`; no database write.
    """
    gateway = gateway_for(settings.account(purchase.account))
    if not purchase.is_waiting:
        return gateway.purchase_status(purchase.ref_id, retries=retries)
    found = gateway.find_purchases(purchase.henry_cart_id, claimed_id=purchase.claimed_id, retries=retries)
    return _pick(purchase, found)


def _pick(purchase: Purchase, found: Sequence[Observation]) -> Observation | None:
    """Choose the order to follow: one that may still buy or has bought, else the newest."""
    refs = [observation.ref_id for observation in found]
    known = set(
        Purchase.objects.filter(account=purchase.account, ref_id__in=refs).values_list("ref_id", flat=True)
        if refs
        else ()
    )
    fresh = [observation for observation in found if observation.ref_id not in known]
    hopeful = [observation for observation in fresh if observation.status not in _LOST]
    if len(hopeful) > 1:
        _report_several(purchase, [observation.ref_id for observation in hopeful])
    # The list is newest first; of several hopeful ones the first that was paid is followed.
    return hopeful[-1] if hopeful else next(iter(fresh), None)


def _report_several(purchase: Purchase, refs: list[str]) -> None:
    with transaction.atomic():
        order = Order.objects.lock().get(pk=purchase.order_id)
        journal = Journal(order, source="worker")
        flag_for_review(order, f"several_orders_at_henry: {', '.join(refs)}"[:300], journal=journal)
        journal.write()


def note_claim(purchase: Purchase, claimed_id: str) -> None:
    """Remember what a browser says that the order is called. It proves nothing: Henry is asked whose it is."""
    if Purchase.objects.filter(pk=purchase.pk, ref_id="").update(claimed_id=claimed_id):
        purchase.claimed_id = claimed_id


def observe_now(purchase: Purchase, *, source: Source) -> Applied | None:
    """Ask Henry about a purchase at once, outside its schedule; None if there is nothing to see yet.

    Raises:
        GatewayError: no usable answer; nothing was changed.

    Effects: one HTTP read, then as `apply_observation`.
    """
    observation = ask_henry(purchase)
    return None if observation is None else apply_observation(purchase, observation, source=source)


def pass_deadline(purchase: Purchase, *, fence: int) -> None:
    """Act on a purchase that is open past its deadline. Nothing happens if the lease was lost.

    A wait for a payment that never came ends as `abandoned`. A purchase at Henry turns `stuck`, staff
    are told, and it is polled on, rarely; after STUCK_LIMIT polling ends, and staff are told that too.
    """
    now = timezone.now()
    with transaction.atomic():
        order = Order.objects.lock().get(pk=purchase.order_id)
        purchase = Purchase.objects.select_related("poll").get(pk=purchase.pk)
        poll: PurchasePoll | None = getattr(purchase, "poll", None)
        if poll is None or poll.fence != fence or purchase.is_terminal or now < purchase.deadline_at:
            return
        journal = Journal(order, source="worker")
        if purchase.is_waiting:
            purchase.move_to(PurchaseStatus.ABANDONED)
            purchase.ended_at = now
            poll.delete()
            journal.add("wait_ended", purchase=purchase)
        elif purchase.status != PurchaseStatus.STUCK:
            purchase.move_to(PurchaseStatus.STUCK)
            purchase.deadline_at = now + settings.STUCK_LIMIT
            flag_for_review(order, "purchase_stuck", journal=journal)
        else:
            poll.delete()
            flag_for_review(order, "polling_ended", journal=journal)
        purchase.save()
        journal.write()
