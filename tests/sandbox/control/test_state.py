from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import CARD, MUG, Client, buyer

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
def test_an_invalid_scenario_is_refused_and_changes_nothing(
    sandbox: Client, scenario: Any, part: str
) -> None:
    sandbox.scenario(outcome="failed")
    response = sandbox.raw("POST", "/__sandbox__/scenario", json=scenario)
    assert response.status_code == 400
    assert part in response.json()["message"]
    assert sandbox.control("scenario")["scenario"] == {"outcome": "failed"}


def test_reset_clears_everything(sandbox: Client) -> None:
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


def test_the_clock_only_moves_forward(sandbox: Client) -> None:
    before = sandbox.control("clock")["now"]
    assert sandbox.control("clock", {"advanceSeconds": 3600})["now"] > before
    assert sandbox.raw("POST", "/__sandbox__/clock", json={"advanceSeconds": -1}).status_code == 400
    assert sandbox.raw("POST", "/__sandbox__/clock", json={}).status_code == 400
    assert sandbox.raw("GET", "/__sandbox__/reset").status_code == 405


def test_requests_are_recorded_without_values(sandbox: Client) -> None:
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
