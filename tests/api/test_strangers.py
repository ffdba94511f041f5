"""Somebody else's id looks like one that was never given. The list comes from the URL table: a call that is added
without a row here fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from django_henry_checkout.api.urls import urlpatterns
from django_henry_checkout.flows.sessions import begin_hosted
from django_henry_checkout.flows.tokens import create_api_key
from django_henry_checkout.models import Cart
from tests.api.conftest import Api
from tests.api.test_carts import BOOTS, guest
from tests.henry import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

MADE_UP = "01J00000000000000000000000"
NO_IDS = {"api-carts", "api-orders"}
CALLS: dict[str, list[tuple[str, str, Any]]] = {
    "api-cart": [("GET", "cart/{cart}", None), ("DELETE", "cart/{cart}", None)],
    "api-cart-item": [
        ("POST", "cart/{cart}/item", {"item": BOOTS}),
        ("PUT", "cart/{cart}/item", {"item": {"link": BOOTS["link"], "quantity": 9}}),
        ("DELETE", "cart/{cart}/item", {"link": BOOTS["link"]}),
    ],
    "api-cart-checkout": [("POST", "cart/checkout", {"cartId": "{cart}"})],
    "api-token": [("GET", "checkout/{order}/token", None)],
    "api-order": [("GET", "orders/{order}", None)],
    "api-order-events": [("GET", "orders/{order}/events", None)],
}


def test_every_call_has_a_row() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(CALLS) | NO_IDS


def fill(value: Any, cart: str, order: str) -> Any:
    if isinstance(value, str):
        return value.replace("{cart}", cart).replace("{order}", order)
    return (
        {key: fill(inner, cart, order) for key, inner in value.items()} if isinstance(value, dict) else value
    )


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("kind", ["nobody", "shopper", "bearer", "server"])
def test_a_stranger_cannot_tell_it_from_nothing(
    sandbox: Sandbox, settings: Any, kind: str, name: str
) -> None:
    settings.HENRY_CHECKOUT = sandbox.settings(ACCOUNTS={"default": {}, "uk": {}})
    _holder, made = guest(BOOTS)
    cart = Cart.objects.get()
    order = begin_hosted(cart).order
    stranger = _stranger(kind)
    before = (str(vars(Cart.objects.get(pk=cart.pk))), order.sessions.count(), cart.lines.count())
    for method, path, body in CALLS[name]:
        answers = [
            stranger(method, fill(path, *ids), fill(body, *ids) if body else None)
            for ids in ((made["cartId"], order.ulid), (MADE_UP, MADE_UP))
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    unchanged = Cart.objects.get(pk=cart.pk)
    after = (str(vars(unchanged)), order.sessions.count(), unchanged.lines.count())
    assert before[1:] == after[1:]
    assert unchanged.version == cart.version


def _stranger(kind: str) -> Api:
    if kind == "shopper":
        client = Client()
        client.force_login(get_user_model().objects.create_user("stranger"))
        return Api(client)
    if kind == "bearer":
        from tests.api.test_carts import make

        return Api(**{"X-Session-Token": make(Api(), BOOTS)["sessionToken"]})
    if kind == "server":
        return Api(Authorization=f"Api-Key {create_api_key('uk office', account='uk')}")
    return Api()
