"""The log of requests, which other tests search for leaked secrets."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.client import CARD, KEY, MUG, Client, product
from tests.sandbox.pages.forms import VALID_CARD, CheckoutPage, create_card_link
from tests.sandbox.v0.calls import add, link_of

REFERER = "https://shop.example/henry/frame/a%20ticket?secret=s3&b=ü"
FIELDS = {
    "method", "path", "query", "status", "at", "apiKeyOk", "bodyKeys", "referer", "userAgent", "fault",
}  # fmt: skip


def list_requests(sandbox: Client) -> Any:
    return sandbox.control("requests")


@pytest.mark.parametrize(
    "path", ["/", "/cart/{cart}", "/cart/{cart}/closed", "/wallet/card", "/wallet/card/closed", "/elements/card", "/static/base.css", "/pictures/shoreline-mug.svg", "/favicon.ico", "/nowhere", "/v1/orders", "/v1/nowhere", "/v0/cart/items"]
)  # fmt: skip
def test_each_request_is_recorded_with_query_and_referer(sandbox: Client, path: str) -> None:
    path = path.format(cart=sandbox.cart(MUG))
    query = "theme=dark&returnUrl=https%3A%2F%2Fshop.example%2F%3Ft%3Dabc+d&empty=&x=%C3%BC"
    sandbox.raw("GET", f"{path}?{query}", headers={"Referer": REFERER.encode("latin-1")})
    entry = list_requests(sandbox)[-1]
    assert set(entry) == FIELDS
    assert (entry["path"], entry["query"], entry["referer"]) == (path, query, REFERER)


def test_a_missing_query_and_referer_are_empty(sandbox: Client) -> None:
    sandbox.raw("HEAD", f"/cart/{sandbox.cart(MUG)}")
    entry = list_requests(sandbox)[-1]
    assert (entry["method"], entry["query"], entry["referer"]) == ("HEAD", "", "")


def test_posts_of_pages_are_recorded_without_values(sandbox: Client) -> None:
    sandbox.session.headers["Referer"] = REFERER.encode("latin-1")
    paid = CheckoutPage(sandbox, sandbox.cart(MUG), returnUrl="https://shop.example/back").post()
    sandbox.raw("GET", paid.headers["Location"])
    url = create_card_link(sandbox)
    token = url.partition("?")[2]
    sandbox.session.post(url, data=VALID_CARD, timeout=5)
    add(sandbox, product())
    sandbox.session.get(link_of(sandbox), timeout=5)
    rows = [row for row in list_requests(sandbox) if not row["path"].startswith(("/v1/", "/v0/"))]
    assert len(rows) == 6
    assert {row["referer"] for row in rows[:4]} == {REFERER}
    assert [row["query"] for row in rows[:3]] == ["returnUrl=https%3A%2F%2Fshop.example%2Fback"] * 3
    # The card page, the page it redirects to, and the checkout link.
    assert [row["query"] == token for row in rows[3:]] == [True, False, False]
    assert rows[4]["query"] == f"{token}&saved=1"
    assert rows[5]["query"].startswith("session=")
    posted = next(row for row in rows if row["method"] == "POST")
    assert {"card_number", "email"} <= set(posted["bodyKeys"])
    text = sandbox.raw("GET", "/__sandbox__/requests").text
    for value in (CARD, "4242 4242 4242 4242", "04 / 39", "Lovelace", "ada@shop.example"):
        assert value not in text


def test_a_request_with_a_fault_is_recorded(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("reset", path="/cart/*")
    with pytest.raises(requests.ConnectionError):
        sandbox.raw("GET", f"/cart/{cart_id}?a=1", headers={"Referer": "https://shop.example/"})
    entry = list_requests(sandbox)[-1]
    assert (entry["query"], entry["referer"], entry["fault"]) == ("a=1", "https://shop.example/", "reset")


def test_the_api_key_is_not_recorded(sandbox: Client) -> None:
    sandbox.purchase(sandbox.cart(MUG))
    sandbox.v0("GET", "/cart/items")
    sandbox.api("GET", "/orders", headers={"x-api-key": f"{KEY}-of-another-account"})
    assert [row["apiKeyOk"] for row in list_requests(sandbox)] == [True, True, True, False]
    assert KEY not in sandbox.raw("GET", "/__sandbox__/requests").text


def test_a_leaked_api_key_is_recorded(sandbox: Client) -> None:
    """A key in a URL is a leak, which must stay visible."""
    sandbox.raw("GET", f"/nowhere?key={KEY}", headers={"Referer": f"https://shop.example/?key={KEY}"})
    entry = list_requests(sandbox)[-1]
    assert KEY in entry["query"]
    assert KEY in entry["referer"]
