"""Benchmarks insert rows without the models: the rows must fit the current tables."""

from __future__ import annotations

import pytest

from benchmarks import rows
from django_henry_checkout.flows.order.history import get_history
from django_henry_checkout.flows.polling.claims import claim_polls
from django_henry_checkout.models import Order, OrderBuyer, Purchase

pytestmark = pytest.mark.django_db(transaction=True)


def test_purchases_can_be_followed() -> None:
    rows.make_purchases(ended=7, open_=5)
    rows.know_answers()
    rows.make_due()
    assert Purchase.objects.filter(status="complete").count() == 7
    assert {poll.status for poll in claim_polls("default", limit=10)} == {"processing"}
    assert claim_polls("default", limit=10) == []


def test_orders_can_be_shown() -> None:
    rows.make_orders(1000)
    assert (Order.objects.count(), OrderBuyer.objects.count()) == (1000, 1000)
    assert len(get_history(Order.objects.get(pk=500)).entries) == 4
    rows.clear()
    assert not Order.objects.exists()
