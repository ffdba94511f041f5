"""The call that buys meets a fault: it is not sent again unless it surely never left, and the sandbox sells once."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from django_henry_checkout import gateway
from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout.exceptions import CheckoutError, GatewayError, GatewayUnavailable
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.polling.rate_limit import available_calls
from django_henry_checkout.models import AccountRateLimit, Cart, Order, Purchase
from django_henry_checkout.models.purchases import UNRESOLVED_PURCHASE
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.wire import (
    Options,
    begun,
    due_now,
    events,
    known,
    options,
    rested,
    settle,
    story_holds,
    told,
)
from tests.support.inline import (
    BUYER,
    TOTAL,
    bought,
    buying_calls,
    buys,
    card_of,
    confirm,
    quoted,
    total_of,
    use,
    world,
)

__all__ = ["options"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

PAYS = Payment(card=card_of("v1"))
LOST: dict[str, dict[str, Any]] = {
    "too late": {"fault": "delay", "seconds": 1.5, "process": True},
    "in drops": {"fault": "drip", "interval": 0.2},
    "closed in the body": {"fault": "garbage", "kind": "short", "process": True},
    "cut": {"fault": "lost_reply"},
}


@pytest.fixture(params=["v1", "v1-rpc"])
def version(request: Any, sandbox: Sandbox, options: Options, settings: Any) -> str:
    world(sandbox)
    return use(settings, request.param)


def was_bought_once(sandbox: Sandbox) -> None:
    settle(sandbox, seconds=60)
    assert Order.objects.get().status == "completed"
    assert total_of(bought(sandbox)) == TOTAL
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == events("purchase_completed") == 1
    assert story_holds()


@pytest.mark.parametrize("fault", LOST)
def test_fault_27_an_answer_to_the_purchase_that_is_lost_leaves_it_in_doubt(
    sandbox: Sandbox, options: Options, version: str, cart: Cart, fault: str
) -> None:
    shopper = quoted(sandbox, cart, version)
    options(PURCHASE_TIMEOUT=0.7)
    kind, *_rest = LOST[fault].values()
    more = {name: value for name, value in LOST[fault].items() if name != "fault"}
    world(sandbox, faults=[buys(version, kind, **more)])
    started = time.monotonic()
    assert confirm(shopper, version, accepted=TOTAL).status == "open"
    assert time.monotonic() - started < 5
    assert Purchase.objects.get().status == "in_doubt"
    assert events("purchase_in_doubt") == 1
    for _click in range(3):
        assert confirm(shopper, version).status == "open"
    world(sandbox)
    was_bought_once(sandbox)


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "gzip"])
def test_fault_29_an_answer_to_the_purchase_without_an_end_is_cut_and_in_doubt(
    sandbox: Sandbox, cart: Cart, packed: bool
) -> None:
    world(sandbox)
    shopper = quoted(sandbox, cart, "v1")
    world(sandbox, faults=[buys("v1", "huge", megabytes=100, gzip=packed, process=True)])
    tracemalloc.start()
    try:
        confirm(shopper, "v1", accepted=TOTAL)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert Purchase.objects.get().status == "in_doubt"
    world(sandbox)
    was_bought_once(sandbox)


@pytest.mark.parametrize("is_done", [False, True], ids=["and it is so", "though it was bought"])
def test_fault_31_success_false_in_an_answer_200_to_the_purchase(
    sandbox: Sandbox, version: str, cart: Cart, is_done: bool
) -> None:
    shopper = quoted(sandbox, cart, version)
    refusal = {"success": False, "status": "error", "message": "No."}
    world(sandbox, faults=[buys(version, "body", status=200, json=refusal, process=is_done)])
    with pytest.raises((CheckoutError, GatewayError)):
        confirm(shopper, version, accepted=TOTAL)
    assert Purchase.objects.get().status == "abandoned"
    assert len(sandbox.orders()) == int(is_done)
    order = confirm(shopper, version, accepted=TOTAL)  # the shopper tries again
    assert order == shopper.order
    settle(sandbox, seconds=60)
    assert Order.objects.get().status == "completed"
    assert len(sandbox.orders()) == events("purchase_completed") == 1


# 35: another total than the accepted one --------------------------------------------------------


@pytest.mark.parametrize(("share", "is_shown"), [("1.01", True), ("0.99", False)], ids=["more", "less"])
def test_fault_35_a_total_above_the_accepted_one_after_the_fact_is_told(
    sandbox: Sandbox, cart: Cart, share: str, is_shown: bool
) -> None:
    world(sandbox)
    confirm(quoted(sandbox, cart, "v1"), "v1", accepted=TOTAL)
    charged = {"value": float(TOTAL.amount) * float(share), "currency": "USD"}
    told_wrong = {"fault": "rewrite", "path": "*/status", "times": 0, "set": {"result.costs.total": charged}}
    world(sandbox, faults=[told_wrong])
    settle(sandbox, seconds=60)
    while deliver_due():
        pass
    order = Order.objects.get()
    assert (order.status, order.needs_review) == ("completed", is_shown)
    assert order.review_reason == ("total_above_accepted" if is_shown else "")
    assert ("order_needs_review" in told()) is is_shown
    assert len(sandbox.orders()) == 1


# 38: a name that is not found, now and then -----------------------------------------------------


class Resolver:
    """The system's resolver, which does not know a name while it is down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._known: Callable[..., Any] = socket.getaddrinfo
        self.is_down = False
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, *arguments: Any, **more: Any) -> Any:
        if self.is_down and host == "localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._known(host, *arguments, **more)


@pytest.fixture
def resolver(sandbox: Sandbox, options: Options, monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Henry has a name now; what is open by the old address is not used any more."""
    named = f"http://localhost:{urlsplit(sandbox.url).port}"
    options(BASE_URL=named, CHECKOUT_ORIGINS=[named])
    return Resolver(monkeypatch)


def hang_up() -> None:
    """Close the connections that are kept, as a process does that starts anew: each call asks for the name again."""
    kept = gateway._gateways.pop(henry.account(), None)
    if kept is not None:
        kept._transport.close()  # type: ignore[attr-defined]  # a gateway's own, behind its protocol


def test_fault_38_nothing_is_in_doubt_while_the_name_is_not_found(
    sandbox: Sandbox, resolver: Resolver, cart: Cart
) -> None:
    world(sandbox)
    begin_inline(cart)  # so that the call that buys is the next one
    for _flap in range(2):
        resolver.is_down = True
        hang_up()
        asked = len(sandbox.requests())
        with pytest.raises(GatewayUnavailable) as caught:
            buy_cart(cart, BUYER, PAYS)
        assert not caught.value.maybe_sent
        assert not Purchase.objects.filter(status__in=UNRESOLVED_PURCHASE).exists()
        assert events("purchase_in_doubt") == 0
        assert len(sandbox.requests()) == asked
        resolver.is_down = False
    buy_cart(cart, BUYER, PAYS)
    was_bought_once(sandbox)


def test_fault_38_polls_pause_and_go_on_once_the_name_is_found(
    sandbox: Sandbox, resolver: Resolver, options: Options
) -> None:
    options(BREAKER_FAILURES=4, BULK_POLL_THRESHOLD=0)
    known(sandbox, 6)
    waiting = begun(99)
    sandbox.pay(waiting.henry_cart_id)
    sandbox.advance(60)
    resolver.is_down = True
    hang_up()
    asked = len(sandbox.requests())
    due_now()
    poll_due()
    assert AccountRateLimit.objects.get().circuit_open
    assert available_calls("default") == 0
    due_now()
    assert poll_due() == 0
    assert len(sandbox.requests()) == asked
    assert set(Order.objects.values_list("status", flat=True)) == {"placed", "open"}
    resolver.is_down = False
    for _round in range(3):
        rested()
        due_now()
        poll_due()
    assert not AccountRateLimit.objects.get().circuit_open
    assert Order.objects.filter(status="completed").count() == len(sandbox.orders()) == 7
