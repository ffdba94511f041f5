"""Calls of early v1."""

from __future__ import annotations

from typing import Any

from tests.sandbox.client import MUG, Client, buyer


def call(sandbox: Client, path: str, **body: Any) -> Any:
    response = sandbox.api("POST", path, body)
    assert response.status_code == 200, response.text
    return response.json()


def cart(sandbox: Client, *items: Any, **more: Any) -> str:
    chosen = [item if isinstance(item, dict) else {"link": item} for item in items or (MUG,)]
    return str(call(sandbox, "/cart/create", items=chosen, **more)["data"]["cartId"])


def buy(sandbox: Client, cart_id: str, token: str = "card_test_pays", **more: Any) -> Any:
    return call(sandbox, "/cart/purchase", cartId=cart_id, buyer=buyer(token), **more)


def status(sandbox: Client, ref_id: str) -> Any:
    return call(sandbox, "/cart/purchase/status", refId=ref_id)
