"""Many orders at once, the order list while it shifts, and the connection that carries it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.henry import running_sandbox
from tests.sandbox.conftest import MUG, Client
from tests.sandbox.receiver import Receiver, paid, receiving


def page(sandbox: Client, **query: Any) -> list[str]:
    answer = sandbox.api("GET", "/orders", params={"limit": 100, **query})
    assert answer.status_code == 200, answer.text
    return [row["refId"] for row in answer.json()["data"]]


def test_many_orders_at_once(sandbox: Client) -> None:
    started = time.monotonic()
    made = sandbox.control("orders", {"count": 2000})
    assert time.monotonic() - started < 3
    assert [set(row) for row in made] == [{"refId", "cartId", "link"}] * 2000
    assert len({row["refId"] for row in made}) == len({row["cartId"] for row in made}) == 2000
    assert page(sandbox) == [row["refId"] for row in reversed(made[-100:])]
    one = made[7]
    assert page(sandbox, cartId=one["cartId"]) == [one["refId"]]
    shown = sandbox.status(one["refId"])
    assert (shown["status"], [row["link"] for row in shown["products"]]) == ("pending", [one["link"]])
    assert sandbox.purchase(one["cartId"]).status_code == 409
    sandbox.advance(100)
    assert {row["status"] for row in sandbox.orders()} == {"complete"}
    assert [row["refId"] for row in sandbox.orders()] == [row["refId"] for row in made]


def test_bulk_orders_obey_the_scenario_and_reach_not_into_the_future(sandbox: Client) -> None:
    sandbox.scenario(outcome="cancelled", timing={"pendingSeconds": 0, "processingSeconds": 0})
    made = sandbox.control("orders", {"count": 5000, "cartPrefix": "crt_load"})
    assert all(re.fullmatch("crt_load[A-Za-z0-9]{8}", row["cartId"]) for row in made)
    assert sandbox.status(made[-1]["refId"])["status"] == "cancelled"
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
def test_a_wrong_wish_for_orders_is_refused(sandbox: Client, body: Any, name: str) -> None:
    answer = sandbox.raw("POST", "/__sandbox__/orders", json=body)
    assert answer.status_code == 400
    assert name in answer.json()["message"]
    assert sandbox.orders() == []


@pytest.mark.parametrize("generation", ["rest", "rpc"])
def test_the_list_shifts_while_somebody_pages(sandbox: Client, generation: str) -> None:
    def first_rows() -> list[str]:
        if generation == "rest":
            return page(sandbox, limit=6)
        listed = sandbox.api("POST", "/orders/fetch", {"limit": 6}).json()["data"]
        return [row["refId"] for row in listed]

    made = [row["refId"] for row in sandbox.control("orders", {"count": 6})][::-1]
    sandbox.scenario(shifts=2)
    assert first_rows() == made
    second, third = first_rows(), first_rows()
    assert second[2:] == made[:4]
    assert third[2:] == second[:4]
    assert len({*made, *second, *third}) == 6 + 2 + 2
    sandbox.scenario()
    assert first_rows()[2:] == third[:4]
    assert first_rows() == first_rows()


def test_fillers_are_no_news(sandbox: Client, receiver: Receiver) -> None:
    """They are paid orders of other carts; nobody bought them and no webhook tells of them."""
    ref = paid(sandbox, MUG)
    sandbox.scenario(shifts=3)
    page(sandbox)
    listed = page(sandbox)
    assert (len(listed), listed[3]) == (4, ref)
    assert [row["refId"] for row in sandbox.orders()] == [ref]
    everything = sandbox.raw("GET", "/__sandbox__/orders?filler=true").json()
    fillers = [row for row in everything if row.get("filler")]
    assert (len(everything), len(fillers)) == (7, 6)
    assert len({row["cartId"] for row in everything}) == 7
    assert sandbox.raw("GET", "/__sandbox__/orders?filler=1").status_code == 400
    sandbox.advance(1000)
    assert sandbox.status(fillers[0]["refId"])["status"] == "complete"
    sandbox.control("webhooks")
    assert {hook.json["data"]["refId"] for hook in receiver.wait(4)} == {ref}


def test_a_refused_page_shifts_nothing(sandbox: Client) -> None:
    sandbox.scenario(shifts=3)
    assert sandbox.api("GET", "/orders", params={"limit": 0}).status_code == 400
    assert page(sandbox) == []
    assert len(page(sandbox)) == 3
    assert sandbox.raw("POST", "/__sandbox__/scenario", json={"shifts": 101}).status_code == 400


def test_a_cursor_reaches_every_order_of_a_long_list(sandbox: Client) -> None:
    made = sandbox.control("orders", {"count": 250})
    times = {row["refId"]: row["paidAt"] for row in sandbox.orders()}
    got: list[str] = []
    rows = page(sandbox)
    while rows:
        got += rows
        rows = page(sandbox, cursor=times[rows[-1]])
    assert got == [row["refId"] for row in reversed(made)]
    assert page(sandbox, cartId=made[0]["cartId"], cursor=times[made[0]["refId"]]) == []


def test_a_purchase_is_written_anew_when_it_looks_otherwise(sandbox: Client) -> None:
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0}, outcome="failed")
    ref = paid(sandbox, MUG)
    assert [sandbox.status(ref)["status"] for _ in range(2)] == ["failed"] * 2
    sandbox.scenario(dialect="four")
    assert sandbox.status(ref)["status"] == "complete"
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0})
    ref = paid(sandbox, MUG)
    assert {"serviceFee"} < set(sandbox.status(ref)["result"]["costs"])
    rpc = sandbox.api("POST", "/cart/purchase/status", {"refId": ref}).json()
    assert "commissionFee" in rpc["result"]["costs"]
    sandbox.scenario(fees="commission")
    assert "commissionFee" in sandbox.status(ref)["result"]["costs"]


def test_what_other_tests_ask_of_a_sandbox() -> None:
    """The methods of `tests.henry` for orders and webhooks."""
    with running_sandbox() as henry, receiving() as receiver:
        henry.scenario(timing={"pendingSeconds": 100})
        henry.webhooks([receiver.entry(everyCart=True)])
        made = henry.make_orders(3, cartPrefix="abc")
        rows = henry.wait_for_webhooks()
        assert rows == henry.webhook_log()
        assert {row["refId"] for row in rows} == {row["refId"] for row in made}
        assert {hook.json["data"]["status"] for hook in receiver.got} == {"pending"}
        receiver.answers = [500]
        assert henry.send_webhook(refId=made[0]["refId"], times=2) == [500, 200]
