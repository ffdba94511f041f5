"""Metrics for a monitoring system: correct, cheap, and the same as on the dashboard."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from django_henry_checkout.flows.operations.metrics import collect_metrics
from django_henry_checkout.models import Delivery, Order, PurchasePoll, WebhookMessage
from django_henry_checkout.testing.builders import build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.shop.metrics import metrics
from tests.support.orders import dead_delivery, doubtful_order, stuck_order
from tests.support.shop import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def scrape(rf: RequestFactory, token: str = "let-me-in") -> dict[str, float]:
    answer = metrics(rf.get("/metrics", headers={"Authorization": f"Bearer {token}"}))
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_an_idle_shop_has_zero_counts(sandbox: Sandbox) -> None:
    build_paid_order(sandbox)
    found = collect_metrics()
    assert (found.open_purchases, found.in_doubt, found.stuck, found.needs_review, found.dead_deliveries) == (
        0,
    ) * 5
    assert (found.polls.due, found.polls.lag, found.oldest_open) == (0, timedelta(), timedelta())
    assert [(state.account, state.is_paused, state.circuit_open) for state in found.accounts] == [
        ("default", False, False)
    ]


def test_problems_are_counted_and_lag_is_that_of_the_oldest_item(
    sandbox: Sandbox, rf: RequestFactory, settings: Any
) -> None:
    settings.METRICS_TOKEN = "let-me-in"
    doubtful_order(sandbox)
    stuck_order(sandbox)
    dead_delivery(sandbox)
    now = timezone.now()
    Order.objects.filter(pk=Order.objects.latest("pk").pk).update(needs_review=True)
    PurchasePoll.objects.update(due_at=now - timedelta(minutes=2))
    Delivery.objects.filter(status="pending").update(due_at=now - timedelta(minutes=3))
    WebhookMessage.objects.create(account="default", digest="1", status="dead", signed_at=now)
    found = scrape(rf)
    for name in ("in_doubt", "stuck", "dead_deliveries", "rejected_webhooks"):
        assert found[f"henry_{name}[]"] == 1
    assert found["henry_needs_review[]"] == 2
    assert found["henry_open_purchases[]"] == PurchasePoll.objects.count() == 3
    assert found["henry_due['polls']"] == 3
    assert 120 <= found["henry_lag_seconds['polls']"] < 150
    assert 180 <= found["henry_lag_seconds['deliveries']"] < 210
    assert found["henry_lag_seconds['webhooks']"] == 0
    assert found["henry_paused['default']"] == 0


def test_the_number_of_queries_is_constant(sandbox: Sandbox, django_assert_num_queries: Any) -> None:
    for _more in range(2):
        with django_assert_num_queries(14 + (connection.vendor == "postgresql")):
            collect_metrics()
        stuck_order(sandbox)


def test_metrics_require_the_token(rf: RequestFactory, db: None, settings: Any) -> None:
    from django.http import Http404

    for token, given in (("", ""), ("let-me-in", "wrong"), ("let-me-in", "")):
        settings.METRICS_TOKEN = token
        with pytest.raises(Http404):
            scrape(rf, given)


def test_the_dashboard_shows_every_metric(sandbox: Sandbox, rf: RequestFactory, settings: Any) -> None:
    settings.METRICS_TOKEN = "let-me-in"
    build_paid_order(sandbox)
    dashboard = (ROOT / "docs" / "grafana" / "henry-checkout.json").read_text()
    shown = {
        name
        for panel in json.loads(dashboard)["panels"]
        for target in panel["targets"]
        for name in re.findall(r"henry_\w+", target["expr"])
    }
    assert shown == {name.partition("[")[0] for name in scrape(rf)}
