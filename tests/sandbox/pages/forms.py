"""Fill the hosted pages as a browser without JavaScript does."""

from __future__ import annotations

import html
import re

import requests

from tests.sandbox.client import CARD, Client


class CheckoutPage:
    """A hosted checkout, opened without JavaScript."""

    def __init__(self, sandbox: Client, cart_id: str, **query: str) -> None:
        self.sandbox = sandbox
        self.path = f"/cart/{cart_id}"
        self.query = query
        self.response = sandbox.raw("GET", self.path, params=query)
        self.text = html.unescape(self.response.text)

    def read_hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.response.text)
        assert found, name
        return found[1]

    def post(self, **values: str) -> requests.Response:
        form = {
            "attempt": self.read_hidden("attempt"),
            "seen": self.read_hidden("seen"),
            "action": "pay",
            "email": "ada@shop.example",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "country": "US",
            "line1": "350 Harbour Street",
            "city": "New York",
            "province": "NY",
            "postal_code": "10001",
            "card_number": "4242 4242 4242 4242",
            "card_expiry": "04 / 39",
            "card_cvc": "123",
            "card_name": "Ada Lovelace",
            "shipping_0": "standard",
            "shipping_1": "standard",
            **values,
        }
        return self.sandbox.raw("POST", self.path, params=self.query, data=form)


def open_receipt(sandbox: Client, response: requests.Response) -> str:
    assert response.status_code == 302, response.text
    return sandbox.raw("GET", response.headers["Location"]).text


VALID_CARD = {"card_number": CARD, "card_expiry": "04 / 39", "card_cvc": "123", "card_name": "Ada Lovelace"}


#: Invalid input, and the error that it causes.
INVALID_CARDS = [
    ({"card_number": "4242 4242 4242 4241"}, "not valid"),
    ({"card_expiry": "01/20"}, "expired"),
    ({"card_cvc": "12"}, "3 or 4 digits"),
    ({"card_name": ""}, "name on the card"),
]


def assert_input_rejected(response: requests.Response, message: str) -> str:
    """Check that a form reports an error and no values; return its text."""
    assert response.status_code == 422
    text = html.unescape(response.text)
    assert message in text
    assert 'role="alert"' in text
    assert "<title>Error:" in text
    for secret in ("4242 4242 4242 4241", 'value="123"', "04 / 39", CARD):
        assert secret not in text
    return text


def create_card_link(sandbox: Client, user: str = "ada") -> str:
    response = sandbox.v0("POST", "/wallet/card-collect?auth=false", user=user)
    assert response.status_code == 200, response.text
    return str(response.json()["data"]["modal_url"])
