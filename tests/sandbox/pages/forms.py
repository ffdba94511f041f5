"""Fill the hosted pages as a browser without JavaScript does."""

from __future__ import annotations

import html
import re

import requests

from tests.sandbox.conftest import CARD, Client


class Page:
    """A hosted page as a browser without JavaScript sees it."""

    def __init__(self, sandbox: Client, cart_id: str, **query: str) -> None:
        self.sandbox = sandbox
        self.path = f"/cart/{cart_id}"
        self.query = query
        self.response = sandbox.raw("GET", self.path, params=query)
        self.text = html.unescape(self.response.text)

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.response.text)
        assert found, name
        return found[1]

    def post(self, **values: str) -> requests.Response:
        form = {
            "attempt": self.hidden("attempt"),
            "seen": self.hidden("seen"),
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


def receipt(sandbox: Client, answer: requests.Response) -> str:
    assert answer.status_code == 302, answer.text
    return sandbox.raw("GET", answer.headers["Location"]).text


GOOD = {"card_number": CARD, "card_expiry": "04 / 39", "card_cvc": "123", "card_name": "Ada Lovelace"}


#: What a person can get wrong, and what the page says then.
MISTAKES = [
    ({"card_number": "4242 4242 4242 4241"}, "not valid"),
    ({"card_expiry": "01/20"}, "expired"),
    ({"card_cvc": "12"}, "3 or 4 digits"),
    ({"card_name": ""}, "name on the card"),
]


def said_of_a_mistake(answer: requests.Response, message: str) -> str:
    """Check that a form names a mistake and gives no value back; return what it says."""
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    assert message in text
    assert 'role="alert"' in text
    assert "<title>Error:" in text
    for secret in ("4242 4242 4242 4241", 'value="123"', "04 / 39", CARD):
        assert secret not in text
    return text


def modal(sandbox: Client, user: str = "ada") -> str:
    answer = sandbox.v0("POST", "/wallet/card-collect?auth=false", user=user)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["modal_url"])
