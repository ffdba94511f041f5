"""The order list moves while it is paged: orders come in on top of it, ours and other people's."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from django_henry_checkout.flows.polling import bulk_poll
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.gateway.v1_base import GatewayV1Base
from django_henry_checkout.models import Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.wire import LATER, SLOW, Options, begun, due_now, events, followed, options, story_holds

__all__ = ["options"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

PAGE = 20
LIST, ONE = "/v1/orders", "/v1/cart/purchase/status"


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few purchases fill several pages."""
    defaults = {"cursor": "", "limit": PAGE}
    monkeypatch.setattr(GatewayV1Base.list_raw_orders, "__kwdefaults__", defaults)


@pytest.fixture(params=["from the top", "from a time"])
def start(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first page begins: purchases of the last seconds are looked for at the top, older ones by their time."""
    if request.param == "from a time":
        monkeypatch.setattr(bulk_poll, "FIRST_PAGE_AGE", timedelta(days=-1))


def many(sandbox: Sandbox, *, groups: int, of: int) -> int:
    """Purchases that are followed, some minutes apart: more than two pages."""
    for _group in range(groups):
        followed(sandbox, of)
        sandbox.advance(60)
    return groups * of


def asked(sandbox: Sandbox, since: int) -> Counter[str]:
    return Counter(row["path"] for row in sandbox.requests()[since:])


def each_was_bought_once(sandbox: Sandbox) -> None:
    bought = {row["refId"]: row["cartId"] for row in sandbox.orders()}
    assert dict(Purchase.objects.values_list("ref_id", "henry_cart_id")) == bought
    assert set(Order.objects.values_list("status", flat=True)) == {"completed"}
    assert events("purchase_completed") == Order.objects.count() == len(bought)
    assert not PurchasePoll.objects.exists()
    assert story_holds()


def ends(sandbox: Sandbox, **scenario: Any) -> None:
    """Let all that is at Henry end, under a new scenario, and be due."""
    sandbox.advance(3 * LATER)
    sandbox.scenario(timing=SLOW, **scenario)
    due_now()


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("shifts", [1, PAGE, 100])
def test_fault_22c_other_peoples_orders_come_in_between_the_pages(sandbox: Sandbox, shifts: int) -> None:
    sandbox.scenario(timing=SLOW)
    many(sandbox, groups=10, of=5)
    ends(sandbox, shifts=shifts)
    before = len(sandbox.requests())
    poll_due()
    # Nothing was skipped, or it would have been asked for alone; nor was a page read twice.
    assert asked(sandbox, before) == {LIST: 3}
    each_was_bought_once(sandbox)


@pytest.mark.usefixtures("start")
def test_fault_22c_orders_of_our_own_come_in_between_the_pages(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shoppers pay while the list is read: some before its first page, some after each."""
    sandbox.scenario(timing=SLOW)
    many(sandbox, groups=10, of=5)
    ends(sandbox)
    carts = [begun(number).henry_cart_id for number in range(9)]
    due_now()
    for cart_id in carts[:3]:
        sandbox.pay(cart_id)  # on top of the first page, and not known to us
    taken = bulk_poll.BulkPoll.match

    def paid_meanwhile(bulk: bulk_poll.BulkPoll, page: Any) -> Any:
        for cart_id in carts[len(sandbox.orders()) - 50 :][:2]:
            sandbox.pay(cart_id)
        return taken(bulk, page)

    monkeypatch.setattr(bulk_poll.BulkPoll, "match", paid_meanwhile)
    before = len(sandbox.requests())
    poll_due()
    lookups = [row["query"] for row in sandbox.requests()[before:] if "cartId" in row["query"]]
    assert len(lookups) == len(carts)  # a row that nobody knows is found by its cart, and by nothing else
    assert events("purchase_completed") == 50

    monkeypatch.undo()
    assert len(sandbox.orders()) == 50 + len(carts)
    for _round in range(3):
        ends(sandbox)
        poll_due()
    each_was_bought_once(sandbox)
    assert not Event.objects.filter(type__in=["order_needs_review", "drift_seen"]).exists()


def test_fault_22c_a_row_that_slips_between_two_pages_is_asked_for_alone(sandbox: Sandbox) -> None:
    sandbox.scenario(timing=SLOW)
    many(sandbox, groups=10, of=5)
    lost = {"fault": "rewrite", "path": LIST, "remove": ["data.19", "data.10"]}
    ends(sandbox, faults=[lost])
    before = len(sandbox.requests())
    poll_due()
    found = asked(sandbox, before)
    assert (found[LIST], found[ONE]) == (3, 2)
    each_was_bought_once(sandbox)


def test_fault_22_a_page_is_asked_for_once(
    sandbox: Sandbox, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many answers of other purchases come in while it is on its way."""
    options(BULK_POLL_THRESHOLD=5)
    sandbox.scenario(timing=SLOW)
    followed(sandbox, PAGE - 9)
    sandbox.advance(60)
    for number in range(9):
        begun(number)
    usual = GatewayV1Base.list_raw_orders

    def slow(*arguments: Any, **more: Any) -> Any:
        found = usual(*arguments, **more)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(GatewayV1Base, "list_raw_orders", slow)
    due_now()
    before = len(sandbox.requests())
    poll_due()
    asked = [row["query"] for row in sandbox.requests()[before:] if row["path"] == "/v1/orders"]
    assert Counter(query for query in asked if "cartId" not in query) == {f"limit={PAGE}": 1}
