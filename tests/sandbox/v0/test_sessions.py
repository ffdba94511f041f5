from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from tests.sandbox.client import JACKET, MUG, SHIPPING, Client, product
from tests.sandbox.v0.calls import add, confirm, items, link_of, pay, quote

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_a_quote_can_be_confirmed(sandbox: Client) -> None:
    add(sandbox, product(quantity=2, productId="P1"), product(JACKET, metadata={"size": "M"}))
    quoted = quote(sandbox, region="us")
    assert quoted["order_metadata"] == {
        # 56.00 + 189.00, with shipping and tax of two merchants
        "total_price": 272.51,
        "tax": 19.51,
        "shipping_total": 8.0,
        "shipping": {"kilnandtide.example": 8.0, "fernhill.example": 0.0},
        "transaction_fee": 0.0,
        "transaction_fee_percentage": 0,
    }
    token = quoted["session_token"]
    found = sandbox.v0("GET", "/checkout/session/products", user="", session_token=token).json()["data"]
    assert found["products"][0] == {**product(quantity=2, productId="P1"), "variantCheck": None}
    for headers in ({"session_token": token, "user": ""}, {"user": "ada"}):
        found = sandbox.v0("GET", "/checkout/session/shipping", **headers).json()["data"]
        assert found == {"hasShipping": True, "shippingDetails": SHIPPING}
    stored = sandbox.control("card", {"userId": "ada"})
    assert stored["cardLast4"] == "4242"
    order = confirm(sandbox, token).json()["data"]
    assert re.fullmatch(UUID, order["id"])
    assert {key: order[key] for key in ("subtotal", "tax", "shipping", "grandTotal", "currency")} == {
        "subtotal": "245.00",
        "tax": "19.51",
        "shipping": "8.00",
        "grandTotal": "272.51",
        "currency": "USD",
    }
    assert (order["status"], order["cardLast4"], order["shippingDetails"]) == ("pending", "4242", SHIPPING)
    assert order["products"][1] == {
        "productName": "Summit Shell Jacket",
        "quantity": 1,
        "productMetadata": {"size": "M"},
    }
    assert items(sandbox) == []


def test_an_order_progresses_with_the_clock(sandbox: Client) -> None:
    add(sandbox, product())
    sandbox.control("card", {"userId": "ada"})
    order_id = confirm(sandbox, quote(sandbox)["session_token"]).json()["data"]["id"]
    responses = []
    for seconds in (0, 3, 5):
        sandbox.advance(seconds)
        responses.append(sandbox.v0("GET", f"/orders/{order_id.upper()}", user="").json()["data"])
    assert [order["status"] for order in responses] == ["pending", "processing", "ordered"]
    assert responses[2]["userId"] == "ada"
    assert responses[2]["shippingDetails"] == SHIPPING
    assert "cardLast4" not in responses[2]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("partially_complete", "ordered"), ("cancelled", "cancelled"), ("delivered", "delivered"), ("on_hold", "on_hold")],
)  # fmt: skip
def test_each_outcome_has_a_status_of_v0(sandbox: Client, outcome: str, status: str) -> None:
    sandbox.scenario(outcome=outcome)
    add(sandbox, product(), product(JACKET))
    paid = sandbox.control("pay", {"userId": "ada"})
    sandbox.advance(7)
    assert sandbox.v0("GET", f"/orders/{paid['orderId']}").json()["data"]["status"] == status


def test_repeated_confirms_return_the_same_order(sandbox: Client) -> None:
    add(sandbox, product())
    sandbox.control("card", {"userId": "ada"})
    token = quote(sandbox)["session_token"]
    barrier = threading.Barrier(6)
    ids: list[str] = []

    def send() -> None:
        client = Client(sandbox.url)
        barrier.wait()
        ids.append(confirm(client, token).json()["data"]["id"])
        client.session.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(ids) == 6
    assert len(set(ids)) == 1
    sandbox.advance(3600)
    assert confirm(sandbox, token).json()["data"]["id"] == ids[0]
    assert len(sandbox.orders()) == 1


def test_confirm_requires_a_stored_card(sandbox: Client) -> None:
    add(sandbox, product())
    token = quote(sandbox)["session_token"]
    refused = confirm(sandbox, token)
    assert refused.status_code == 409
    assert "card" in refused.json()["message"]
    sandbox.control("card", {"userId": "ada", "card": "4000000000000002"})
    declined = confirm(sandbox, token)
    assert (declined.status_code, declined.json()["success"]) == (402, False)
    assert sandbox.orders() == []
    assert len(items(sandbox)) == 1
    sandbox.control("card", {"userId": "ada", "card": "4111 1111 1111 1111"})
    assert confirm(sandbox, token).json()["data"]["cardLast4"] == "1111"


def test_confirm_can_change_the_address(sandbox: Client) -> None:
    add(sandbox, product())
    sandbox.control("card", {"userId": "ada"})
    other_address = {**SHIPPING, "fullName": "Cher", "city": "Boston", "addressLine2": None}
    order = confirm(sandbox, quote(sandbox)["session_token"], {"shippingDetails": other_address}).json()[
        "data"
    ]
    del other_address["addressLine2"]
    assert order["shippingDetails"] == other_address


def test_a_second_quote_updates_the_session(sandbox: Client) -> None:
    add(sandbox, product(productId="P1"))
    first = quote(sandbox)
    add(sandbox, product(productId="P1"))
    second = quote(sandbox)
    assert first["session_token"] == second["session_token"]
    assert second["order_metadata"]["total_price"] > first["order_metadata"]["total_price"]
    sandbox.control("pay", {"userId": "ada"})
    # The cart is paid already: its session cannot be confirmed, and a new cart gets a new session.
    sandbox.control("card", {"userId": "ada"})
    assert confirm(sandbox, first["session_token"]).status_code == 409
    add(sandbox, product())
    assert quote(sandbox)["session_token"] != first["session_token"]


def test_a_session_expires(sandbox: Client) -> None:
    add(sandbox, product())
    sandbox.control("card", {"userId": "ada"})
    token = quote(sandbox)["session_token"]
    sandbox.advance(31 * 60)
    expired = confirm(sandbox, token)
    assert (expired.status_code, "expired" in expired.json()["message"]) == (409, True)
    assert sandbox.v0("GET", "/checkout/session/products", session_token=token).status_code == 409
    assert confirm(sandbox, quote(sandbox)["session_token"]).status_code == 200


def test_sessions_of_other_users_and_missing_sessions_are_refused(sandbox: Client) -> None:
    add(sandbox, product())
    token = quote(sandbox)["session_token"]
    assert confirm(sandbox, token, user="bo").status_code == 404
    assert confirm(sandbox, "nothing").status_code == 404
    assert sandbox.v0("POST", "/checkout/session/confirm").status_code == 400
    assert sandbox.v0("GET", "/checkout/session/products").status_code == 400
    missing = sandbox.v0("GET", "/checkout/session/shipping", user="bo").json()["data"]
    assert missing == {"hasShipping": False, "shippingDetails": None}
    assert (
        sandbox.v0("POST", "/checkout/session/quote", {"shippingDetails": SHIPPING}, user="bo").status_code
        == 400
    )
    sandbox.v0("DELETE", "/cart/items")
    sandbox.control("card", {"userId": "ada"})
    assert confirm(sandbox, token).status_code == 400


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"fullName": ""}, "fullName"),
        ({"email": "ada"}, "email"),
        ({"phoneNumber": "call me"}, "phoneNumber"),
        ({"addressLine1": None}, "addressLine1"),
        ({"countryCode": "USA"}, "countryCode"),
        ({"postalCode": None}, "postalCode"),
        ({"stateOrProvince": 7}, "stateOrProvince"),
    ],
)
def test_invalid_shipping_details_are_refused(sandbox: Client, change: dict[str, Any], part: str) -> None:
    add(sandbox, product())
    response = sandbox.v0("POST", "/checkout/session/quote", {"shippingDetails": {**SHIPPING, **change}})
    assert response.status_code == 400
    assert f"shippingDetails.{part}" in response.json()["message"]
    missing = {key: value for key, value in SHIPPING.items() if key != part}
    assert sandbox.v0("POST", "/checkout/session/quote", {"shippingDetails": missing}).status_code == 400
    assert sandbox.v0("POST", "/checkout/session/quote", {}).status_code == 400


@pytest.mark.parametrize(
    ("order_id", "status"),
    [
        ("123e4567-e89b-12d3-a456-426614174000", 404),
        ("00000000-0000-0000-0000-000000000000", 404),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 404),
        ("ckp-ref_3fa85f64-5717-4562-b3fc", 400),
        ("1", 400),
    ],
)
def test_unknown_and_malformed_order_ids(sandbox: Client, order_id: str, status: int) -> None:
    assert sandbox.v0("GET", f"/orders/{order_id}", user="").status_code == status


def test_reset_clears_users(sandbox: Client) -> None:
    add(sandbox, product())
    sandbox.control("card", {"userId": "ada"})
    token = quote(sandbox)["session_token"]
    sandbox.control("reset", {})
    assert items(sandbox) == []
    assert confirm(sandbox, token).status_code == 404
    add(sandbox, product(MUG))
    assert confirm(sandbox, quote(sandbox)["session_token"]).status_code == 409
    assert pay(sandbox, link_of(sandbox)).status_code == 302
