"""The data of generated calls: real carts, sessions, orders and links, and callers of every kind."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import cached_property
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client

from django_henry_checkout.flows.access.customer_tokens import (
    create_customer_token,
    get_caller_by_customer_token,
    get_customer_session,
)
from django_henry_checkout.flows.access.tokens import create_api_key, issue_cart_token
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.hosted import payment_url
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import quote_session
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Cart, CheckoutSession, Order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Buyer, Card
from tests.support.inline import BOOTS, BUYER, MUG, fresh
from tests.support.items import make_item

CALLERS = ("server", "server", "page", "page", "holder", "holder", "shopper", "shopper", "customer", "guest")
_keys = itertools.count(1)


class Storefront:
    """One caller and their data, created on first use."""

    def __init__(self, sandbox: Sandbox, caller: str) -> None:
        self.sandbox = sandbox
        self.caller = caller

    # Callers --------------------------------------------------------------------------------------

    @cached_property
    def user(self) -> Any:
        name = f"ada-{next(_keys)}"
        return get_user_model().objects.create_user(name) if self.caller == "page" else None

    @cached_property
    def customer_token(self) -> str:
        return create_customer_token(Buyer(first_name="Ada"))

    @cached_property
    def cookies(self) -> dict[str, str]:
        if self.caller != "page":
            return {}
        browser = Client()
        browser.force_login(self.user)
        return {"sessionid": browser.cookies["sessionid"].value, "csrftoken": "c" * 32}

    def headers(self) -> dict[str, str]:
        if self.caller == "server":
            return {"Authorization": f"Api-Key {create_api_key('till')}"}
        if self.caller == "customer":
            return {"Authorization": f"Bearer {self.customer_token}"}
        if self.caller in {"holder", "shopper"}:
            return {"X-Session-Token": self.cart_token if self.caller == "holder" else self.session_token}
        return {"X-CSRFToken": "c" * 32} if self.caller == "page" else {}

    # Their data -----------------------------------------------------------------------------------

    def _new_cart(self, **more: Any) -> Cart:
        items = [make_item(BOOTS, price="100.00"), make_item(MUG, price="20.00")]
        cart = carts.create_filled_cart(items, user=self.user, account="default", metadata={})
        if self.caller == "customer":
            cart.customer = get_customer_session(get_caller_by_customer_token(self.customer_token))
            cart.save()
        return cart

    @cached_property
    def cart(self) -> Cart:
        return self._new_cart()

    @cached_property
    def cart_token(self) -> str:
        return issue_cart_token(self.cart)

    @cached_property
    def guests_cart(self) -> Cart:
        return carts.create_filled_cart([make_item(MUG, price="20.00")], account="default", metadata={})

    @cached_property
    def template(self) -> Cart:
        cart = self._new_cart()
        make_template(cart)
        return cart

    @cached_property
    def _begun(self) -> tuple[CheckoutSession, str]:
        begun = begin_inline(self.cart, user=self.user)
        set_buyer(fresh(begun.session), lambda _known: BUYER, strict=True)
        quote_session(fresh(begun.session))
        return begun.session, begun.token

    @property
    def session(self) -> CheckoutSession:
        return fresh(self._begun[0])

    @property
    def session_token(self) -> str:
        return self._begun[1]

    @cached_property
    def hosted_order(self) -> Order:
        cart = self._new_cart() if self.caller != "holder" else self.cart
        begun = begin_checkout(cart, user=self.user)
        payment_url(begun.session, return_url="https://shop.example/back")
        return begun.order

    @cached_property
    def bought_order(self) -> Order:
        cart = self._new_cart() if self.caller != "holder" else self.cart
        return buy_cart(cart, BUYER, Payment(card=Card(token="card_test_pays")))

    # Parts of calls -------------------------------------------------------------------------------

    def real(self, operation: str, name: str) -> Any:
        """Return an existing value for a part of a call, or None if any will do."""
        kinds = {
            "cartId": lambda: self._cart_of(operation).ulid,
            "orderId": lambda: self._order_of(operation).ulid,
            "sessionToken": lambda: issue_cart_token(self.guests_cart),
            "sessionId": lambda: self.session.ulid,
            "paymentIntentId": lambda: self.session.ulid,
            "shippingMethodId": lambda: next(iter(self.session.quote.rates)),
            "refId": lambda: self.bought_order.purchases.get().ref_id,
            "amount": lambda: float(self.session.quote.total.amount),
            "acceptedTotal": lambda: _money(self.session.quote.total),
            "link": lambda: BOOTS,
            "Idempotency-Key": lambda: f"key-{next(_keys)}",
        }
        return kinds[name]() if name in kinds else None

    def _cart_of(self, operation: str) -> Cart:
        if operation.startswith("readQr") or operation == "beginCheckout":
            return self.template
        if operation == "mergeCart":
            return self.guests_cart
        if operation in _OF_A_SESSION:
            _made = self._begun
        return self.cart

    def _order_of(self, operation: str) -> Order:
        if operation == "renewToken":
            return self.hosted_order
        if operation in {"readOrder", "listOrderEvents"} and self.caller in {"server", "page"}:
            return self.bought_order
        return self.session.order


_OF_A_SESSION = {
    "setShipping",
    "chooseShippingMethod",
    "confirmSession",
    "prepareCard",
    "listSessionProducts",
    "readSessionShipping",
}


def _money(amount: Any) -> dict[str, str]:
    return {"value": str(amount.amount), "currency": amount.currency.code}


def grafted(store: Storefront, operation: str, example: Any, generated: Any, dice: Random) -> Any:
    """Mix a valid body with a generated one: most parts of the first, some of the second."""
    if not isinstance(generated, dict) or example is None:
        return example if example is not None and dice.random() < 0.3 else generated
    body = json.loads(json.dumps(example))
    for name, value in _real_parts(store, operation, body):
        body[name] = value
    body.pop("version", None)
    if dice.random() < 0.35:
        return body
    kept = {"cartId", "sessionId", "paymentIntentId"} if dice.random() < 0.85 else set()
    others = sorted(set(generated) - kept)
    for name in dice.sample(others, min(len(others), dice.randint(1, 2))):
        body[name] = generated[name]
    return body


def _real_parts(store: Storefront, operation: str, body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in body:
        value = store.real(operation, name)
        if value is not None:
            yield name, value
    if operation == "updateItem":
        yield "item", {"link": BOOTS, "quantity": 3}
    if operation == "purchaseCart":
        yield "overrideProducts", {BOOTS: 1}
