"""Findings about pending work: overdue, paused, dead, waiting for review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.doctor import backlog, database
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.models import (
    AccountRateLimit,
    Cart,
    Delivery,
    Order,
    Purchase,
    PurchasePoll,
    WebhookMessage,
)
from django_henry_checkout.testing.sandbox import Sandbox
from tests.doctor.projects import names, report_of

pytestmark = pytest.mark.django_db(transaction=True)

WORK_PROBES = (backlog.probe_overdue_work, backlog.probe_removed_accounts, backlog.probe_manual_work)


def test_work_that_is_done_in_time_is_not_reported(bought: Order) -> None:
    for probe in (*WORK_PROBES, backlog.probe_drift, database.probe_old_rows, database.probe_database_clock):
        assert names(probe) == []
    deliver_due()
    assert names(backlog.probe_overdue_work) == []


def test_overdue_work_is_reported(bought: Order) -> None:
    late = timezone.now() - timedelta(minutes=6)
    PurchasePoll.objects.update(due_at=late)
    assert "overdue: Purchases have not been polled" in report_of(backlog.probe_overdue_work)
    PurchasePoll.objects.update(due_at=timezone.now())
    Delivery.objects.update(due_at=late)
    assert "overdue: Receivers have not run" in report_of(backlog.probe_overdue_work)
    deliver_due()
    WebhookMessage.objects.create(account="default", digest="1", signed_at=late, due_at=late)
    assert "overdue: Webhooks have not been applied" in report_of(backlog.probe_overdue_work)


def test_a_paused_account_is_reported_and_its_work_is_not_overdue(bought: Order) -> None:
    now = timezone.now()
    PurchasePoll.objects.update(due_at=now - timedelta(hours=1))
    AccountRateLimit.objects.update_or_create(
        account="default",
        defaults={
            "rate": 1, "tokens": 1, "refilled_at": now, "window_started_at": now, "circuit_open": True,
            "paused_until": now + timedelta(minutes=1),
        },
    )  # fmt: skip
    assert report_of(backlog.probe_overdue_work).startswith("henry_paused: ")


def test_purchases_of_a_removed_account_are_reported(bought: Order, settings: Any) -> None:
    accounts = {"default": {}, "uk": {}}
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "ACCOUNTS": accounts}
    PurchasePoll.objects.update(account="uk")
    assert names(backlog.probe_removed_accounts) == []
    del accounts["uk"]
    assert report_of(backlog.probe_removed_accounts).startswith(
        "account_removed: Purchases of the account 'uk'"
    )


def test_manual_work_is_reported(bought: Order) -> None:
    Delivery.objects.filter(pk__in=Delivery.objects.values("pk")[:1]).update(status="dead")
    assert report_of(backlog.probe_manual_work).startswith("dead_deliveries: ")
    Delivery.objects.update(status="done")
    Order.objects.update(needs_review=True)
    assert report_of(backlog.probe_manual_work).startswith("needs_review: 1 orders need review")
    Order.objects.update(needs_review=False)
    now = timezone.now()
    WebhookMessage.objects.create(account="default", digest="1", signed_at=now, status="dead")
    assert report_of(backlog.probe_manual_work).startswith("dead_webhooks: 1 ")


def test_unknown_words_are_reported_and_shortened(bought: Order) -> None:
    Purchase.objects.update(drift=["awaiting_merchant", "w" * 500, "line\nbreak"])
    report = report_of(backlog.probe_drift)
    assert report.startswith("drift: Unknown words in the last 7 days: awaiting_merchant, line?break, www")
    assert "w" * 61 not in report
    Purchase.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert names(backlog.probe_drift) == []


def test_an_unknown_status_of_henrys_is_reported(sandbox: Sandbox, cart: Cart, polls_at_once: None) -> None:
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id, outcome="awaiting_merchant")
    sandbox.advance(60)
    for _round in range(3):
        PurchasePoll.objects.update(due_at=timezone.now())
        poll_due()
    assert "awaiting_merchant" in report_of(backlog.probe_drift)
