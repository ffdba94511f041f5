"""The poll engine: leases, fences, backoff, deadlines."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout.exceptions import GatewayUnavailable
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling import executor, poller, rate_limit
from django_henry_checkout.flows.polling.claims import ClaimedPoll, claim_polls
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import Cart, Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def poll() -> PurchasePoll:
    return PurchasePoll.objects.get()


def due_now() -> None:
    PurchasePoll.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def seconds_ahead() -> float:
    return (poll().due_at - timezone.now()).total_seconds()


def take_answer(late: ClaimedPoll) -> None:
    """Call Henry and handle the result, as a worker that claimed the purchase earlier."""
    result = executor._call(late, gateway_for(henry.account()))
    rest = poller.PollCycle(0, 0)
    rest._handle_result(late, result)
    rest._flush()


def test_without_due_purchases_nothing_is_sent(sandbox: Sandbox, cart: Cart) -> None:
    begin_checkout(cart)
    PurchasePoll.objects.update(due_at=timezone.now() + timedelta(seconds=60))
    before = len(sandbox.requests())
    assert poll_due() == 0
    assert len(sandbox.requests()) == before


def test_a_claim_is_an_exclusive_lease(sandbox: Sandbox, cart: Cart) -> None:
    begin_checkout(cart)
    (claimed,) = claim_polls("default", limit=10)
    assert claim_polls("default", limit=10) == []
    assert poll().fence == claimed.fence == 1
    assert 40 < seconds_ahead() <= 45
    due_now()  # the lease expires
    (next_one,) = claim_polls("default", limit=10)
    assert next_one.fence == 2


def test_a_worker_that_lost_its_lease_writes_nothing(sandbox: Sandbox, cart: Cart, caplog: Any) -> None:
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    poll_due()
    (late,) = claim_polls("default", limit=10)
    due_now()
    sandbox.advance(3)
    assert poll_due() == 1
    events, due_at = Event.objects.count(), poll().due_at
    with caplog.at_level(logging.WARNING):
        take_answer(late)
    assert "lease lost" in caplog.text
    assert (Event.objects.count(), poll().due_at) == (events, due_at)


def test_a_late_error_of_a_lost_lease_moves_no_due_time(sandbox: Sandbox, cart: Cart) -> None:
    begin_checkout(cart)
    (late,) = claim_polls("default", limit=10)
    due_now()
    claim_polls("default", limit=10)
    due_at = poll().due_at
    rest = poller.PollCycle(0, 0)
    rest._handle_result(
        late, executor.CallResult(target=late, error=GatewayUnavailable("Henry answered 500.", status=500))
    )
    rest._flush()
    assert (poll().due_at, poll().errors) == (due_at, 0)


def test_errors_back_off_and_recover(sandbox: Sandbox, cart: Cart) -> None:
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 3}])
    for errors in (1, 2, 3):
        due_now()
        poll_due()
        assert poll().errors == errors
        assert 0 < seconds_ahead() <= 2**errors
    due_now()
    poll_due()
    assert (poll().errors, Order.objects.get().status) == (0, "placed")


def test_a_poll_is_sent_once_however_it_fails(sandbox: Sandbox, cart: Cart) -> None:
    begin_checkout(cart)
    before = len(sandbox.requests())
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 0}])
    poll_due()
    assert len(sandbox.requests()) == before + 1


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry-After": "40"}, 38, 40),
        ({"retry-after-ms": "20000"}, 18, 20),
        ({"Retry-After": "9999999"}, 3500, 3600),
    ],
)
def test_a_requested_pause_is_respected(
    sandbox: Sandbox, cart: Cart, headers: dict[str, str], low: int, high: int
) -> None:
    begin_checkout(cart)
    sandbox.scenario(faults=[{"fault": "status", "status": 429, "headers": headers}])
    poll_due()
    assert low < seconds_ahead() <= high


@pytest.mark.parametrize(
    "kind", ["html", "truncated", "nan", "duplicate_keys", "latin1", "empty", "deep", "wrong_type"]
)
def test_garbage_changes_nothing(sandbox: Sandbox, cart: Cart, kind: str) -> None:
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    sandbox.scenario(faults=[{"fault": "garbage", "kind": kind}])
    poll_due()
    assert (Order.objects.get().status, poll().errors) == ("open", 1)
    due_now()
    poll_due()
    assert Order.objects.get().status == "placed"


def test_an_outage_past_the_deadline_is_reported(sandbox: Sandbox, cart: Cart) -> None:
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    poll_due()
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 0}])
    Purchase.objects.update(deadline_at=timezone.now())
    due_now()
    poll_due()
    order.refresh_from_db()
    assert (Purchase.objects.get().status, order.needs_review) == ("stuck", True)


def test_purchases_of_a_removed_account_are_postponed(sandbox: Sandbox, cart: Cart, caplog: Any) -> None:
    begin_checkout(cart)
    Purchase.objects.update(account="closed")
    PurchasePoll.objects.update(account="closed")
    rate_limit._create("closed", timezone.now())  # it was polled while it was configured
    with caplog.at_level(logging.ERROR):
        poll_due()
    assert "no account 'closed'" in caplog.text
    assert poll().errors == 1


def test_an_unchanged_answer_costs_one_statement(
    sandbox: Sandbox, cart: Cart, django_assert_num_queries: Any
) -> None:
    order = begin_checkout(cart).order
    sandbox.scenario(timing={"pendingSeconds": 1000, "processingSeconds": 1})
    sandbox.pay(order.henry_cart_id)
    poll_due()
    due_now()
    (claimed,) = claim_polls("default", limit=10)
    result = executor._call(claimed, gateway_for(henry.account()))
    rest = poller.PollCycle(0, 0)
    with django_assert_num_queries(1):
        rest._handle_result(claimed, result)
        rest._flush()
    assert poll().attempts == 2


@pytest.mark.parametrize("purchases", [1, 12, 40])
def test_a_cycle_without_changes_costs_the_same_for_any_number_of_purchases(
    sandbox: Sandbox, cart: Cart, django_assert_num_queries: Any, purchases: int
) -> None:
    sandbox.scenario(timing={"pendingSeconds": 1000, "processingSeconds": 1})
    for number in range(purchases):
        cart = carts.create_cart()
        carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
        sandbox.pay(begin_checkout(cart).order.henry_cart_id)
    due_now()
    assert poll_due() == purchases
    assert Purchase.objects.filter(ref_id="").count() == 0
    due_now()
    # Accounts, budget, claim (with its transaction 4, on PostgreSQL 1), write-back, rate limit (4);
    # on PostgreSQL its time, twice.
    queries = 10 if connection.vendor == "postgresql" else 11
    with django_assert_num_queries(queries):
        assert poll_due() == purchases


def test_no_transaction_is_open_during_calls_to_henry(
    sandbox: Sandbox, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_checkout(cart)
    open_during_call = []

    def wait(pool: Any, seconds: float) -> Any:
        open_during_call.append(connection.in_atomic_block)
        return original(pool, seconds)

    original = executor.CallExecutor.wait
    monkeypatch.setattr(executor.CallExecutor, "wait", wait)
    poll_due()
    assert open_during_call == [False]


def test_two_orders_of_one_cart_need_review(
    sandbox: Sandbox, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = begin_checkout(cart).order
    job = sandbox.pay(order.henry_cart_id)
    twins = [{**job, "refId": "ckp-ref_second"}, job]  # newest first
    sandbox.scenario(
        faults=[
            {"fault": "body", "status": 200, "json": {"success": True, "data": twins}, "path": "/v1/orders"}
        ]
    )
    poll_due()
    order.refresh_from_db()
    assert Purchase.objects.get().ref_id == job["refId"]
    assert order.needs_review
    assert "ckp-ref_second" in order.review_reason


def test_a_failed_first_attempt_does_not_hide_the_successful_one(sandbox: Sandbox, cart: Cart) -> None:
    order = begin_checkout(cart).order
    job = sandbox.pay(order.henry_cart_id)
    twins = [{**job, "refId": "ckp-ref_failed", "status": "failed"}, job]
    sandbox.scenario(
        faults=[
            {"fault": "body", "status": 200, "json": {"success": True, "data": twins}, "path": "/v1/orders"}
        ]
    )
    poll_due()
    order.refresh_from_db()
    assert (Purchase.objects.get().ref_id, order.needs_review) == (job["refId"], False)


def test_a_broken_purchase_does_not_block_the_others(
    sandbox: Sandbox, cart: Cart, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def explode(*of: Any) -> None:
        raise RuntimeError("bug")

    begin_checkout(cart)
    monkeypatch.setattr(executor, "_call", explode)
    assert poll_due() == 1
    assert "could not be polled" in caplog.text
    assert poll().errors == 1


def test_an_answer_that_the_database_refuses_is_contained(sandbox: Sandbox, cart: Cart, caplog: Any) -> None:
    order = begin_checkout(cart).order
    job = sandbox.pay(order.henry_cart_id)
    odd = {**job, "result": {"costs": {"total": {"value": -5, "currency": "USD"}}}}
    answer = {"fault": "body", "status": 200, "json": {"success": True, "data": [odd]}, "path": "/v1/orders"}
    sandbox.scenario(faults=[answer])
    assert poll_due() == 1
    assert (Order.objects.get().status, poll().errors) == ("open", 1)
    due_now()
    poll_due()
    assert Order.objects.get().status == "placed"


def test_henrys_message_is_not_logged(sandbox: Sandbox, cart: Cart, caplog: Any) -> None:
    begin_checkout(cart)
    body = {"message": "no buyer ada@example.com"}
    sandbox.scenario(faults=[{"fault": "status", "status": 400, "body": body}])
    with caplog.at_level(logging.INFO):
        poll_due()
    assert "henry_rejected, 400" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_errors_do_not_make_a_stuck_purchase_poll_more_often(sandbox: Sandbox, cart: Cart) -> None:
    begin_checkout(cart)
    Purchase.objects.update(
        status="stuck", ref_id="ckp-ref_gone", deadline_at=timezone.now() + timedelta(days=1)
    )
    due_now()
    poll_due()
    assert poll().errors == 1
    assert seconds_ahead() > 2400
