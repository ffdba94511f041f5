from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory
from moneyed import Money

from django_henry_checkout.exceptions import CartChanged, CartFull, CartNotFound, InvalidItem
from django_henry_checkout.flows.access import callers
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Caller
from tests.support.items import make_item

pytestmark = pytest.mark.django_db


def contents(cart: Cart) -> dict[str, int]:
    return {line.link.rsplit("/", 1)[-1]: line.quantity for line in cart.lines.all()}


def request_of(session: SessionStore, user: Any = None) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = session
    request.user = user or AnonymousUser()
    return request


def test_adding_the_same_product_again_increases_quantity_and_version() -> None:
    cart = carts.create_cart()
    carts.add_item(cart, make_item(quantity=2))
    line = carts.add_item(cart, make_item(price="11.00"))
    cart.refresh_from_db()
    assert (line.quantity, line.unit_price, cart.version) == (3, Money("11.00", "USD"), 2)
    assert line.subtotal == Money("33.00", "USD")
    carts.add_item(cart, make_item(selected_options=("red",)))
    assert cart.lines.count() == 2


def test_quantities_cannot_add_up_beyond_the_limit(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "MAX_QUANTITY": 5}
    cart = carts.create_cart()
    carts.add_item(cart, make_item(quantity=3))
    with pytest.raises(InvalidItem, match="between 1 and 5"):
        carts.add_item(cart, make_item(quantity=3))
    assert contents(cart) == {"boots": 3}


def test_a_full_cart_accepts_more_of_its_lines_but_no_new_line(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "MAX_CART_LINES": 1}
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    carts.add_item(cart, make_item())
    with pytest.raises(CartFull):
        carts.add_item(cart, make_item("https://clay.example/mug"))
    assert contents(cart) == {"boots": 2}


def test_change_remove_and_clear(cart: Cart) -> None:
    boots, mug = cart.lines.all()
    carts.change_quantity(cart, boots.pk, 4)
    assert contents(cart) == {"boots": 4, "mug": 1}
    carts.change_quantity(cart, boots.pk, 0)
    assert contents(cart) == {"mug": 1}
    carts.remove_line(cart, mug.pk)
    assert contents(cart) == {}
    carts.add_item(cart, make_item())
    carts.clear_cart(cart)
    cart.refresh_from_db()
    version = cart.version
    carts.clear_cart(cart)
    cart.refresh_from_db()
    assert (contents(cart), cart.version) == ({}, version)


def test_an_edit_of_an_outdated_cart_is_refused(cart: Cart) -> None:
    line = cart.lines.all()[0]
    with pytest.raises(CartChanged):
        carts.change_quantity(cart, line.pk, 9, expected_version=cart.version - 1)
    carts.change_quantity(cart, line.pk, 9, expected_version=cart.version)
    assert contents(cart)["boots"] == 9


def test_a_line_of_another_cart_is_not_touched(cart: Cart) -> None:
    other = carts.create_cart()
    theirs = carts.add_item(other, make_item())
    version = cart.version
    with pytest.raises(InvalidItem) as caught:
        carts.remove_line(cart, theirs.pk)
    cart.refresh_from_db()
    assert (caught.value.code, contents(other), cart.version) == ("line_not_found", {"boots": 1}, version)


def test_a_cart_of_another_owner_is_not_found(cart: Cart) -> None:
    owner = get_user_model().objects.create_user("owner")
    theirs = carts.create_cart(user=owner)
    stranger = Caller(user_pk=owner.pk + 1, cart_ids=frozenset({theirs.public_id}))
    for cart_id in (theirs.public_id, cart.public_id):
        with pytest.raises(CartNotFound):
            carts.get_cart(cart_id, caller=stranger)
    assert carts.get_cart(theirs.public_id, caller=Caller(user_pk=owner.pk)) == theirs
    assert carts.get_cart(cart.public_id, caller=Caller(cart_ids=frozenset({cart.public_id}))) == cart


def test_a_guest_keeps_a_cart_in_the_session() -> None:
    session = SessionStore()
    assert callers.current_cart(request_of(session)) is None
    cart = callers.current_cart_or_new(request_of(session))
    assert callers.current_cart_or_new(request_of(session)) == cart
    assert callers.current_cart(request_of(SessionStore())) is None


def test_signing_in_adopts_the_guests_cart() -> None:
    session, user = SessionStore(), get_user_model().objects.create_user("ada")
    cart = callers.current_cart_or_new(request_of(session))
    carts.add_item(cart, make_item())
    order = Order.objects.create(account="default", cart=cart)
    assert callers.current_cart(request_of(session, user)) == cart
    cart.refresh_from_db()
    order.refresh_from_db()
    assert (cart.user, order.user) == (user, user)
    assert callers.current_cart(request_of(session)) is None


def test_signing_in_merges_into_the_shoppers_own_cart(settings: Any) -> None:
    session, user = SessionStore(), get_user_model().objects.create_user("ada")
    own = carts.create_cart(user=user)
    carts.add_item(own, make_item(quantity=4))
    guest = callers.current_cart_or_new(request_of(session))
    for link in ("boots", "mug", "lamp"):
        carts.add_item(guest, make_item(f"https://alpine.example/products/{link}", quantity=3))
    order = Order.objects.create(account="default", cart=guest)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "MAX_QUANTITY": 5, "MAX_CART_LINES": 2}

    merged = callers.current_cart(request_of(session, user))

    assert merged == own
    assert contents(own) == {"boots": 5, "mug": 3}
    assert not Cart.objects.filter(pk=guest.pk).exists()
    order.refresh_from_db()
    assert (order.cart, order.user) == (own, user)
    assert callers.current_cart(request_of(session, user)) == own


def test_merging_is_idempotent(cart: Cart) -> None:
    other = carts.create_cart()
    carts.merge_carts(cart, into=other)
    before = contents(other)
    carts.merge_carts(cart, into=other)
    carts.merge_carts(other, into=other)
    assert contents(other) == before == {"boots": 1, "mug": 1}


def test_purchased_lines_leave_the_cart_and_later_additions_stay(cart: Cart) -> None:
    from django_henry_checkout.models import OrderLine

    boots, _mug = cart.lines.all()
    taken = OrderLine(position=1, key=boots.key, link=boots.link, quantity=1)
    carts.add_item(cart, make_item(quantity=2))
    carts.remove_purchased(cart, [taken])
    assert contents(cart) == {"boots": 2, "mug": 1}
