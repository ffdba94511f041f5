"""Build orders that need attention, through the flows and the sandbox."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.models import Delivery, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.builders import build_cart, build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.inline import TOTAL, buys, confirm, quoted, world

OURS = ("operate_checkouts", "resolve_money", "see_personal_data")


def doubtful_order(sandbox: Sandbox, *, is_bought: bool = False) -> Order:
    """Return an order whose purchase is in doubt: the call broke before or after Henry received it."""
    started = quoted(sandbox, build_cart(), "v1")
    world(sandbox, faults=[buys("v1", "lost_reply" if is_bought else "reset")])
    order = confirm(started, "v1", accepted=TOTAL)
    world(sandbox)
    assert Purchase.objects.get(order=order).status == "in_doubt"
    return order


def stuck_order(sandbox: Sandbox) -> Order:
    """Return an order that Henry has not finished by its deadline."""
    order = begin_checkout(build_cart()).order
    sandbox.pay(order.henry_cart_id)
    poll_due()
    overdue(order)
    poll_due()
    assert Purchase.objects.get(order=order).status == "stuck"
    return order


def overdue(order: Order) -> None:
    """Move the deadline of the order's purchase into the past."""
    past = timezone.now() - timedelta(seconds=1)
    Purchase.objects.filter(order=order).update(deadline_at=past)
    PurchasePoll.objects.filter(purchase__order=order).update(due_at=past)


def partial_order(sandbox: Sandbox) -> Order:
    """Return an order of which one line was bought."""
    order = build_paid_order(sandbox, outcome="partially_complete")
    assert order.status == "partially_completed"
    return order


def dead_delivery(sandbox: Sandbox) -> Delivery:
    """Return a delivery that has used all its attempts."""
    order = begin_checkout(build_cart()).order
    delivery = Delivery.objects.filter(order=order).order_by("pk")[0]
    Delivery.objects.filter(pk=delivery.pk).update(
        status="dead", attempts=8, failures=8, last_error="shop.Oops"
    )
    delivery.refresh_from_db()
    return delivery


def settle(sandbox: Sandbox) -> None:
    """Advance the sandbox by an hour, then process everything that is due."""
    sandbox.advance(3600)
    for _round in range(6):
        run_once()
