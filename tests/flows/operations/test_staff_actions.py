"""Decisions by staff: only where Henry gives no answer, recorded with their name, and atomic."""

from __future__ import annotations

from typing import Any

import pytest

from django_henry_checkout.exceptions import CannotCancel, GatewayError, NotInDoubt, RefTaken
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.operations import staff_actions
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import (
    CheckoutSession,
    Delivery,
    Event,
    Order,
    Purchase,
    PurchasePoll,
    WebhookMessage,
)
from django_henry_checkout.testing.builders import build_cart, build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.testing.webhooks import send_webhook
from tests.receivers.models import Received
from tests.support.orders import doubtful_order, overdue, settle, stuck_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def last_event(order: Order) -> Event:
    return Event.objects.filter(order=order).latest("sequence")


def test_resolving_a_doubt_as_not_bought_cancels_or_reopens_the_order(sandbox: Sandbox) -> None:
    for another, status, session in ((True, "open", "quoted"), (False, "canceled", "canceled")):
        order = doubtful_order(sandbox)
        purchase = Purchase.objects.get(order=order)
        overdue(order)
        run_once()
        order.refresh_from_db()
        assert (order.needs_review, order.review_reason) == (True, "in_doubt_not_found")
        assert staff_actions.resolve_not_bought(purchase, by="ada", note="asked Henry", another=another)
        assert not staff_actions.resolve_not_bought(purchase, by="ada")
        order.refresh_from_db()
        purchase.refresh_from_db()
        assert (order.status, order.needs_review, purchase.status) == (status, False, "abandoned")
        assert CheckoutSession.objects.get(order=order).status == session
        assert not PurchasePoll.objects.filter(purchase=purchase).exists()
        event = Event.objects.get(order=order, type="purchase_not_bought")
        assert (event.source, event.payload) == ("staff:ada", {"another": another, "note": "asked Henry"})


def test_a_wrong_decision_by_staff_never_leads_to_a_second_purchase(sandbox: Sandbox) -> None:
    """Henry has the order but no poll has found it yet: the action fetches the state first."""
    for another in (True, False):
        order = doubtful_order(sandbox, is_bought=True)
        purchase = Purchase.objects.get(order=order)
        assert not staff_actions.resolve_not_bought(purchase, by="ada", another=another)
        purchase.refresh_from_db()
        order.refresh_from_db()
        assert (purchase.status, purchase.ref_id != "") == ("pending", True)
        assert order.status == "placed"
        assert not Event.objects.filter(order=order, type="purchase_not_bought").exists()
    settle(sandbox)
    assert len(sandbox.orders()) == Order.objects.filter(status="completed").count() == 2


def test_staff_decide_while_henry_is_unavailable(sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 0}])
    assert staff_actions.resolve_not_bought(Purchase.objects.get(order=order), by="ada", another=False)
    order.refresh_from_db()
    assert order.status == "canceled"


def test_other_reasons_for_review_stay_when_a_doubt_is_resolved(sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox)
    Order.objects.update(needs_review=True, review_reason="items_differ; in_doubt_not_found")
    staff_actions.resolve_not_bought(Purchase.objects.get(), by="ada")
    order.refresh_from_db()
    assert (order.needs_review, order.review_reason) == (True, "items_differ")


def test_a_purchase_found_by_staff_is_tracked_until_it_completes(sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox, is_bought=True)
    (bought,) = sandbox.orders()
    staff_actions.resolve_found(Purchase.objects.get(), bought["refId"], by="ada")
    settle(sandbox)
    order.refresh_from_db()
    assert (order.status, len(sandbox.orders())) == ("completed", 1)
    with pytest.raises(NotInDoubt):
        staff_actions.resolve_found(Purchase.objects.get(), bought["refId"], by="ada")


def test_a_ref_id_that_is_taken_or_unknown_changes_nothing(sandbox: Sandbox) -> None:
    other = Purchase.objects.get(order=build_paid_order(sandbox))
    order = doubtful_order(sandbox)
    purchase, before = Purchase.objects.get(order=order), Event.objects.count()
    with pytest.raises(RefTaken):
        staff_actions.resolve_found(purchase, other.ref_id, by="ada")
    with pytest.raises(GatewayError):
        staff_actions.resolve_found(purchase, "ckp-ref_unknown", by="ada")
    purchase.refresh_from_db()
    assert (purchase.status, purchase.ref_id, Event.objects.count()) == ("in_doubt", "", before)


def test_a_payment_after_a_cancel_by_staff_is_flagged_for_review(sandbox: Sandbox) -> None:
    started = begin_checkout(build_cart())
    staff_actions.cancel_order(started.order, by="ada", note="asked for by phone")
    order = Order.objects.get()
    assert (order.status, CheckoutSession.objects.get().status) == ("canceled", "canceled")
    assert Event.objects.get(type="order_canceled_by_staff").payload == {"note": "asked for by phone"}
    with pytest.raises(CannotCancel):
        staff_actions.cancel_order(order, by="ada")
    sandbox.pay(started.order.henry_cart_id)
    settle(sandbox)
    order.refresh_from_db()
    assert (order.status, order.needs_review) == ("canceled", True)
    assert "paid_after_ending" in order.review_reason


def test_an_order_that_is_being_bought_cannot_be_canceled(sandbox: Sandbox) -> None:
    started = begin_checkout(build_cart())
    sandbox.pay(started.order.henry_cart_id)
    run_once()
    with pytest.raises(CannotCancel):
        staff_actions.cancel_order(started.order, by="ada")
    with pytest.raises(CannotCancel):
        staff_actions.cancel_order(doubtful_order(sandbox), by="ada")


def test_a_stuck_order_canceled_by_staff_but_bought_is_flagged_for_review(sandbox: Sandbox) -> None:
    order = stuck_order(sandbox)
    staff_actions.cancel_order(order, by="ada")
    order.refresh_from_db()
    purchase = Purchase.objects.get()
    assert (order.status, purchase.status, purchase.error) == ("canceled", "cancelled", "closed_by_staff")
    assert not PurchasePoll.objects.exists()
    sandbox.advance(7200)
    assert staff_actions.poll_now(purchase, by="grace")
    order.refresh_from_db()
    assert (order.status, order.needs_review) == ("canceled", True)
    assert "not_as_staff_decided" in order.review_reason
    assert last_event(order).source == "staff:grace"


def test_poll_now_is_recorded_without_a_change_but_not_after_an_error(sandbox: Sandbox) -> None:
    order = begin_checkout(build_cart()).order
    purchase = Purchase.objects.get()
    assert not staff_actions.poll_now(purchase, by="ada")
    assert (last_event(order).type, last_event(order).payload) == ("purchase_polled", {"found": False})
    sandbox.scenario(faults=[{"fault": "status", "status": 503}])
    before = Event.objects.count()
    with pytest.raises(GatewayError):
        staff_actions.poll_now(purchase, by="ada")
    assert Event.objects.count() == before


def test_a_replay_runs_the_chosen_receivers_again(sandbox: Sandbox) -> None:
    order = build_paid_order(sandbox)
    event = Event.objects.get(order=order, type="purchase_completed")
    ran = Received.objects.filter(signal="purchase_completed").count()
    names = sorted(each.receiver for each in staff_actions.plan_replay(event))
    (record,) = [name for name in names if name.endswith("apps.record")]
    assert len(names) > 1
    assert [each.receiver for each in staff_actions.replay_event(event, by="ada", receivers=[record])] == [
        record
    ]
    assert staff_actions.replay_event(event, by="ada", receivers=[record]) == []  # already pending
    deliver_due()
    assert Received.objects.filter(signal="purchase_completed").count() == ran + 1
    assert last_event(order).payload == {"sequence": event.sequence, "receivers": [record]}
    assert not Delivery.objects.filter(event=event).exclude(status="done").exists()


def test_a_replay_runs_a_receiver_that_was_connected_later(sandbox: Sandbox) -> None:
    order = build_paid_order(sandbox)
    event = Event.objects.get(order=order, type="purchase_completed")
    Delivery.objects.filter(event=event, receiver__endswith="apps.record").delete()
    Received.objects.all().delete()
    plan = {each.receiver: each.before for each in staff_actions.plan_replay(event)}
    assert sorted(plan.values()) == ["", *["done"] * (len(plan) - 1)]
    staff_actions.replay_event(event, by="ada")
    deliver_due()
    assert Received.objects.filter(signal="purchase_completed").count() == 1


def test_a_webhook_after_a_cancel_by_staff_is_flagged_for_review(sandbox: Sandbox, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "WEBHOOK_SECRETS": ["whsec_0123456789abcdef"]}
    order = stuck_order(sandbox)
    staff_actions.cancel_order(order, by="ada")
    sandbox.advance(7200)
    ref_id = Purchase.objects.get().ref_id
    assert send_webhook(ref_id, data=sandbox.purchase(ref_id)) == 202
    run_once()
    order.refresh_from_db()
    assert WebhookMessage.objects.get().status == "done"
    assert "not_as_staff_decided" in order.review_reason
