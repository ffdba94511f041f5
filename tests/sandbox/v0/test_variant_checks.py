from __future__ import annotations

from typing import Any

from tests.sandbox.client import JACKET, Client, product
from tests.sandbox.v0.calls import add, quote


def check(sandbox: Client, **source: Any) -> Any:
    started = sandbox.v0("POST", "/products/variant-check", {"product": source}, user="").json()
    assert started["status"] == "pending"
    path = f"/products/variant-check/{started['requestId']}"
    assert sandbox.v0("GET", path).json()["status"] == "pending"
    sandbox.advance(1)
    return sandbox.v0("GET", path).json()


def test_a_variant_can_be_checked(sandbox: Client) -> None:
    ended = check(sandbox, productLink=JACKET, metadata={"size": "m", "color": "Plaid"})
    assert ended["status"] == "completed"
    assert ended["executionTimeMs"] == 500
    stock = ended["data"]["stockStatus"]
    assert stock["available"] is False
    assert stock["details"] == {
        "size": {"found": True, "inStock": True, "value": "m", "actualValue": "M"},
        "color": {"found": False, "inStock": False, "value": "Plaid"},
    }
    anywhere = check(sandbox, productLink="https://elsewhere.example/x", metadata={"size": "9"})
    assert anywhere["data"]["stockStatus"]["available"] is True
    known = check(sandbox, productId="summit-shell-jacket")
    assert known["productLink"] == JACKET


def test_a_check_without_a_product_fails(sandbox: Client) -> None:
    ended = check(sandbox)
    assert (ended["status"], "data" in ended) == ("failed", False)
    assert ended["errorMessage"]
    assert sandbox.v0("GET", "/products/variant-check/none").status_code == 404
    for body in ({}, {"product": {"productLink": "x"}}, {"product": {"metadata": {"a": 1}}}):
        assert sandbox.v0("POST", "/products/variant-check", body).status_code == 400


def test_adding_to_the_cart_can_check_variants(sandbox: Client) -> None:
    products = [product(JACKET, productId="J", metadata={"size": "M"}), product(productId="P")]
    (started,) = add(sandbox, *products, checkVariantAvailability=True)["variant_checks"]
    assert (started["productId"], started["status"]) == ("J", "pending")
    sandbox.advance(1)
    token = quote(sandbox)["session_token"]
    items = sandbox.v0("GET", "/checkout/session/products", session_token=token).json()["data"]["products"]
    assert items[0]["variantCheck"]["requestId"] == started["variantCheckRequestId"]
    assert items[0]["variantCheck"]["status"] == "completed"
    assert items[0]["variantCheck"]["result"]["stockStatus"]["available"] is True
    assert items[1]["variantCheck"] is None
