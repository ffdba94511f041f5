"""Each outcome of a purchase, over real HTTP: the status of the order and its signals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.purchase.lifecycle import fetch_observation
from django_henry_checkout.models import Cart, Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import staff_source
from tests.receivers.models import Received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

BOOTS, MUG = "https://alpine.example/products/boots", "https://clay.example/products/mug"


def buy(sandbox: Sandbox, cart: Cart, **scenario: Any) -> Order:
    """Pay for the cart in a sandbox scenario, and poll until the order no longer changes."""
    sandbox.scenario(**scenario)
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    poll_repeatedly(sandbox)
    return Order.objects.get()


def poll_repeatedly(sandbox: Sandbox, *, rounds: int = 20) -> None:
    for _round in range(rounds):
        sandbox.advance(1)
        run_once()


def signals_received() -> list[str]:
    received = Received.objects.order_by("pk").values_list("signal", flat=True)
    return [name for name in received if name not in {"checkout_started", "order_status_changed"}]


def items(order: Order) -> dict[str, str]:
    return {line.link: line.status for line in order.lines.all()}


def test_all_bought(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart)
    assert (order.status, order.needs_review) == ("completed", False)
    assert items(order) == {BOOTS: "bought", MUG: "bought"}
    assert all(line.confirmation_number and line.total is not None for line in order.lines.all())
    assert order.total == sum((line.total for line in order.lines.all()), order.total * 0)
    assert signals_received() == ["purchase_submitted", "purchase_completed"]


def test_fault_34_some_failed(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart, items={MUG: "failed"})
    assert order.status == "partially_completed"
    assert items(order) == {BOOTS: "bought", MUG: "failed"}
    assert signals_received() == ["purchase_submitted", "order_item_failed", "purchase_partially_completed"]
    failed = Event.objects.get(type="order_item_failed")
    assert failed.line is not None
    assert failed.line.link == MUG
    assert order.total == order.lines.get(link=BOOTS).total
    assert cart.lines.count() == 0


def test_all_failed(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart, outcome="failed")
    assert order.status == "failed"
    assert set(items(order).values()) == {"failed"}
    assert signals_received() == [
        "purchase_submitted",
        "order_item_failed",
        "order_item_failed",
        "purchase_failed",
    ]
    assert order.sessions.get().status in {"completed", "errored"}
    assert [line.title for line in cart.lines.all()] == ["boots", "mug"]  # to try again


def test_cancelled(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart, outcome="cancelled")
    assert order.status == "canceled"
    assert Purchase.objects.exclude(ref_id="").get().status == "cancelled"
    assert signals_received() == ["purchase_submitted", "purchase_canceled"]
    assert cart.lines.count() == 2


def test_fault_34_complete_that_hides_failed_items(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart, dialect="four", fees="commission", items={MUG: "failed"})
    assert Purchase.objects.get().status == "complete"
    assert order.status == "partially_completed"
    assert order.fee is not None
    assert signals_received() == ["purchase_submitted", "order_item_failed", "purchase_partially_completed"]


def test_complete_that_hides_that_everything_failed(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart, dialect="four", items={MUG: "failed", BOOTS: "failed"})
    assert Purchase.objects.exclude(ref_id="").get().status == "complete"
    assert order.status == "failed"
    assert signals_received()[-1] == "purchase_failed"


def test_fault_33_a_status_never_seen_before_stays_open_and_turns_stuck_at_the_deadline(
    sandbox: Sandbox, cart: Cart
) -> None:
    order = buy(sandbox, cart, outcome="awaiting_merchant")
    purchase = Purchase.objects.get()
    assert (order.status, order.needs_review) == ("processing", False)
    assert purchase.drift == ["awaiting_merchant"]
    assert Event.objects.filter(type="drift_seen").count() == 1
    assert signals_received() == ["purchase_submitted"]

    Purchase.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    poll_repeatedly(sandbox, rounds=3)
    order.refresh_from_db()
    purchase.refresh_from_db()
    assert (order.needs_review, order.review_reason, purchase.status) == (True, "purchase_stuck", "stuck")
    assert signals_received() == ["purchase_submitted", "order_needs_review"]
    assert PurchasePoll.objects.get().due_at > timezone.now() + timedelta(minutes=40)


def test_a_stuck_purchase_that_completes_after_all_is_completed(sandbox: Sandbox, cart: Cart) -> None:
    sandbox.scenario(timing={"pendingSeconds": 1, "processingSeconds": 9000})
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    poll_repeatedly(sandbox, rounds=3)
    Purchase.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    poll_repeatedly(sandbox, rounds=2)
    assert Purchase.objects.get().status == "stuck"

    sandbox.advance(10_000)
    PurchasePoll.objects.update(due_at=timezone.now())
    poll_repeatedly(sandbox, rounds=2)
    order = Order.objects.get()
    assert (order.status, Purchase.objects.get().status) == ("completed", "complete")
    assert signals_received() == ["purchase_submitted", "order_needs_review", "purchase_completed"]
    assert not PurchasePoll.objects.exists()


def test_the_end_of_polling_a_stuck_purchase_is_reported(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    buy(sandbox, cart, outcome="awaiting_merchant")
    for _deadline in range(3):
        Purchase.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
        PurchasePoll.objects.update(due_at=timezone.now())
        poll_repeatedly(sandbox, rounds=2)
        assert PurchasePoll.objects.get().due_at > timezone.now() + timedelta(minutes=30)
    nothing = timedelta(microseconds=1)
    settings.HENRY_CHECKOUT = {
        **settings.HENRY_CHECKOUT,
        "STUCK_TIMEOUT": nothing,
        "HOSTED_PAYMENT_TIMEOUT": nothing,
    }
    Purchase.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    PurchasePoll.objects.update(due_at=timezone.now())
    poll_repeatedly(sandbox, rounds=2)
    assert not PurchasePoll.objects.exists()
    assert Order.objects.get().review_reason == "purchase_stuck; polling_ended"
    assert signals_received() == ["purchase_submitted", "order_needs_review", "order_needs_review"]


def test_fault_34b_an_item_that_fails_early_is_signaled_at_once_and_the_order_continues(
    sandbox: Sandbox, cart: Cart
) -> None:
    sandbox.scenario(items={BOOTS: "failed"}, timing={"pendingSeconds": 1, "processingSeconds": 3600})
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    sandbox.advance(2000)
    poll_repeatedly(sandbox, rounds=6)
    assert Order.objects.get().status == "processing"
    assert signals_received() == ["purchase_submitted", "order_item_failed"]
    sandbox.advance(2000)
    poll_repeatedly(sandbox, rounds=6)
    assert Order.objects.get().status == "partially_completed"
    assert signals_received() == ["purchase_submitted", "order_item_failed", "purchase_partially_completed"]


def test_fault_32_a_status_that_goes_backwards_changes_nothing(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart)
    purchase = Purchase.objects.get()
    ref_id = sandbox.orders()[0]["refId"]
    assert purchase.ref_id == ref_id
    observation = fetch_observation(purchase)
    assert observation is not None
    late = type(observation)(ref_id=ref_id, status="processing", items=observation.items, digest="late")
    events = Event.objects.count()
    for _time in range(3):
        apply_observation(purchase, late, source=staff_source("ada"))
    order.refresh_from_db()
    purchase.refresh_from_db()
    assert (order.status, purchase.status, purchase.drift) == ("completed", "complete", ["processing"])
    assert Event.objects.count() == events + 1
    assert Event.objects.latest("pk").type == "drift_seen"


def test_applying_the_same_answer_again_changes_nothing(sandbox: Sandbox, cart: Cart) -> None:
    buy(sandbox, cart)
    purchase = Purchase.objects.get()
    observation = fetch_observation(purchase)
    assert observation is not None
    assert not apply_observation(purchase, observation, source=staff_source("ada")).changed


def test_an_answer_about_another_purchase_of_the_cart_needs_review(sandbox: Sandbox, cart: Cart) -> None:
    buy(sandbox, cart)
    purchase = Purchase.objects.get()
    observation = fetch_observation(purchase)
    assert observation is not None
    other = type(observation)(ref_id="ckp-ref_other", status="failed", items=(), digest="")
    for _time in range(2):
        apply_observation(purchase, other, source=staff_source("ada"))
    order = Order.objects.get()
    assert (order.status, Purchase.objects.get().ref_id) == ("completed", purchase.ref_id)
    assert order.review_reason == f"several_orders_at_henry: {purchase.ref_id}, ckp-ref_other"
    assert Event.objects.filter(type="order_needs_review").count() == 1


def test_an_expected_payment_that_never_arrives_is_abandoned_visibly(sandbox: Sandbox, cart: Cart) -> None:
    begin_checkout(cart)
    poll_repeatedly(sandbox, rounds=2)
    Purchase.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    poll_repeatedly(sandbox, rounds=2)
    assert Purchase.objects.get().status == "abandoned"
    assert Order.objects.get().status == "open"
    assert list(Event.objects.values_list("type", flat=True)) == [
        "checkout_started",
        "expected_payment_ended",
    ]
    assert not PurchasePoll.objects.exists()


def test_personal_data_stays_in_the_buyers_row(sandbox: Sandbox, cart: Cart) -> None:
    sandbox.scenario()
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id, email="canary@example.com")
    poll_repeatedly(sandbox)
    order = Order.objects.get()
    assert order.buyer.email == "canary@example.com"
    assert order.buyer.address is not None
    rows = [str(vars(row)) for model in (Order, Purchase, Event, PurchasePoll) for row in model.objects.all()]
    assert "canary@example.com" not in "".join(rows)


@pytest.mark.parametrize("status", [503, 401, 200])
def test_an_expected_payment_is_never_abandoned_on_a_guess(sandbox: Sandbox, cart: Cart, status: int) -> None:
    """Paid, but Henry cannot be reached (or its answer cannot be stored) at the deadline."""
    order = begin_checkout(cart).order
    job = sandbox.pay(order.henry_cart_id)
    odd = {**job, "result": {"costs": {"total": {"value": -5, "currency": "USD"}}}}
    fault = {"fault": "status", "status": status, "times": 0}
    if status == 200:
        fault = {"fault": "body", "status": 200, "json": {"success": True, "data": [odd]}, "times": 0}
    sandbox.scenario(faults=[fault])
    Purchase.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    PurchasePoll.objects.update(due_at=timezone.now())
    run_once()
    order.refresh_from_db()
    assert (Purchase.objects.get().status, order.review_reason) == ("planned", "payment_unverified")
    sandbox.scenario()
    PurchasePoll.objects.update(due_at=timezone.now())
    poll_repeatedly(sandbox, rounds=10)
    assert Order.objects.get().status == "completed"


def test_a_second_payment_after_a_failure_needs_review(sandbox: Sandbox, cart: Cart) -> None:
    order = buy(sandbox, cart, outcome="failed")
    assert (order.status, PurchasePoll.objects.count()) == ("failed", 1)
    first = Purchase.objects.exclude(ref_id="").get()
    again = {**_job_of(sandbox, first), "refId": "ckp-ref_again", "status": "processing"}
    body = {"success": True, "data": [again, _job_of(sandbox, first)]}
    sandbox.scenario(faults=[{"fault": "body", "status": 200, "json": body, "path": "/v1/orders"}])
    PurchasePoll.objects.update(due_at=timezone.now())
    run_once()
    order.refresh_from_db()
    assert (order.status, order.review_reason) == ("failed", "paid_after_ending")


def _job_of(sandbox: Sandbox, purchase: Purchase) -> dict[str, Any]:
    import requests

    path = f"{sandbox.url}/v1/cart/purchase/status"
    headers = {"x-api-key": "sandbox-key"}
    job: dict[str, Any] = requests.get(path, {"refId": purchase.ref_id}, headers=headers, timeout=10).json()
    return job


def test_orders_of_other_carts_in_the_list_are_ignored(sandbox: Sandbox, cart: Cart) -> None:
    order = begin_checkout(cart).order
    foreign = [
        {
            "refId": f"ckp-ref_{number}",
            "status": "processing",
            "products": [{"link": "https://x.example/y", "status": "pending"}],
            "details": {"email": "another.buyer@example.com"},
        }
        for number in range(2)
    ]
    body = {"success": True, "data": foreign}
    sandbox.scenario(faults=[{"fault": "body", "status": 200, "json": body, "path": "/v1/orders"}])
    PurchasePoll.objects.update(due_at=timezone.now())
    run_once()
    order.refresh_from_db()
    assert (order.status, order.review_reason) == ("open", "foreign_orders_in_henrys_list")


def test_links_that_henry_spells_differently_go_to_review(sandbox: Sandbox, cart: Cart) -> None:
    order = begin_checkout(cart).order
    job = sandbox.pay(order.henry_cart_id)
    products = [
        {**product, "link": f"{product['link']}?ref=henry", "status": "complete"}
        for product in job["products"]
    ]
    body = {"success": True, "data": [{**job, "status": "complete", "products": products}]}
    sandbox.scenario(faults=[{"fault": "body", "status": 200, "json": body, "path": "/v1/orders"}])
    PurchasePoll.objects.update(due_at=timezone.now())
    run_once()
    order.refresh_from_db()
    assert (order.status, order.review_reason) == ("completed", "items_differ")
    assert set(items(order).values()) == {"unknown"}


def test_a_different_quantity_goes_to_review(sandbox: Sandbox, cart: Cart) -> None:
    order = begin_checkout(cart).order
    job = sandbox.pay(order.henry_cart_id)
    products = [{**product, "quantity": 7} for product in job["products"]]
    body = {"success": True, "data": [{**job, "products": products}]}
    sandbox.scenario(faults=[{"fault": "body", "status": 200, "json": body, "path": "/v1/orders"}])
    PurchasePoll.objects.update(due_at=timezone.now())
    run_once()
    order.refresh_from_db()
    assert (order.status, order.review_reason) == ("placed", "quantity_differs")
