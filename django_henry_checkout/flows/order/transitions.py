"""Find, lock and change orders. Each change is made under the order's lock and recorded in a journal."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from django_henry_checkout.exceptions import CartChanged, CartNotFound, OrderNotFound, PurchaseUnderWay
from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.models import Cart, Order, OrderStatus
from django_henry_checkout.models.purchases import UNRESOLVED_PURCHASE
from django_henry_checkout.types import Caller


def get_order(order_id: UUID, *, caller: Caller) -> Order:
    """Return an order of the caller.

    Raises:
        OrderNotFound: it does not exist or belongs to somebody else; both look the same.
    """
    order = Order.objects.owned_by(caller).filter(public_id=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


def lock_order(order_pk: int, *, with_cart: bool) -> tuple[Cart | None, Order]:
    """Lock an order, and before it the cart that it was started from.

    A sign-in may merge that cart into another one while this waits for its lock: then it locks the other one.
    """
    for _attempt in range(3):
        cart = Cart.objects.lock().filter(orders=order_pk).first() if with_cart else None
        order = Order.objects.lock().get(pk=order_pk)
        if not with_cart or order.cart_id == (cart and cart.pk):
            break
    return cart, order


def ensure_no_competing_order(order: Order) -> None:
    """Refuse to pay an order if another order of its cart was placed since, or may have been.

    Raises:
        CartNotFound: the cart no longer exists, so its other orders are unknown.
        CartChanged: another order of the cart was placed since this one was started.
        PurchaseUnderWay: a purchase of another order was sent, and its outcome is unknown.

    Effects: one query. The result is only certain under the cart's lock.
    """
    if order.cart_id is None:
        raise CartNotFound
    others = Order.objects.filter(cart=order.cart_id).exclude(pk=order.pk)
    unresolved = Q(purchases__status__in=UNRESOLVED_PURCHASE)
    bought = Q(placed_at__gte=order.created_at) & ~Q(status__in=[OrderStatus.FAILED, OrderStatus.CANCELED])
    other = others.filter(unresolved | bought).order_by("pk").first()
    if other is None:
        return
    if other.placed_at is None:
        raise PurchaseUnderWay(order_id=other.public_id)
    raise CartChanged


def transition_order(order: Order, status: str, *, journal: EventJournal) -> None:
    """Change the status of a locked order and record `order_status_changed`. The caller writes the journal.

    Raises:
        IllegalTransition: the order's status does not allow it.
    """
    previous = order.status
    order.transition_to(status)
    if status == OrderStatus.PLACED:
        order.placed_at = timezone.now()
    if order.is_terminal:
        order.ended_at = timezone.now()
    journal.add("order_status_changed", status=str(status), previous_status=str(previous))


def flag_for_review(order: Order, reason: str, *, journal: EventJournal) -> None:
    """Flag a locked order for review. A reason that it already has changes nothing."""
    reasons = order.review_reason.split("; ") if order.needs_review else []
    if reason in reasons:
        return
    order.needs_review = True
    order.review_reason = "; ".join([*reasons, reason])[:300]
    journal.add("order_needs_review", reason=reason)
