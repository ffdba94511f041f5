"""Orders created in bulk, and the order list while it shifts."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from django_henry_checkout.testing.sandbox import running_sandbox
from tests.sandbox.client import MUG, Client
from tests.sandbox.receiver import Receiver, pay_cart, running_receiver


def list_refs(sandbox: Client, **query: Any) -> list[str]:
    response = sandbox.api("GET", "/orders", params={"limit": 100, **query})
    assert response.status_code == 200, response.text
    return [row["refId"] for row in response.json()["data"]]


def test_many_orders_can_be_created_at_once(sandbox: Client) -> None:
    started = time.monotonic()
    created = sandbox.control("orders", {"count": 2000})
    assert time.monotonic() - started < 3
    assert [set(row) for row in created] == [{"refId", "cartId", "link"}] * 2000
    assert len({row["refId"] for row in created}) == len({row["cartId"] for row in created}) == 2000
    assert list_refs(sandbox) == [row["refId"] for row in reversed(created[-100:])]
    sample = created[7]
    assert list_refs(sandbox, cartId=sample["cartId"]) == [sample["refId"]]
    purchase = sandbox.status(sample["refId"])
    assert (purchase["status"], [row["link"] for row in purchase["products"]]) == (
        "pending",
        [sample["link"]],
    )
    assert sandbox.purchase(sample["cartId"]).status_code == 409
    sandbox.advance(100)
    assert {row["status"] for row in sandbox.orders()} == {"complete"}
    assert [row["refId"] for row in sandbox.orders()] == [row["refId"] for row in created]


def test_bulk_orders_follow_the_scenario(sandbox: Client) -> None:
    sandbox.scenario(outcome="cancelled", timing={"pendingSeconds": 0, "processingSeconds": 0})
    created = sandbox.control("orders", {"count": 5000, "cartPrefix": "crt_load"})
    assert all(re.fullmatch("crt_load[A-Za-z0-9]{8}", row["cartId"]) for row in created)
    assert sandbox.status(created[-1]["refId"])["status"] == "cancelled"
    assert sandbox.purchase(sandbox.cart(MUG)).json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "count"),
        ({"count": 0}, "count"),
        ({"count": 20_001}, "count"),
        ({"count": "5"}, "count"),
        ({"count": 1, "cartPrefix": "crt_1234567"}, "cartPrefix"),
        ({"count": 1, "cartPrefix": "a-b"}, "cartPrefix"),
        ({"count": 1, "cartPrefix": 7}, "cartPrefix"),
        ({"count": 1, "link": MUG}, "link"),
    ],
)
def test_an_invalid_request_for_orders_is_refused(sandbox: Client, body: Any, name: str) -> None:
    response = sandbox.raw("POST", "/__sandbox__/orders", json=body)
    assert response.status_code == 400
    assert name in response.json()["message"]
    assert sandbox.orders() == []


@pytest.mark.parametrize("generation", ["rest", "rpc"])
def test_the_order_list_shifts_between_pages(sandbox: Client, generation: str) -> None:
    def first_rows() -> list[str]:
        if generation == "rest":
            return list_refs(sandbox, limit=6)
        listed = sandbox.api("POST", "/orders/fetch", {"limit": 6}).json()["data"]
        return [row["refId"] for row in listed]

    created = [row["refId"] for row in sandbox.control("orders", {"count": 6})][::-1]
    sandbox.scenario(shifts=2)
    assert first_rows() == created
    second, third = first_rows(), first_rows()
    assert second[2:] == created[:4]
    assert third[2:] == second[:4]
    assert len({*created, *second, *third}) == 6 + 2 + 2
    sandbox.scenario()
    assert first_rows()[2:] == third[:4]
    assert first_rows() == first_rows()


def test_fillers_send_no_webhooks(sandbox: Client, receiver: Receiver) -> None:
    """Fillers are paid orders of other carts, which no client requested."""
    ref = pay_cart(sandbox, MUG)
    sandbox.scenario(shifts=3)
    list_refs(sandbox)
    listed = list_refs(sandbox)
    assert (len(listed), listed[3]) == (4, ref)
    assert [row["refId"] for row in sandbox.orders()] == [ref]
    all_orders = sandbox.raw("GET", "/__sandbox__/orders?filler=true").json()
    fillers = [row for row in all_orders if row.get("filler")]
    assert (len(all_orders), len(fillers)) == (7, 6)
    assert len({row["cartId"] for row in all_orders}) == 7
    assert sandbox.raw("GET", "/__sandbox__/orders?filler=1").status_code == 400
    sandbox.advance(1000)
    assert sandbox.status(fillers[0]["refId"])["status"] == "complete"
    sandbox.control("webhooks")
    assert {webhook.json["data"]["refId"] for webhook in receiver.wait(4)} == {ref}


def test_a_refused_page_does_not_shift_the_list(sandbox: Client) -> None:
    sandbox.scenario(shifts=3)
    assert sandbox.api("GET", "/orders", params={"limit": 0}).status_code == 400
    assert list_refs(sandbox) == []
    assert len(list_refs(sandbox)) == 3
    assert sandbox.raw("POST", "/__sandbox__/scenario", json={"shifts": 101}).status_code == 400


def test_a_cursor_reaches_every_order_of_a_long_list(sandbox: Client) -> None:
    created = sandbox.control("orders", {"count": 250})
    paid_at = {row["refId"]: row["paidAt"] for row in sandbox.orders()}
    listed: list[str] = []
    rows = list_refs(sandbox)
    while rows:
        listed += rows
        rows = list_refs(sandbox, cursor=paid_at[rows[-1]])
    assert listed == [row["refId"] for row in reversed(created)]
    assert list_refs(sandbox, cartId=created[0]["cartId"], cursor=paid_at[created[0]["refId"]]) == []


def test_cached_purchases_follow_the_scenario(sandbox: Client) -> None:
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0}, outcome="failed")
    ref = pay_cart(sandbox, MUG)
    assert [sandbox.status(ref)["status"] for _ in range(2)] == ["failed"] * 2
    sandbox.scenario(dialect="four")
    assert sandbox.status(ref)["status"] == "complete"
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0})
    ref = pay_cart(sandbox, MUG)
    assert {"serviceFee"} < set(sandbox.status(ref)["result"]["costs"])
    rpc = sandbox.api("POST", "/cart/purchase/status", {"refId": ref}).json()
    assert "commissionFee" in rpc["result"]["costs"]
    sandbox.scenario(fees="commission")
    assert "commissionFee" in sandbox.status(ref)["result"]["costs"]


def test_the_shared_client_creates_orders_and_sends_webhooks() -> None:
    """Check the methods of `testing.Sandbox` for orders and webhooks."""
    with running_sandbox() as henry, running_receiver() as receiver:
        henry.scenario(timing={"pendingSeconds": 100})
        henry.set_webhook_endpoints([receiver.endpoint(everyCart=True)])
        created = henry.make_orders(3, cartPrefix="abc")
        henry.wait_for_webhooks()
        rows = henry.webhook_log()
        assert {row["refId"] for row in rows} == {row["refId"] for row in created}
        assert {webhook.json["data"]["status"] for webhook in receiver.received} == {"pending"}
        receiver.next_statuses = [500]
        assert henry.send_webhook(refId=created[0]["refId"], times=2) == [500, 200]
