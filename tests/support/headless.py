"""Shared data and helpers of the tests of quotes and headless purchases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import requests
from moneyed import Money

from django_henry_checkout.testing.sandbox import API_KEY, Sandbox
from django_henry_checkout.types import Address, Buyer, Card, LineItem, PurchaseRequest

VERSIONS = ("v1", "v1-rpc", "v0")
V1 = ("v1", "v1-rpc")
BOOTS = "https://fernhill.example/products/larkspur-trail-boots"
BEANIE = "https://fernhill.example/products/tarn-wool-beanie"
MUG = "https://kilnandtide.example/products/shoreline-mug"
ADDRESS = Address(
    line1="1 Main St", city="Springfield", province="NY", postal_code="10001", country_code="US"
)
BUYER = Buyer(
    first_name="Ada",
    last_name="Lovelace",
    email="ada@example.com",
    phone="+12125550123",
    shipping_address=ADDRESS,
)
HOMELESS = Buyer(first_name="Ada", last_name="Lovelace", email="ada@example.com", phone="+12125550123")


def usd(amount: object) -> Money:
    return Money(Decimal(str(amount)), "USD")


ITEMS = (
    LineItem(link=BEANIE, title="Beanie", unit_price=usd("29.00")),
    LineItem(link=MUG, quantity=2, title="Mug", unit_price=usd("28.00")),
)


def pays(token: str = "card_test_pays", **more: Any) -> PurchaseRequest:
    return PurchaseRequest(buyer=BUYER, card=Card(token=token), **more)


def store_card(sandbox: Sandbox, cart_id: str, **card: str) -> None:
    """Store a card for the shopper of a v0 cart, as the card page does."""
    sandbox.call("POST", "card", {"userId": cart_id, **card})


def charged(sandbox: Sandbox) -> Money:
    """Return the total of the only order in the sandbox."""
    (bought,) = sandbox.orders()
    return usd(bought["total"])


def purchase_as_henry_shows_it(sandbox: Sandbox, version: str, ref_id: str) -> Any:
    """Return the complete PurchaseJob, of which the gateway reads only a part."""
    url, headers = f"{sandbox.url}/v1/cart/purchase/status", {"x-api-key": API_KEY}
    if version == "v1-rpc":
        answer = requests.post(url, json={"refId": ref_id}, headers=headers, timeout=5)
    else:
        answer = requests.get(url, params={"refId": ref_id}, headers=headers, timeout=5)
    assert answer.ok, answer.text
    return answer.json()


def calls_since(sandbox: Sandbox, before: int) -> list[str]:
    return [f"{row['method']} {row['path']}" for row in sandbox.requests()[before:]]
