"""The token bucket and circuit breaker of an account, shared by all workers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.polling.rate_limit import (
    PROBE_CALLS,
    CallStats,
    available_calls,
    record_usage,
)
from django_henry_checkout.models import AccountRateLimit, Order, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


@pytest.fixture
def options(sandbox: Sandbox, settings: Any) -> Any:
    def change(**changes: Any) -> None:
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, **changes}

    return change


def age(seconds: float) -> None:
    """Let time pass for the account."""
    for limit in AccountRateLimit.objects.all():
        limit.refilled_at -= timedelta(seconds=seconds)
        limit.window_started_at -= timedelta(seconds=seconds)
        if limit.paused_until:
            limit.paused_until -= timedelta(seconds=seconds)
        limit.save()


def begin(number: int) -> Order:
    cart = carts.create_cart()
    carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
    return begin_checkout(cart).order


def due_now() -> None:
    PurchasePoll.objects.update(due_at=timezone.now())


def test_the_bucket_empties_and_fills_again(options: Any) -> None:
    options(POLL_RATE=10)
    assert available_calls("default") == 50  # five seconds' worth
    record_usage("default", CallStats(calls=50, answered=50))
    assert available_calls("default") == 0
    age(2)
    assert available_calls("default") == 20
    age(60)
    assert available_calls("default") == 50


def test_workers_together_keep_to_the_rate(sandbox: Sandbox, options: Any) -> None:
    options(POLL_RATE=1, BULK_POLL_THRESHOLD=0)
    for number in range(8):
        begin(number)
    due_now()
    before = len(sandbox.requests())
    for _worker in range(4):
        poll_due()
    assert len(sandbox.requests()) - before == 5
    age(2)
    poll_due()
    assert len(sandbox.requests()) - before == 7
    due_now()
    assert PurchasePoll.objects.count() == 8


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [({"Retry-After": "40"}, 38, 40), ({}, 0.5, 1), ({"Retry-After": "9999999"}, 3590, 3600)],
)
def test_a_429_halves_the_rate_and_pauses_the_account(
    sandbox: Sandbox, options: Any, headers: dict[str, str], low: float, high: float
) -> None:
    begin(1)
    sandbox.scenario(faults=[{"fault": "status", "status": 429, "headers": headers}])
    before = timezone.now()
    poll_due()
    limit = AccountRateLimit.objects.get()
    assert limit.rate == 25
    assert limit.paused_until is not None
    assert low <= (limit.paused_until - before).total_seconds() <= high + 1
    assert available_calls("default") == 0
    due_now()
    calls = len(sandbox.requests())
    assert poll_due() == 0
    assert len(sandbox.requests()) == calls


def test_a_429_is_persisted_while_other_calls_are_in_flight(
    sandbox: Sandbox, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(1)
    begin(2)
    sandbox.scenario(
        faults=[
            {"fault": "status", "status": 429, "times": 1},
            {"fault": "delay", "seconds": 1, "times": 1},
        ]
    )
    recorded: list[CallStats] = []

    def record(account: str, stats: CallStats) -> None:
        recorded.append(stats)
        record_usage(account, stats)

    monkeypatch.setattr("django_henry_checkout.flows.polling.rate_limit.record_usage", record)
    poll_due()
    assert (recorded[0].limited, recorded[0].answered) == (1, 0)


def test_answers_raise_the_rate_slowly(options: Any) -> None:
    available_calls("default")
    record_usage("default", CallStats(calls=1, limited=1))
    age(5)
    for _round in range(10):
        record_usage("default", CallStats(calls=1, answered=1))
    assert AccountRateLimit.objects.get().rate == pytest.approx(35)
    for _round in range(100):
        record_usage("default", CallStats(calls=1, answered=1))
    assert AccountRateLimit.objects.get().rate == 50


def test_a_429_of_a_call_in_flight_does_not_halve_again(options: Any) -> None:
    available_calls("default")
    for _answer in range(3):
        record_usage("default", CallStats(calls=1, limited=1))
    assert AccountRateLimit.objects.get().rate == 25


def test_the_breaker_opens_and_probes_and_closes(sandbox: Sandbox, options: Any) -> None:
    options(BREAKER_FAILURES=4)
    for number in range(6):
        begin(number)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 0}])
    for _round in range(3):
        due_now()
        poll_due()
    limit = AccountRateLimit.objects.get()
    assert limit.circuit_open
    assert available_calls("default") == 0
    due_times = sorted(PurchasePoll.objects.values_list("due_at", flat=True))
    poll_due()
    assert sorted(PurchasePoll.objects.values_list("due_at", flat=True)) == due_times
    age(31)
    assert available_calls("default") == PROBE_CALLS
    due_now()
    calls = len(sandbox.requests())
    poll_due()
    assert len(sandbox.requests()) == calls + PROBE_CALLS
    assert available_calls("default") == 0  # still paused: the next pause
    sandbox.scenario()
    age(31)
    due_now()
    poll_due()
    assert not AccountRateLimit.objects.get().circuit_open
    assert available_calls("default") > PROBE_CALLS


def test_refusals_of_one_purchase_do_not_open_the_breaker(options: Any) -> None:
    options(BREAKER_FAILURES=2)
    available_calls("default")
    for _round in range(5):
        record_usage("default", CallStats(calls=10, answered=9, failed=1))
    assert not AccountRateLimit.objects.get().circuit_open


def test_errors_of_one_account_do_not_slow_another(sandbox: Sandbox, options: Any) -> None:
    options(ACCOUNTS={"default": {"API_KEY": "sandbox-key"}, "uk": {"API_KEY": "sandbox-key"}})
    ours, theirs = begin(1), begin(2)
    Order.objects.filter(pk=theirs.pk).update(account="uk")
    theirs.purchases.update(account="uk")
    PurchasePoll.objects.filter(purchase__order=theirs).update(account="uk")
    available_calls("uk")
    record_usage("uk", CallStats(calls=1, limited=1, pause=60))
    sandbox.pay(ours.henry_cart_id)
    sandbox.pay(theirs.henry_cart_id)
    due_now()
    poll_due()
    assert dict(Order.objects.values_list("account", "status")) == {"default": "placed", "uk": "open"}
