"""What may happen to an order. Every change is made under its lock and noted in a journal."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from django_henry_checkout.exceptions import OrderNotFound
from django_henry_checkout.flows.ledger import Journal
from django_henry_checkout.models import Order, OrderStatus
from django_henry_checkout.types import Caller


def get_order(order_id: UUID, *, caller: Caller) -> Order:
    """Return an order of the caller.

    Raises:
        OrderNotFound: there is none with that id, or it is somebody else's; the two look the same.
    """
    order = Order.objects.owned_by(caller).filter(public_id=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


def move_order(order: Order, status: str, *, journal: Journal) -> None:
    """Move a locked order, and note `order_status_changed`. The caller writes the journal.

    Raises:
        IllegalTransition: the order cannot move there.
    """
    previous = order.status
    order.move_to(status)
    if status == OrderStatus.PLACED:
        order.placed_at = timezone.now()
    if order.is_terminal:
        order.ended_at = timezone.now()
    journal.add("order_status_changed", status=str(status), previous_status=str(previous))


def mark_reviewed(order: Order, *, by: str) -> bool:
    """Note that a person has looked at an order; return whether it had been flagged."""
    with transaction.atomic():
        order = Order.objects.lock().get(pk=order.pk)
        if not order.needs_review:
            return False
        journal = Journal(order, source=f"staff:{by}"[:64])
        journal.add("order_reviewed", reason=order.review_reason)
        order.needs_review, order.review_reason = False, ""
        journal.write()
    return True


def flag_for_review(order: Order, reason: str, *, journal: Journal) -> None:
    """Ask a person to look at a locked order. The same reason again changes nothing."""
    reasons = order.review_reason.split("; ") if order.needs_review else []
    if reason in reasons:
        return
    order.needs_review = True
    order.review_reason = "; ".join([*reasons, reason])[:300]
    journal.add("order_needs_review", reason=reason)
