"""Prices of the scenario apply to everything that is priced afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.client import ADDRESS, MUG, TEAPOT, Client, SandboxProcess, product
from tests.sandbox.pages.forms import CheckoutPage, open_receipt
from tests.sandbox.v0.calls import add, confirm, link_of, pay, quote

UNLISTED = "https://elsewhere.example/lamp"


def quote_subtotal(sandbox: Client, cart_id: str) -> Any:
    """Return the exact subtotal of a details job of REST."""
    body = {"buyer": {"shippingAddress": ADDRESS}}
    (job,) = sandbox.api("POST", f"/cart/{cart_id}/details", body).json()["data"]["jobs"]
    sandbox.advance(1)
    text = sandbox.api("GET", f"/cart/checkout/status?refId={job['refId']}").text
    return json.loads(text, parse_float=Decimal)["result"]["items"][0]["costs"]["subtotal"]["value"]


def purchase_subtotal(sandbox: Client, ref_id: str) -> Any:
    sandbox.advance(7)
    text = sandbox.api("GET", f"/cart/purchase/status?refId={ref_id}").text
    return json.loads(text, parse_float=Decimal)["result"]["costs"]["subtotal"]["value"]


@pytest.mark.parametrize(
    ("value", "price"),
    [("12.34", "12.34"), ("12.3", "12.30"), ("0", "0.00"), ("5", "5.00"), (12.34, "12.34"), (7, "7.00"), (-0.0, "0.00")],
)  # fmt: skip
def test_a_price_is_text_or_a_number(sandbox: Client, value: object, price: str) -> None:
    sandbox.scenario(prices={MUG: value})
    cart_id = sandbox.cart({"link": MUG, "quantity": 2})
    assert str(quote_subtotal(sandbox, cart_id)) == str(Decimal(price) * 2)
    assert sandbox.purchase(cart_id).status_code == 200


@pytest.mark.parametrize("other", [MUG + "/", MUG + "?color=sea", MUG.replace("kiln", "KILN")])
def test_all_spellings_of_a_link_have_the_same_price(sandbox: Client, other: str) -> None:
    sandbox.scenario(prices={other: "3.00"})
    assert quote_subtotal(sandbox, sandbox.cart(MUG)) == Decimal("3.00")
    sandbox.scenario(prices={MUG: "4.00"})
    assert quote_subtotal(sandbox, sandbox.cart(other)) == Decimal("4.00")


def test_earlier_orders_and_quotes_keep_their_amounts(sandbox: Client) -> None:
    first, second = sandbox.cart(MUG), sandbox.cart(MUG)
    ref_id = sandbox.purchase(first).json()["refId"]
    assert quote_subtotal(sandbox, second) == Decimal("28.00")
    sandbox.scenario(prices={MUG: "40.00"})
    assert purchase_subtotal(sandbox, ref_id) == Decimal("28.00")
    total = sandbox.orders()[0]["total"]
    later = sandbox.purchase(second).json()["refId"]
    assert purchase_subtotal(sandbox, later) == Decimal("40.00")
    assert sandbox.orders()[0]["total"] == total < sandbox.orders()[1]["total"]
    # The next scenario has no prices, so those of the catalogue apply again.
    sandbox.scenario(outcome="complete")
    assert quote_subtotal(sandbox, sandbox.cart(MUG)) == Decimal("28.00")


def test_early_v1_uses_the_price(sandbox: Client) -> None:
    items = {"items": [{"link": MUG}]}
    cart_id = sandbox.api("POST", "/cart/create", items).json()["data"]["cartId"]
    sandbox.scenario(prices={MUG: "9.99"})
    body = {"cartId": cart_id, "buyer": {"shippingAddress": ADDRESS}}
    (job,) = sandbox.api("POST", "/cart/details", body).json()["data"]["jobs"]
    sandbox.advance(1)
    ended = sandbox.api("POST", "/cart/details/status", {"refId": job["refId"]}).json()
    assert ended["result"]["items"][0]["costs"]["subtotal"]["value"] == 9.99


def test_free_shipping_depends_on_the_price(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG, TEAPOT)
    sandbox.scenario(prices={TEAPOT: "500.00"})
    ref_id = sandbox.purchase(cart_id).json()["refId"]
    sandbox.advance(7)
    items = sandbox.status(ref_id)["result"]["items"]
    assert [item["costs"]["shipping"]["value"] for item in items] == [0.0, 0.0]


def test_the_hosted_page_requires_confirmation_of_a_new_price(sandbox: Client) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG))
    assert "$28.00" in page.text
    sandbox.scenario(prices={MUG: "31.50"})
    refused = page.post()
    assert refused.status_code == 422
    assert "a price changed" in refused.text
    assert "$31.50" in refused.text
    assert sandbox.orders() == []
    open_receipt(sandbox, CheckoutPage(sandbox, page.path.rpartition("/")[2]).post())
    # 31.50 + 8.00 shipping + 2.21 tax
    assert sandbox.orders()[0]["total"] == 41.71


def test_search_and_the_catalogue_show_the_price(sandbox: Client) -> None:
    sandbox.scenario(prices={MUG: "1.01"})
    job = sandbox.api("POST", "/product/details", {"link": MUG, "mode": "sync"}).json()
    assert job["result"]["price"] == {"value": 1.01, "currency": "USD"}
    body = {"type": "global", "filters": {"query": "mug", "price": {"max": 2}}, "mode": "sync"}
    found = sandbox.api("POST", "/product/search", body).json()["result"]["products"]
    assert [each["link"] for each in found] == [MUG]
    (v0_product,) = sandbox.v0("POST", "/products/search", {"query": "mug", "maxPrice": 2}).json()["data"]
    assert v0_product["price"] == 1.01
    details = sandbox.v0("GET", "/products/details?productId=shoreline-mug").json()["data"]
    assert details["productResults"]["stores"][0]["price"] == "$1.01"
    listed = sandbox.control("catalogue")["products"]
    assert [each["price"]["value"] for each in listed if each["link"] == MUG] == [1.01]


# v0


def test_a_second_v0_quote_updates_the_totals_and_keeps_the_session(sandbox: Client) -> None:
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
def test_a_v0_confirm_uses_the_current_price(sandbox: Client, requote: bool) -> None:
    sandbox.control("card", {"userId": "ada"})
    add(sandbox, product(MUG))
    first_quote = quote(sandbox)
    sandbox.scenario(prices={MUG: "40.00"})
    last_quote = quote(sandbox) if requote else first_quote
    placed = confirm(sandbox, first_quote["session_token"]).json()["data"]
    # 40.00 + 8.00 shipping + 2.80 tax
    assert (placed["subtotal"], placed["grandTotal"]) == ("40.00", "50.80")
    assert (last_quote["order_metadata"]["total_price"] == 50.80) is requote
    sandbox.scenario(prices={MUG: "1.00"})
    again = confirm(sandbox, first_quote["session_token"]).json()["data"]
    assert again == placed
    assert sandbox.v0("GET", f"/orders/{placed['id']}").json()["data"]["grandTotal"] == "50.80"


def test_a_v0_confirm_uses_the_current_cart(sandbox: Client) -> None:
    sandbox.control("card", {"userId": "ada"})
    add(sandbox, product(MUG, productId="P1"))
    token = quote(sandbox)["session_token"]
    add(sandbox, product(TEAPOT, productId="P2"))
    placed = confirm(sandbox, token).json()["data"]
    assert [each["productName"] for each in placed["products"]] == ["Shoreline Mug", "Harbour Teapot"]


def test_a_session_of_another_user_cannot_be_confirmed(sandbox: Client) -> None:
    for user in ("ada", "bo"):
        sandbox.control("card", {"userId": user})
        add(sandbox, product(MUG), user=user)
    token = quote(sandbox)["session_token"]
    sandbox.scenario(prices={MUG: "1.00"})
    refused = confirm(sandbox, token, user="bo")
    assert (refused.status_code, refused.json()["message"]) == (404, "Checkout session not found")
    assert sandbox.orders() == []
    assert confirm(sandbox, token).status_code == 200


def test_a_v0_link_charges_the_new_price_of_unlisted_products(sandbox: Client) -> None:
    add(sandbox, product(UNLISTED, price="100.00"))
    assert quote(sandbox)["order_metadata"]["total_price"] == 114.0
    sandbox.scenario(prices={UNLISTED: "50.00"})
    assert quote(sandbox)["order_metadata"]["total_price"] == 60.0
    assert pay(sandbox, link_of(sandbox)).status_code == 302
    assert sandbox.orders()[0]["total"] == 60.0


@contextmanager
def running_sandbox(state: Path) -> Iterator[Client]:
    running = SandboxProcess("--state", str(state))
    client = Client(running.url)
    try:
        yield client
    finally:
        client.session.close()
        running.stop()


def test_prices_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with running_sandbox(state) as client:
        client.scenario(prices={MUG: "9.10", TEAPOT: 8.05})
    with running_sandbox(state) as client:
        assert str(quote_subtotal(client, client.cart(MUG))) == "9.10"
        assert str(quote_subtotal(client, client.cart(TEAPOT))) == "8.05"
