"""A JSON client for the storefront API, and assertions on its answers."""

from __future__ import annotations

from typing import Any

from django.test import Client

from django_henry_checkout.models import Order
from django_henry_checkout.testing.sandbox import Sandbox


class Api:
    """A JSON client with a token or key, or the cookies of `client`."""

    def __init__(self, client: Client | None = None, **headers: str) -> None:
        self._client = client or Client()
        self._headers = headers

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self._client.generic(
            method,
            f"/henry/api/v1/{path}",
            data="" if body is None else _dump(body),
            content_type="application/json",
            headers={**self._headers, **headers},
        )


def _dump(body: Any) -> str:
    import json

    return body if isinstance(body, str) else json.dumps(body)


BOOTS = {
    "link": "https://alpine.example/products/boots",
    "quantity": 2,
    "selectedOptions": ["10"],
    "title": "Boots",
    "unitPrice": {"value": "149.00", "currency": "USD"},
    "metadata": {"giftWrap": True},
}


def make(api: Api, *items: dict[str, Any]) -> dict[str, Any]:
    answer = api("POST", "cart", {"items": list(items)})
    assert answer.status_code == 201, answer.content
    content: dict[str, Any] = answer.json()
    return content


def guest(*items: dict[str, Any]) -> tuple[Api, dict[str, Any]]:
    cart = make(Api(), *items)
    return Api(**{"X-Session-Token": cart["sessionToken"]}), cart


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert (content["status"], content["code"]) == (status, code)
    assert content["detail"]
    return content


MUG = {"link": "https://clay.example/products/mug", "unitPrice": {"value": "24.50", "currency": "USD"}}


DETAILS = {
    "fullName": "Ada Lovelace",
    "email": "ada@shop.example",
    "phoneNumber": "+12125550123",
    "addressLine1": "350 5th Ave",
    "addressLine2": "Apt 1",
    "city": "New York",
    "stateOrProvince": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}


BUYER_INFO = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@shop.example",
    "phone": "+1 212 555 0123",
    "address1": "350 5th Ave",
    "city": "New York",
    "provinceCode": "ny",
    "postalCode": "10001",
    "countryCode": "us",
}


ADDRESS = {
    "line1": "350 5th Ave",
    "city": "New York",
    "province": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}


PERSON = {
    "name": {"firstName": "Ada", "lastName": "Lovelace"},
    "email": "ada@shop.example",
    "phone": "+12125550123",
    "shippingAddress": ADDRESS,
}


def ok(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    content: dict[str, Any] = answer.json()
    return content


def card_for(sandbox: Sandbox, version: str) -> dict[str, str]:
    """Collect a card as a shopper does: in the modal in v0, as the element's token in v1."""
    if version == "v0":
        sandbox.call("POST", "card", {"userId": Order.objects.get().henry_cart_id})
        return {}
    return {"cardToken": "card_test_pays"}
