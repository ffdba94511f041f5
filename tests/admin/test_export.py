"""Export of orders as CSV: amounts, times, and buyer columns by permission."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_henry_checkout.flows.order import export
from django_henry_checkout.flows.order.export import COLUMNS, orders_as_csv
from django_henry_checkout.models import Order
from django_henry_checkout.testing.builders import build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def download(client: Client, *orders: Order) -> Any:
    form = {"action": "export_csv", "_selected_action": [order.pk for order in orders]}
    return client.post(reverse("admin:henry_checkout_order_changelist"), form)


def test_amounts_are_exact_and_times_have_a_zone(sandbox: Sandbox, staff: Client) -> None:
    order = build_paid_order(sandbox)
    response = download(staff, order)
    (row,) = rows_of(response.getvalue().decode())
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (row["number"], row["status"], row["currency"]) == (order.number, "completed", "USD")
    assert row["total"] == f"{order.total_amount:f}"
    assert row["created_at"].endswith("+00:00")
    assert row["email"] == order.buyer.email


def test_without_the_permission_there_are_no_buyer_columns(
    sandbox: Sandbox, person: Callable[..., Client]
) -> None:
    order = build_paid_order(sandbox)
    (row,) = rows_of(download(person(), order).getvalue().decode())
    assert tuple(row) == COLUMNS


def test_many_orders_are_read_in_batches_up_to_a_limit(
    sandbox: Sandbox, db: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    orders = [Order.objects.create(account="default") for _order in range(7)]
    monkeypatch.setattr(export, "BATCH_SIZE", 3)
    with django_assert_num_queries(3):
        rows = rows_of("".join(orders_as_csv(Order.objects.all(), with_buyers=True)))
    assert [row["number"] for row in rows] == [order.number for order in reversed(orders)]
    monkeypatch.setattr(export, "MAX_ROWS", 4)
    assert len(rows_of("".join(orders_as_csv(Order.objects.all(), with_buyers=False)))) == 4
