"""Hosted checkout, its token, and orders over JSON, against the real sandbox."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import BOOTS, MUG, Api, assert_problem, guest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def begin(holder: Api, cart: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = holder("POST", "cart/checkout", {"cartId": cart["cartId"], **more})
    assert answer.status_code == 201, answer.content
    content: dict[str, Any] = answer.json()
    return content


def finish(sandbox: Sandbox) -> None:
    sandbox.advance(60)
    for _round in range(4):
        run_once()


def test_a_whole_purchase_over_json(sandbox: Sandbox) -> None:
    holder, cart = guest(BOOTS, MUG)
    begun = begin(holder, cart, theme="dark")
    url = urlsplit(begun["checkoutUrl"])
    query = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}" == sandbox.url
    assert query["theme"] == ["dark"]
    assert begun["sessionToken"] in query["returnUrl"][0]
    order_path = f"orders/{begun['orderId']}"
    assert holder("GET", order_path).json()["status"] == "open"

    sandbox.pay(Order.objects.get().henry_cart_id)
    finish(sandbox)

    order = holder("GET", order_path).json()
    assert (order["status"], order["isTerminal"], order["orderNumber"]) == (
        "completed",
        True,
        begun["orderNumber"],
    )
    assert [item["status"] for item in order["items"]] == ["bought", "bought"]
    assert order["totals"]["total"]["currency"] == "USD"
    assert all(item["confirmationNumber"] for item in order["items"])
    events = holder("GET", f"{order_path}/events").json()["events"]
    assert [event["type"] for event in events][:2] == ["checkout_started", "purchase_submitted"]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    later = holder("GET", f"{order_path}/events?after={len(events) - 1}").json()["events"]
    assert [event["sequence"] for event in later] == [len(events)]
    assert [row["orderId"] for row in holder("GET", "orders").json()["orders"]] == [begun["orderId"]]
    assert "shopper@" not in holder("GET", order_path).content.decode()


def test_umbracos_token_leads_to_the_payment_page(sandbox: Sandbox, client: Any) -> None:
    holder, cart = guest(BOOTS)
    order = begin(holder, cart)
    first = holder("GET", f"checkout/{order['orderId']}/token").json()
    second = holder("GET", f"checkout/{order['orderId']}/token").json()
    assert second["orderNumber"] == order["orderNumber"]
    assert second["payUrl"].endswith(f"/henry/api/v1/checkout/{order['orderId']}/pay/{second['token']}")
    assert client.get(urlsplit(second["payUrl"]).path).status_code == 200
    assert client.get(urlsplit(first["payUrl"]).path).status_code == 410
    sandbox.pay(Order.objects.get().henry_cart_id)
    finish(sandbox)
    assert_problem(holder("GET", f"checkout/{order['orderId']}/token"), 400, "order_not_open")
    assert len(sandbox.orders()) == 1


def test_beginning_again_goes_on_with_the_order(sandbox: Sandbox) -> None:
    holder, cart = guest(BOOTS)
    assert begin(holder, cart)["orderId"] == begin(holder, cart)["orderId"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid"),
        ({"cartId": "nonsense"}, 404, "cart_not_found"),
        ({"cartId": "01J00000000000000000000000"}, 404, "cart_not_found"),
        ({"cartId": "01J00000000000000000000000", "theme": "pink"}, 422, "invalid"),
    ],
)
def test_bad_input_is_a_problem(sandbox: Sandbox, body: dict[str, Any], status: int, code: str) -> None:
    holder, _cart = guest(BOOTS)
    assert_problem(holder("POST", "cart/checkout", body), status, code)


def test_an_empty_cart_is_a_problem(sandbox: Sandbox) -> None:
    holder, cart = guest()
    assert_problem(holder("POST", "cart/checkout", {"cartId": cart["cartId"]}), 409, "cart_empty")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"fault": "status", "status": 500}, 503, "henry_unavailable"),
        ({"fault": "status", "status": 401}, 503, "not_configured"),
        ({"fault": "status", "status": 422}, 422, "henry_rejected"),
        ({"fault": "status", "status": 429}, 503, "henry_rate_limited"),
        ({"fault": "reset"}, 503, "henry_unavailable"),
        ({"fault": "garbage", "kind": "truncated"}, 502, "henry_bad_response"),
        (
            {
                "fault": "body",
                "status": 200,
                "json": {"data": {"cartId": "c", "checkoutUrl": "https://evil.example"}},
            },
            502,
            "untrusted_checkout_url",
        ),
    ],
)
def test_trouble_at_henry_is_a_problem_and_writes_nothing(
    sandbox: Sandbox, fault: dict[str, Any], status: int, code: str
) -> None:
    holder, cart = guest(BOOTS)
    sandbox.scenario(faults=[fault])
    answer = holder("POST", "cart/checkout", {"cartId": cart["cartId"]})
    assert_problem(answer, status, code)
    assert not Order.objects.exists()
    assert begin(holder, cart)["orderId"]


def test_orders_are_paged(sandbox: Sandbox) -> None:
    holder, cart = guest(BOOTS)
    for number in range(3):
        begin(holder, cart)
        holder("POST", f"cart/{cart['cartId']}/item", {"item": {**MUG, "quantity": number + 1}})
    first = holder("GET", "orders?limit=2").json()
    second = holder("GET", f"orders?limit=2&cursor={first['nextCursor']}").json()
    assert (len(first["orders"]), len(second["orders"]), second["nextCursor"]) == (2, 1, None)
    assert holder("GET", "orders?status=completed").json()["orders"] == []
    for query in ("limit=0", "limit=101", "limit=x", "cursor=forged"):
        assert_problem(holder("GET", f"orders?{query}"), 422, "invalid")


@pytest.mark.parametrize("lines", [1, 50])
def test_calls_cost_the_same_for_one_line_and_for_fifty(
    sandbox: Sandbox, lines: int, django_assert_num_queries: Any
) -> None:
    items = [{**BOOTS, "link": f"https://alpine.example/products/{number}"} for number in range(lines)]
    holder, cart = guest(*items)
    with django_assert_num_queries(18):
        order = begin(holder, cart)
    with django_assert_num_queries(3):
        holder("GET", f"orders/{order['orderId']}")
    with django_assert_num_queries(2):
        holder("GET", "orders")
