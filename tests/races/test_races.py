"""Two at once: threads start at a barrier, on whichever database the suite runs.

PostgreSQL lets them meet in row locks; SQLite lets one transaction in after the other.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout.exceptions import CartNotFound
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.hosted import ReturnOutcome, find_hosted_session, resolve_return
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.events import outbox
from django_henry_checkout.flows.operations import staff_actions
from django_henry_checkout.flows.polling import rate_limit
from django_henry_checkout.flows.polling.claims import claim_polls
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.purchase.lifecycle import fetch_observation
from django_henry_checkout.flows.webhooks import inbox
from django_henry_checkout.flows.webhooks.inbox import process_webhooks
from django_henry_checkout.gateway.webhooks import sign
from django_henry_checkout.models import (
    AccountRateLimit,
    Cart,
    CheckoutSession,
    Delivery,
    Event,
    Order,
    Purchase,
    PurchasePoll,
    WebhookMessage,
)
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import staff_source
from tests.receivers.models import Received
from tests.support.items import make_item
from tests.support.orders import doubtful_order
from tests.support.threads import THREADS, at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_clicks_at_once_are_one_order(sandbox: Sandbox, cart: Cart) -> None:
    begun = at_once(lambda _number: begin_checkout(Cart.objects.get(pk=cart.pk)))
    assert len({one.order.pk for one in begun}) == 1
    assert Order.objects.count() == Purchase.objects.count() == PurchasePoll.objects.count() == 1
    assert CheckoutSession.objects.live().count() == 1
    assert Event.objects.filter(type="checkout_started").count() == 1


def test_people_and_polls_at_once_agree_on_what_became_of_a_doubt(sandbox: Sandbox) -> None:
    """Whoever comes first: what Henry has is followed, and nobody is told that another attempt is open."""
    order = doubtful_order(sandbox, is_bought=True)
    PurchasePoll.objects.update(due_at=timezone.now())

    def work(number: int) -> None:
        if number % 2:
            poll_due()
        else:
            staff_actions.resolve_not_bought(Purchase.objects.get(order=order), by="ada")

    at_once(work)
    order.refresh_from_db()
    assert (order.status, Purchase.objects.get(order=order).status) == ("placed", "pending")
    assert not Event.objects.filter(type="purchase_not_bought").exists()
    assert Event.objects.filter(type="purchase_submitted").count() == len(sandbox.orders()) == 1


def test_two_people_decide_once(sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox)
    done = at_once(
        lambda _number: staff_actions.resolve_not_bought(Purchase.objects.get(order=order), by="ada")
    )
    assert done.count(True) == 1
    assert Event.objects.filter(type="purchase_not_bought").count() == 1


def test_returns_polls_and_staff_at_once_are_one_change(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    purchase = Purchase.objects.get()
    observation = fetch_observation(purchase)
    assert observation is not None

    def work(number: int) -> None:
        if number % 2:
            apply_observation(Purchase.objects.get(), observation, source=staff_source("ada"))
        else:
            resolve_return(find_hosted_session(begun.order.public_id, begun.token), ReturnOutcome.COMPLETED)

    at_once(work)
    assert Event.objects.filter(type="purchase_submitted").count() == 1
    assert list(Event.objects.values_list("sequence", flat=True)) == list(range(1, Event.objects.count() + 1))
    assert cart.lines.count() == 0


@pytest.mark.usefixtures("polls_at_once")
def test_the_same_ending_many_times_at_once_is_told_once(sandbox: Sandbox, cart: Cart) -> None:
    """Past its first sight a purchase is applied without the cart's lock: the order's alone must do."""
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    poll_due()
    sandbox.advance(60)
    observation = fetch_observation(Purchase.objects.get())
    assert observation is not None
    at_once(
        lambda _number: apply_observation(Purchase.objects.get(), observation, source=staff_source("ada"))
    )
    begun.order.refresh_from_db()
    assert begun.order.status == "completed"
    assert Event.objects.filter(type="purchase_completed").count() == 1
    assert begun.order.event_count == Event.objects.count()


def test_each_due_purchase_is_claimed_by_one_worker(sandbox: Sandbox) -> None:
    for number in range(20):
        cart = carts.create_cart()
        carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
        begin_checkout(cart)
    PurchasePoll.objects.update(due_at=timezone.now())
    claims = at_once(lambda _number: claim_polls("default", limit=5))
    claimed = [claim.pk for each in claims for claim in each]
    assert len(claimed) == len(set(claimed)) > 0
    assert set(PurchasePoll.objects.filter(pk__in=claimed).values_list("fence", flat=True)) == {1}


def test_workers_at_once_run_each_receiver_once(db: None) -> None:
    from tests.flows.events.test_outbox import record_events

    for _number in range(10):
        order = Order.objects.create(account="default")
        record_events(order, "purchase_submitted", "purchase_completed")

    def work(_number: int) -> None:
        for _round in range(40):
            outbox.deliver_due(limit=3)

    at_once(work, threads=4)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"done"}
    assert Received.objects.count() == 20
    for order in Order.objects.all():
        told = (
            Received.objects.filter(order_number=order.number).order_by("pk").values_list("signal", flat=True)
        )
        assert list(told) == ["purchase_submitted", "purchase_completed"]


def test_each_delivery_is_claimed_by_one_worker(db: None) -> None:
    from tests.flows.events.test_outbox import record_events

    for _number in range(20):
        record_events(Order.objects.create(account="default"), "purchase_submitted")
    claims = at_once(lambda _number: outbox._claim(5))
    claimed = [claim.pk for each in claims for claim in each]
    assert len(claimed) == len(set(claimed)) > 0
    assert set(Delivery.objects.filter(pk__in=claimed).values_list("fence", flat=True)) == {1}


def test_additions_at_once_all_count(db: None) -> None:
    cart = carts.create_cart()
    at_once(lambda _number: carts.add_item(cart, make_item()))
    cart.refresh_from_db()
    assert (cart.lines.get().quantity, cart.version) == (THREADS, THREADS)


def test_signing_in_twice_at_once_merges_once(db: None, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("ada")
    own, guest = carts.create_cart(user=user), carts.create_cart()
    carts.add_item(guest, make_item(quantity=3))
    at_once(lambda _number: carts.merge_carts(guest, into=own))
    assert own.lines.get().quantity == 3


def test_workers_at_once_take_each_their_own_tokens(settings: Any, db: None) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "POLL_RATE": 100}
    assert rate_limit.available_calls("default") == 500
    at_once(lambda _number: rate_limit.record_usage("default", rate_limit.CallStats(calls=40, answered=40)))
    left = AccountRateLimit.objects.get().tokens
    assert left < 500 - THREADS * 40 + 100  # what has come in meanwhile at most


@pytest.mark.usefixtures("polls_at_once")
def test_a_webhook_and_a_poll_at_once_are_one_change(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    begun = begin_checkout(cart)
    job = sandbox.pay(begun.order.henry_cart_id)
    poll_due()
    sandbox.advance(60)
    ended = {
        **job,
        "status": "complete",
        "products": [{**each, "status": "complete"} for each in job["products"]],
    }
    body = json.dumps({"event": "order.purchase.complete", "data": ended})
    signed_at = timezone.now() + timedelta(seconds=5)
    WebhookMessage.objects.create(account="default", digest="one", body=body, signed_at=signed_at)
    at_once(lambda number: poll_due() if number % 2 else process_webhooks())
    begun.order.refresh_from_db()
    assert begun.order.status == "completed"
    assert Event.objects.filter(type="purchase_completed").count() == 1
    assert list(Event.objects.values_list("sequence", flat=True)) == list(range(1, Event.objects.count() + 1))


def test_each_webhook_is_claimed_by_one_worker(db: None) -> None:
    for number in range(20):
        WebhookMessage.objects.create(
            account="default", digest=str(number), body="{}", signed_at=timezone.now()
        )
    claims = at_once(lambda _number: inbox._claim(5))
    claimed = [claim.pk for each in claims for claim in each]
    assert len(claimed) == len(set(claimed)) > 0
    assert set(WebhookMessage.objects.filter(pk__in=claimed).values_list("fence", "attempts")) == {(1, 1)}


def test_the_same_webhook_many_times_at_once_is_stored_once(settings: Any, db: None) -> None:
    secret = "whsec_of_the_tests_0123456789"
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "WEBHOOK_SECRETS": [secret]}
    body, timestamp = b'{"event": "order.purchase", "data": {}}', str(int(time.time() * 1000))
    signature = sign(body, timestamp=timestamp, secret=secret)
    account = henry.account()
    told = at_once(
        lambda _number: inbox.receive_webhook(account, body, signature=signature, timestamp=timestamp)
    )
    assert told == [True] * THREADS
    assert WebhookMessage.objects.count() == 1


def test_what_is_added_while_somebody_signs_in_is_moved_or_refused(db: None, django_user_model: Any) -> None:
    for round_ in range(5):
        user = django_user_model.objects.create_user(f"ada{round_}")
        own, guest = carts.create_cart(user=user), carts.create_cart()
        carts.add_item(guest, make_item())

        def work(number: int, *, own: Cart = own, guest: Cart = guest) -> int:
            if number == THREADS - 1:
                carts.merge_carts(guest, into=own)
                return 0
            try:
                carts.add_item(guest, make_item())
            except CartNotFound:
                return 0
            return 1

        added = sum(at_once(work))
        assert own.lines.get().quantity == 1 + added
