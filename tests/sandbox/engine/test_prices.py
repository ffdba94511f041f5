"""A price that the scenario changes holds for what is priced from then on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import ADDRESS, MUG, TEAPOT, Client, Process, product
from tests.sandbox.pages.forms import Page, receipt
from tests.sandbox.v0.calls import add, confirm, link_of, pay, quote

LAMP = "https://elsewhere.example/lamp"


def quoted(sandbox: Client, cart_id: str) -> Any:
    """The subtotal of a details job of REST, as the exact text of the answer has it."""
    body = {"buyer": {"shippingAddress": ADDRESS}}
    (job,) = sandbox.api("POST", f"/cart/{cart_id}/details", body).json()["data"]["jobs"]
    sandbox.advance(1)
    text = sandbox.api("GET", f"/cart/checkout/status?refId={job['refId']}").text
    return json.loads(text, parse_float=Decimal)["result"]["items"][0]["costs"]["subtotal"]["value"]


def bought(sandbox: Client, ref_id: str) -> Any:
    sandbox.advance(7)
    text = sandbox.api("GET", f"/cart/purchase/status?refId={ref_id}").text
    return json.loads(text, parse_float=Decimal)["result"]["costs"]["subtotal"]["value"]


@pytest.mark.parametrize(
    ("given", "price"),
    [("12.34", "12.34"), ("12.3", "12.30"), ("0", "0.00"), ("5", "5.00"), (12.34, "12.34"), (7, "7.00"), (-0.0, "0.00")],
)  # fmt: skip
def test_a_price_is_text_or_a_number(sandbox: Client, given: object, price: str) -> None:
    sandbox.scenario(prices={MUG: given})
    cart_id = sandbox.cart({"link": MUG, "quantity": 2})
    assert str(quoted(sandbox, cart_id)) == str(Decimal(price) * 2)
    assert sandbox.purchase(cart_id).status_code == 200


@pytest.mark.parametrize("other", [MUG + "/", MUG + "?color=sea", MUG.replace("kiln", "KILN")])
def test_a_product_has_one_price_however_its_link_is_spelt(sandbox: Client, other: str) -> None:
    sandbox.scenario(prices={other: "3.00"})
    assert quoted(sandbox, sandbox.cart(MUG)) == Decimal("3.00")
    sandbox.scenario(prices={MUG: "4.00"})
    assert quoted(sandbox, sandbox.cart(other)) == Decimal("4.00")


def test_orders_and_quotes_from_before_keep_their_amounts(sandbox: Client) -> None:
    first, second = sandbox.cart(MUG), sandbox.cart(MUG)
    ref_id = sandbox.purchase(first).json()["refId"]
    assert quoted(sandbox, second) == Decimal("28.00")
    sandbox.scenario(prices={MUG: "40.00"})
    assert bought(sandbox, ref_id) == Decimal("28.00")
    total = sandbox.orders()[0]["total"]
    later = sandbox.purchase(second).json()["refId"]
    assert bought(sandbox, later) == Decimal("40.00")
    assert sandbox.orders()[0]["total"] == total < sandbox.orders()[1]["total"]
    # The next scenario has no prices, so the catalogue's count again.
    sandbox.scenario(outcome="complete")
    assert quoted(sandbox, sandbox.cart(MUG)) == Decimal("28.00")


def test_early_v1_prices_alike(sandbox: Client) -> None:
    items = {"items": [{"link": MUG}]}
    cart_id = sandbox.api("POST", "/cart/create", items).json()["data"]["cartId"]
    sandbox.scenario(prices={MUG: "9.99"})
    body = {"cartId": cart_id, "buyer": {"shippingAddress": ADDRESS}}
    (job,) = sandbox.api("POST", "/cart/details", body).json()["data"]["jobs"]
    sandbox.advance(1)
    ended = sandbox.api("POST", "/cart/details/status", {"refId": job["refId"]}).json()
    assert ended["result"]["items"][0]["costs"]["subtotal"]["value"] == 9.99


def test_the_price_decides_what_ships_free(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG, TEAPOT)
    sandbox.scenario(prices={TEAPOT: "500.00"})
    ref_id = sandbox.purchase(cart_id).json()["refId"]
    sandbox.advance(7)
    items = sandbox.status(ref_id)["result"]["items"]
    assert [item["costs"]["shipping"]["value"] for item in items] == [0.0, 0.0]


def test_the_hosted_page_asks_for_the_new_price(sandbox: Client) -> None:
    page = Page(sandbox, sandbox.cart(MUG))
    assert "$28.00" in page.text
    sandbox.scenario(prices={MUG: "31.50"})
    refused = page.post()
    assert refused.status_code == 422
    assert "a price changed" in refused.text
    assert "$31.50" in refused.text
    assert sandbox.orders() == []
    receipt(sandbox, Page(sandbox, page.path.rpartition("/")[2]).post())
    # 31.50 + 8.00 shipping + 2.21 tax
    assert sandbox.orders()[0]["total"] == 41.71


def test_search_and_the_catalogue_show_it(sandbox: Client) -> None:
    sandbox.scenario(prices={MUG: "1.01"})
    job = sandbox.api("POST", "/product/details", {"link": MUG, "mode": "sync"}).json()
    assert job["result"]["price"] == {"value": 1.01, "currency": "USD"}
    body = {"type": "global", "filters": {"query": "mug", "price": {"max": 2}}, "mode": "sync"}
    found = sandbox.api("POST", "/product/search", body).json()["result"]["products"]
    assert [each["link"] for each in found] == [MUG]
    (early,) = sandbox.v0("POST", "/products/search", {"query": "mug", "maxPrice": 2}).json()["data"]
    assert early["price"] == 1.01
    details = sandbox.v0("GET", "/products/details?productId=shoreline-mug").json()["data"]
    assert details["productResults"]["stores"][0]["price"] == "$1.01"
    listed = sandbox.control("catalogue")["products"]
    assert [each["price"]["value"] for each in listed if each["link"] == MUG] == [1.01]


# v0


def test_a_v0_quote_is_brought_up_to_date_and_keeps_its_session(sandbox: Client) -> None:
    add(sandbox, product(MUG, productId="P1"))
    first = quote(sandbox)
    add(sandbox, product(TEAPOT, productId="P2"))
    second = quote(sandbox)
    sandbox.scenario(prices={MUG: "38.00"})
    third = quote(sandbox)
    sandbox.v0("DELETE", "/cart/items/P1")
    fourth = quote(sandbox)
    assert len({each["session_token"] for each in (first, second, third, fourth)}) == 1
    totals = [each["order_metadata"]["total_price"] for each in (first, second, third, fourth)]
    assert totals == [37.96, 119.28, 129.98, 89.32]


@pytest.mark.parametrize("requote", [False, True])
def test_a_v0_confirm_takes_the_price_of_its_moment(sandbox: Client, requote: bool) -> None:
    sandbox.control("card", {"userId": "ada"})
    add(sandbox, product(MUG))
    before = quote(sandbox)
    sandbox.scenario(prices={MUG: "40.00"})
    after = quote(sandbox) if requote else before
    placed = confirm(sandbox, before["session_token"]).json()["data"]
    # 40.00 + 8.00 shipping + 2.80 tax
    assert (placed["subtotal"], placed["grandTotal"]) == ("40.00", "50.80")
    assert (after["order_metadata"]["total_price"] == 50.80) is requote
    sandbox.scenario(prices={MUG: "1.00"})
    again = confirm(sandbox, before["session_token"]).json()["data"]
    assert again == placed
    assert sandbox.v0("GET", f"/orders/{placed['id']}").json()["data"]["grandTotal"] == "50.80"


def test_a_v0_confirm_takes_the_cart_of_its_moment(sandbox: Client) -> None:
    sandbox.control("card", {"userId": "ada"})
    add(sandbox, product(MUG, productId="P1"))
    token = quote(sandbox)["session_token"]
    add(sandbox, product(TEAPOT, productId="P2"))
    placed = confirm(sandbox, token).json()["data"]
    assert [each["productName"] for each in placed["products"]] == ["Shoreline Mug", "Harbour Teapot"]


def test_a_session_of_another_user_buys_nothing_at_any_price(sandbox: Client) -> None:
    for user in ("ada", "bo"):
        sandbox.control("card", {"userId": user})
        add(sandbox, product(MUG), user=user)
    token = quote(sandbox)["session_token"]
    sandbox.scenario(prices={MUG: "1.00"})
    refused = confirm(sandbox, token, user="bo")
    assert (refused.status_code, refused.json()["message"]) == (404, "Checkout session not found")
    assert sandbox.orders() == []
    assert confirm(sandbox, token).status_code == 200


def test_a_v0_link_asks_for_the_new_price_even_of_unlisted_goods(sandbox: Client) -> None:
    add(sandbox, product(LAMP, price="100.00"))
    assert quote(sandbox)["order_metadata"]["total_price"] == 114.0
    sandbox.scenario(prices={LAMP: "50.00"})
    assert quote(sandbox)["order_metadata"]["total_price"] == 60.0
    assert pay(sandbox, link_of(sandbox)).status_code == 302
    assert sandbox.orders()[0]["total"] == 60.0


@contextmanager
def started(state: Path) -> Iterator[Client]:
    running = Process("--state", str(state))
    client = Client(running.url)
    try:
        yield client
    finally:
        client.session.close()
        running.stop()


def test_prices_outlive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with started(state) as client:
        client.scenario(prices={MUG: "9.10", TEAPOT: 8.05})
    with started(state) as client:
        assert str(quoted(client, client.cart(MUG))) == "9.10"
        assert str(quoted(client, client.cart(TEAPOT))) == "8.05"
