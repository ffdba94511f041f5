"""Rows 58 and 59: what people take out of the shop, and what they have it forget."""

from __future__ import annotations

import csv
import io
import threading
from typing import Any

import pytest
from django.db import connection

from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.operations.privacy import erase_buyer
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.flows.order.export import orders_as_csv
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.purchase.lifecycle import fetch_observation
from django_henry_checkout.models import Order, OrderBuyer, Purchase
from django_henry_checkout.testing.builders import build_cart, build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Source
from tests.support.inline import BUYER, fresh
from tests.support.orders import doubtful_order, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

ROUNDS = 10


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"])
def test_fault_58_no_cell_of_an_export_is_a_formula(sandbox: Sandbox, text: str) -> None:
    order = build_paid_order(sandbox)
    OrderBuyer.objects.filter(order=order).update(last_name=text, first_name=f" {text}")
    Order.objects.update(account=text)
    exported = "".join(orders_as_csv(Order.objects.all(), with_buyers=True))
    (row,) = csv.DictReader(io.StringIO(exported.removeprefix("\ufeff"), newline=""))
    assert (row["last_name"], row["account"]) == (f"'{text}", f"'{text}")
    assert row["first_name"] == f"' {text}"
    assert not [cell for cell in row.values() if cell.strip()[:1] in {"=", "+", "@", "\uff1d"}]


def test_fault_59_a_buyer_is_erased_while_the_purchase_is_in_doubt(sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox, is_bought=True)
    email = order.buyer.email
    assert erase_buyer(email, by="staff:ada").orders == 1
    settle(sandbox)
    order.refresh_from_db()
    assert order.status == "completed"
    assert order.buyer_erased_at is not None
    assert not OrderBuyer.objects.exists()
    assert len(sandbox.orders()) == 1


def test_fault_59_erasing_and_what_henry_tells_at_the_same_moment(sandbox: Sandbox) -> None:
    for number in range(ROUNDS):
        order = build_paid_order(sandbox, drained=False)
        poll_due()
        email = OrderBuyer.objects.get(order=order).email
        sandbox.advance(60)
        purchase = Purchase.objects.get(order=order)
        observation = fetch_observation(purchase)
        assert observation is not None
        assert observation.buyer is not None
        at_once(
            lambda email=email: erase_buyer(email, by="staff:ada"),
            lambda purchase=purchase, observation=observation: apply_observation(
                purchase, observation, source=Source.POLL
            ),
        )
        run_once()
        assert not OrderBuyer.objects.exists(), number


def test_fault_59_who_has_not_paid_yet_may_go_on(sandbox: Sandbox) -> None:
    begun = begin_inline(build_cart())
    set_buyer(fresh(begun.session), lambda _known: BUYER, strict=True)
    erase_buyer(BUYER.email, by="staff:ada")
    assert Order.objects.get().buyer_erased_at is None
    set_buyer(fresh(begun.session), lambda _known: BUYER, strict=True)
    assert OrderBuyer.objects.get().email == BUYER.email


def at_once(*works: Any) -> None:
    """Run these in threads of their own that start together; raise what one of them raised."""
    barrier, errors = threading.Barrier(len(works)), []

    def run(work: Any) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(20)
            work()
        except Exception as error:  # raised below, in the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
