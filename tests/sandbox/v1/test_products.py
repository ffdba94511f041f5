from __future__ import annotations

from tests.sandbox.client import JACKET, Client


def test_search_and_product_details(sandbox: Client) -> None:
    body = {"type": "global", "filters": {"type": "text", "query": "coffee", "sortBy": "price-low-to-high"}}
    job = sandbox.api("POST", "/product/search", {**body, "limit": 2}).json()
    assert job["status"] == "pending"
    sandbox.advance(1)
    ended = sandbox.api("GET", f"/product/search/status?refId={job['refId']}").json()
    found = ended["result"]["products"]
    assert [each["price"]["value"] for each in found] == sorted(each["price"]["value"] for each in found)
    assert len(found) == 2
    assert ended["result"]["pagination"] == {"nextCursor": 2, "previousCursor": None}
    job = sandbox.api("POST", "/product/details", {"link": JACKET, "mode": "sync"}).json()
    options = job["result"]["options"]
    assert (options["label"], options["values"][0]["nextOption"]["label"]) == ("Size", "Color")
    assert sandbox.api("POST", "/product/search", {"type": "global", "filters": {}}).status_code == 400
