"""Calls of early v1 that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import MUG, Client, buyer


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cart/create", {}),
        ("/cart/create", {"items": [{"link": MUG, "variant": 7}]}),
        ("/cart/create", {"items": [{"link": MUG, "shippingOption": "express"}]}),
        ("/cart/create", {"items": [{"link": "x"}]}),
        ("/cart/create", {"items": ["x"]}),
        ("/cart/fetch", {}),
        ("/cart/fetch", {"cartId": "nope"}),
        ("/cart/add-item", {"cartId": "3fa85f64-5717-4562-b3fc-2c963f66afa6"}),
        ("/cart/purchase", {"buyer": {}}),
        ("/cart/details/status", {}),
        ("/cart/purchase/status", {}),
        ("/orders/fetch", {"limit": 0}),
        ("/orders/fetch", {"limit": "5"}),
        ("/orders/fetch", {"cartId": "nope"}),
        ("/orders/fetch", {"cursor": "soon"}),
        ("/merchants/fetch", {"limit": 101}),
        ("/merchants/fetch", {"name": ""}),
        ("/merchants/fetch", {"categories": []}),
        ("/merchants/fetch", {"categories": ["apparel"]}),
        ("/merchants/fetch", {"cursor": "x"}),
    ],
)
def test_an_invalid_call_is_refused(sandbox: Client, path: str, body: Any) -> None:
    response = sandbox.api("POST", path, body)
    assert response.status_code == 400, response.text
    assert response.json()["success"] is False


def test_unknown_ids_keys_and_methods(sandbox: Client) -> None:
    unknown = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    for path in ("fetch", "delete", "purchase", "details"):
        body = {"cartId": unknown, "buyer": {**buyer()}}
        assert sandbox.api("POST", f"/cart/{path}", body).status_code == 404, path
    assert sandbox.api("POST", "/cart/purchase/status", {"refId": "x"}).status_code == 404
    for path in ("create", "fetch", "add-item", "purchase", "details/status"):
        assert sandbox.api("POST", f"/cart/{path}", {}, headers={}).status_code == 401
        refused = sandbox.api("GET", f"/cart/{path}")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
