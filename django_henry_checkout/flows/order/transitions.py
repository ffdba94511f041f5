"""What may happen to an order. Every change is made under its lock and noted in a journal."""

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
        OrderNotFound: there is none with that id, or it is somebody else's; the two look the same.
    """
    order = Order.objects.owned_by(caller).filter(public_id=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


def lock_order(order_pk: int, *, with_cart: bool) -> tuple[Cart | None, Order]:
    """Lock an order, and before it the cart that it was begun from.

    A sign-in may merge that cart into another one while we wait for its lock: then we look again.
    """
    for _look in range(3):
        cart = Cart.objects.lock().filter(orders=order_pk).first() if with_cart else None
        order = Order.objects.lock().get(pk=order_pk)
        if not with_cart or order.cart_id == (cart and cart.pk):
            break
    return cart, order


def ensure_no_competing_order(order: Order) -> None:
    """Refuse to pay an order if another one of its cart has bought these lines since, or may have.

    Raises:
        CartNotFound: the cart is gone, and with it the knowledge of its other orders.
        CartChanged: another order of it was placed since this one began.
        PurchaseUnderWay: another one was sent, and nobody knows yet what became of it.

    Effects: one query. Counts for sure only under the cart's lock.
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
    """Move a locked order, and note `order_status_changed`. The caller writes the journal.

    Raises:
        IllegalTransition: the order cannot move there.
    """
    previous = order.status
    order.transition_to(status)
    if status == OrderStatus.PLACED:
        order.placed_at = timezone.now()
    if order.is_terminal:
        order.ended_at = timezone.now()
    journal.add("order_status_changed", status=str(status), previous_status=str(previous))


def flag_for_review(order: Order, reason: str, *, journal: EventJournal) -> None:
    """Ask a person to look at a locked order. The same reason again changes nothing."""
    reasons = order.review_reason.split("; ") if order.needs_review else []
    if reason in reasons:
        return
    order.needs_review = True
    order.review_reason = "; ".join([*reasons, reason])[:300]
    journal.add("order_needs_review", reason=reason)
