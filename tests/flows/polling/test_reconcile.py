"""Reconciliation with Henry's order list: matches, differences, purchases known to one side only."""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.exceptions import ConfigurationError, GatewayError
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling import reconcile as reconcile_flow
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.polling.reconcile import ReconcileReport, reconcile
from django_henry_checkout.models import Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.builders import build_cart, build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.inline import use
from tests.support.orders import doubtful_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def run(*, fix: bool = False, days: int = 7, until: datetime | None = None) -> ReconcileReport:
    """The last report."""
    now = until or timezone.now() + timedelta(hours=2)
    reports = list(reconcile("default", since=timezone.now() - timedelta(days=days), until=now, fix=fix))
    return reports[-1]


@pytest.mark.parametrize("version", ["v1", "v1-rpc", "v0"])
def test_matching_purchases_are_only_counted(sandbox: Sandbox, settings: Any, version: str) -> None:
    use(settings, version)
    for _order in range(3):
        build_paid_order(sandbox)
    events = Event.objects.count()
    report = run(fix=True)
    assert (report.agreed, report.differed, report.failed, report.is_clean) == (3, 0, 0, True)
    assert Event.objects.count() == events


@pytest.mark.parametrize("version", ["v1", "v0"])
def test_missed_changes_are_counted_and_applied_with_fix(
    sandbox: Sandbox, settings: Any, version: str
) -> None:
    use(settings, version)
    order = build_paid_order(sandbox, drained=False)
    poll_due()
    PurchasePoll.objects.all().delete()  # it is no longer polled
    sandbox.advance(3600)
    report = run()
    assert (report.differed, report.fixed, report.is_clean) == (1, 0, False)
    order.refresh_from_db()
    assert order.status in {"placed", "processing"}
    report = run(fix=True)
    assert (report.differed, report.fixed, report.is_clean) == (1, 1, True)
    order.refresh_from_db()
    assert order.status == "completed"
    assert Event.objects.get(type="purchase_completed").source == "reconcile"
    assert run().agreed == 1


def test_a_purchase_in_doubt_and_an_unseen_payment_are_found(sandbox: Sandbox) -> None:
    doubtful_order(sandbox, is_bought=True)
    hosted = begin_checkout(build_cart()).order
    sandbox.pay(hosted.henry_cart_id)
    sandbox.advance(3600)
    report = run(fix=True)
    assert report.found == 2
    assert set(Purchase.objects.values_list("status", flat=True)) == {"complete"}
    assert len(sandbox.orders()) == Order.objects.filter(status="completed").count() == 2


def test_purchases_known_to_one_side_only_are_reported(sandbox: Sandbox) -> None:
    ours = build_paid_order(sandbox)
    (stranger,) = sandbox.make_orders(1)
    report = run()
    assert report.unknown == {stranger["refId"]}
    assert (report.missing, report.is_clean) == (set(), False)
    purchase = Purchase.objects.get(order=ours)
    Purchase.objects.filter(pk=purchase.pk).update(ref_id="ckp-ref_invented")
    report = run(fix=True)
    assert report.unknown == {stranger["refId"], purchase.ref_id}
    assert report.missing == {"ckp-ref_invented"}
    assert Purchase.objects.get(pk=purchase.pk).status == "complete"


def test_many_pages_are_read_and_a_run_can_be_resumed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_flow, "PAGE_SIZE", 2)
    for _order in range(5):
        build_paid_order(sandbox)
        sandbox.advance(600)
    made = {row["refId"]: datetime.fromisoformat(row["paidAt"]) for row in sandbox.orders()}
    for ref_id, paid_at in made.items():  # the sandbox's clock has run ahead of ours
        Purchase.objects.filter(ref_id=ref_id).update(found_at=paid_at)
    later = timezone.now() + timedelta(days=1)
    report = run(until=later)
    assert (report.agreed, report.missing, report.is_clean) == (len(made), set(), True)
    walk = reconcile("default", since=timezone.now() - timedelta(days=1), until=later, fix=False)
    first = copy(next(walk))
    assert (first.calls, first.agreed) == (1, 2)
    assert run(until=first.reached).agreed == len(made) - 1  # one is on both pages


def test_an_error_at_henry_ends_it_with_the_report_so_far(sandbox: Sandbox) -> None:
    build_paid_order(sandbox)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 0}])
    with pytest.raises(GatewayError):
        run()
    with pytest.raises(ConfigurationError):
        list(reconcile("unknown", since=timezone.now(), until=timezone.now(), fix=False))
