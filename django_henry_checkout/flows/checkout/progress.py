"""How far a hosted checkout is: what a page that shows it may say, and nothing that a browser claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django_henry_checkout.models import CheckoutSession, Order, OrderStatus, SessionStatus
from django_henry_checkout.models.sessions import LIVE_SESSION


class CheckoutOutcome(StrEnum):
    """How the view of a checkout ends. `OPEN`: it has not."""

    OPEN = ""
    COMPLETED = "completed"
    PARTLY_COMPLETED = "partly_completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A checkout at one moment.

    Attributes:
        version: rises with everything that happens to the order; a view only moves forward.
        outcome: `completed` once the payment has arrived: what is bought then is the order's own story.
    """

    session: CheckoutSession
    order: Order
    outcome: CheckoutOutcome
    version: int
    expires_at: datetime


_BY_ORDER = {
    OrderStatus.PLACED: CheckoutOutcome.COMPLETED,
    OrderStatus.PROCESSING: CheckoutOutcome.COMPLETED,
    OrderStatus.COMPLETED: CheckoutOutcome.COMPLETED,
    OrderStatus.PARTIALLY_COMPLETED: CheckoutOutcome.PARTLY_COMPLETED,
    OrderStatus.FAILED: CheckoutOutcome.FAILED,
    OrderStatus.CANCELED: CheckoutOutcome.FAILED,
}
_BY_SESSION = {
    SessionStatus.CANCELED: CheckoutOutcome.CANCELLED,
    SessionStatus.ERRORED: CheckoutOutcome.FAILED,
    SessionStatus.EXPIRED: CheckoutOutcome.EXPIRED,
}


def get_progress(session: CheckoutSession) -> Progress:
    """Return how far a session's checkout is. Two queries.

    A session that a newer one of the same order has replaced, in another tab perhaps, goes on all the same: both lead
    to the same cart at Henry. Leaving the newer one gives up nothing here.
    """
    order = Order.objects.get(pk=session.order_id)
    newest = CheckoutSession.objects.filter(order=order).order_by("-pk").first() or session
    shown = newest if newest.status in LIVE_SESSION else session
    if order.status in _BY_ORDER:
        outcome = _BY_ORDER[OrderStatus(order.status)]
    elif newest.status in LIVE_SESSION or _was_left_elsewhere(session, newest):
        outcome = CheckoutOutcome.OPEN
    else:
        outcome = _BY_SESSION.get(SessionStatus(newest.status), CheckoutOutcome.OPEN)
    return Progress(
        session=session,
        order=order,
        outcome=outcome,
        version=order.event_count,
        expires_at=shown.expires_at,
    )


def _was_left_elsewhere(session: CheckoutSession, newest: CheckoutSession) -> bool:
    return newest.pk != session.pk and newest.status == SessionStatus.CANCELED
