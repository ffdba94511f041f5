"""The example shop: its pages open, own what is theirs, and cost a fixed number of queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from django_henry_checkout.flows import carts
from django_henry_checkout.flows.sessions import begin_checkout
from django_henry_checkout.flows.working import run_once
from django_henry_checkout.models import Cart, Order
from example_project.shop.models import Product, Receipt
from tests.henry import Sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("example_project.urls")]


def make_products(number: int) -> list[Product]:
    return [
        Product.objects.create(
            slug=f"product-{at}",
            link=f"https://merchant-{at % 3}.example/products/{at}",
            name=f"Product {at}",
            merchant=f"Merchant {at % 3}",
            price_amount="10.00",
            position=at,
        )
        for at in range(number)
    ]


def fill(client: Client, number: int) -> Cart:
    for product in make_products(number):
        assert client.post(f"/products/{product.slug}/", {"quantity": 1}).status_code == 302
    return Cart.objects.get()


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_user("ada", password="lovelace"))
    return client


def buy(sandbox: Sandbox, cart: Cart, *, user: Any = None) -> Order:
    order = begin_checkout(cart, user=user).order
    sandbox.pay(order.henry_cart_id, email="ada@example.com")
    sandbox.advance(60)
    for _round in range(4):
        run_once()
    order.refresh_from_db()
    return order


@pytest.mark.parametrize("lines", [1, 50])
def test_each_page_costs_the_same_for_one_line_and_for_fifty(
    sandbox: Sandbox, polls_at_once: None, ada: Client, lines: int, django_assert_num_queries: Any
) -> None:
    cart = fill(ada, lines)
    ada.get("/cart/")
    for path, queries in {"/": 6, "/products/product-0/": 6, "/cart/": 7}.items():
        with django_assert_num_queries(queries):
            assert ada.get(path).status_code == 200
    order = buy(sandbox, cart, user=cart.user)
    with django_assert_num_queries(6):
        assert ada.get("/orders/").status_code == 200
    with django_assert_num_queries(7):
        assert ada.get(f"/orders/{order.ulid}/").status_code == 200


def test_a_receipt_is_written_and_mailed_once(sandbox: Sandbox, polls_at_once: None, client: Client) -> None:
    cart = fill(client, 2)
    order = buy(sandbox, cart)
    receipt = Receipt.objects.get()
    assert (receipt.order, receipt.sent_to) == (order, "ada@example.com")
    (message,) = mail.outbox
    assert order.number in message.subject
    assert message.extra_headers["X-Event-Id"] == receipt.event_id
    assert "Product 0" in message.body
    assert "Product 1" in message.body
    run_once()
    assert Receipt.objects.count() == len(mail.outbox) == 1


def test_somebody_elses_order_is_not_found(sandbox: Sandbox, client: Client, ada: Client) -> None:
    order = begin_checkout(fill(ada, 1), user=get_user_model().objects.get()).order
    assert ada.get(f"/orders/{order.ulid}/").status_code == 200
    stranger = Client()
    for order_id in (order.ulid, "01J00000000000000000000000", "nonsense", order.number):
        assert stranger.get(f"/orders/{order_id}/").status_code == 404


@pytest.mark.parametrize("quantity", ["-1", "0.5", "", "abc", "1000", "9" * 5000])
def test_an_odd_quantity_is_told_and_changes_nothing(ada: Client, quantity: str) -> None:
    line = fill(ada, 1).lines.get()
    answer = ada.post(f"/cart/lines/{line.pk}/", {"quantity": quantity}, follow=True)
    assert b"between 1 and 999" in answer.content
    line.refresh_from_db()
    assert line.quantity == 1


def test_signing_in_takes_the_cart_along(client: Client, settings: Any) -> None:
    settings.LOGIN_REDIRECT_URL = "shop:orders"
    get_user_model().objects.create_user("ada", password="lovelace")
    fill(client, 2)
    answer = client.post("/accounts/login/", {"username": "ada", "password": "lovelace"}, follow=True)
    assert answer.status_code == 200
    assert b"Product 1" in client.get("/cart/").content
    assert carts.Cart.objects.get().user is not None
