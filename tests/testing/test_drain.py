"""`drain`: it ends, reports what does not, and does not wait."""

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


def test_a_slow_order_ends_at_once(henry_sandbox: Sandbox, build_paid_order: Any, drain: Any) -> None:
    henry_sandbox.scenario(timing={"pendingSeconds": 600, "processingSeconds": 4000})
    began = time.monotonic()
    order = build_paid_order()
    assert time.monotonic() - began < 15
    assert order.status == "completed"
    assert Received.objects.count() == Event.objects.count()
    again = drain()
    assert (again.worked, again.open) == (0, ())


def test_an_unpaid_checkout_does_not_count_as_open(build_cart: Any, drain: Any) -> None:
    sessions.begin_checkout(build_cart())
    assert drain().open == ()
    assert Purchase.objects.get().status == "planned"
    assert CheckoutSession.objects.get().status == "awaiting_payment"


def test_an_expired_session_ends(build_cart: Any, drain: Any) -> None:
    sessions.begin_checkout(build_cart())
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    drain()
    assert CheckoutSession.objects.get().status == "expired"
    assert Received.objects.filter(signal="checkout_expired").count() == 1


def test_a_purchase_that_cannot_end_is_reported(henry_sandbox: Sandbox, build_cart: Any, drain: Any) -> None:
    henry_sandbox.scenario(faults=[{"fault": "reset", "path": "/v1/cart/*/purchase"}])
    buy_cart(build_cart(), BUYER, Payment(card=card_of("v1")))
    with pytest.raises(NotDrainedError, match="Nothing changes any more") as caught:
        drain()
    (line,) = caught.value.open
    assert Order.objects.get().number in line
    assert "in_doubt" in line
    assert len(drain(may_stay_open=True).open) == 1


def test_the_limits_are_kept(henry_sandbox: Sandbox, build_paid_order: Any, drain: Any) -> None:
    build_paid_order(drained=False, outcome="awaiting_merchant")
    with pytest.raises(NotDrainedError, match="limit was reached after 2 rounds"):
        drain(rounds=2)
    with pytest.raises(NotDrainedError, match="limit was reached after 0 rounds"):
        drain(seconds=0)


def test_a_dead_delivery_is_reported(build_paid_order: Any, drain: Any, failing_receiver: Any) -> None:
    with pytest.raises(NotDrainedError, match=r"receiver fails of purchase_completed.*dead, 8 attempts"):
        build_paid_order()
    assert Delivery.objects.get(receiver="fails").status == "dead"
    assert Order.objects.get().status == "completed"
    (line,) = drain(may_stay_open=True).open
    assert "RuntimeError" in line


def test_an_unmatched_webhook_is_reported(henry_webhook: Any, drain: Any) -> None:
    henry_webhook("ckp-ref_unknown")
    with pytest.raises(NotDrainedError, match=r"order\.purchase ckp-ref_unknown: unmatched"):
        drain()


def test_pauses_end(henry_sandbox: Sandbox, build_paid_order: Any, drain: Any) -> None:
    limited = {"fault": "status", "status": 429, "headers": {"Retry-After": "3000"}, "path": "/v1/orders"}
    henry_sandbox.scenario(faults=[{**limited, "times": 2}])
    order = build_paid_order(drained=False)
    drain(rounds=1, may_stay_open=True)
    assert AccountRateLimit.objects.get().paused_until is not None
    drain()
    order.refresh_from_db()
    assert order.status == "completed"
