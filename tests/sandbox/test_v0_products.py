from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import JACKET, Client, product
from tests.sandbox.v0 import add, quote


def search(sandbox: Client, **body: Any) -> Any:
    answer = sandbox.v0("POST", "/products/search", body, user="")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_search_answers_at_once(sandbox: Client) -> None:
    found = search(sandbox, query="summit shell")["data"]
    assert [each["id"] for each in found] == ["summit-shell-jacket"]
    jacket = found[0]
    assert (jacket["price"], jacket["currency"], jacket["originalPrice"]) == (189.0, "USD", "225.00")
    assert (jacket["productLink"], jacket["source"]) == (JACKET, "Fernhill Outfitters")
    assert sandbox.session.get(jacket["imageUrl"], timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"color": "pine"}, 1), ({"size": "XL"}, 1), ({"color": "Plaid"}, 0), ({"manufacturer": "Fernhill Outfitters"}, 1),
        ({"brand": "kilnandtide.example"}, 0), ({"greaterThanPrice": 189}, 1), ({"minPrice": 189.01}, 0),
        ({"lowerThanPrice": 189}, 1), ({"maxPrice": 100}, 0), ({"onSale": True}, 1),
        ({"gender": "women", "region": "Austin, Texas"}, 1),
    ],
)  # fmt: skip
def test_filters(sandbox: Client, filters: dict[str, Any], count: int) -> None:
    assert len(search(sandbox, query="shell jacket", **filters)["data"]) == count


def test_search_is_sorted_and_paged(sandbox: Client) -> None:
    first = search(sandbox, query="a", sortBy="lowToHigh", limit=3)
    second = search(sandbox, query="a", sortBy="lowToHigh", limit=3, cursor=3)
    prices = [each["price"] for each in first["data"] + second["data"]]
    assert prices == sorted(prices)
    assert first["pagination"] == {"nextCursor": 3, "previousCursor": None}
    assert second["pagination"] == {"nextCursor": 6, "previousCursor": 0}
    assert len(search(sandbox, query="a")["data"]) == 10


@pytest.mark.parametrize(
    "body",
    [{}, {"query": " "}, {"query": "x", "limit": 0}, {"query": "x", "limit": 101}, {"query": "a", "minPrice": "1"}, {"query": "x", "sortBy": "up"}, {"query": 7}],
)  # fmt: skip
def test_a_bad_search_is_refused(sandbox: Client, body: Any) -> None:
    assert sandbox.v0("POST", "/products/search", body).status_code == 400


def test_details_of_a_product(sandbox: Client) -> None:
    answer = sandbox.v0("GET", "/products/details?productId=summit-shell-jacket", user="")
    found = answer.json()["data"]["productResults"]
    assert found["title"] == "Summit Shell Jacket"
    assert found["stores"][0] == {
        "name": "Fernhill Outfitters",
        "link": JACKET,
        "price": "$189.00",
        "shipping": "$7.50",
        "total": "$196.50",
    }
    assert [variant["title"] for variant in found["variants"]] == ["Size", "Color"]
    assert sandbox.v0("GET", "/products/details?productId=nothing").status_code == 404
    assert sandbox.v0("GET", "/products/details").status_code == 400


def check(sandbox: Client, **source: Any) -> Any:
    started = sandbox.v0("POST", "/products/variant-check", {"product": source}, user="").json()
    assert started["status"] == "pending"
    path = f"/products/variant-check/{started['requestId']}"
    assert sandbox.v0("GET", path).json()["status"] == "pending"
    sandbox.advance(1)
    return sandbox.v0("GET", path).json()


def test_a_variant_is_checked(sandbox: Client) -> None:
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


def test_a_check_of_nothing_fails(sandbox: Client) -> None:
    ended = check(sandbox)
    assert (ended["status"], "data" in ended) == ("failed", False)
    assert ended["errorMessage"]
    assert sandbox.v0("GET", "/products/variant-check/none").status_code == 404
    for body in ({}, {"product": {"productLink": "x"}}, {"product": {"metadata": {"a": 1}}}):
        assert sandbox.v0("POST", "/products/variant-check", body).status_code == 400


def test_adding_to_the_cart_can_check_variants(sandbox: Client) -> None:
    wanted = [product(JACKET, productId="J", metadata={"size": "M"}), product(productId="P")]
    (started,) = add(sandbox, *wanted, checkVariantAvailability=True)["variant_checks"]
    assert (started["productId"], started["status"]) == ("J", "pending")
    sandbox.advance(1)
    token = quote(sandbox)["session_token"]
    shown = sandbox.v0("GET", "/checkout/session/products", session_token=token).json()["data"]["products"]
    assert shown[0]["variantCheck"]["requestId"] == started["variantCheckRequestId"]
    assert shown[0]["variantCheck"]["status"] == "completed"
    assert shown[0]["variantCheck"]["result"]["stockStatus"]["available"] is True
    assert shown[1]["variantCheck"] is None


def test_merchants(sandbox: Client) -> None:
    first = sandbox.v0("GET", "/merchants/list?limit=4", user="").json()["data"]
    last = sandbox.v0("GET", "/merchants/list?limit=4&page=2").json()["data"]
    assert first["pagination"] == {
        "currentPage": 1,
        "totalPages": 2,
        "totalCount": 6,
        "limit": 4,
        "hasNextPage": True,
        "hasPreviousPage": False,
    }
    assert len(first["merchants"]) + len(last["merchants"]) == 6
    assert first["merchants"][0]["domain"] == "fernhill.example"
    for path, supported in (
        ("fernhill.example", True),
        ("www.Fernhill.example", True),
        ("other.example", False),
        ("other.example?checkoutMode=blocklist", True),
    ):
        domain, _, query = path.partition("?")
        answer = sandbox.v0("GET", f"/merchants/{domain}/status?{query}").json()
        assert answer["data"] == {"merchantSupportStatus": supported}, path


def test_shipping_of_merchants(sandbox: Client) -> None:
    found = sandbox.v0("GET", "/merchants/shipping-info?domain=fernhill.example", user="").json()["data"]
    (merchant,) = found["merchants"]
    assert (found["totalCount"], found["hasMore"]) == (1, False)
    assert merchant["freeShippingThreshold"] == 150.0
    assert merchant["shippingTiers"][0] == {
        "id": f"{merchant['id']}_standard",
        "tierName": "Standard",
        "cost": 7.5,
        "estimatedDeliveryMinDays": 3,
        "estimatedDeliveryMaxDays": 5,
    }
    same = sandbox.v0("GET", f"/merchants/shipping-info?merchantId={merchant['id']}").json()["data"]
    assert same == found
    page = sandbox.v0("GET", "/merchants/shipping-info?limit=2&offset=4").json()["data"]
    assert (len(page["merchants"]), page["hasMore"], page["totalCount"]) == (2, False, 6)


@pytest.mark.parametrize(
    "path",
    ["list?limit=0", "list?page=0", "list?page=x", "list?limit=1000000001", "a_b/status", "fernhill.example/status?checkoutMode=x", "shipping-info?offset=-1", "shipping-info?domain=-"],
)  # fmt: skip
def test_a_bad_merchant_query_is_refused(sandbox: Client, path: str) -> None:
    assert sandbox.v0("GET", f"/merchants/{path}").status_code == 400
