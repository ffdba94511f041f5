"""Bulk polls through the order list: fewer calls, and the same outcome as single polls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.models import Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


@pytest.fixture
def many(sandbox: Sandbox, settings: Any) -> int:
    """Create more open purchases than BULK_POLL_THRESHOLD; return their number."""
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "BULK_POLL_THRESHOLD": 6}
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 30, "jobSeconds": 0})
    for number in range(12):
        cart = carts.create_cart()
        carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
        sandbox.pay(begin_checkout(cart).order.henry_cart_id)
    due_now()
    poll_due()
    assert Purchase.objects.filter(ref_id="").count() == 0
    return 12


def due_now() -> None:
    PurchasePoll.objects.update(due_at=timezone.now())


def paths_since(sandbox: Sandbox, since: int) -> list[str]:
    return [each["path"] for each in sandbox.requests()[since:]]


def test_one_page_refreshes_all(sandbox: Sandbox, many: int) -> None:
    due_now()
    before = len(sandbox.requests())
    poll_due()
    assert paths_since(sandbox, before) == ["/v1/orders"]
    assert set(PurchasePoll.objects.values_list("attempts", "errors")) == {(2, 0)}


def test_an_unchanged_text_is_not_parsed_and_writes_no_event(
    sandbox: Sandbox, many: int, django_assert_num_queries: Any
) -> None:
    due_now()
    poll_due()
    events = Event.objects.count()
    due_now()
    poll_due()
    assert Event.objects.count() == events


def test_changes_in_the_list_complete_the_orders_once(sandbox: Sandbox, many: int) -> None:
    sandbox.advance(60)
    due_now()
    before = len(sandbox.requests())
    poll_due()
    assert paths_since(sandbox, before) == ["/v1/orders"]
    assert set(Order.objects.values_list("status", flat=True)) == {"completed"}
    assert Event.objects.filter(type="purchase_completed").count() == many
    assert not PurchasePoll.objects.exists()


def test_purchases_missing_from_the_list_are_polled_one_by_one(sandbox: Sandbox, many: int) -> None:
    missing = Purchase.objects.earliest("pk").ref_id
    listed = [job for job in _jobs(sandbox) if job["refId"] != missing]
    body = {"success": True, "data": listed}
    sandbox.scenario(
        faults=[{"fault": "body", "path": "/v1/orders", "json": body}],
        timing={"pendingSeconds": 0, "processingSeconds": 30, "jobSeconds": 0},
    )
    due_now()
    before = len(sandbox.requests())
    poll_due()
    assert paths_since(sandbox, before) == ["/v1/orders", "/v1/cart/purchase/status"]


def _jobs(sandbox: Sandbox) -> list[dict[str, Any]]:
    from django_henry_checkout.conf import app_settings as henry
    from django_henry_checkout.gateway import gateway_for

    gateway = gateway_for(henry.account())
    response = gateway._fetch_orders({"limit": "100"})  # type: ignore[attr-defined]  # v1 only
    content: dict[str, Any] = response.json()
    return list(content["data"])


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 500},
        {"fault": "garbage", "kind": "html"},
        {"fault": "garbage", "kind": "truncated"},
        {"fault": "garbage", "kind": "deep"},
        {"fault": "body", "json": {"success": True, "data": "none"}},
        {"fault": "body", "json": {"success": True}},
        {"fault": "body", "json": {"success": True, "data": []}},
        {"fault": "body", "json": {"success": True, "data": [None, 5, {"refId": 7}, {}]}},
        {"fault": "body", "json": [1, 2]},
        {"fault": "body", "json": {"success": False, "message": "no", "data": []}},
    ],
    ids=lambda fault: f"{fault['fault']}-{fault.get('kind') or fault.get('status') or fault.get('json')}",
)
def test_a_useless_list_is_replaced_by_single_calls(
    sandbox: Sandbox, many: int, fault: dict[str, Any]
) -> None:
    sandbox.scenario(
        faults=[{**fault, "path": "/v1/orders", "times": 0}],
        timing={"pendingSeconds": 0, "processingSeconds": 30, "jobSeconds": 0},
    )
    sandbox.advance(60)
    due_now()
    before = len(sandbox.requests())
    poll_due()
    paths = paths_since(sandbox, before)
    assert paths.count("/v1/cart/purchase/status") == many
    assert paths.count("/v1/orders") <= 2
    assert set(Order.objects.values_list("status", flat=True)) == {"completed"}


def test_a_malformed_row_does_not_affect_the_others(sandbox: Sandbox, many: int) -> None:
    jobs = _jobs(sandbox)
    jobs[0] = {**jobs[0], "status": 7}
    body = {"success": True, "data": jobs}
    sandbox.scenario(faults=[{"fault": "body", "path": "/v1/orders", "json": body}])
    PurchasePoll.objects.update(digest="", text_digest="")
    due_now()
    poll_due()
    assert PurchasePoll.objects.filter(errors=1).count() == 1
    assert PurchasePoll.objects.filter(errors=0).exclude(digest="").count() == many - 1


def test_purchases_that_are_not_due_yet_are_refreshed_too(sandbox: Sandbox, many: int) -> None:
    due_now()
    poll_due()  # stores the digests of the rows
    attempts = dict(PurchasePoll.objects.values_list("pk", "attempts"))
    soon = timezone.now() + timedelta(seconds=10)
    PurchasePoll.objects.update(due_at=soon)
    some = list(PurchasePoll.objects.values_list("pk", flat=True)[:7])
    PurchasePoll.objects.filter(pk__in=some).update(due_at=timezone.now())
    before = len(sandbox.requests())
    poll_due()
    assert paths_since(sandbox, before) == ["/v1/orders"]
    assert all(now == attempts[pk] + 1 for pk, now in PurchasePoll.objects.values_list("pk", "attempts"))


def test_a_threshold_of_zero_disables_bulk_polls(sandbox: Sandbox, many: int, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "BULK_POLL_THRESHOLD": 0}
    due_now()
    before = len(sandbox.requests())
    poll_due()
    assert paths_since(sandbox, before) == ["/v1/cart/purchase/status"] * many
