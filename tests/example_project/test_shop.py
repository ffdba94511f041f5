"""The example shop: its pages open, own what is theirs, and cost a fixed number of queries."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import call_command
from django.test import Client

from django_henry_checkout.flows.access.tokens import get_caller_by_api_key
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import revoke_link
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import ApiKey, Cart, Order, SessionKind
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.elsewhere.serve import MAX_BODY, Storefront
from example_project.elsewhere.shop_api import Shop
from example_project.policy import POLICY_MIDDLEWARE, strict_policy
from example_project.shop.gift_set import SLUGS, find_gift_set, make_gift_set
from example_project.shop.models import Product, Receipt

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
    for path, queries in {"/": 6, "/products/product-0/": 6, "/cart/": 7, "/checkout/": 6}.items():
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


# Ways to pay ----------------------------------------------------------------------------


def forms_of(page: str) -> list[str]:
    return re.findall(r"<form.*?</form>", page, re.DOTALL)


def test_the_checkout_offers_each_way_and_begins_none(sandbox: Sandbox, ada: Client) -> None:
    cart = fill(ada, 2)
    answer = ada.get("/checkout/")
    page = answer.content.decode()
    assert re.findall(r'<henry-checkout[^>]* mode="(\w+)"', page) == ["auto", "popup", "redirect"]
    paying = [form for form in forms_of(page) if 'action="/henry/buy"' in form]
    assert len(paying) == 4
    assert all(cart.ulid in form and "csrfmiddlewaretoken" in form for form in paying)
    assert 'name="mode" value="phone"' in paying[-1]
    assert 'href="/checkout/embedded/"' in page
    assert any('action="/checkout/form/"' in form for form in forms_of(page))
    embedded = ada.get("/checkout/embedded/")
    assert re.search(r'<henry-checkout[^>]* layout="inline" open', embedded.content.decode())
    for shown in (answer, embedded):  # else Django's default cuts the ties to the payment window
        assert shown.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert ada.get("/checkout/form/").status_code == 405
    assert not Order.objects.exists()
    assert sandbox.requests() == []


def test_an_empty_cart_has_nothing_to_check_out(ada: Client) -> None:
    fill(ada, 1)
    carts.change_quantity(Cart.objects.get(), Cart.objects.get().lines.get().pk, 0)
    for path in ("/checkout/", "/checkout/embedded/"):
        assert ada.get(path).headers["Location"] == Client().get(path).headers["Location"] == "/cart/"
    assert b"Add an item to the cart first." in ada.post("/checkout/form/", follow=True).content
    assert Client().post("/checkout/form/").headers["Location"] == "/cart/"
    assert not Order.objects.exists()


def test_the_shops_own_form_is_for_the_guest_who_began_it(sandbox: Sandbox, client: Client) -> None:
    fill(client, 1)
    begun = client.post("/checkout/form/")
    order = Order.objects.get()
    assert order.sessions.get().kind == SessionKind.INLINE
    assert begun.headers["Location"] == f"/checkout/form/{order.ulid}/"
    page = client.get(f"/checkout/form/{order.ulid}/").content.decode()
    assert f'data-order="{order.ulid}"' in page
    assert 'name="email"' in page
    assert client.post("/checkout/form/").headers["Location"] == begun.headers["Location"]  # the same order
    for order_id in (order.ulid, "nonsense"):
        assert Client().get(f"/checkout/form/{order_id}/").status_code == 404


def test_what_was_paid_in_another_tab_is_shown_not_begun_again(
    sandbox: Sandbox, polls_at_once: None, client: Client
) -> None:
    cart = fill(client, 1)
    client.post("/henry/buy", {"cart": cart.ulid})
    order = Order.objects.get()
    sandbox.pay(order.henry_cart_id, email="ada@example.com")
    for answer in (client.post("/checkout/form/"), client.get(f"/checkout/form/{order.ulid}/")):
        assert answer.headers["Location"] == f"/orders/{order.ulid}/"
    assert Order.objects.count() == 1


def test_trouble_at_henry_keeps_the_cart(sandbox: Sandbox, settings: Any, client: Client) -> None:
    cart = fill(client, 1)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "BASE_URL": "http://127.0.0.1:9", "READ_RETRIES": 0}
    answer = client.post("/checkout/form/", follow=True)
    assert answer.redirect_chain[-1][0] == "/cart/"
    assert b"taking a short break" in answer.content
    assert cart.lines.count() == 1


def test_the_gift_set_is_made_once_and_shown_with_its_code(client: Client) -> None:
    assert client.get("/on-your-phone/").status_code == 404
    assert make_gift_set() is None  # the shop sells none of it
    for product, slug in zip(make_products(3), SLUGS, strict=True):
        product.slug = slug
        product.save()
    made = make_gift_set()
    assert made is not None
    assert make_gift_set() is None
    assert find_gift_set() == made
    page = client.get("/on-your-phone/").content.decode()
    assert f"/henry/api/v1/checkout/{made.ulid}/qr.svg" in page
    assert f'href="http://testserver/henry/c/{made.ulid}"' in page
    revoke_link(made)
    assert client.get("/on-your-phone/").status_code == 404
    assert not Order.objects.exists()


# The policy -------------------------------------------------------------------------------


@pytest.fixture
def policy(settings: Any) -> None:
    settings.SECURE_CSP = strict_policy(["http://henry.test", "http://henry.test"])
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, POLICY_MIDDLEWARE]


def test_every_page_is_strict_and_needs_nothing_inline(
    sandbox: Sandbox, policy: None, client: Client, admin_client: Client
) -> None:
    fill(client, 1)
    client.post("/checkout/form/")
    order = Order.objects.get()
    paths = ["/", "/cart/", "/checkout/", "/checkout/embedded/", f"/checkout/form/{order.ulid}/", "/orders/"]
    for visitor, path in [*((client, path) for path in paths), (admin_client, "/admin/")]:
        answer = visitor.get(path)
        page = answer.content.decode()
        sent = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert answer.status_code == 200
        assert {name: sent[name] for name in ("default-src", "script-src", "style-src", "form-action")} == {
            "default-src": "'self'", "script-src": "'self'", "style-src": "'self'", "form-action": "'self'",
        }  # fmt: skip
        assert sent["frame-src"] == "'self' http://henry.test"
        assert sent["frame-ancestors"] == sent["base-uri"] == "'none'"
        assert not re.search(r"<script(?![^>]*( src=|application/json))|<style|\s(style|on\w+)=", page), path


def test_a_page_keeps_a_policy_of_its_own(sandbox: Sandbox, policy: None, client: Client) -> None:
    cart = fill(client, 1)
    asked = {"cart": cart.ulid, "mode": "iframe"}
    begun = client.post("/henry/buy", asked, headers={"Accept": "application/json"}).json()
    sent = client.get(begun["frameUrl"]).headers["Content-Security-Policy"]
    assert "default-src 'none'" in sent
    assert "frame-ancestors 'self' http://testserver" in sent


# The second storefront ---------------------------------------------------------------------


def test_a_key_goes_into_a_file_of_its_owner_and_nowhere_else(db: None, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.key"
    file.write_text("left over")
    file.chmod(0o644)

    def write() -> str:
        said = StringIO()
        call_command("write_api_key", "elsewhere", str(file), stdout=said)
        key = file.read_text()
        assert get_caller_by_api_key(key).trusted_account == "default"
        assert key not in said.getvalue()
        return key

    first = write()
    assert file.stat().st_mode & 0o777 == 0o600
    assert write() == first
    ApiKey.objects.all().delete()
    assert write() != first
    assert ApiKey.objects.get().name == "elsewhere"


@pytest.fixture
def storefront() -> Iterator[Storefront]:
    """The second storefront, with a shop that does not answer."""
    with Storefront(0, shop=Shop("http://127.0.0.1:9", "hck_key")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def test_the_storefront_takes_nothing_from_strangers(storefront: Storefront) -> None:
    def post(path: str = "/checkout", body: bytes = b"", **headers: str) -> requests.Response:
        known = {"Host": storefront.host, "Origin": storefront.origin, **headers}
        url = f"http://127.0.0.1:{storefront.server_port}{path}"
        return requests.post(url, data=body, headers=known, timeout=10)

    assert post().json()["code"] == "unreachable"
    assert post().status_code == 503
    assert post(Origin="http://evil.example").status_code == 403
    assert post(Host="evil.example").status_code == 403
    assert post(path="/elsewhere").status_code == 404
    assert post(body=b"x" * (MAX_BODY + 1)).status_code == 413
    for body in (b"", b"[]", b"{}", b'{"receipt": 1}', b"\xff"):
        refused = post(path="/thanks", body=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "receipt_invalid")
    assert "HttpOnly" in post().headers["Set-Cookie"]


def test_the_storefront_serves_its_files_and_no_others(storefront: Storefront) -> None:
    def get(path: str, host: str = storefront.host) -> requests.Response:
        url = f"http://127.0.0.1:{storefront.server_port}{path}"
        return requests.get(url, headers={"Host": host}, timeout=10, allow_redirects=False)

    front = get("/")
    assert (front.status_code, front.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = front.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-src http://127.0.0.1:9;" in policy
    assert front.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert not re.search(r"<script(?![^>]* src=)|<style|\s(style|on\w+)=", front.text)
    linked = re.findall(r'(?:href|src)="(/[^"]+)"', front.text)
    for path in [*linked, *(f"/henry/henry-{name}.js" for name in ("checkout", "bridge", "view"))]:
        assert get(path).status_code == 200, path
    for path in ("/serve.py", "/../serve.py", "/%2e%2e/serve.py", "/henry/framed.js", "//etc/passwd"):
        assert get(path).status_code == 404, path
    away = get("/", host=f"127.0.0.1:{storefront.server_port}")
    assert (away.status_code, away.headers["Location"]) == (302, f"{storefront.origin}/")
