"""Expect a payment on Henry's page: a purchase without a `refId`, with a poll row like any other."""

from __future__ import annotations

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.purchase.schedule import next_poll_at
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.models import Order, Purchase, PurchasePoll, SessionKind


def expect_payment(order: Order) -> Purchase:
    """Start polling for the order that a hosted payment creates at Henry.

    Runs in the caller's transaction. An order has one expected payment, however many sessions it has: they all
    lead to the same cart at Henry.
    """
    now = queue_now()
    purchase = Purchase.objects.create(
        order=order,
        account=order.account,
        henry_cart_id=order.henry_cart_id,
        deadline_at=now + app_settings.HOSTED_PAYMENT_TIMEOUT,
    )
    PurchasePoll.objects.create(
        purchase=purchase,
        account=purchase.account,
        due_at=next_poll_at(born_at=purchase.followed_since, status=purchase.status, now=now),
    )
    return purchase


def was_hosted(order: Order) -> bool:
    """Whether a shopper was ever sent to Henry's page: the order stays payable there as long as its cart exists."""
    return order.sessions.filter(kind=SessionKind.HOSTED).exists()
