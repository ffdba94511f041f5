"""A run to the end: it ends, it says what does not, and it waits for nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout import signals
from django_henry_checkout.flows.checkout import sessions
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.models import AccountRateLimit, CheckoutSession, Delivery, Event, Order, Purchase
from django_henry_checkout.testing.drain import NotDrainedError
from django_henry_checkout.testing.sandbox import Sandbox
from tests.receivers.models import Received
from tests.support.inline import BUYER, card_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def failing_receiver() -> Iterator[Callable[..., None]]:
    def fails(**kwargs: Any) -> None:
        raise RuntimeError("not today")

    signals.purchase_completed.connect(fails, weak=False, dispatch_uid="fails")
    yield fails
    signals.purchase_completed.disconnect(dispatch_uid="fails")


def test_a_slow_order_comes_to_its_end_at_once(
    henry_sandbox: Sandbox, build_paid_order: Any, run_until_idle: Any
) -> None:
    henry_sandbox.scenario(timing={"pendingSeconds": 600, "processingSeconds": 4000})
    began = time.monotonic()
    order = build_paid_order()
    assert time.monotonic() - began < 15
    assert order.status == "completed"
    assert Received.objects.count() == Event.objects.count()
    again = run_until_idle()
    assert (again.worked, again.open) == (0, ())


def test_an_unpaid_checkout_is_idle_and_its_session_lives(build_cart: Any, run_until_idle: Any) -> None:
    sessions.begin_checkout(build_cart())
    assert run_until_idle().open == ()
    assert Purchase.objects.get().status == "planned"
    assert CheckoutSession.objects.get().status == "awaiting_payment"


def test_a_session_that_has_lapsed_ends(build_cart: Any, run_until_idle: Any) -> None:
    sessions.begin_checkout(build_cart())
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    run_until_idle()
    assert CheckoutSession.objects.get().status == "expired"
    assert Received.objects.filter(signal="checkout_expired").count() == 1


def test_what_cannot_end_is_named(henry_sandbox: Sandbox, build_cart: Any, run_until_idle: Any) -> None:
    henry_sandbox.scenario(faults=[{"fault": "reset", "path": "/v1/cart/*/purchase"}])
    buy_cart(build_cart(), BUYER, Payment(card=card_of("v1")))
    with pytest.raises(NotDrainedError, match="Nothing changes any more") as caught:
        run_until_idle()
    (line,) = caught.value.open
    assert Order.objects.get().number in line
    assert "in_doubt" in line
    assert len(run_until_idle(may_stay_open=True).open) == 1


def test_bounds_are_kept(henry_sandbox: Sandbox, build_paid_order: Any, run_until_idle: Any) -> None:
    build_paid_order(until_idle=False, outcome="awaiting_merchant")
    with pytest.raises(NotDrainedError, match="no more time after 2 rounds"):
        run_until_idle(rounds=2)
    with pytest.raises(NotDrainedError, match="no more time after 0 rounds"):
        run_until_idle(seconds=0)


def test_a_failing_receiver_is_dead_and_named(
    build_paid_order: Any, run_until_idle: Any, failing_receiver: Any
) -> None:
    with pytest.raises(NotDrainedError, match=r"receiver fails of purchase_completed.*dead, 8 attempts"):
        build_paid_order()
    assert Delivery.objects.get(receiver="fails").status == "dead"
    assert Order.objects.get().status == "completed"
    (line,) = run_until_idle(may_stay_open=True).open
    assert "RuntimeError" in line


def test_a_webhook_of_nobody_is_named(henry_webhook: Any, run_until_idle: Any) -> None:
    henry_webhook("ckp-ref_nobody")
    with pytest.raises(NotDrainedError, match=r"order\.purchase ckp-ref_nobody: unmatched"):
        run_until_idle()


def test_pauses_are_lifted(henry_sandbox: Sandbox, build_paid_order: Any, run_until_idle: Any) -> None:
    limited = {"fault": "status", "status": 429, "headers": {"Retry-After": "3000"}, "path": "/v1/orders"}
    henry_sandbox.scenario(faults=[{**limited, "times": 2}])
    order = build_paid_order(until_idle=False)
    run_until_idle(rounds=1, may_stay_open=True)
    assert AccountRateLimit.objects.get().paused_until is not None
    run_until_idle()
    order.refresh_from_db()
    assert order.status == "completed"
