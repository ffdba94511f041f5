"""Promises of the fault table that are known to be broken: each test turns red once it is mended, and is moved then."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
import requests
from django.core.checks import run_checks

from django_henry_checkout.flows.buyers import buyer_of
from django_henry_checkout.flows.inline import begin_inline
from django_henry_checkout.flows.polling import poll_due
from django_henry_checkout.flows.webhooks import process_webhooks
from django_henry_checkout.gateway.jobs import GatewayOfJobs
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.testing.racing import race
from tests.api.canaries import rows
from tests.api.conftest import Api
from tests.api.test_carts import BOOTS, guest
from tests.api.test_every_way import DETAILS, ok
from tests.faults.wire import LATER, SLOW, Ears, Options, begun, due_now, ears, followed, known, options
from tests.henry import KEY, Sandbox
from tests.inline import bought, buys, world
from tests.surfaces.test_inline import TYPED, Shopper, step_of, text_of

__all__ = ["ears", "options"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]


def broken(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(raises=AssertionError, strict=True, reason=reason)


def address_at_henry(sandbox: Sandbox) -> str:
    ref = bought(sandbox)["refId"]
    path = f"{sandbox.url}/v1/cart/purchase/status"
    job = requests.get(path, {"refId": ref}, headers={"x-api-key": KEY}, timeout=10).json()
    return str(job["details"]["shippingAddress"]["line1"])


@broken("a page that is under way is asked for again whenever another answer comes in")
def test_fault_22c_a_page_is_asked_for_once(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.scenario(timing=SLOW)
    followed(sandbox, 30)
    sandbox.advance(60)
    for number in range(9):
        begun(number)
    usual = GatewayOfJobs.glance_at_orders

    def slow(*arguments: Any, **more: Any) -> Any:
        found = usual(*arguments, **more)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(GatewayOfJobs, "glance_at_orders", slow)
    due_now()
    before = len(sandbox.requests())
    poll_due()
    asked = [row["query"] for row in sandbox.requests()[before:] if row["path"] == "/v1/orders"]
    assert Counter(query for query in asked if "cartId" not in query) == {"limit=100": 1}


@broken("what was signed before an earlier webhook was applied counts as late, and only makes the engine ask")
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


@broken("the button of a page buys for the address that another tab has given since")
def test_fault_41_the_form_buys_for_the_address_that_it_shows(sandbox: Sandbox, cart: Cart) -> None:
    world(sandbox)
    first = Shopper(begin_inline(cart).order)
    second = Shopper(first.order, first.client)
    review = first.to_review(sandbox, "v1")
    assert "350 Fifth Avenue" in text_of(review)
    second.post("address", **{**TYPED, "line1": "1 Elsewhere Road"})
    first.buy(review)
    assert not sandbox.orders() or address_at_henry(sandbox) == "350 Fifth Avenue"


@broken("an address that another tab gives while this one is bought is written over the order's")
def test_fault_41_an_answer_tells_the_address_that_was_bought_for(sandbox: Sandbox) -> None:
    world(sandbox)
    holder, _cart = guest(BOOTS)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))

    def call(path: str, street: str, **more: Any) -> Any:
        body = {"shippingDetails": {**DETAILS, "addressLine1": street}, **more}
        session = Api(**{"X-Session-Token": quote["sessionToken"]})
        return session("POST", f"checkout/session/{path}", body, **{"Idempotency-Key": street})

    world(sandbox, faults=[buys("v1", "lost_reply")])
    moment = "django_henry_checkout.flows.confirming._commit_intent"
    with race(moment, before=lambda: call("quote", "2 Street")):
        said = call("confirm", "1 Street", cardToken="card_test_pays")
    address = address_at_henry(sandbox) if sandbox.orders() else "none"
    assert said.status_code == 409 or said.json()["shippingDetails"]["addressLine1"] == address
    buyer = buyer_of(Order.objects.get()).shipping_address
    assert buyer is not None
    assert address in {"none", buyer.line1}


@pytest.mark.parametrize("name", ["first_name", "last_name", "line1", "line2", "city"])
@broken("the shop's own form keeps a card number that a browser has filled into a wrong field")
def test_fault_53_a_card_number_in_a_free_field_of_the_form(
    sandbox: Sandbox, options: Options, cart: Cart, name: str
) -> None:
    world(sandbox)
    shopper = Shopper(begin_inline(cart).order)
    answer = shopper.post("address", **{**TYPED, name: "5555 5555 5555 4444"})
    assert [place for place, text in rows() if "5555 5555 5555 4444" in text] == []
    assert step_of(answer) == "address"


@broken("no check knows that the key of the sandbox opens nothing at Henry")
def test_fault_61_the_sandboxs_key_in_production_is_found_at_the_start(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": KEY, "BASE_URL": "https://api.henrylabs.ai"}
    found = [each for each in run_checks() if each.id and each.id.startswith("henry_checkout.E")]
    assert found
    assert all(each.hint for each in found)
