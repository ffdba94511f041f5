"""The race helper: a competitor runs once, and a race that did not happen fails the test."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from django_henry_checkout.exceptions import CheckoutError
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.events import outbox
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.flows.polling.claims import claim_polls
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.purchase.lifecycle import refresh_purchase
from django_henry_checkout.models import Cart, Event, Order, Purchase
from django_henry_checkout.testing.builders import PRODUCTS
from django_henry_checkout.testing.drain import make_due
from django_henry_checkout.testing.race import RaceInTransactionError, RaceNotRunError
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Source
from tests.support.inline import BUYER, card_of

pytestmark = pytest.mark.django_db(transaction=True)

FLOWS = "django_henry_checkout.flows"


def test_a_cart_that_is_bought_between_order_and_intent_is_not_bought_twice(
    henry_sandbox: Sandbox, build_cart: Any, race: Any
) -> None:
    cart, payment = build_cart(), Payment(card=card_of("v1"))
    other = Changes(quantities={PRODUCTS[0][0]: 2})

    def competitor() -> Order:
        return buy_cart(Cart.objects.get(), BUYER, payment, changes=other)

    with (
        race(f"{FLOWS}.checkout.confirm._commit_intent", before=competitor) as running,
        pytest.raises(CheckoutError),
    ):
        buy_cart(cart, BUYER, payment)
    assert isinstance(running.result, Order)
    assert len(henry_sandbox.orders()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_return_while_a_poll_is_written_is_one_change(build_paid_order: Any, race: Any, when: str) -> None:
    build_paid_order(drained=False)

    def competitor() -> Any:
        return refresh_purchase(Purchase.objects.get(), source=Source.RETURN_PAGE)

    make_due()
    with race(f"{FLOWS}.polling.poller.apply_observation", **{when: competitor}) as running:
        poll_due()
    assert running.result.changed is (when == "before")
    assert Event.objects.filter(type="purchase_submitted").count() == 1


def test_a_competitor_runs_once_and_the_function_is_restored(race: Any) -> None:
    real, calls = outbox._describe, []
    with race(
        f"{FLOWS}.events.outbox._describe", before=lambda: calls.append(outbox._describe(ValueError()))
    ):
        assert outbox._describe(KeyError()) == "builtins.KeyError"
        assert outbox._describe(TypeError()) == "builtins.TypeError"
    assert calls == ["builtins.ValueError"]
    assert outbox._describe is real


class Shop:
    def open(self) -> str:
        return f"open {type(self).__name__}"

    @classmethod
    def count(cls) -> str:
        return f"count {cls.__name__}"

    @staticmethod
    def close() -> str:
        return "closed"


class Branch(Shop):
    pass


@pytest.mark.parametrize("name", ["open", "count", "close"])
def test_methods_of_every_kind_are_raced_and_restored(race: Any, name: str) -> None:
    before, order = dict(vars(Branch)), []
    expected = getattr(Branch(), name)()
    with race(f"{__name__}.Branch.{name}", after=lambda: order.append("competitor")):
        assert getattr(Branch(), name)() == expected
    assert order == ["competitor"]
    assert dict(vars(Branch)) == before


def test_a_race_that_did_not_run_fails_the_test(race: Any) -> None:
    with (
        pytest.raises(RaceNotRunError, match="_describe"),
        race(f"{FLOWS}.events.outbox._describe", before=list),
    ):
        pass
    with pytest.raises(ValueError, match="before or after"), race(f"{FLOWS}.events.outbox._describe"):
        pass
    with pytest.raises(AttributeError), race(f"{FLOWS}.events.outbox.no_such_function", before=list):
        pass


def test_a_race_inside_a_transaction_is_rejected(race: Any) -> None:
    ran: list[None] = []
    with (
        pytest.raises(RaceInTransactionError, match="Race elsewhere"),
        race(f"{FLOWS}.events.outbox._describe", before=lambda: ran.append(None)),
        transaction.atomic(),
    ):
        outbox._describe(KeyError())
    assert ran == []


def test_the_exception_of_a_competitor_is_raised_at_the_end_of_the_block(
    build_paid_order: Any, race: Any
) -> None:
    def competitor() -> None:
        raise LookupError("lost")

    build_paid_order(drained=False)
    make_due()
    with (
        pytest.raises(LookupError, match="lost"),
        race(f"{FLOWS}.polling.poller.apply_observation", before=competitor),
    ):
        assert poll_due() == 1
    assert Order.objects.get().status == "placed"


@pytest.mark.django_db(transaction=False)
def test_a_test_that_is_itself_a_transaction_may_race(build_paid_order: Any, race: Any) -> None:
    build_paid_order(drained=False)
    make_due()
    with race(
        f"{FLOWS}.polling.poller.claim_polls", before=lambda: claim_polls("default", limit=5)
    ) as running:
        assert poll_due() == 0
    assert len(running.result) == 1
