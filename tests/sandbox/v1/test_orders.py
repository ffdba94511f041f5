from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import MUG, Client


def test_orders_are_listed_newest_first_and_paged_by_time(sandbox: Client) -> None:
    carts = [sandbox.cart(MUG) for _ in range(5)]
    refs = [sandbox.purchase(cart_id).json()["refId"] for cart_id in carts]

    def listed(**query: Any) -> list[str]:
        response = sandbox.api("GET", "/orders", params=query).json()
        return [job["refId"] for job in response["data"]]

    assert listed() == refs[::-1]
    assert listed(limit=2) == refs[:2:-1]
    assert listed(cartId=carts[1]) == [refs[1]]
    paid = {order["refId"]: order["paidAt"] for order in sandbox.orders()}
    assert listed(limit=2, cursor=paid[refs[3]]) == [refs[2], refs[1]]
    assert listed(cursor=paid[refs[0]]) == []
    assert listed(status="complete") == []
    sandbox.advance(7)
    assert listed(status="complete") == refs[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=soon", "cartId=nope"])
def test_an_invalid_order_query_is_refused(sandbox: Client, query: str) -> None:
    assert sandbox.api("GET", f"/orders?{query}").status_code == 400
