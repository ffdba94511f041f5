from __future__ import annotations

import re

import pytest
import requests

from tests.sandbox.client import ADDRESS, JACKET, KEY, MUG, NAME, TEAPOT, Client

UNKNOWN = "crt_000000000000"


def test_a_cart_has_the_documented_shape(sandbox: Client) -> None:
    body = {
        "items": [{"link": MUG, "quantity": 2, "selectedOptions": ["Sea"], "metadata": {"note": 1.5}}],
        "settings": {"options": {"collectBuyerPhone": "off"}},
        "tags": {"userId": "u1"},
    }
    response = sandbox.api("POST", "/cart", body).json()
    assert (response["success"], response["status"]) == (True, "success")
    data = response["data"]
    assert re.fullmatch(r"crt_[A-Za-z0-9]{12}", data["cartId"])
    assert data["checkoutUrl"] == f"{sandbox.url}/cart/{data['cartId']}"
    assert data["data"] == body


def test_fetch_returns_the_cart_and_a_buyer_only_prefills_the_link(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    buyer = {"name": NAME, "email": "ada@shop.example", "shippingAddress": ADDRESS}
    filled = sandbox.api("POST", f"/cart/{cart_id}", {"buyer": buyer}).json()["data"]["checkoutUrl"]
    assert "email=ada%40shop.example" in filled
    assert 'value="ada@shop.example"' in requests.get(filled, timeout=5).text
    plain = sandbox.api("POST", f"/cart/{cart_id}").json()["data"]
    assert plain["checkoutUrl"] == f"{sandbox.url}/cart/{cart_id}"
    assert plain["data"]["items"] == [{"link": MUG, "quantity": 1}]


def test_items_can_be_added_changed_and_removed(sandbox: Client) -> None:
    path = f"/cart/{sandbox.cart(MUG)}/item"

    def items(method: str, item: object) -> list[tuple[str, int]]:
        response = sandbox.api(method, path, item)
        assert response.status_code == 200, response.text
        return [(line["link"], line["quantity"]) for line in response.json()["data"]["data"]["items"]]

    assert items("POST", {"item": {"link": JACKET}}) == [(MUG, 1), (JACKET, 1)]
    assert items("POST", {"item": {"link": MUG, "quantity": 2}}) == [(MUG, 3), (JACKET, 1)]
    assert items("PUT", {"item": {"link": MUG, "quantity": 5}}) == [(MUG, 5), (JACKET, 1)]
    assert items("DELETE", {"link": MUG}) == [(JACKET, 1)]
    gone = sandbox.api("DELETE", f"{path}?link={JACKET}")
    assert gone.json()["data"]["data"]["items"] == []
    assert sandbox.api("PUT", path, {"item": {"link": MUG}}).status_code == 404
    assert sandbox.api("DELETE", path, {"link": MUG}).status_code == 404


def test_an_update_keeps_fields_that_were_not_sent(sandbox: Client) -> None:
    cart_id = sandbox.cart({"link": JACKET, "selectedOptions": ["M", "Pine"], "metadata": {"a": "b"}})
    response = sandbox.api("PUT", f"/cart/{cart_id}/item", {"item": {"link": JACKET, "quantity": 3}})
    assert response.json()["data"]["data"]["items"] == [
        {"link": JACKET, "quantity": 3, "selectedOptions": ["M", "Pine"], "metadata": {"a": "b"}}
    ]


def test_different_options_make_a_separate_line(sandbox: Client) -> None:
    cart_id = sandbox.cart({"link": JACKET, "selectedOptions": ["M"]})
    response = sandbox.api(
        "POST", f"/cart/{cart_id}/item", {"item": {"link": JACKET, "selectedOptions": ["L"]}}
    )
    assert len(response.json()["data"]["data"]["items"]) == 2


def test_carts_can_be_listed_and_deleted(sandbox: Client) -> None:
    first, second = sandbox.cart(MUG), sandbox.cart(TEAPOT)
    found = sandbox.api("GET", f"/cart?cartId={first}").json()["data"]
    assert [cart["cartId"] for cart in found] == [first]
    everything = sandbox.api("GET", "/cart").json()["data"]
    assert [cart["cartId"] for cart in everything] == [second, first]
    assert sandbox.api("DELETE", f"/cart/{first}").status_code == 200
    assert sandbox.api("POST", f"/cart/{first}").status_code == 404
    assert sandbox.api("GET", f"/cart?cartId={first}").json()["data"] == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "items is required"),
        ({"items": {}}, "items is required"),
        ({"items": [7]}, "items[0] must be an object"),
        ({"items": [{}]}, "items[0].link"),
        ({"items": [{"link": "http://plain.example/x"}]}, "items[0].link must be an https URL"),
        ({"items": [{"link": "javascript:alert(1)"}]}, "items[0].link"),
        ({"items": [{"link": MUG, "quantity": 0}]}, "items[0].quantity"),
        ({"items": [{"link": MUG, "quantity": True}]}, "items[0].quantity"),
        ({"items": [{"link": MUG, "quantity": 1.5}]}, "items[0].quantity"),
        ({"items": [{"link": MUG, "selectedOptions": "M"}]}, "items[0].selectedOptions"),
        ({"items": [{"link": MUG, "metadata": []}]}, "items[0].metadata"),
        ({"items": [], "settings": {"options": {"collectBuyerEmail": "maybe"}}}, "collectBuyerEmail"),
        ({"items": [], "settings": {"serviceFeePercent": 101}}, "serviceFeePercent"),
        ({"items": [], "tags": {"a": 1}}, "tags"),
    ],
)
def test_an_invalid_cart_is_refused_with_a_reason(sandbox: Client, body: object, part: str) -> None:
    response = sandbox.api("POST", "/cart", body)
    assert response.status_code == 400
    assert response.json()["success"] is False
    assert response.json()["status"] == "error"
    assert part in response.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"items": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_not_a_json_object_is_refused(sandbox: Client, body: bytes) -> None:
    response = sandbox.raw("POST", "/v1/cart", data=body, headers={"x-api-key": KEY})
    assert (response.status_code, response.json()["success"]) == (400, False)


def test_a_body_over_one_mebibyte_is_refused(sandbox: Client) -> None:
    response = sandbox.raw("POST", "/v1/cart", data=b" " * (1024 * 1024 + 1), headers={"x-api-key": KEY})
    assert response.status_code == 413


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, {"x-api-key": ""}])
@pytest.mark.parametrize("path", ["/cart", "/orders", "/nowhere", f"/cart/{UNKNOWN}/purchase"])
def test_requests_without_a_valid_key_get_401(sandbox: Client, headers: dict[str, str], path: str) -> None:
    response = sandbox.api("POST", path, {}, headers=headers)
    assert response.status_code == 401
    assert response.json() == {"success": False, "status": "error", "message": "Invalid API key."}


def test_unknown_and_malformed_ids_and_methods(sandbox: Client) -> None:
    assert sandbox.api("POST", f"/cart/{UNKNOWN}").status_code == 404
    assert sandbox.api("POST", "/cart/3fa85f64-5717-4562-b3fc-2c963f66afa6").status_code == 404
    assert sandbox.api("POST", "/cart/not-an-id").status_code == 400
    refused = sandbox.api("PATCH", "/cart")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, POST")
