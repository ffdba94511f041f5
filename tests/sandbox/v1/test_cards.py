from __future__ import annotations

import re

from tests.sandbox.client import CARD, KEY, MUG, NAME, Client

RAW = {"cardNumber": CARD, "expiryMonth": "12", "expiryYear": "2039", "cvv": "123"}


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
