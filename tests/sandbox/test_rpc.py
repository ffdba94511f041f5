from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.conftest import ADDRESS, CARD, JACKET, KEY, MUG, NAME, TEAPOT, Client, Process, buyer

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
RAW = {"cardNumber": CARD, "expiryMonth": "12", "expiryYear": "2039", "cvv": "123"}


def call(sandbox: Client, path: str, **body: Any) -> Any:
    answer = sandbox.api("POST", path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cart(sandbox: Client, *items: Any, **more: Any) -> str:
    chosen = [item if isinstance(item, dict) else {"link": item} for item in items or (MUG,)]
    return str(call(sandbox, "/cart/create", items=chosen, **more)["data"]["cartId"])


def buy(sandbox: Client, cart_id: str, token: str = "card_test_pays", **more: Any) -> Any:
    return call(sandbox, "/cart/purchase", cartId=cart_id, buyer=buyer(token), **more)


def status(sandbox: Client, ref_id: str) -> Any:
    return call(sandbox, "/cart/purchase/status", refId=ref_id)


def test_a_cart_has_the_documented_shape(sandbox: Client) -> None:
    items = [
        {"link": JACKET, "quantity": 2, "variant": {"size": "M", "color": "Pine"}},
        {"link": MUG, "quantity": 1, "variant": "the blue one", "shippingOption": {"value": "express"}},
    ]
    settings = {"commissionFeePercent": 5}
    made = call(sandbox, "/cart/create", items=items, settings=settings)
    assert (made["success"], made["status"]) == (True, "success")
    cart_id = made["data"]["cartId"]
    assert re.fullmatch(UUID, cart_id)
    assert made["data"]["data"] == {"items": items, "settings": settings}
    assert made["data"]["checkoutUrl"] == f"{sandbox.url}/cart/{cart_id}"
    assert call(sandbox, "/cart/fetch", cartId=cart_id)["data"] == made["data"]
    assert "the blue one" in sandbox.session.get(made["data"]["checkoutUrl"], timeout=5).text


def test_items_are_added_changed_and_removed(sandbox: Client) -> None:
    cart_id = cart(sandbox, {"link": MUG, "metadata": {"a": "b"}})

    def items(path: str, **body: Any) -> Any:
        answer = call(sandbox, f"/cart/{path}", cartId=cart_id, **body)
        return [(line["link"], line["quantity"]) for line in answer["data"]["data"]["items"]]

    assert items("add-item", product={"link": JACKET, "variant": "M"}) == [(MUG, 1), (JACKET, 1)]
    assert items("add-item", item={"link": MUG, "quantity": 2}) == [(MUG, 3), (JACKET, 1)]
    assert items("update-item", product={"link": JACKET, "quantity": 4}) == [(MUG, 3), (JACKET, 4)]
    kept = call(
        sandbox, "/cart/update-item", cartId=cart_id, product={"link": JACKET, "variant": {"size": "L"}}
    )
    assert kept["data"]["data"]["items"][1] == {"link": JACKET, "quantity": 4, "variant": {"size": "L"}}
    assert items("update-item", product={"link": MUG, "quantity": 0}) == [(JACKET, 4)]
    assert items("remove-item", link=JACKET) == []
    for path, body in (("update-item", {"product": {"link": MUG}}), ("remove-item", {"link": MUG})):
        assert sandbox.api("POST", f"/cart/{path}", {"cartId": cart_id, **body}).status_code == 404
    assert call(sandbox, "/cart/delete", cartId=cart_id)["success"] is True
    assert sandbox.api("POST", "/cart/fetch", {"cartId": cart_id}).status_code == 404


def test_either_generation_reads_the_carts_of_the_other(sandbox: Client) -> None:
    early = cart(sandbox, {"link": JACKET, "variant": {"size": "M", "color": "Pine"}})
    (line,) = sandbox.api("POST", f"/cart/{early}").json()["data"]["data"]["items"]
    assert line["selectedOptions"] == ["M", "Pine"]
    rest = sandbox.cart(
        {"link": JACKET, "selectedOptions": ["M", "Pine"], "selectedShipping": {"id": "express"}},
        {"link": MUG, "selectedOptions": ["Sea", "Large"]},
    )
    read = call(sandbox, "/cart/fetch", cartId=rest)["data"]["data"]["items"]
    assert [line["variant"] for line in read] == [{"size": "M", "color": "Pine"}, "Sea, Large"]
    assert read[0]["shippingOption"] == {"id": "express"}
    assert sandbox.purchase(early).status_code == 200
    assert buy(sandbox, rest)["status"] == "pending"


def test_a_purchase_has_the_documented_shape(sandbox: Client) -> None:
    item = {"link": JACKET, "variant": {"size": "M", "color": "Pine"}, "metadata": {"note": "x"}}
    cart_id = cart(sandbox, item, settings={"commissionFeeFixed": {"value": 2, "currency": "USD"}})
    job = buy(
        sandbox,
        cart_id,
        overrideProducts={JACKET: 2},
        settings={"collectPhone": True, "collectAddress": False},
        metadata={"order": "7"},
        selectedShippingOption={"id": "express", "value": "Express Shipping"},
        coupons=["SAVE10"],
    )
    assert re.fullmatch(r"ckp-ref_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}", job["refId"])
    assert job["products"] == [
        {
            "status": "pending",
            "link": JACKET,
            "quantity": 2,
            "merchant": "Fernhill Outfitters",
            "host": "fernhill.example",
            "variant": "M, Pine",
            "metadata": {"order": "7", "note": "x"},
        }
    ]
    details = job["details"]
    assert details["card"] == {"nameOnCard": NAME, "details": {}, "billingAddress": ADDRESS}
    assert details["shippingAddress"] == ADDRESS
    assert details["settings"] == {"collectEmail": True, "collectAddress": False, "collectPhone": True}
    sandbox.advance(7)
    ended = status(sandbox, job["refId"])
    assert ended["status"] == "complete"
    assert ended["result"]["costs"]["commissionFee"] == {"value": 2.0, "currency": "USD"}
    bought = ended["result"]["items"][0]
    assert bought["shippingOption"]["id"] == "express"
    assert bought["appliedCoupon"]["code"] == "SAVE10"
    assert call(sandbox, "/cart/fetch", cartId=cart_id)["data"]["data"]["items"][0]["quantity"] == 1
    assert sandbox.api("POST", "/cart/purchase", {"cartId": cart_id, "buyer": buyer()}).status_code == 409


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("card_test_some_items_fail", "complete"),
        ("card_test_all_items_fail", "complete"),
        ("card_test_cancelled", "cancelled"),
        ("card_test_declined", "cancelled"),
    ],
)
def test_an_early_cart_speaks_four_words(sandbox: Client, token: str, word: str) -> None:
    ref_id = buy(sandbox, cart(sandbox, MUG, TEAPOT), token)["refId"]
    sandbox.advance(7)
    ended = status(sandbox, ref_id)
    assert ended["status"] == word
    # The words follow the cart, whoever asks.
    assert sandbox.status(ref_id)["status"] == word
    assert {line["status"] for line in ended["products"]} != {"complete"}


def test_the_scenario_may_say_otherwise(sandbox: Client) -> None:
    sandbox.scenario(dialect="six")
    ref_id = buy(sandbox, cart(sandbox, MUG, TEAPOT), "card_test_some_items_fail")["refId"]
    sandbox.advance(7)
    assert status(sandbox, ref_id)["status"] == "partially_complete"
    assert "serviceFee" in status(sandbox, ref_id)["result"]["costs"]
    sandbox.scenario(dialect="four")
    rest = sandbox.purchase(sandbox.cart(MUG, TEAPOT), "card_test_some_items_fail").json()["refId"]
    sandbox.advance(7)
    assert sandbox.status(rest)["status"] == "complete"


def test_raw_cards_need_leave(sandbox: Client) -> None:
    source = buyer()
    source["card"]["details"] = RAW
    answer = sandbox.api("POST", "/cart/purchase", {"cartId": cart(sandbox), "buyer": source})
    assert answer.status_code == 400
    assert CARD not in answer.text
    running = Process("--allow-raw-card")
    client = Client(running.url)
    bought = call(client, "/cart/purchase", cartId=cart(client), buyer=source)
    assert bought["details"]["card"]["details"] == {}
    assert client.orders()[0]["cardLast4"] == "4242"
    for change in (
        {"cardNumber": "4242424242424241"},
        {"cvv": "x"},
        {"expiryMonth": ""},
        {"expiryYear": 2039},
    ):
        source["card"]["details"] = {**RAW, **change}
        body = {"cartId": cart(client), "buyer": source}
        assert client.api("POST", "/cart/purchase", body).status_code == 400
    client.session.close()
    running.stop()


def test_details_give_a_job_for_each_merchant(sandbox: Client) -> None:
    cart_id = cart(sandbox, MUG, JACKET)
    body = {"cartId": cart_id, "buyer": {"shippingAddress": ADDRESS}, "coupons": ["SAVE10"]}
    jobs = call(sandbox, "/cart/details", **body)["data"]["jobs"]
    assert [job["status"] for job in jobs] == ["pending", "pending"]
    sandbox.advance(1)
    ended = call(sandbox, "/cart/details/status", refId=jobs[0]["refId"])
    assert set(ended["result"]) == {"items"}
    assert ended["result"]["items"][0]["costs"]["subtotal"]["value"] == 28.0
    assert sandbox.api("POST", "/cart/details/status", {"refId": "ckd-ref_x"}).status_code == 404


def test_orders_are_fetched(sandbox: Client) -> None:
    carts = [cart(sandbox) for _ in range(3)]
    refs = [buy(sandbox, cart_id)["refId"] for cart_id in carts]
    found = call(sandbox, "/orders/fetch", limit=2)
    assert [job["refId"] for job in found["data"]] == refs[:0:-1]
    assert found["data"][0] == status(sandbox, refs[2])
    assert len(call(sandbox, "/orders/fetch", cartId=carts[0])["data"]) == 1
    assert call(sandbox, "/orders/fetch", status="complete")["data"] == []
    assert call(sandbox, "/orders/fetch", cursor="2023-01-01T00:00:00.000Z")["data"] == []


def test_merchants_are_fetched(sandbox: Client) -> None:
    assert len(call(sandbox, "/merchants/fetch")["data"]) == 6
    (found,) = call(sandbox, "/merchants/fetch", name="fern")["data"]
    assert found["website"] == {"urls": [{"value": "https://fernhill.example", "type": "landing"}]}
    assert found["categories"] == ["sports_and_outdoor"]
    assert sandbox.session.get(found["logo"]["urls"][0]["value"], timeout=5).status_code == 200
    assert [each["host"] for each in call(sandbox, "/merchants/fetch", categories=["food", "travel"])["data"]]
    assert call(sandbox, "/merchants/fetch", host="nobody.example")["data"] == []
    first = call(sandbox, "/merchants/fetch", limit=2)["data"]
    second = call(sandbox, "/merchants/fetch", limit=2, cursor=first[1]["host"])["data"]
    assert not {each["host"] for each in first} & {each["host"] for each in second}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cart/create", {}),
        ("/cart/create", {"items": [{"link": MUG, "variant": 7}]}),
        ("/cart/create", {"items": [{"link": MUG, "shippingOption": "express"}]}),
        ("/cart/create", {"items": [{"link": "x"}]}),
        ("/cart/create", {"items": ["x"]}),
        ("/cart/fetch", {}),
        ("/cart/fetch", {"cartId": "nope"}),
        ("/cart/add-item", {"cartId": "3fa85f64-5717-4562-b3fc-2c963f66afa6"}),
        ("/cart/purchase", {"buyer": {}}),
        ("/cart/details/status", {}),
        ("/cart/purchase/status", {}),
        ("/orders/fetch", {"limit": 0}),
        ("/orders/fetch", {"limit": "5"}),
        ("/orders/fetch", {"cartId": "nope"}),
        ("/orders/fetch", {"cursor": "soon"}),
        ("/merchants/fetch", {"limit": 101}),
        ("/merchants/fetch", {"name": ""}),
        ("/merchants/fetch", {"categories": []}),
        ("/merchants/fetch", {"categories": ["apparel"]}),
        ("/merchants/fetch", {"cursor": "x"}),
    ],
)
def test_a_bad_call_is_refused(sandbox: Client, path: str, body: Any) -> None:
    answer = sandbox.api("POST", path, body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["success"] is False


@pytest.mark.parametrize(
    "more",
    [
        {"selectedShippingOption": {}},
        {"selectedShippingOption": "express"},
        {"selectedShippingOption": {"id": 7}},
        {"settings": {"collectEmail": 1}},
        {"settings": "all"},
        {"metadata": []},
        {"coupons": "SAVE10"},
        {"overrideProducts": [MUG]},
    ],
)
def test_a_bad_purchase_is_refused(sandbox: Client, more: Any) -> None:
    (name,) = more
    early = sandbox.api("POST", "/cart/purchase", {"cartId": cart(sandbox), "buyer": buyer(), **more})
    rest = sandbox.purchase(sandbox.cart(MUG), **more)
    for answer in (early, rest):
        assert answer.status_code == 400
        assert name in answer.json()["message"]
    assert sandbox.orders() == []


def test_unknown_ids_keys_and_methods(sandbox: Client) -> None:
    unknown = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    for path in ("fetch", "delete", "purchase", "details"):
        body = {"cartId": unknown, "buyer": {**buyer()}}
        assert sandbox.api("POST", f"/cart/{path}", body).status_code == 404, path
    assert sandbox.api("POST", "/cart/purchase/status", {"refId": "x"}).status_code == 404
    for path in ("create", "fetch", "add-item", "purchase", "details/status"):
        assert sandbox.api("POST", f"/cart/{path}", {}, headers={}).status_code == 401
        refused = sandbox.api("GET", f"/cart/{path}")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


# What REST has beside


def test_merchants_of_rest(sandbox: Client) -> None:
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
    assert sandbox.api("GET", "/merchants/nobody.example").status_code == 404
    for query in ("?limit=0", "?checkoutCoverage=x", "?categories=x", "/search", "/search?q=%20"):
        assert sandbox.api("GET", f"/merchants{query}").status_code == 400, query


def test_a_card_is_exchanged_for_a_token(sandbox: Client) -> None:
    token = sandbox.api("POST", "/card/tokenize", {**RAW, "nameOnCard": NAME}).json()["data"]["cardToken"]
    assert re.fullmatch(r"card_test_[A-Za-z0-9]{35}", token)
    shown = sandbox.api("GET", f"/card/{token}")
    assert shown.json()["data"] == {
        "cardToken": token,
        "last4": "4242",
        "nameOnCard": "Ada Lovelace",
        "status": "active",
    }
    assert CARD not in shown.text
    sandbox.purchase(sandbox.cart(MUG), token)
    assert sandbox.orders()[0]["cardLast4"] == "4242"
    declined = {**RAW, "cardNumber": "4000000000000002"}
    token = sandbox.api("POST", "/card/tokenize", declined).json()["data"]["cardToken"]
    sandbox.purchase(sandbox.cart(MUG), token)
    assert len(sandbox.orders()) == 1
    assert sandbox.api("GET", "/card/card_test_declined").json()["data"]["last4"] == "0002"
    assert sandbox.api("GET", "/card/card_nothing").status_code == 404
    for body in ({}, {**RAW, "cardNumber": "1"}, {**RAW, "cvv": "abc"}, {**RAW, "nameOnCard": "Ada"}):
        assert sandbox.api("POST", "/card/tokenize", body).status_code == 400
    assert (
        sandbox.raw("POST", "/v1/card/tokenize", json=RAW, headers={"x-api-key": f"{KEY}!"}).status_code
        == 401
    )
