from __future__ import annotations

import re
from typing import Any

from tests.sandbox.client import JACKET, MUG, Client
from tests.sandbox.rpc.calls import buy, call, cart

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_a_cart_has_the_documented_shape(sandbox: Client) -> None:
    items = [
        {"link": JACKET, "quantity": 2, "variant": {"size": "M", "color": "Pine"}},
        {"link": MUG, "quantity": 1, "variant": "the blue one", "shippingOption": {"value": "express"}},
    ]
    settings = {"commissionFeePercent": 5}
    created = call(sandbox, "/cart/create", items=items, settings=settings)
    assert (created["success"], created["status"]) == (True, "success")
    cart_id = created["data"]["cartId"]
    assert re.fullmatch(UUID, cart_id)
    assert created["data"]["data"] == {"items": items, "settings": settings}
    assert created["data"]["checkoutUrl"] == f"{sandbox.url}/cart/{cart_id}"
    assert call(sandbox, "/cart/fetch", cartId=cart_id)["data"] == created["data"]
    assert "the blue one" in sandbox.session.get(created["data"]["checkoutUrl"], timeout=5).text


def test_items_can_be_added_changed_and_removed(sandbox: Client) -> None:
    cart_id = cart(sandbox, {"link": MUG, "metadata": {"a": "b"}})

    def items(path: str, **body: Any) -> Any:
        response = call(sandbox, f"/cart/{path}", cartId=cart_id, **body)
        return [(line["link"], line["quantity"]) for line in response["data"]["data"]["items"]]

    assert items("add-item", product={"link": JACKET, "variant": "M"}) == [(MUG, 1), (JACKET, 1)]
    assert items("add-item", item={"link": MUG, "quantity": 2}) == [(MUG, 3), (JACKET, 1)]
    assert items("update-item", product={"link": JACKET, "quantity": 4}) == [(MUG, 3), (JACKET, 4)]
    updated = call(
        sandbox, "/cart/update-item", cartId=cart_id, product={"link": JACKET, "variant": {"size": "L"}}
    )
    assert updated["data"]["data"]["items"][1] == {"link": JACKET, "quantity": 4, "variant": {"size": "L"}}
    assert items("update-item", product={"link": MUG, "quantity": 0}) == [(JACKET, 4)]
    assert items("remove-item", link=JACKET) == []
    for path, body in (("update-item", {"product": {"link": MUG}}), ("remove-item", {"link": MUG})):
        assert sandbox.api("POST", f"/cart/{path}", {"cartId": cart_id, **body}).status_code == 404
    assert call(sandbox, "/cart/delete", cartId=cart_id)["success"] is True
    assert sandbox.api("POST", "/cart/fetch", {"cartId": cart_id}).status_code == 404


def test_either_generation_reads_the_carts_of_the_other(sandbox: Client) -> None:
    rpc_cart = cart(sandbox, {"link": JACKET, "variant": {"size": "M", "color": "Pine"}})
    (line,) = sandbox.api("POST", f"/cart/{rpc_cart}").json()["data"]["data"]["items"]
    assert line["selectedOptions"] == ["M", "Pine"]
    rest_cart = sandbox.cart(
        {"link": JACKET, "selectedOptions": ["M", "Pine"], "selectedShipping": {"id": "express"}},
        {"link": MUG, "selectedOptions": ["Sea", "Large"]},
    )
    items = call(sandbox, "/cart/fetch", cartId=rest_cart)["data"]["data"]["items"]
    assert [line["variant"] for line in items] == [{"size": "M", "color": "Pine"}, "Sea, Large"]
    assert items[0]["shippingOption"] == {"id": "express"}
    assert sandbox.purchase(rpc_cart).status_code == 200
    assert buy(sandbox, rest_cart)["status"] == "pending"
