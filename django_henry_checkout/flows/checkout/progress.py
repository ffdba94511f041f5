"""Progress of a hosted checkout, for the page that shows it. Nothing in it comes from a browser's claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django_henry_checkout.models import CheckoutSession, Order, OrderStatus, SessionStatus
from django_henry_checkout.models.sessions import LIVE_SESSION


class CheckoutOutcome(StrEnum):
    """Outcome of a checkout, as reported to the page that shows it. `OPEN`: none yet."""

    OPEN = ""
    COMPLETED = "completed"
    PARTLY_COMPLETED = "partly_completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of a checkout at one moment.

    Attributes:
        version: rises with each event of the order; a page ignores a lower one.
        outcome: `completed` once the payment has arrived; whether the items are bought is the order's status.
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
    """Return the progress of a session's checkout. Two queries.

    A session that was replaced by a newer one of the same order, for example in another tab, continues: both lead
    to the same cart at Henry. Canceling the newer one does not end it.
    """
    order = Order.objects.get(pk=session.order_id)
    newest = CheckoutSession.objects.filter(order=order).order_by("-pk").first() or session
    shown = newest if newest.status in LIVE_SESSION else session
    if order.status in _BY_ORDER:
        outcome = _BY_ORDER[OrderStatus(order.status)]
    elif newest.status in LIVE_SESSION or _was_canceled_elsewhere(session, newest):
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


def _was_canceled_elsewhere(session: CheckoutSession, newest: CheckoutSession) -> bool:
    return newest.pk != session.pk and newest.status == SessionStatus.CANCELED
