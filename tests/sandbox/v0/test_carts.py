from __future__ import annotations

import base64
import json
import re

import pytest

from tests.sandbox.client import JACKET, KEY, MUG, TEAPOT, Client, product
from tests.sandbox.v0.calls import add, claims, items, link_of, pay


def test_a_cart_belongs_to_its_user(sandbox: Client) -> None:
    first = product(productId="P1", productImageLink="https://shop.example/p.png", metadata={"color": "Sea"})
    added = add(sandbox, first, product(TEAPOT, price="5", quantity=2))
    assert added["updated_products"] == []
    assert added["added_products"][0] == {
        "productId": "P1",
        "name": "A thing",
        "price": "19.50",
        "quantity": 1,
    }
    assert added["cart_summary"] == {"total_items": 3, "total_unique_products": 2}
    assert "variant_checks" not in added
    derived_id = added["added_products"][1]["productId"]
    assert items(sandbox) == [first, product(TEAPOT, price="5", quantity=2, productId=derived_id)]
    assert items(sandbox, "bo") == []


def test_adding_the_same_product_increases_its_quantity(sandbox: Client) -> None:
    add(sandbox, product(productId="P1", quantity=2))
    (updated,) = add(sandbox, product(productId="P1", price="20.00", quantity=3))["updated_products"]
    assert (updated["previousQuantity"], updated["addedQuantity"], updated["quantity"]) == (2, 3, 5)
    (line,) = items(sandbox)
    assert (line["price"], line["quantity"]) == ("20.00", 5)
    # Without ids, products are identified by link and variant.
    add(sandbox, product(JACKET, metadata={"size": "M"}))
    add(sandbox, product(JACKET, metadata={"size": "L"}), product(JACKET, metadata={"size": "M"}))
    assert [line["quantity"] for line in items(sandbox)] == [5, 2, 1]


def test_products_are_removed_and_the_cart_is_cleared(sandbox: Client) -> None:
    add(sandbox, product(productId="a/b"), product(TEAPOT, productId="P2"))
    assert sandbox.v0("DELETE", "/cart/items/a/b").status_code == 200
    assert sandbox.v0("DELETE", "/cart/items/a/b").status_code == 404
    assert sandbox.v0("DELETE", "/cart/items").json() == {
        "success": True,
        "status": "success",
        "message": "Cart cleared successfully",
    }
    again = sandbox.v0("DELETE", "/cart/items")
    assert (again.status_code, again.json()["message"]) == (404, "Cart already empty")


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "productsDetails"),
        ({"productsDetails": []}, "productsDetails"),
        ({"productsDetails": [7]}, "productsDetails[0] must be an object"),
        ({"productsDetails": [product(name="")]}, "productsDetails[0].name"),
        ({"productsDetails": [product(price=19.5)]}, "productsDetails[0].price must be a string"),
        ({"productsDetails": [product(price="-1")]}, "productsDetails[0].price"),
        ({"productsDetails": [product(price="1.234")]}, "productsDetails[0].price"),
        ({"productsDetails": [product(quantity=0)]}, "productsDetails[0].quantity"),
        ({"productsDetails": [product(quantity="1")]}, "productsDetails[0].quantity"),
        ({"productsDetails": [product("http://shop.example/x")]}, "productsDetails[0].productLink"),
        ({"productsDetails": [product(productId=7)]}, "productsDetails[0].productId"),
        ({"productsDetails": [product(metadata={"size": 9})]}, "productsDetails[0].metadata"),
        ({"productsDetails": [product()], "checkVariantAvailability": "yes"}, "checkVariantAvailability"),
        ({"productsDetails": [product(productId=str(at)) for at in range(201)]}, "at most 200"),
    ],
)
def test_an_invalid_product_is_refused_with_a_reason(sandbox: Client, body: object, part: str) -> None:
    response = sandbox.v0("POST", "/cart/items", body)
    assert response.status_code == 400
    assert response.json()["success"] is False
    assert part in response.json()["message"]
    assert items(sandbox) == []


CALLS = [
    ("POST", "/cart/items"), ("GET", "/cart/items"), ("DELETE", "/cart/items"), ("DELETE", "/cart/items/P1"),
    ("POST", "/cart/checkout"), ("POST", "/checkout/session/quote"), ("POST", "/checkout/session/confirm"),
    ("GET", "/checkout/session/shipping"), ("POST", "/wallet/card-collect"), ("POST", "/wallet/cards/collect"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_calls_for_a_user_require_the_user_and_the_key(sandbox: Client, method: str, path: str) -> None:
    for user in ("", "x" * 201):
        response = sandbox.v0(method, path, user=user)
        assert response.status_code == 400
        assert "x-user-id" in response.json()["message"]
    for headers in ({}, {"x-api-key": "wrong", "x-user-id": "ada"}):
        response = sandbox.raw(method, f"/v0{path}", headers=headers)
        assert response.json() == {"success": False, "status": "error", "message": "Invalid API key."}
        assert response.status_code == 401


def test_unknown_paths_and_methods(sandbox: Client) -> None:
    assert sandbox.v0("GET", "/nowhere").status_code == 404
    assert sandbox.v0("PUT", "/cart/items").status_code == 405
    assert sandbox.raw("GET", "/v0/nowhere").status_code == 401


def test_the_hosted_page_pays_the_cart_of_the_link(sandbox: Client) -> None:
    add(
        sandbox, product(metadata={"color": "Sea"}), product("https://elsewhere.example/lamp", price="100.00")
    )
    link = link_of(sandbox, auth="false", region="us")
    assert link.startswith(f"{sandbox.url}/?session=")
    assert set(claims(link)) == {"userId", "cartId", "exp"}
    response = pay(sandbox, link, theme="dark", embed="true", returnUrl="https://shop.example/back")
    receipt = sandbox.raw("GET", response.headers["Location"]).text
    (order,) = sandbox.orders()
    assert (order["userId"], order["via"]) == ("ada", "hosted")
    assert f'data-order="{order["orderId"]}"' in receipt
    assert 'data-status="pending"' in receipt
    assert 'data-theme="dark"' in receipt
    assert 'data-origin="https://shop.example"' in receipt
    # Products in the catalogue have the merchant's price, others that of the shop.
    assert [item["title"] for item in order["items"]] == ["Shoreline Mug", "A thing"]
    found = sandbox.v0("GET", f"/orders/{order['orderId']}", user="").json()["data"]
    assert (found["subtotal"], found["userId"]) == ("128.00", "ada")
    assert found["products"][0]["productMetadata"] == {"color": "Sea"}
    assert items(sandbox) == []
    assert "has been paid for" in sandbox.session.get(link, timeout=5).text
    add(sandbox, product())
    assert len(items(sandbox)) == 1
    assert claims(link_of(sandbox))["cartId"] != claims(link)["cartId"]


def test_a_link_expires_and_its_cart_does_not(sandbox: Client) -> None:
    add(sandbox, product())
    link = link_of(sandbox)
    sandbox.advance(30 * 60 - 5)
    assert sandbox.session.get(link, timeout=5).status_code == 200
    sandbox.advance(10)
    expired = sandbox.session.get(link, timeout=5)
    assert expired.status_code == 410
    assert "link has expired" in expired.text
    assert sandbox.session.post(link, data={"action": "pay"}, timeout=5).status_code == 410
    assert len(items(sandbox)) == 1
    assert sandbox.session.get(link_of(sandbox), timeout=5).status_code == 200


def test_the_link_of_a_paid_cart_does_not_expire(sandbox: Client) -> None:
    add(sandbox, product())
    link = link_of(sandbox)
    first = pay(sandbox, link)
    sandbox.advance(3600)
    assert "has been paid for" in sandbox.session.get(link, timeout=5).text
    assert sandbox.raw("GET", first.headers["Location"]).status_code == 200


def test_a_forged_link_is_not_found(sandbox: Client) -> None:
    add(sandbox, product())
    link = link_of(sandbox)
    payload = base64.urlsafe_b64encode(json.dumps({**claims(link), "exp": 9e9}).encode()).decode().strip("=")
    head, _, signature = link.partition("session=")[2].split(".")
    for token in (f"{head}.{payload}.{signature}", f"{head}.{payload}.", "x", "", "a.b.c", link[-43:] + "."):
        assert sandbox.raw("GET", "/", params={"session": token}).status_code == 404
    # A cart of v0 can be opened neither by id nor in v1.
    cart_id = claims(link)["cartId"]
    assert sandbox.raw("GET", f"/cart/{cart_id}").status_code == 404
    assert sandbox.api("POST", f"/cart/{cart_id}").status_code == 404
    assert sandbox.api("GET", "/cart").json()["data"] == []


def test_the_closed_page_links_to_the_checkout(sandbox: Client) -> None:
    add(sandbox, product())
    link = link_of(sandbox)
    page = sandbox.session.get(link, timeout=5).text
    closed = re.search(r'class="quiet" href="([^"]+)"', page)
    assert closed
    text = sandbox.raw("GET", closed[1].replace("&amp;", "&")).text
    assert 'data-announce="checkoutClosed"' in text
    token = link.partition("session=")[2]
    assert f'href="/?session={token}"' in text


@pytest.mark.parametrize("query", [{"auth": "maybe"}, {"region": "USA"}, {"region": "US"}])
def test_an_invalid_checkout_query_is_refused(sandbox: Client, query: dict[str, str]) -> None:
    add(sandbox, product())
    headers = {"x-api-key": KEY, "x-user-id": "ada"}
    assert sandbox.raw("POST", "/v0/cart/checkout", params=query, headers=headers).status_code == 400


def test_an_empty_cart_has_no_checkout(sandbox: Client) -> None:
    assert sandbox.v0("POST", "/cart/checkout").status_code == 400


def test_a_cart_can_be_paid_without_a_browser(sandbox: Client) -> None:
    add(sandbox, product(), user="bo")
    assert sandbox.raw("POST", "/__sandbox__/pay", json={"userId": "ada"}).status_code == 400
    paid = sandbox.control("pay", {"userId": "bo", "outcome": "failed"})
    assert (paid["userId"], items(sandbox, "bo")) == ("bo", [])
    sandbox.advance(7)
    found = sandbox.v0("GET", f"/orders/{paid['orderId']}").json()["data"]
    assert (found["status"], found["statusMessage"]) == ("failed", "Order could not be placed")
    assert sandbox.api("GET", "/orders").json()["data"] == []


def test_the_sandbox_key_sets_the_outcome_and_is_not_an_option(sandbox: Client) -> None:
    add(sandbox, product(metadata={"sandbox": "failed", "color": "Sea"}))
    sandbox.control("pay", {"userId": "ada"})
    sandbox.advance(7)
    (order,) = sandbox.orders()
    assert (order["status"], order["items"][0]["selectedOptions"]) == ("failed", ["Sea"])


def test_faults_apply_to_v0(sandbox: Client) -> None:
    sandbox.fault("status", status=503)
    assert sandbox.v0("GET", "/cart/items").status_code == 503
    assert sandbox.v0("GET", "/cart/items").status_code == 200


def test_free_products_of_one_merchant_can_be_priced(sandbox: Client) -> None:
    links = ("https://elsewhere.example/a", "https://elsewhere.example/b")
    add(sandbox, *(product(link, price="0.00") for link in links))
    assert sandbox.session.get(link_of(sandbox), timeout=5).status_code == 200
    assert MUG not in str(sandbox.control("pay", {"userId": "ada"}))
