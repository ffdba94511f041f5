"""A hosted purchase from end to end, over real HTTP to the sandbox, without a browser."""

from __future__ import annotations

import pytest

from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.models import Cart, Event, Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.receivers.models import Received

pytestmark = pytest.mark.django_db(transaction=True)


def finish(sandbox: Sandbox, *, passes: int = 20) -> None:
    for _pass in range(passes):
        sandbox.advance(2)
        run_once()


def test_fault_22b_a_paid_cart_completes(sandbox: Sandbox, polls_at_once: None, cart: Cart) -> None:
    started = begin_checkout(cart)
    assert poll_due() == 1
    assert Order.objects.get().status == "open"

    sandbox.pay(started.order.henry_cart_id, email="shopper@example.com")
    finish(sandbox)

    order = Order.objects.get()
    assert order.status == "completed"
    assert [line.status for line in order.lines.all()] == ["bought", "bought"]
    assert order.total is not None
    assert order.buyer.email == "shopper@example.com"
    assert len(sandbox.orders()) == 1
    assert list(Event.objects.values_list("type", flat=True)) == [
        "checkout_started",
        "purchase_submitted",
        "order_status_changed",
        "order_status_changed",
        "purchase_completed",
        "order_status_changed",
    ]
    assert list(Received.objects.order_by("pk").values_list("signal", flat=True)) == list(
        Event.objects.values_list("type", flat=True)
    )
    assert cart.lines.count() == 0
    session = order.sessions.get()
    assert session.status == "completed"
