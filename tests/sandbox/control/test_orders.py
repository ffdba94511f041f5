from __future__ import annotations

import threading

from tests.sandbox.client import MUG, TEAPOT, Client


def test_pay_places_an_order_as_the_hosted_page_does(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG, TEAPOT)
    assert (
        sandbox.raw(
            "POST", "/__sandbox__/pay", json={"cartId": cart_id, "card": "4000000000000002"}
        ).status_code
        == 402
    )
    job = sandbox.control(
        "pay", {"cartId": cart_id, "email": "bo@shop.example", "outcome": "partially_complete"}
    )
    assert job["status"] == "pending"
    (order,) = sandbox.orders()
    assert (order["refId"], order["cartId"], order["via"]) == (job["refId"], cart_id, "hosted")
    assert order["email"] == "bo@shop.example"
    assert [item["link"] for item in order["items"]] == [MUG, TEAPOT]
    assert sandbox.raw("POST", "/__sandbox__/pay", json={"cartId": cart_id}).status_code == 409
    assert sandbox.raw("POST", "/__sandbox__/pay", json={"cartId": "crt_000000000000"}).status_code == 404
    sandbox.advance(7)
    assert sandbox.orders()[0]["status"] == "partially_complete"


def test_only_one_of_concurrent_payments_succeeds(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    barrier = threading.Barrier(8)
    seen: list[int] = []

    def pay(index: int) -> None:
        client = Client(sandbox.url)
        barrier.wait()
        if index % 2:
            seen.append(client.purchase(cart_id).status_code)
        else:
            seen.append(client.raw("POST", "/__sandbox__/pay", json={"cartId": cart_id}).status_code)
        client.session.close()

    threads = [threading.Thread(target=pay, args=[index]) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert sorted(seen) == [200] + [409] * 7
    assert len(sandbox.orders()) == 1


def test_an_invalid_card_is_refused(sandbox: Client) -> None:
    for body in ({}, {"userId": 7}, {"userId": "a", "card": "1"}, {"userId": "a", "cvv": "1"}):
        assert sandbox.raw("POST", "/__sandbox__/card", json=body).status_code == 400
