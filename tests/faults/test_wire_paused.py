"""Many open purchases of an account that is paused: they cost the other accounts nothing. `make bench` has ten million."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.models import AccountRateLimit, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import API_KEY, Sandbox
from tests.faults.wire import SLOW, Options, due_now, followed, options

__all__ = ["options"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True)]

MANY = 20_000


def purchases_of(account: str, count: int) -> None:
    """Open purchases that have been due for a day."""
    now = timezone.now()
    orders = Order.objects.bulk_create(Order(account=account, status="placed") for _number in range(count))
    purchases = Purchase.objects.bulk_create(
        Purchase(
            order=order,
            account=account,
            status="pending",
            ref_id=f"ckp-{account}-{number}",
            deadline_at=now + timedelta(days=1),
        )
        for number, order in enumerate(orders)
    )
    PurchasePoll.objects.bulk_create(
        PurchasePoll(purchase=each, account=account, due_at=now - timedelta(days=1)) for each in purchases
    )


def statements_of_a_round() -> list[str]:
    PurchasePoll.objects.filter(account="default").update(due_at=timezone.now())
    with CaptureQueriesContext(connection) as caught:
        assert poll_due() == 3
    return [query["sql"] for query in caught]


def test_fault_60_a_paused_account_with_many_open_purchases_holds_up_nobody(
    sandbox: Sandbox, options: Options
) -> None:
    options(ACCOUNTS={"default": {"API_KEY": API_KEY}, "uk": {"API_KEY": API_KEY}})
    sandbox.scenario(timing=SLOW)
    followed(sandbox, 3)
    due_now()
    poll_due()  # makes a row for the pace of each account
    AccountRateLimit.objects.filter(account="uk").update(paused_until=timezone.now() + timedelta(hours=1))
    alone = len(statements_of_a_round())

    purchases_of("uk", MANY)
    before = len(sandbox.requests())
    among_many = statements_of_a_round()
    assert len(among_many) == alone
    assert len(sandbox.requests()) - before == 3
    assert set(PurchasePoll.objects.filter(account="uk").values_list("fence", "attempts")) == {(0, 0)}
    assert set(PurchasePoll.objects.filter(account="default").values_list("attempts", flat=True)) == {3}

    [claim] = [sql for sql in among_many if sql.startswith("SELECT") and "due_at" in sql and "LIMIT" in sql]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {claim}" if connection.vendor == "sqlite" else f"EXPLAIN {claim}")
        plan = " ".join(str(column) for row in cursor.fetchall() for column in row)
    assert "henry_poll_due" in plan
