from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import CARD, KEY, MUG, TEAPOT, Client, Process, buyer

BAD_PRICES: tuple[Any, ...] = (
    "", "free", "-1", "1.234", "1e3", " 1", "١", "12345678", "$5", -1, 1.234, 1_000_001, None, True, [], {},
)  # fmt: skip


@pytest.mark.parametrize(
    ("scenario", "part"),
    [
        ({"outcomes": "failed"}, "outcomes"),
        ({"outcome": "NOT A WORD"}, "outcome"),
        ({"outcome": 7}, "outcome"),
        ({"items": []}, "items"),
        ({"items": {MUG: 1}}, "items"),
        ({"prices": [MUG]}, "prices"),
        *(({"prices": {MUG: bad}}, f"prices[{MUG}]") for bad in BAD_PRICES),
        ({"prices": {"shoreline-mug": "1.00"}}, "prices[shoreline-mug]"),
        ({"seed": 1.5}, "seed"),
        ({"dialect": "five"}, "dialect"),
        ({"fees": "none"}, "fees"),
        ({"timing": {"pending": 1}}, "timing"),
        ({"timing": {"pendingSeconds": -1}}, "timing.pendingSeconds"),
        ({"faults": {}}, "faults"),
        ({"faults": [{"fault": "fire"}]}, "faults[0].fault"),
        ({"faults": [{"fault": ["reset"]}]}, "faults[0].fault"),
        ({"faults": [{"fault": "delay", "seconds": 61}]}, "faults[0].seconds"),
        ({"faults": [{"fault": "delay", "second": 1}]}, "second"),
        ({"faults": [{"fault": "status", "status": 99}]}, "faults[0].status"),
        ({"faults": [{"fault": "status", "headers": {"a": "b\r\nc"}}]}, "faults[0].headers"),
        ({"faults": [{"fault": "garbage", "kind": "soup"}]}, "faults[0].kind"),
        ({"faults": [{"fault": "body"}]}, "faults[0].json"),
        ({"faults": [{"fault": "redirect"}]}, "faults[0].location"),
        ({"faults": [{"fault": "reset", "times": -1}]}, "faults[0].times"),
        ({"faults": [{"fault": "reset", "probability": 2}]}, "faults[0].probability"),
    ],
)
def test_a_wrong_scenario_is_refused_and_changes_nothing(sandbox: Client, scenario: Any, part: str) -> None:
    sandbox.scenario(outcome="failed")
    answer = sandbox.raw("POST", "/__sandbox__/scenario", json=scenario)
    assert answer.status_code == 400
    assert part in answer.json()["message"]
    assert sandbox.control("scenario")["scenario"] == {"outcome": "failed"}


def test_reset_forgets_everything(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.control("pay", {"cartId": cart_id})
    sandbox.scenario(outcome="failed")
    sandbox.advance(1000)
    sandbox.control("reset", {})
    assert sandbox.orders() == []
    assert sandbox.control("requests") == []
    assert sandbox.control("clock")["offsetSeconds"] == 0
    assert sandbox.control("scenario")["scenario"] == {}
    assert sandbox.api("POST", f"/cart/{cart_id}").status_code == 404


def test_the_clock_only_goes_forward(sandbox: Client) -> None:
    before = sandbox.control("clock")["now"]
    assert sandbox.control("clock", {"advanceSeconds": 3600})["now"] > before
    assert sandbox.raw("POST", "/__sandbox__/clock", json={"advanceSeconds": -1}).status_code == 400
    assert sandbox.raw("POST", "/__sandbox__/clock", json={}).status_code == 400
    assert sandbox.raw("GET", "/__sandbox__/reset").status_code == 405


def test_requests_are_written_down_without_values(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    source = buyer("card_test_pays")
    source["card"]["details"] = {"cardNumber": CARD, "cvv": "987"}
    sandbox.api("POST", f"/cart/{cart_id}/purchase", {"buyer": source})
    sandbox.raw(
        "GET", "/v1/orders?limit=5", headers={"x-api-key": "no", "User-Agent": "probe", "Referer": "r"}
    )
    first, second, third = sandbox.control("requests")
    assert (first["method"], first["path"], first["status"], first["apiKeyOk"]) == (
        "POST",
        "/v1/cart",
        200,
        True,
    )
    assert "items" in first["bodyKeys"]
    assert "buyer.card.details.cardNumber" in second["bodyKeys"]
    assert (third["query"], third["status"], third["apiKeyOk"]) == ("limit=5", 401, False)
    assert (third["userAgent"], third["referer"], third["bodyKeys"]) == ("probe", "r", [])
    text = sandbox.raw("GET", "/__sandbox__/requests").text
    assert CARD not in text
    assert "987" not in str(second["bodyKeys"])


def test_pay_buys_a_cart_as_the_page_would(sandbox: Client) -> None:
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


def test_one_payment_wins_a_race(sandbox: Client) -> None:
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


def test_the_catalogue_and_its_pictures(sandbox: Client) -> None:
    catalogue = sandbox.control("catalogue")
    assert len(catalogue["products"]) >= 30
    assert len(catalogue["merchants"]) >= 5
    links = {product["link"] for product in catalogue["products"]}
    assert len(links) == len(catalogue["products"])
    pictures = set()
    for product in catalogue["products"]:
        assert product["link"].startswith(f"https://{product['host']}/products/")
        answer = sandbox.session.get(product["imageUrl"], timeout=5)
        assert answer.headers["Content-Type"] == "image/svg+xml"
        pictures.add(answer.content)
    assert len(pictures) == len(links)
    assert sandbox.raw("GET", "/pictures/nothing.svg").status_code == 404


def test_the_front_page_lists_cards_and_calls(sandbox: Client) -> None:
    page = sandbox.raw("GET", "/").text
    assert "4000 0000 0000 9995" in page
    assert "/__sandbox__/scenario" in page
    assert sandbox.raw("GET", "/nowhere").status_code == 404
    assert sandbox.raw("GET", "/static/..%2fsettings.py").status_code == 404
    assert sandbox.raw("GET", "/static/base.css").headers["Content-Type"] == "text/css; charset=utf-8"


def test_a_restart_goes_on_even_after_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    first = Process("--state", str(state))
    client = Client(first.url)
    cart_id = client.cart({"link": MUG, "metadata": {"rate": 1.5}}, TEAPOT, tags={"a": "b"})
    other = client.cart(MUG)
    client.scenario(items={TEAPOT: "failed"}, timing={"pendingSeconds": 50})
    client.advance(100)
    before = client.purchase(cart_id).json()
    client.session.close()
    first.stop(signal.SIGKILL)

    second = Process("--state", str(state))
    client = Client(second.url)
    assert client.status(before["refId"]) == before
    assert client.purchase(cart_id).status_code == 409
    assert client.control("clock")["offsetSeconds"] == 100
    client.advance(60)
    assert client.status(before["refId"])["status"] == "partially_complete"
    assert client.purchase(other).status_code == 200
    client.session.close()
    code, _ = second.stop()
    assert code == 0
    assert list(tmp_path.iterdir()) == [state]


def test_it_prints_a_line_for_each_request_and_no_secret(tmp_path: Path) -> None:
    running = Process("--allow-raw-card")
    client = Client(running.url)
    cart_id = client.cart(MUG)
    source = buyer()
    raw = {"cardNumber": CARD, "expiryMonth": "12", "expiryYear": "2030", "cvv": "123"}
    source["card"]["details"] = raw
    assert client.api("POST", f"/cart/{cart_id}/purchase", {"buyer": source}).status_code == 200
    assert client.orders()[0]["cardLast4"] == "4242"
    client.raw("GET", "/v1/orders?secret=1")
    client.session.close()
    code, output = running.stop(signal.SIGINT)
    lines = output.splitlines()
    assert code == 0
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in lines] == [
        "POST /v1/cart 200",
        f"POST /v1/cart/{cart_id}/purchase 200",
        "GET /__sandbox__/orders 200",
        "GET /v1/orders 401",
    ]
    for secret in (KEY, CARD, "secret", "ada@"):
        assert secret not in output
