"""The pages, by Django's test client over the real sandbox: good input, bad input, headers, query counts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Cart, CheckoutSession, Order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import LineItem
from tests.support.items import make_item
from tests.support.shop import shop_settings

pytestmark = pytest.mark.django_db(transaction=True)

BUY = reverse("henry_checkout:buy")


def give(client: Client, cart: Cart) -> None:
    """Let a client's session own a guest's cart."""
    session = client.session
    session["henry_checkout"] = {"carts": [cart.ulid]}
    session.save()


@pytest.fixture
def shopper(client: Client, cart: Cart) -> Client:
    give(client, cart)
    return client


def pay_page(client: Client) -> Any:
    return client.post(BUY, follow=True)


def test_buy_leads_to_henry_through_a_page_of_the_app(sandbox: Sandbox, shopper: Client) -> None:
    response = shopper.post(BUY)
    assert response.status_code == 303
    page = shopper.get(response["Location"])
    body = page.content.decode()
    order = Order.objects.get()
    assert page.status_code == 200
    assert f'content="0;url={order.hosted_url}?returnUrl=' in body.replace("; url", ";url").replace(
        "&amp;", "&"
    )
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert page["Referrer-Policy"] == "same-origin"
    assert page["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in page
    assert "<script" not in re.sub(r"<script[^>]+src=[^>]+></script>", "", body)


def test_buy_names_a_cart_and_checks_its_owner(sandbox: Sandbox, shopper: Client, cart: Cart) -> None:
    assert shopper.post(BUY, {"cart": cart.ulid}).status_code == 303
    theirs = carts.create_cart(user=get_user_model().objects.create_user("other"))
    carts.add_item(theirs, make_item())
    answers = [shopper.post(BUY, {"cart": name}) for name in (theirs.ulid, "01J00000000000000000000000", "x")]
    assert [response.status_code for response in answers] == [404, 404, 404]
    assert len({response.content for response in answers}) == 1
    assert Client().post(BUY, {"cart": cart.ulid}).status_code == 404
    assert Client().post(BUY).status_code == 404


def test_buy_takes_no_get_and_no_forged_form(shopper: Client, cart: Cart) -> None:
    assert shopper.get(BUY).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    give(strict, cart)
    assert strict.post(BUY).status_code == 403
    assert not Order.objects.exists()


def test_an_empty_cart_is_an_error_page(client: Client, db: None) -> None:
    give(client, carts.create_cart())
    response = client.post(BUY)
    assert response.status_code == 409
    assert b"Your cart is empty" in response.content


@pytest.mark.parametrize("key", ["canary-wrong-key", ""])
def test_a_bad_key_is_an_error_page_and_a_clear_log_line(
    sandbox: Sandbox, shopper: Client, settings: Any, caplog: Any, key: str
) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_KEY=key)
    response = shopper.post(BUY)
    body = response.content.decode()
    assert response.status_code == 503
    assert response["Retry-After"] == "30"
    assert "Your cart is safe" in body
    assert "API_KEY" not in body
    assert 'HENRY_CHECKOUT["API_KEY"]' in caplog.text
    assert "canary-wrong-key" not in caplog.text + body


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 500},
        {"fault": "reset"},
        {"fault": "garbage", "kind": "html"},
        {
            "fault": "body",
            "status": 200,
            "json": {"data": {"cartId": "c", "checkoutUrl": "https://evil.example/"}},
        },
    ],
)
def test_a_failure_of_henry_is_an_error_page_and_can_be_retried(
    sandbox: Sandbox, shopper: Client, cart: Cart, fault: dict[str, Any]
) -> None:
    sandbox.scenario(faults=[fault])
    response = shopper.post(BUY)
    assert response.status_code == 503
    assert b"try again" in response.content
    assert cart.lines.count() == 2
    assert not Order.objects.exists()
    assert shopper.post(BUY).status_code == 303


def test_forged_and_expired_tokens_change_nothing(sandbox: Sandbox, shopper: Client, cart: Cart) -> None:
    started = begin_checkout(cart)
    good, order = started.token, started.order
    for order_id, token in ((order.ulid, "forged"), ("01J00000000000000000000000", good), ("nonsense", good)):
        for name in ("pay", "completed", "canceled", "errored"):
            assert shopper.get(reverse(f"henry_checkout:{name}", args=[order_id, token])).status_code == 404
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expired = shopper.get(reverse("henry_checkout:pay", args=[order.ulid, good]))
    assert (expired.status_code, CheckoutSession.objects.get().status) == (410, "awaiting_payment")
    assert b"expired" in expired.content


def test_the_three_return_pages(sandbox: Sandbox, shopper: Client, cart: Cart) -> None:
    started = begin_checkout(cart)
    urls = {
        name: reverse(f"henry_checkout:{name}", args=[started.order.ulid, started.token])
        for name in ("pay", "completed", "canceled", "errored")
    }
    checking = shopper.get(urls["completed"])
    assert (checking.status_code, b"refresh" in checking.content) == (200, True)
    canceled = shopper.get(urls["canceled"])
    assert (canceled.status_code, Order.objects.get().status) == (200, "open")

    again = shopper.post(urls["pay"])
    assert again.status_code == 303
    page = shopper.get(again["Location"])
    assert page.status_code == 200
    fresh = again["Location"]
    assert shopper.get(f"{fresh}/errored").status_code == 200
    assert shopper.get(urls["pay"]).status_code == 410

    sandbox.pay(started.order.henry_cart_id)
    cache.clear()  # which holds what Henry reported a moment ago
    for url in (urls["completed"], urls["canceled"], f"{fresh}/errored"):
        done = shopper.get(url)
        assert done.status_code == 302
        assert done["Location"].startswith("/henry/status/")
    assert shopper.get(urls["pay"]).status_code == 302
    assert shopper.post(urls["pay"]).status_code == 409
    assert len(sandbox.orders()) == 1


def test_a_cancel_in_the_query_counts_only_while_nothing_is_paid(
    sandbox: Sandbox, shopper: Client, cart: Cart
) -> None:
    started = begin_checkout(cart)
    url = reverse("henry_checkout:completed", args=[started.order.ulid, started.token])
    sandbox.pay(started.order.henry_cart_id)
    assert shopper.get(url, {"status": "cancelled"}).status_code == 302
    assert CheckoutSession.objects.get().status in {"confirming", "completed"}


def test_a_return_by_form_post_without_cookies_works(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    strict = Client(enforce_csrf_checks=True)
    url = reverse("henry_checkout:completed", args=[started.order.ulid, started.token])
    assert strict.post(url, {"anything": "else"}).status_code == 302


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/thanks/{order}/", "/thanks/{ulid}/"),
        ("admin:index", "/admin/"),
        ("https://spa.example/{order}", "https://spa.example/{ulid}"),
        ("", "/henry/status/"),
    ],
)
def test_the_shop_chooses_where_a_shopper_lands(
    sandbox: Sandbox, shopper: Client, cart: Cart, settings: Any, target: str, expected: str
) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, RETURN_URLS={"completed": target, "canceled": target})
    completed = f"{shopper.post(BUY)['Location']}/completed"
    order = Order.objects.get()
    sandbox.pay(order.henry_cart_id)
    assert shopper.get(completed)["Location"].startswith(expected.replace("{ulid}", order.ulid))
    # Another device, which scanned the code, is not sent to a page that only the owner can see.
    there = Client().get(completed)["Location"]
    about_the_order = target.startswith("/")
    assert there.startswith("/henry/status/" if about_the_order else expected.replace("{ulid}", order.ulid))


def test_the_status_page_shows_an_order_to_the_holder_of_its_link(
    sandbox: Sandbox, client: Client, cart: Cart
) -> None:
    order = begin_checkout(cart).order
    url = reverse("henry_checkout:status", args=[create_status_token(order)])
    page = client.get(url)
    assert page.status_code == 200
    assert order.number in page.content.decode()
    assert b'http-equiv="refresh"' in page.content
    assert client.get(reverse("henry_checkout:status", args=["forged"])).status_code == 404
    assert client.post(url).status_code == 405


def test_the_panel_is_sent_again_only_when_something_happened(
    sandbox: Sandbox, client: Client, cart: Cart
) -> None:
    started = begin_checkout(cart)
    url = reverse("henry_checkout:status", args=[create_status_token(started.order)]) + "?part=1"
    first = client.get(url)
    assert b"<html" not in first.content
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    sandbox.pay(started.order.henry_cart_id)
    client.get(reverse("henry_checkout:completed", args=[started.order.ulid, started.token]))
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_fault_57_texts_from_outside_are_escaped(sandbox: Sandbox, client: Client) -> None:
    cart = carts.create_cart()
    give(client, cart)
    carts.add_item(cart, LineItem(link="https://a.example/x", title="<script>alert(1)</script>"))
    order = begin_checkout(cart).order
    page = client.get(reverse("henry_checkout:status", args=[create_status_token(order)]))
    assert b"<script>alert" not in page.content
    assert b"&lt;script&gt;alert" in page.content


@pytest.mark.parametrize("lines", [1, 50])
class TestQueryCounts:
    """Fixed numbers, the same for one line and for fifty. BEGIN and COMMIT are not counted by Django."""

    def cart_of(self, lines: int) -> Cart:
        cart = carts.create_cart()
        for number in range(lines):
            carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
        cart.refresh_from_db()
        return cart

    def test_add_an_item(self, lines: int, django_assert_num_queries: Any) -> None:
        cart = self.cart_of(lines)
        with django_assert_num_queries(6):
            carts.add_item(cart, make_item("https://alpine.example/products/new"))

    def test_change_a_quantity(self, lines: int, django_assert_num_queries: Any) -> None:
        cart = self.cart_of(lines)
        with django_assert_num_queries(6):
            carts.change_quantity(cart, cart.lines.all()[0].pk, 3)

    def test_begin(
        self, sandbox: Sandbox, client: Client, lines: int, django_assert_num_queries: Any
    ) -> None:
        give(client, self.cart_of(lines))
        with django_assert_num_queries(20):
            assert client.post(BUY).status_code == 303

    def test_pay_and_status(
        self, sandbox: Sandbox, client: Client, lines: int, django_assert_num_queries: Any
    ) -> None:
        started = begin_checkout(self.cart_of(lines))
        with django_assert_num_queries(2):
            assert (
                client.get(
                    reverse("henry_checkout:pay", args=[started.order.ulid, started.token])
                ).status_code
                == 200
            )
        with django_assert_num_queries(2):
            assert (
                client.get(
                    reverse("henry_checkout:status", args=[create_status_token(started.order)])
                ).status_code
                == 200
            )

    def test_return(
        self, sandbox: Sandbox, client: Client, lines: int, django_assert_num_queries: Any
    ) -> None:
        started = begin_checkout(self.cart_of(lines))
        sandbox.pay(started.order.henry_cart_id)
        url = reverse("henry_checkout:completed", args=[started.order.ulid, started.token])
        with django_assert_num_queries(22):
            assert client.get(url).status_code == 302
        with django_assert_num_queries(1):
            assert client.get(url).status_code == 302
