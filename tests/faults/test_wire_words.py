"""Answers that are odd inside: nonsense in any place, failures told in either dialect, fields under another name."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.test import Client
from django.urls import reverse
from moneyed import Money

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.webhooks.inbox import process_webhooks
from django_henry_checkout.models import Cart, Order, Purchase, PurchasePoll, WebhookMessage
from django_henry_checkout.testing.sandbox import API_KEY, Sandbox
from tests.faults.wire import SLOW, Ears, Options, due_now, ears, events, options, settle, story_holds, told
from tests.support.inline import BOOTS, MUG, PRICES, bought, total_of
from tests.support.items import make_item

__all__ = ["ears", "options"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

STATUS = "/v1/cart/purchase/status"
ODD: list[Any] = [
    None,
    True,
    -1,
    10**30,
    "",
    "\x00",
    "x" * 5000,
    "<b>",
    [],
    {},
    [None, 5],
    {"a": {"b": None}},
]


def job_of(sandbox: Sandbox, ref: str) -> dict[str, Any]:
    answer = requests.get(
        f"{sandbox.url}{STATUS}", {"refId": ref}, headers={"x-api-key": API_KEY}, timeout=10
    )
    job: dict[str, Any] = answer.json()
    return job


def places(value: Any, path: str = "") -> Iterator[str]:
    """The path of everything within a JSON value, in the spelling of the sandbox."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        here = f"{path}.{key}" if path else str(key)
        yield here
        yield from places(inner, here)


def oddities(value: Any) -> Iterator[tuple[str, Any]]:
    """Each place of a JSON value with some odd things to stand there, others from place to place."""
    for number, path in enumerate(places(value)):
        for odd in ODD[number % 3 :: 3]:
            yield path, odd


def half_bought(sandbox: Sandbox, count: int) -> list[str]:
    """Purchases that go on: the first of two items is bought, with its receipt, the second is not."""
    sandbox.scenario(timing=SLOW)
    refs = []
    for _purchase in range(count):
        cart = carts.create_cart()
        for link in (BOOTS, MUG):
            carts.add_item(cart, make_item(link))
        refs.append(sandbox.pay(begin_checkout(cart).order.henry_cart_id)["refId"])
    sandbox.advance(1400)
    due_now()
    poll_due()
    assert set(Order.objects.values_list("status", flat=True)) == {"processing"}
    return refs


def nothing_but_review() -> None:
    """Whatever was said, nothing has ended, and nobody was told so."""
    assert set(Order.objects.values_list("status", flat=True)) == {"processing"}
    assert set(Purchase.objects.values_list("status", flat=True)) == {"processing"}
    for ending in ("completed", "partially_completed", "failed", "canceled"):
        assert events(f"purchase_{ending}") == 0
    assert PurchasePoll.objects.count() == Purchase.objects.count()


def ends_well(sandbox: Sandbox) -> None:
    sandbox.scenario(timing=SLOW)
    settle(sandbox)
    totals = {row["refId"]: total_of(row) for row in sandbox.orders()}
    for purchase in Purchase.objects.select_related("order"):
        assert (purchase.order.status, purchase.order.total) == ("completed", totals[purchase.ref_id])
        assert {line.status for line in purchase.order.lines.all()} == {"bought"}
    assert events("purchase_completed") == len(totals)
    assert story_holds()


def test_fault_30_nonsense_in_any_place_of_an_answer(sandbox: Sandbox, options: Options, caplog: Any) -> None:
    refs = half_bought(sandbox, 8)
    # Some hundred calls in a row: at the default rate, a fast machine would have to wait for its turn.
    options(BULK_POLL_THRESHOLD=0, BREAKER_FAILURES=10**6, POLL_RATE=1000)
    job = job_of(sandbox, refs[0])
    spoilt = [{"fault": "rewrite", "path": STATUS, "set": {path: odd}} for path, odd in oddities(job)]
    with caplog.at_level(logging.WARNING):
        for first in range(0, len(spoilt), 200):
            sandbox.scenario(timing=SLOW, faults=spoilt[first : first + 200])
            before = len(sandbox.requests())
            while len(sandbox.requests()) - before < len(spoilt[first : first + 200]):
                due_now()
                assert poll_due() == len(refs)
    assert len(spoilt) > 150
    assert "could not be polled" not in caplog.text
    nothing_but_review()
    ends_well(sandbox)
    # What was odd is noted once for each word, however often it was said.
    for purchase in Purchase.objects.all():
        assert len(purchase.drift) == len(set(purchase.drift)) <= len(ODD)


WHOLE: dict[str, Any] = {
    "null everywhere": {"fault": "rewrite", "set": {"*": None}},
    "lists everywhere": {"fault": "rewrite", "set": {"*": []}},
    "null in each product": {"fault": "rewrite", "set": {"products.*": None}},
    "more fields": {"fault": "rewrite", "set": {"new": {"deep": [1]}, "products.*.new": True}},
    "no products": {"fault": "rewrite", "remove": ["products"]},
    "nothing but an id": {"fault": "body", "json": {"refId": "x"}},
    "a list": {"fault": "body", "json": []},
    "null": {"fault": "body", "json": None},
    "BOM": {"fault": "status", "status": 200, "body": '\ufeff{"refId": "x", "status": "failed"}'},
    "latin-1": {"fault": "garbage", "kind": "latin1"},
    "the same key twice": {"fault": "garbage", "kind": "duplicate_keys"},
    "too deep": {"fault": "garbage", "kind": "deep"},
    "NaN": {"fault": "garbage", "kind": "nan"},
    "another purchase": {
        "fault": "rewrite",
        "set": {"refId": "ckp-ref_of_somebody_else", "status": "failed"},
    },
}


@pytest.mark.parametrize("fault", WHOLE)
def test_fault_30_an_answer_that_is_odd_as_a_whole(
    sandbox: Sandbox, options: Options, caplog: Any, fault: str
) -> None:
    half_bought(sandbox, 1)
    sandbox.scenario(timing=SLOW, faults=[{**WHOLE[fault], "path": STATUS, "times": 2}])
    with caplog.at_level(logging.WARNING):
        for _time in range(2):
            due_now()
            poll_due()
    assert "could not be polled" not in caplog.text
    nothing_but_review()
    ends_well(sandbox)


def test_fault_30_nonsense_in_any_place_of_a_webhook(
    sandbox: Sandbox, ears: Ears, options: Options, caplog: Any
) -> None:
    [ref] = half_bought(sandbox, 1)
    options(WEBHOOK_BATCH=500)
    ears.listen()
    body = json.dumps({"event": "order.purchase", "data": job_of(sandbox, ref)})
    bodies = [changed(json.loads(body), path, odd) for path, odd in list(oddities(json.loads(body)))[::3]]
    with caplog.at_level(logging.WARNING):
        for spoilt in bodies:
            assert sandbox.send_webhook(body=spoilt) == [202]
        process_webhooks()
    assert len(bodies) > 50
    assert "could not be applied" not in caplog.text
    assert set(WebhookMessage.objects.values_list("status", flat=True)) <= {"done", "ignored", "unmatched"}
    nothing_but_review()
    ends_well(sandbox)


def changed(body: Any, path: str, odd: Any) -> Any:
    *way, last = path.split(".")
    holder = body
    for step in way:
        holder = holder[int(step) if isinstance(holder, list) else step]
    holder[int(last) if isinstance(holder, list) else last] = odd
    return body


# 34: a part fails -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "word"), [("six", "partially_complete"), ("four", "complete")], ids=["new", "old"]
)
def test_fault_34_only_what_was_bought_counts_in_either_dialect(
    sandbox: Sandbox, cart: Cart, dialect: str, word: str
) -> None:
    sandbox.scenario(dialect=dialect, items={MUG: "failed"}, prices=PRICES)
    sandbox.pay(begin_checkout(cart).order.henry_cart_id)
    settle(sandbox, seconds=60)
    while deliver_due():
        pass
    order = Order.objects.get()
    assert (order.status, Purchase.objects.get().status) == ("partially_completed", word)
    [paid] = [item for item in bought(sandbox)["items"] if item["status"] == "complete"]
    assert paid["link"] == BOOTS
    assert order.total == order.lines.get(link=BOOTS).total == Money(str(paid["total"]), "USD")
    assert order.lines.get(link=MUG).total is None
    assert [name for name in told() if name not in {"checkout_started", "order_status_changed"}] == [
        "purchase_submitted",
        "order_item_failed",
        "purchase_partially_completed",
    ]
    assert len(sandbox.orders()) == 1


def test_fault_34b_an_item_fails_and_the_order_goes_on_for_an_hour(
    sandbox: Sandbox, cart: Cart, client: Client
) -> None:
    order = begin_checkout(cart).order
    page = reverse("henry_checkout:status", args=[create_status_token(order)])
    sandbox.pay(order.henry_cart_id, card="4000000000060006")  # the first item fails, the rest takes its time
    for _half_hour in range(2):
        settle(sandbox, seconds=1700)
        shown = client.get(page).content.decode()
        assert Order.objects.get().status == "processing"
        assert PurchasePoll.objects.exists()
        assert (events("order_item_failed"), events("order_needs_review")) == (1, 0)
        assert "Not bought" in shown
        assert "http-equiv" in shown  # and the page goes on looking
    settle(sandbox, seconds=1700)
    assert Order.objects.get().status == "partially_completed"
    assert (events("order_item_failed"), events("purchase_partially_completed")) == (1, 1)
    assert not PurchasePoll.objects.exists()


FEE = {"value": 3.5, "currency": "USD"}
#: Henry names the products in another order than ours: what failed is his second, and our first.
SWAPPED = {"products.0.status": "complete", "products.1.status": "failed"}
OPTIONS = {"products.0.selectedOptions": ["10"], "products.1.selectedOptions": ["8"]}
NAMES: dict[str, dict[str, Any]] = {
    "as today": {"set": {**SWAPPED, **OPTIONS, "result.costs.serviceFee": FEE}},
    "the fee": {
        "set": {**SWAPPED, **OPTIONS, "result.costs.commissionFee": FEE},
        "remove": ["result.costs.serviceFee"],
    },
    "the options": {
        "set": {
            **SWAPPED,
            "products.0.variant": {"size": "10"},
            "products.1.variant": "8",
            "result.costs.serviceFee": FEE,
        },
        "remove": ["products.*.selectedOptions"],
    },
}


@pytest.mark.parametrize("renamed", NAMES)
def test_fault_34c_a_renamed_field_is_read_all_the_same(sandbox: Sandbox, renamed: str) -> None:
    cart = carts.create_cart()
    for size in ("8", "10"):
        carts.add_item(cart, make_item(BOOTS, selected_options=(size,), metadata=_fails(size)))
    sandbox.scenario(fees="service", prices=PRICES)
    sandbox.pay(begin_checkout(cart).order.henry_cart_id)
    due_now()
    poll_due()
    spoken = {"fault": "rewrite", "path": STATUS, "times": 0, **NAMES[renamed]}
    sandbox.scenario(fees="service", prices=PRICES, faults=[spoken])
    settle(sandbox, seconds=60)
    order = Order.objects.get()
    assert order.status == "partially_completed"
    # The two lines have one link: only their options tell which one failed.
    fates = {tuple(line.selected_options): line.status for line in order.lines.all()}
    assert fates == {("8",): "failed", ("10",): "bought"}
    assert order.fee == Money("3.50", "USD")
    assert (Purchase.objects.get().drift, order.needs_review) == ([], False)


def _fails(size: str) -> dict[str, str]:
    return {"sandbox": "failed"} if size == "8" else {}
