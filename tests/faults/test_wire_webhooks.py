"""Webhooks that come twice, late, early, wrongly signed, or not at all. The sandbox sends them over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.polling.rate_limit import available_calls
from django_henry_checkout.flows.webhooks.inbox import process_webhooks
from django_henry_checkout.models import (
    AccountRateLimit,
    Cart,
    Event,
    Order,
    Purchase,
    PurchasePoll,
    WebhookMessage,
)
from django_henry_checkout.testing.race import race
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.wire import (
    LATER,
    SECRET,
    SLOW,
    Ears,
    Options,
    begun,
    due_now,
    ears,
    events,
    known,
    options,
    rested,
    settle,
    story_holds,
    told,
    under_way,
)
from tests.receivers.models import Received
from tests.support.inline import TOTAL, buying_calls, buys, confirm, quoted, world
from tests.support.threads import at_once
from tests.support.workers import wait_until

__all__ = ["ears", "options"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

OLD = "whsec_old_of_the_faults_012345"


def messages(**which: Any) -> int:
    return WebhookMessage.objects.filter(**which).count()


def goes_on(sandbox: Sandbox, ears: Ears, *, changes: int = 1) -> list[dict[str, Any]]:
    """Let so much happen at Henry, and have the shop apply what it hears of each; what became of all webhooks."""
    log: list[dict[str, Any]] = []
    for _change in range(changes):
        sandbox.advance(LATER)
        log = ears.heard()
        process_webhooks()
    return log


def test_fault_15_fifty_copies_at_once_are_one_row_and_one_change(sandbox: Sandbox, ears: Ears) -> None:
    [ref] = known(sandbox, 1)
    sandbox.advance(60)
    ears.listen()
    statuses = sandbox.send_webhook(refId=ref, times=50, parallel=True)
    assert len(statuses) == 50
    assert {status for status in statuses if status is None or not 200 <= status < 300} == set()
    assert messages() == 1
    at_once(lambda _number: process_webhooks(), threads=4)
    while deliver_due():
        pass
    assert (messages(status="done"), events("purchase_completed")) == (1, 1)
    assert Received.objects.filter(signal="purchase_completed").count() == 1
    assert story_holds()
    assert len(sandbox.orders()) == 1


def test_fault_16_the_newest_first_and_the_rest_changes_nothing(sandbox: Sandbox, ears: Ears) -> None:
    sandbox.scenario(timing=SLOW, webhooks={"reorder": True})
    ears.listen()
    known(sandbox, 1)
    for _step in range(3):
        sandbox.advance(LATER)
    said = [row["event"] for row in ears.heard()]
    assert said[0] == "order.purchase.full.complete"
    assert said[-1] == "order.purchase"
    assert len(said) == messages() >= 5

    assert process_webhooks(limit=1) == 1
    assert Order.objects.get().status == "completed"
    after = Event.objects.count()
    assert process_webhooks() == len(said) - 1
    assert Event.objects.count() == after
    assert (messages(status="done"), Purchase.objects.get().drift) == (len(said), [])
    assert not Order.objects.get().needs_review


@pytest.mark.parametrize("is_polled", [False, True], ids=["answer first", "found by a poll first"])
def test_fault_17_news_that_overtake_the_answer_to_the_purchase(
    sandbox: Sandbox, ears: Ears, cart: Cart, is_polled: bool
) -> None:
    world(sandbox)
    shopper = quoted(sandbox, cart, "v1")
    ears.listen()
    world(sandbox, faults=[buys("v1", "delay", seconds=3, process=True)])
    with under_way(lambda: confirm(shopper, "v1", accepted=TOTAL)) as call:
        wait_until(WebhookMessage.objects.exists, seconds=20)
        process_webhooks()
        assert WebhookMessage.objects.get().status == "unmatched"
        assert Purchase.objects.get().status == "sent"
        if is_polled:
            poll_due()
            assert Purchase.objects.get().status == "pending"
        assert not call.done()
    assert call.result() == shopper.order
    settle(sandbox, seconds=60)
    ears.heard()
    settle(sandbox, seconds=0)
    assert Order.objects.get().status == "completed"
    assert (messages(status="unmatched"), messages(status="done")) == (0, messages())
    assert (events("purchase_submitted"), events("purchase_completed")) == (1, 1)
    assert story_holds()
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def both_have_news(sandbox: Sandbox, ears: Ears, count: int, *, changes: int) -> None:
    """Each purchase has a webhook that waits and a poll that is due, and both will say the same."""
    sandbox.scenario(timing=SLOW)
    known(sandbox, count)
    ears.listen()
    goes_on(sandbox, ears, changes=changes - 1)
    sandbox.advance(LATER)
    ears.heard()
    assert messages(status="received") >= count
    due_now()


def was_told_once(status: str) -> None:
    moves = Event.objects.filter(type="order_status_changed", payload__status=status)
    assert moves.count() == Order.objects.count() == Order.objects.filter(status=status).count()
    assert events("purchase_completed") == (Order.objects.count() if status == "completed" else 0)
    assert story_holds()


STATES = pytest.mark.parametrize(("changes", "status"), [(1, "processing"), (2, "completed")])


@STATES
def test_fault_18_webhooks_and_polls_at_the_same_instant(
    sandbox: Sandbox, ears: Ears, changes: int, status: str
) -> None:
    both_have_news(sandbox, ears, 6, changes=changes)
    at_once(lambda number: process_webhooks(limit=3) if number % 2 else poll_due(limit=3))
    settle(sandbox, seconds=0)
    was_told_once(status)
    assert len(sandbox.orders()) == 6


@STATES
def test_fault_18_a_webhook_between_an_answer_and_its_writing(
    sandbox: Sandbox, ears: Ears, changes: int, status: str
) -> None:
    both_have_news(sandbox, ears, 1, changes=changes)
    with race("django_henry_checkout.flows.polling.poller.apply_observation", before=process_webhooks):
        poll_due()
    was_told_once(status)


@STATES
def test_fault_18_a_poll_between_the_claim_of_a_webhook_and_its_writing(
    sandbox: Sandbox, ears: Ears, changes: int, status: str
) -> None:
    both_have_news(sandbox, ears, 1, changes=changes)
    with race("django_henry_checkout.flows.webhooks.inbox._process", before=poll_due):
        process_webhooks()
    was_told_once(status)
    assert messages(status="received") == 0


@pytest.mark.parametrize(
    "sending",
    [
        {"signature": "wrong"},
        {"signature": "none"},
        {"timestampOffsetSeconds": -310},
        {"timestampOffsetSeconds": 310},
    ],
    ids=["wrong", "none", "old", "future"],
)
def test_fault_19_a_sender_whose_signature_or_time_is_wrong(
    sandbox: Sandbox, ears: Ears, caplog: Any, sending: dict[str, Any]
) -> None:
    [ref] = known(sandbox, 1)
    sandbox.scenario(webhooks=sending)
    ears.listen()
    assert sandbox.send_webhook(refId=ref) == [401]
    assert messages() == 0
    assert "A webhook for account default was refused" in caplog.text
    sandbox.scenario()
    assert sandbox.send_webhook(refId=ref) == [202]


def test_fault_20_a_secret_is_replaced_while_news_come(
    sandbox: Sandbox, ears: Ears, options: Options
) -> None:
    def rotate(**until: float) -> None:
        not_after = timezone.now() + timedelta(**until)
        options(WEBHOOK_SECRETS=[{"secret": OLD, "not_after": not_after}, SECRET])

    sandbox.scenario(timing=SLOW, webhooks={"retries": 2})
    rotate(hours=1)
    ears.listen(OLD)
    known(sandbox, 3)
    goes_on(sandbox, ears)
    ears.listen(SECRET)  # Henry changes over between two changes of the same orders
    log = goes_on(sandbox, ears, changes=2)
    assert {row["status"] for row in log} == {202}
    assert len(log) == messages()
    assert set(Order.objects.values_list("status", flat=True)) == {"completed"}

    rotate(seconds=-1)
    before = messages()
    ears.listen(OLD)
    late = sandbox.pay(begun(99).henry_cart_id)
    assert {row["status"] for row in ears.heard() if row["refId"] == late["refId"]} == {401}
    assert messages() == before
    settle(sandbox)  # what the webhook may not say any more, the poll finds
    assert Order.objects.filter(status="completed").count() == len(sandbox.orders()) == 4


@pytest.mark.parametrize("comes", [True, False], ids=["with webhooks", "all dropped"])
def test_fault_22_without_webhooks_polls_tell_the_same(
    sandbox: Sandbox, ears: Ears, cart: Cart, comes: bool
) -> None:
    sandbox.scenario(timing=SLOW, webhooks={"drop": 0 if comes else 1})
    ears.listen()
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    poll_due()  # neither knows the purchase until the order list is read
    for _change in range(3):
        sandbox.advance(LATER)
        log = ears.heard()
        if comes:
            process_webhooks()
        else:
            due_now()
            poll_due()
    while deliver_due():
        pass
    assert {row["status"] for row in log} == ({202} if comes else {None})
    assert messages() == (len(log) if comes else 0)
    assert told() == [
        "checkout_started",
        "purchase_submitted",
        "order_status_changed",
        "order_status_changed",
        "purchase_completed",
        "order_status_changed",
    ]
    assert len(sandbox.orders()) == 1


def test_fault_23_webhooks_go_on_while_polls_find_henry_down(
    sandbox: Sandbox, ears: Ears, options: Options, caplog: Any
) -> None:
    options(BREAKER_FAILURES=4, BULK_POLL_THRESHOLD=0)
    sandbox.scenario(timing=SLOW)
    known(sandbox, 6)
    ears.listen()
    down = [{"fault": "status", "status": 503, "path": "/v1/*", "times": 0}]
    sandbox.scenario(timing=SLOW, faults=down)
    due_now()
    poll_due()
    assert AccountRateLimit.objects.get().circuit_open
    assert available_calls("default") == 0

    log = goes_on(sandbox, ears, changes=3)
    assert {row["status"] for row in log} == {202}
    assert Order.objects.filter(status="completed").count() == len(sandbox.orders()) == 6
    assert not PurchasePoll.objects.exists()

    sandbox.scenario(timing=SLOW)
    waiting = begun(99)
    sandbox.pay(waiting.henry_cart_id)
    rested()
    due_now()
    poll_due()
    assert "Henry is available again" in caplog.text
    assert not AccountRateLimit.objects.get().circuit_open
    assert Order.objects.get(pk=waiting.pk).status == "placed"


def test_fault_23_webhooks_that_have_queued_up_end_the_order_though_henry_is_down(
    sandbox: Sandbox, ears: Ears
) -> None:
    sandbox.scenario(timing=SLOW)
    known(sandbox, 1)
    ears.listen()
    down = [{"fault": "status", "status": 503, "path": "/v1/*", "times": 0}]
    sandbox.scenario(timing=SLOW, faults=down)
    for _change in range(3):
        sandbox.advance(LATER)
        ears.heard()
    process_webhooks()
    assert Order.objects.get().status == "completed"
