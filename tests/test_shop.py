"""The door: what a shop's own views, receivers and commands call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from django_henry_checkout import shop
from django_henry_checkout.models import Cart, CartLine, Order
from django_henry_checkout.testing.drain import drain
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.inline import BUYER, TOTAL, world
from tests.support.items import make_item

pytestmark = pytest.mark.django_db(transaction=True)

BOOTS, MUG = "https://alpine.example/products/boots", "https://clay.example/products/mug"
DESIGNED = {
    "get_cart", "get_or_create_cart", "add_item", "set_items", "change_quantity", "remove_item", "clear_cart",
    "begin_checkout", "begin_inline", "orders_for", "get_order", "status_url", "create_link",
    "LineItem", "Buyer", "Address", "CheckoutError", "GatewayError",
}  # fmt: skip


@pytest.fixture
def request_() -> HttpRequest:
    """A guest's request."""
    return guest_request()


def guest_request(user: Any = None) -> HttpRequest:
    request = RequestFactory().get("/", headers={"host": "shop.example"})
    request.user = user or AnonymousUser()
    request.session = SessionStore()
    request.session.create()
    return request


def test_dir_shows_the_documented_names_only() -> None:
    assert set(dir(shop)) >= DESIGNED
    assert [name for name in dir(shop) if name.startswith("_")] == []
    assert all(hasattr(shop, name) for name in shop.__all__)


class TestCart:
    def test_a_guest_gets_one_cart(self, request_: HttpRequest) -> None:
        assert shop.get_cart(request_) is None
        cart = shop.get_or_create_cart(request_)
        assert shop.get_cart(request_) == shop.get_or_create_cart(request_) == cart
        assert shop.get_cart(guest_request()) is None

    def test_items_are_added_changed_and_removed(self, request_: HttpRequest) -> None:
        cart = shop.get_or_create_cart(request_)
        boots = shop.add_item(cart, make_item(BOOTS))
        mug = shop.add_item(cart, make_item(MUG))
        shop.change_quantity(cart, boots, 3)
        shop.remove_item(cart, mug.pk)
        assert list(cart.lines.values_list("link", "quantity")) == [(BOOTS, 3)]
        shop.change_quantity(cart, boots.pk, 0)
        assert not cart.lines.exists()
        shop.add_item(cart, make_item(MUG))
        shop.clear_cart(cart)
        assert not cart.lines.exists()

    def test_another_carts_line_is_refused(self) -> None:
        cart, other = shop.create_cart(), shop.create_cart([make_item(BOOTS)])
        with pytest.raises(shop.InvalidItem):
            shop.remove_item(cart, other.lines.get())
        assert other.lines.count() == 1

    def test_a_cart_is_created_whole_or_not_at_all(self) -> None:
        with pytest.raises(shop.InvalidItem):
            shop.create_cart([make_item(BOOTS), make_item("http://not-https.example/")])
        assert not Cart.objects.exists()
        cart = shop.create_cart([make_item(BOOTS)], metadata={"set": "gift"})
        assert (cart.lines.count(), cart.metadata) == (1, {"set": "gift"})


class TestSetItems:
    def test_the_cart_becomes_equal_to_the_basket(self) -> None:
        cart = shop.create_cart([make_item(BOOTS, quantity=2), make_item(MUG)])
        kept = cart.lines.get(link=MUG)
        pen = "https://ink.example/products/pen"
        update = shop.set_items(cart, [make_item(MUG, quantity=5), make_item(pen)], metadata={"basket": 7})
        assert update.changed
        assert [(line.link, line.quantity) for line in update.lines] == [(MUG, 5), (pen, 1)]
        cart.refresh_from_db()
        assert set(cart.lines.values_list("link", "quantity")) == {(MUG, 5), (pen, 1)}
        assert (cart.lines.get(link=MUG).pk, cart.version, cart.metadata) == (kept.pk, 2, {"basket": 7})

    def test_an_equal_basket_writes_nothing(self, django_assert_num_queries: Any) -> None:
        items = [make_item(BOOTS, quantity=2, selected_options=("10",)), make_item(MUG)]
        cart = shop.create_cart(items, metadata={"basket": 7})
        before = list(CartLine.objects.values())
        with django_assert_num_queries(4):  # with its transaction
            update = shop.set_items(cart, items, metadata={"basket": 7})
        cart.refresh_from_db()
        assert (update.changed, cart.version, list(CartLine.objects.values())) == (False, 1, before)

    def test_equal_items_add_up(self) -> None:
        cart = shop.create_cart()
        shop.set_items(cart, [make_item(MUG), make_item(MUG, quantity=2)])
        assert cart.lines.get().quantity == 3

    def test_a_new_price_is_a_change(self) -> None:
        cart = shop.create_cart([make_item(MUG, price="10.00")])
        assert not shop.set_items(cart, [make_item(MUG, price="10")]).changed
        assert shop.set_items(cart, [make_item(MUG, price="12.00")]).changed
        assert cart.lines.get().unit_price_amount == Decimal(12)

    def test_a_price_that_is_no_longer_known_goes(self) -> None:
        cart = shop.create_cart([make_item(MUG, price="10.00")])
        without = replace(make_item(MUG), unit_price=None)
        assert shop.set_items(cart, [without]).changed
        assert (cart.lines.get().unit_price_amount, cart.lines.get().currency) == (None, "")
        assert not shop.set_items(cart, [without]).changed

    def test_an_empty_basket_empties_the_cart(self) -> None:
        cart = shop.create_cart([make_item(MUG)])
        assert shop.set_items(cart, []).changed
        assert not cart.lines.exists()

    @pytest.mark.parametrize("bad", ["http://plain.example/", ""])
    def test_a_bad_item_changes_nothing(self, bad: str) -> None:
        cart = shop.create_cart([make_item(MUG)])
        with pytest.raises(shop.InvalidItem):
            shop.set_items(cart, [make_item(BOOTS), make_item(bad)])
        cart.refresh_from_db()
        assert (cart.lines.get().link, cart.version) == (MUG, 1)

    def test_too_many_lines_change_nothing(self, settings: Any) -> None:
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "MAX_CART_LINES": 1}
        cart = shop.create_cart([make_item(MUG)])
        with pytest.raises(shop.CartFull):
            shop.set_items(cart, [make_item(BOOTS), make_item(MUG)])
        assert cart.lines.get().link == MUG


class TestCheckout:
    def test_a_hosted_checkout_sells(
        self, sandbox: Sandbox, polls_at_once: None, request_: HttpRequest, client: Client
    ) -> None:
        cart = shop.get_or_create_cart(request_)
        shop.add_item(cart, make_item(BOOTS))
        checkout = shop.begin_checkout(cart, request=request_, buyer=BUYER, metadata={"order": "A-1"})
        assert checkout.url.startswith("http://shop.example/henry/api/v1/checkout/")
        assert client.get(checkout.url.removeprefix("http://shop.example")).status_code == 200
        assert checkout.token not in repr(checkout)
        assert (checkout.order.metadata, checkout.order.buyer.email) == ({"order": "A-1"}, BUYER.email)
        assert list(shop.orders_for(request_)) == [checkout.order]
        sandbox.pay(checkout.order.henry_cart_id)
        drain(sandbox)
        order = shop.get_order(checkout.order.ulid, request=request_)
        assert order.status == "completed"
        page = client.get(shop.status_url(order))
        assert (page.status_code, order.number in page.content.decode()) == (200, True)

    @pytest.mark.parametrize(
        ("mode", "part"), [("popup", "/pay/"), ("phone", "/phone"), ("iframe", "/henry/frame/")]
    )
    def test_each_mode_has_its_page(
        self, sandbox: Sandbox, request_: HttpRequest, client: Client, mode: Any, part: str
    ) -> None:
        cart = shop.create_cart([make_item(BOOTS)])
        checkout = shop.begin_checkout(cart, request=request_, mode=mode)
        assert part in checkout.url
        path = checkout.url.removeprefix("http://shop.example")
        assert client.get(path, headers={"sec-fetch-dest": "iframe"}).status_code == 200

    def test_without_a_request_the_address_is_a_path(self, sandbox: Sandbox) -> None:
        checkout = shop.begin_checkout(shop.create_cart([make_item(BOOTS)]))
        assert checkout.url.startswith("/henry/")
        assert (checkout.order.user, checkout.order.status) == (None, "open")

    def test_a_users_checkout_belongs_to_the_user(self, sandbox: Sandbox) -> None:
        ada = get_user_model().objects.create_user("ada")
        request = guest_request(ada)
        cart = shop.get_or_create_cart(request)
        shop.add_item(cart, make_item(BOOTS))
        order = shop.begin_checkout(cart, request=request).order
        assert (order.user, list(shop.orders_for(guest_request(ada)))) == (ada, [order])

    def test_an_empty_cart_and_a_bad_buyer_write_nothing(self, sandbox: Sandbox) -> None:
        with pytest.raises(shop.CartEmpty):
            shop.begin_checkout(shop.create_cart())
        cart = shop.create_cart([make_item(BOOTS)])
        for begin in (shop.begin_checkout, shop.begin_inline):
            with pytest.raises(shop.InvalidBuyer):
                begin(cart, buyer=shop.Buyer(email="no address"))
        assert not Order.objects.exists()

    def test_an_inline_checkout_is_prefilled(
        self, sandbox: Sandbox, request_: HttpRequest, client: Client
    ) -> None:
        world(sandbox)
        cart = shop.create_cart([make_item(BOOTS, price="100.00"), make_item(MUG, price="20.00")])
        checkout = shop.begin_inline(cart, request=request_, buyer=BUYER)
        assert checkout.url == f"http://shop.example/henry/inline/{checkout.order.ulid}"
        client.cookies["sessionid"] = request_.session.session_key or ""
        request_.session.save()
        page = client.get(f"/henry/inline/{checkout.order.ulid}?step=address")
        assert (page.status_code, BUYER.email in page.content.decode()) == (200, True)
        assert TOTAL.currency.code == "USD"


class TestOrders:
    def test_somebody_elses_order_looks_like_none(self, sandbox: Sandbox, request_: HttpRequest) -> None:
        order = shop.begin_checkout(shop.create_cart([make_item(BOOTS)])).order
        assert shop.get_order(order.ulid) == shop.get_order(str(order.public_id)) == order
        assert shop.get_order(order.public_id) == order
        for order_id in (order.ulid, "01J00000000000000000000000", "nonsense"):
            with pytest.raises(shop.OrderNotFound):
                shop.get_order(order_id, request=request_)
        with pytest.raises(shop.OrderNotFound):
            shop.get_order("nonsense")
        assert list(shop.orders_for(request_)) == []


class TestLinks:
    def test_a_link_opens_a_page_until_it_is_closed(
        self, sandbox: Sandbox, request_: HttpRequest, client: Client
    ) -> None:
        cart = shop.create_cart([make_item(BOOTS)])
        link = shop.create_link(cart, request=request_, max_uses=5)
        assert link.url == f"http://shop.example/henry/c/{cart.ulid}"
        assert link.template.max_uses == 5
        path = link.url.removeprefix("http://shop.example")
        assert client.get(path).status_code == 200
        assert shop.close_link(cart)
        assert not shop.close_link(cart)
        assert client.get(path).status_code == 410

    def test_a_link_expires(self, client: Client) -> None:
        cart = shop.create_cart([make_item(BOOTS)])
        link = shop.create_link(cart, expires_at=timezone.now() - timedelta(seconds=1))
        assert client.get(link.url).status_code == 410


def test_keys_and_paths_of_the_set_up(client: Client) -> None:
    key = shop.create_api_key("till")
    assert shop.is_valid_api_key(key)
    assert not shop.is_valid_api_key("hck_made_up")
    path = shop.webhook_path()
    assert client.post(path, "{}", content_type="application/json").status_code == 401  # it exists
    with pytest.raises(shop.ConfigurationError):
        shop.webhook_path("unknown")


def test_popups_are_allowed_by_the_decorator() -> None:
    from django.http import HttpResponse

    @shop.opens_popups
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    response = view(RequestFactory().get("/"))
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
