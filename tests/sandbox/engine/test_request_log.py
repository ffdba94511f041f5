"""What the sandbox writes down of each request: other tests search it for secrets that leaked."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox.conftest import CARD, KEY, MUG, Client, product
from tests.sandbox.pages.forms import GOOD, Page, modal
from tests.sandbox.v0.calls import add, link_of

REFERER = "https://shop.example/henry/frame/a%20ticket?secret=s3&b=ü"
FIELDS = {
    "method", "path", "query", "status", "at", "apiKeyOk", "bodyKeys", "referer", "userAgent", "fault",
}  # fmt: skip


def seen(sandbox: Client) -> Any:
    return sandbox.control("requests")


@pytest.mark.parametrize(
    "path", ["/", "/cart/{cart}", "/cart/{cart}/closed", "/wallet/card", "/wallet/card/closed", "/elements/card", "/static/base.css", "/pictures/shoreline-mug.svg", "/favicon.ico", "/nowhere", "/v1/orders", "/v1/nowhere", "/v0/cart/items"]
)  # fmt: skip
def test_every_request_leaves_its_query_and_its_referer(sandbox: Client, path: str) -> None:
    path = path.format(cart=sandbox.cart(MUG))
    query = "theme=dark&returnUrl=https%3A%2F%2Fshop.example%2F%3Ft%3Dabc+d&empty=&x=%C3%BC"
    sandbox.raw("GET", f"{path}?{query}", headers={"Referer": REFERER.encode("latin-1")})
    entry = seen(sandbox)[-1]
    assert set(entry) == FIELDS
    assert (entry["path"], entry["query"], entry["referer"]) == (path, query, REFERER)


def test_a_request_without_them_leaves_empty_text(sandbox: Client) -> None:
    sandbox.raw("HEAD", f"/cart/{sandbox.cart(MUG)}")
    entry = seen(sandbox)[-1]
    assert (entry["method"], entry["query"], entry["referer"]) == ("HEAD", "", "")


def test_posts_of_the_pages_leave_them_too_and_no_value(sandbox: Client) -> None:
    sandbox.session.headers["Referer"] = REFERER.encode("latin-1")
    paid = Page(sandbox, sandbox.cart(MUG), returnUrl="https://shop.example/back").post()
    sandbox.raw("GET", paid.headers["Location"])
    url = modal(sandbox)
    token = url.partition("?")[2]
    sandbox.session.post(url, data=GOOD, timeout=5)
    add(sandbox, product())
    sandbox.session.get(link_of(sandbox), timeout=5)
    rows = [row for row in seen(sandbox) if not row["path"].startswith(("/v1/", "/v0/"))]
    assert len(rows) == 6
    assert {row["referer"] for row in rows[:4]} == {REFERER}
    assert [row["query"] for row in rows[:3]] == ["returnUrl=https%3A%2F%2Fshop.example%2Fback"] * 3
    # The card page, where it leads after the card was stored, and the link of a cart.
    assert [row["query"] == token for row in rows[3:]] == [True, False, False]
    assert rows[4]["query"] == f"{token}&saved=1"
    assert rows[5]["query"].startswith("session=")
    posted = next(row for row in rows if row["method"] == "POST")
    assert {"card_number", "email"} <= set(posted["bodyKeys"])
    text = sandbox.raw("GET", "/__sandbox__/requests").text
    for value in (CARD, "4242 4242 4242 4242", "04 / 39", "Lovelace", "ada@shop.example"):
        assert value not in text


def test_a_request_that_a_fault_struck_is_there(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("reset", path="/cart/*")
    with pytest.raises(requests.ConnectionError):
        sandbox.raw("GET", f"/cart/{cart_id}?a=1", headers={"Referer": "https://shop.example/"})
    entry = seen(sandbox)[-1]
    assert (entry["query"], entry["referer"], entry["fault"]) == ("a=1", "https://shop.example/", "reset")


def test_the_api_key_is_not_kept(sandbox: Client) -> None:
    sandbox.purchase(sandbox.cart(MUG))
    sandbox.v0("GET", "/cart/items")
    sandbox.api("GET", "/orders", headers={"x-api-key": f"{KEY}-of-another-account"})
    assert [row["apiKeyOk"] for row in seen(sandbox)] == [True, True, True, False]
    assert KEY not in sandbox.raw("GET", "/__sandbox__/requests").text


def test_an_api_key_that_leaked_is_seen(sandbox: Client) -> None:
    """The header is where it belongs; in an address it is a leak, and hiding it would help nobody."""
    sandbox.raw("GET", f"/nowhere?key={KEY}", headers={"Referer": f"https://shop.example/?key={KEY}"})
    entry = seen(sandbox)[-1]
    assert KEY in entry["query"]
    assert KEY in entry["referer"]
