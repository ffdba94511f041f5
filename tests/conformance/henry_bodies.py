"""Bodies and steps that the conformance tests of Henry's two documents share; values are the documents' own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import Api, guest
from tests.support.inline import use, world

#: `^[a-zA-Z]{3}-ref_...$` of seed 001.
REF_ID = re.compile(r"[a-zA-Z]{3}-ref_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}")
BOOTS = {
    "link": "https://alpine.example/products/boots",
    "quantity": 2,
    "selectedOptions": ["10", "Black"],
    "title": "Boots",
    "imageUrl": "https://alpine.example/boots.png",
    "unitPrice": {"value": "100.00", "currency": "USD"},
    "metadata": {"color": "Black"},
}
MUG = {
    "link": "https://clay.example/products/mug",
    "title": "Mug",
    "unitPrice": {"value": "20.00", "currency": "USD"},
}
HOSTS = ["alpine.example", "clay.example"]
#: Of both, in cents: 2 x 100 + 20, 6 for each of two parcels, 8 % tax.
SUBTOTAL, SHIPPING, TAX, TOTAL = "220.00", "12.00", "17.60", "249.60"
UNKNOWN_ID = "01J00000000000000000000000"

#: The address used throughout Henry's v0 pages (henry-api.md 3.1).
DETAILS = {
    "fullName": "John Doe",
    "email": "john@example.com",
    "phoneNumber": "+1234567890",
    "addressLine1": "350 5th Ave",
    "addressLine2": "Apt 1",
    "city": "New York",
    "stateOrProvince": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}
MOVED = {**DETAILS, "addressLine1": "1 Main St", "addressLine2": None, "postalCode": "10002"}

NAME = {"firstName": "John", "middleName": "A.", "lastName": "Doe"}
ADDRESS = {
    "line1": "123 Main St",
    "line2": "Apt 4B",
    "city": "Anytown",
    "province": "CA",
    "postalCode": "12345",
    "countryCode": "US",
}
RAW_CARD = {"cardNumber": "4111111111111111", "expiryMonth": "12", "expiryYear": "2025", "cvv": "123"}
SAMPLE_CART_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
#: The request of seed 001, to the letter.
SAMPLE = {
    "cartId": SAMPLE_CART_ID,
    "buyer": {
        "name": NAME,
        "email": "johnadoe@example.com",
        "phone": "+1234567890",
        "shippingAddress": ADDRESS,
        "card": {"nameOnCard": NAME, "details": RAW_CARD, "billingAddress": ADDRESS},
    },
    "selectedShippingOption": {"id": "express", "value": "Express Shipping"},
    "coupons": ["SUMMER21", "FREESHIP"],
}


def ok(answer: Any, status: int = 200) -> dict[str, Any]:
    if answer.status_code != status:
        pytest.fail(f"{answer.status_code}: {answer.content[:1000]}")
    content: dict[str, Any] = answer.json()
    return content


def key(name: str = "call-1") -> dict[str, str]:
    return {"Idempotency-Key": name}


def start(settings: Any, sandbox: Sandbox, version: str) -> str:
    """A shop on one generation of Henry's API; quotes are calculated at once."""
    world(sandbox)
    return use(settings, version)


def option(settings: Any, **options: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, **options}


def session_of(token: str) -> Api:
    return Api(**{"X-Session-Token": token})


def server() -> Api:
    """A trusted server of the shop."""
    return Api(Authorization=f"Api-Key {create_api_key('till')}")


def quoted(*items: dict[str, Any], details: dict[str, Any] = DETAILS) -> tuple[Api, dict[str, Any]]:
    """A caller who holds the session token of a fresh quote, and the quote's answer."""
    holder, _cart = guest(*(items or (BOOTS, MUG)))
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": details}))
    return session_of(quote["sessionToken"]), quote


def payment(sandbox: Sandbox, version: str, *, card: str = "4242424242424242") -> dict[str, str]:
    """Collect a card as a shopper does: in Henry's modal in v0, as the element's token in v1."""
    if version == "v0":
        sandbox.call("POST", "card", {"userId": Order.objects.get().henry_cart_id, "card": card})
        return {}
    return {"cardToken": "card_test_pays"}


def time_passes(sandbox: Sandbox, seconds: float) -> None:
    """Advance the sandbox's clock, and run the worker."""
    sandbox.advance(seconds)
    for _round in range(4):
        run_once()
