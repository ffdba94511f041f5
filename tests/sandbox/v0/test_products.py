from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import JACKET, Client


def search(sandbox: Client, **body: Any) -> Any:
    response = sandbox.v0("POST", "/products/search", body, user="")
    assert response.status_code == 200, response.text
    return response.json()


def test_search_returns_results_at_once(sandbox: Client) -> None:
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
def test_search_filters(sandbox: Client, filters: dict[str, Any], count: int) -> None:
    assert len(search(sandbox, query="shell jacket", **filters)["data"]) == count


def test_search_results_are_sorted_and_paged(sandbox: Client) -> None:
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
def test_an_invalid_search_is_refused(sandbox: Client, body: Any) -> None:
    assert sandbox.v0("POST", "/products/search", body).status_code == 400


def test_product_details(sandbox: Client) -> None:
    response = sandbox.v0("GET", "/products/details?productId=summit-shell-jacket", user="")
    found = response.json()["data"]["productResults"]
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
