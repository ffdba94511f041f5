"""Calls of v0."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import requests

from tests.sandbox.client import KEY, SHIPPING, Client


def add(sandbox: Client, *products: Any, user: str = "ada", **more: Any) -> Any:
    response = sandbox.v0("POST", "/cart/items", {"productsDetails": list(products), **more}, user=user)
    assert response.status_code == 200, response.text
    return response.json()["data"]


def items(sandbox: Client, user: str = "ada") -> Any:
    return sandbox.v0("GET", "/cart/items", user=user).json()["data"]["products"]


def link_of(sandbox: Client, user: str = "ada", **query: str) -> str:
    response = sandbox.raw(
        "POST", "/v0/cart/checkout", params=query, headers={"x-api-key": KEY, "x-user-id": user}
    )
    assert response.status_code == 200, response.text
    return str(response.json()["data"]["checkout_url"])


def claims(link: str) -> Any:
    head, payload, _ = link.partition("session=")[2].split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def pay(sandbox: Client, link: str, **query: str) -> requests.Response:
    """Pay the hosted checkout of a link."""
    page = sandbox.session.get(link, params=query, timeout=5)
    assert page.status_code == 200, page.text
    hidden = dict(re.findall(r'name="(attempt|seen)" value="([^"]*)"', page.text))
    assert set(hidden) == {"attempt", "seen"}
    form = {
        **hidden, "action": "pay", "email": "ada@shop.example", "first_name": "Ada", "last_name": "Lovelace",
        "country": "US", "line1": "350 Harbour Street", "city": "New York", "province": "NY",
        "postal_code": "10001", "card_number": "4242424242424242", "card_expiry": "04/39", "card_cvc": "123",
        "card_name": "Ada Lovelace", "shipping_0": "standard", "shipping_1": "standard",
    }  # fmt: skip
    return sandbox.session.post(page.url, data=form, timeout=5, allow_redirects=False)


def quote(sandbox: Client, **more: Any) -> Any:
    response = sandbox.v0("POST", "/checkout/session/quote", {"shippingDetails": SHIPPING, **more})
    assert response.status_code == 200, response.text
    return response.json()["data"]


def confirm(sandbox: Client, token: str, body: Any = None, user: str = "ada") -> Any:
    return sandbox.v0("POST", "/checkout/session/confirm", body, user=user, session_token=token)
