"""What Henry may answer to a poll: pauses, errors, silence, an answer in drops, words that should not be believed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.polling.rate_limit import available_calls
from django_henry_checkout.models import AccountRateLimit, Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.faults.wire import (
    LATER,
    SLOW,
    Options,
    begun,
    due_now,
    events,
    known,
    options,
    rested,
    settle,
    story_holds,
)
from tests.support.items import make_item

__all__ = ["options"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

STATUS, LIST = "/v1/cart/purchase/status", "/v1/orders"


@pytest.fixture(scope="module")
def _elsewhere() -> Iterator[Sandbox]:
    with running_sandbox("--api-key", "key-of-uk") as sandbox:
        yield sandbox


@pytest.fixture
def uk(_elsewhere: Sandbox, options: Options) -> Sandbox:
    """The other Henry of a second account, with a key of its own."""
    _elsewhere.reset()
    own = {"API_KEY": "key-of-uk", "BASE_URL": _elsewhere.url, "CHECKOUT_ORIGINS": [_elsewhere.url]}
    options(ACCOUNTS={"default": {}, "uk": own})
    return _elsewhere


def state() -> list[Any]:
    """What a useless answer leaves alone."""
    return [
        list(Order.objects.values_list("pk", "status", "needs_review", "event_count", "total_amount")),
        list(Purchase.objects.values_list("pk", "status", "drift", "ref_id")),
        Event.objects.count(),
    ]


def ahead(moment: Any) -> float:
    return float((moment - timezone.now()).total_seconds())


def errors() -> list[int]:
    return list(PurchasePoll.objects.order_by("pk").values_list("errors", flat=True))


# 24: Henry asks for a pause -----------------------------------------------------------------

PAUSES: dict[str, tuple[dict[str, Any], float, float]] = {
    "seconds": ({"headers": {"Retry-After": "40"}}, 30, 40),
    "milliseconds": ({"headers": {"retry-after-ms": "20000"}}, 10, 20),
    "a date": ({"retryAfterDateSeconds": 50}, 40, 50),
    "a date that is over": ({"retryAfterDateSeconds": -50}, -5, 2),
    "an absurd number": ({"headers": {"Retry-After": "99999999999"}}, 3590, 3600),
    "an absurd date": ({"retryAfterDateSeconds": 31_536_000}, 3590, 3600),
    "below nothing": ({"headers": {"Retry-After": "-7"}}, -5, 2),
    "a word": ({"headers": {"Retry-After": "soon"}}, -5, 2),
    "none": ({}, -5, 2),
}


@pytest.mark.parametrize("pause", PAUSES)
def test_fault_24_a_pause_is_kept_within_bounds_and_by_one_account_alone(
    sandbox: Sandbox, uk: Sandbox, pause: str
) -> None:
    asked_for, low, high = PAUSES[pause]
    ours = begun(1)
    cart = carts.create_cart(account="uk")
    carts.add_item(cart, make_item())
    theirs = begin_checkout(cart).order
    sandbox.pay(ours.henry_cart_id)
    uk.pay(theirs.henry_cart_id)
    sandbox.scenario(faults=[{"fault": "status", "status": 429, **asked_for}])
    due_now()
    poll_due()
    pace = AccountRateLimit.objects.get(account="default")
    assert pace.rate == 25
    assert pace.paused_until is not None
    assert low <= ahead(pace.paused_until) <= high
    assert low <= ahead(PurchasePoll.objects.get(account="default").due_at) <= high
    assert dict(Order.objects.values_list("account", "status")) == {"default": "open", "uk": "placed"}
    assert AccountRateLimit.objects.get(account="uk").rate == 50
    assert available_calls("uk") > 0

    AccountRateLimit.objects.filter(account="default").update(paused_until=timezone.now().replace(year=2100))
    before = (len(sandbox.requests()), len(uk.requests()))
    due_now()
    poll_due()
    assert len(sandbox.requests()) == before[0]
    assert len(uk.requests()) > before[1]
    rested()
    due_now()
    poll_due()
    assert set(Order.objects.values_list("status", flat=True)) == {"placed"}


# 25, 27, 28: errors, silence, and an answer that never ends ------------------------------------

HTML = {"headers": {"Content-Type": "text/html"}, "body": "<h1>502 Bad Gateway</h1>"}
BROKEN: dict[str, dict[str, Any]] = {
    "25 500": {"fault": "status", "status": 500},
    "25 502": {"fault": "status", "status": 502, **HTML},
    "25 503": {"fault": "status", "status": 503},
    "25 504": {"fault": "status", "status": 504, "body": ""},
    "27 too late": {"fault": "delay", "seconds": 2},
    "27 cut before the answer": {"fault": "reset"},
    "27 cut after it was made": {"fault": "lost_reply"},
    "27 closed in the body": {"fault": "garbage", "kind": "short"},
}


@pytest.mark.parametrize("what", [LIST, STATUS], ids=["a wait", "a purchase"])
@pytest.mark.parametrize("fault", BROKEN)
def test_fault_25_27_a_poll_that_fails_is_tried_again_later(
    sandbox: Sandbox, options: Options, fault: str, what: str
) -> None:
    options(READ_TIMEOUT=0.5)
    if what == LIST:
        sandbox.pay(begun(1).henry_cart_id)
    else:
        known(sandbox, 1)
    sandbox.advance(60)
    sandbox.scenario(faults=[{**BROKEN[fault], "path": what, "times": 3}])
    before, asked = state(), len(sandbox.requests())
    for failed in (1, 2, 3):
        due_now()
        poll_due()
        assert errors() == [failed]
        assert 0 < ahead(PurchasePoll.objects.get().due_at) <= 2**failed
        assert len(sandbox.requests()) == asked + failed
    assert state() == before
    settle(sandbox, seconds=0)
    assert Order.objects.get().status == "completed"
    assert (events("purchase_completed"), len(sandbox.orders())) == (1, 1)


@pytest.mark.parametrize("headers", [False, True], ids=["body", "headers"])
def test_fault_28_an_answer_in_drops_is_ended_and_holds_up_nobody(
    sandbox: Sandbox, options: Options, headers: bool
) -> None:
    known(sandbox, 5)
    options(TOTAL_TIMEOUT=1, READ_TIMEOUT=30, BULK_POLL_THRESHOLD=0, POLL_CONCURRENCY=2)
    sandbox.advance(60)
    drops = {"fault": "drip", "interval": 0.2, "headers": headers, "path": STATUS, "times": 1}
    sandbox.scenario(faults=[drops])
    due_now()
    started = time.monotonic()
    poll_due()
    assert time.monotonic() - started < 5  # dripping on, it would take minutes
    *others, last = sorted(Order.objects.values_list("status", flat=True))
    assert others == ["completed"] * 4
    assert last in {"placed", "processing"}  # on a busy machine Henry may have begun before the first poll
    assert errors() == [1]
    settle(sandbox, seconds=0)
    assert events("purchase_completed") == len(sandbox.orders()) == 5


# 31, 32, 33: words that should not be believed --------------------------------------------------


@pytest.mark.parametrize("what", [LIST, STATUS], ids=["a wait", "a purchase"])
def test_fault_31_success_false_in_an_answer_200_is_a_failure(sandbox: Sandbox, what: str) -> None:
    if what == LIST:
        sandbox.pay(begun(1).henry_cart_id)
    else:
        known(sandbox, 1)
    sandbox.advance(60)
    sandbox.scenario(faults=[{"fault": "rewrite", "path": what, "set": {"success": False}}])
    before = state()
    due_now()
    poll_due()
    assert (errors(), state()) == ([1], before)
    settle(sandbox, seconds=0)
    assert Order.objects.get().status == "completed"


def test_fault_32_a_status_that_goes_backwards_is_noted_once(sandbox: Sandbox) -> None:
    sandbox.scenario(timing=SLOW)
    known(sandbox, 1)
    sandbox.advance(LATER)
    due_now()
    poll_due()
    assert Order.objects.get().status == "processing"
    back = {"fault": "rewrite", "path": STATUS, "set": {"status": "pending"}, "times": 0}
    sandbox.scenario(timing=SLOW, faults=[back])
    for _time in range(3):
        PurchasePoll.objects.update(digest="", text_digest="")  # so that each answer is read
        due_now()
        poll_due()
    assert (Order.objects.get().status, Purchase.objects.get().status) == ("processing", "processing")
    assert Purchase.objects.get().drift == ["processing>pending"]
    assert (events("drift_seen"), events("order_needs_review")) == (1, 0)
    sandbox.scenario(timing=SLOW)
    settle(sandbox)
    assert Order.objects.get().status == "completed"
    assert story_holds()


def test_fault_32_what_has_ended_does_not_begin_again(sandbox: Sandbox) -> None:
    from django_henry_checkout.flows.purchase.lifecycle import refresh_purchase
    from django_henry_checkout.types import staff_source

    known(sandbox, 1)
    settle(sandbox)
    back = {"fault": "rewrite", "path": STATUS, "set": {"status": "processing"}, "times": 0}
    sandbox.scenario(faults=[back])
    for _time in range(3):
        refresh_purchase(Purchase.objects.get(), source=staff_source("ada"))
    assert (Order.objects.get().status, Purchase.objects.get().status) == ("completed", "complete")
    assert Purchase.objects.get().drift == ["processing"]
    assert (events("drift_seen"), events("purchase_completed")) == (1, 1)
    assert not PurchasePoll.objects.exists()


def test_fault_33_a_new_word_that_looks_like_an_end_ends_nothing(sandbox: Sandbox, caplog: Any) -> None:
    known(sandbox, 1)
    sandbox.advance(60)
    word = {"fault": "rewrite", "path": STATUS, "set": {"status": "fulfilled"}, "times": 0}
    sandbox.scenario(faults=[word])
    with caplog.at_level(logging.WARNING):
        for _time in range(3):
            due_now()
            poll_due()
    # Every item says that it was bought, and there is a total: all the same nobody has said that it is over.
    assert set(Order.objects.get().lines.values_list("status", flat=True)) == {"bought"}
    assert Order.objects.get().status == "placed"
    assert Purchase.objects.get().drift == ["fulfilled"]
    assert "unknown statuses from Henry: fulfilled" in caplog.text
    assert (events("drift_seen"), events("purchase_completed")) == (1, 0)

    Purchase.objects.update(deadline_at=timezone.now())
    due_now()
    poll_due()
    assert (Order.objects.get().needs_review, Purchase.objects.get().status) == (True, "stuck")
    sandbox.scenario()
    settle(sandbox, seconds=0)
    assert (Order.objects.get().status, events("purchase_completed")) == ("completed", 1)
