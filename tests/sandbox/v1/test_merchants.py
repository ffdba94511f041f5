from __future__ import annotations

from tests.sandbox.client import Client


def test_merchants_can_be_listed_and_searched(sandbox: Client) -> None:
    assert len(sandbox.api("GET", "/merchants").json()["data"]) == 6
    for query, count in (
        ("limit=2", 2), ("name=FERN", 1), ("host=fernhill.example", 1), ("categories=food,sports_and_outdoor", 2),
        ("categories=food&categories=travel", 1), ("checkoutCoverage=testing", 0), ("checkoutCoverage=supported", 6),
    ):  # fmt: skip
        assert len(sandbox.api("GET", f"/merchants?{query}").json()["data"]) == count, query
    one = sandbox.api("GET", "/merchants/fernhill.example").json()["data"]
    assert one["searchFilters"]["Color"][:2] == ["Pine", "Slate"]
    assert one["checkoutCoverage"] == "supported"
    assert [each["host"] for each in sandbox.api("GET", "/merchants/search?q=hill").json()["data"]] == [
        "fernhill.example"
    ]
    assert sandbox.api("GET", "/merchants/unknown.example").status_code == 404
    for query in ("?limit=0", "?checkoutCoverage=x", "?categories=x", "/search", "/search?q=%20"):
        assert sandbox.api("GET", f"/merchants{query}").status_code == 400, query
