from __future__ import annotations

import pytest

from tests.sandbox.client import Client


def test_merchants_can_be_listed(sandbox: Client) -> None:
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
        response = sandbox.v0("GET", f"/merchants/{domain}/status?{query}").json()
        assert response["data"] == {"merchantSupportStatus": supported}, path


def test_shipping_options_of_merchants_can_be_listed(sandbox: Client) -> None:
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
def test_an_invalid_merchant_query_is_refused(sandbox: Client, path: str) -> None:
    assert sandbox.v0("GET", f"/merchants/{path}").status_code == 400
