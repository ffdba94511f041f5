"""Template carts: each checkout gets a copy, their number is limited, and the template is never sold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.exceptions import (
    CartEmpty,
    CartNotFound,
    LinkClosed,
    TemplateNotSold,
)
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import (
    get_cart_to_pay,
    make_template,
    open_template,
    revoke_link,
)
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Cart, CustomerSession, Order, TemplateLink
from django_henry_checkout.models.base import LINE_FIELDS
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Caller, Card
from tests.support.inline import BUYER, follow, world
from tests.support.items import make_item
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ANONYMOUS = Caller()


@pytest.fixture
def template(cart: Cart) -> Cart:
    Cart.objects.update(metadata={"campaign": "spring"})
    options = {"selected_options": ("M", "Pine"), "coupons": ("SAVE10",), "metadata": {"sku": "17"}}
    carts.add_item(cart, make_item("https://alpine.example/products/tent", quantity=3, **options))
    make_template(cart)
    cart.refresh_from_db()
    return cart


def copy_of(template: Cart, **more: Any) -> Cart:
    return get_cart_to_pay(template.public_id, caller=ANONYMOUS, **more)


def customer() -> CustomerSession:
    return CustomerSession.objects.create(expires_at=timezone.now() + timedelta(hours=24))


def contents(cart: Cart) -> list[tuple[Any, ...]]:
    return list(cart.lines.order_by("pk").values_list(*LINE_FIELDS))


def uses() -> int:
    return TemplateLink.objects.get().uses


def test_each_visit_gets_a_copy_of_everything_and_is_counted(template: Cart, django_user_model: Any) -> None:
    ada = django_user_model.objects.create_user("ada")
    first, second = copy_of(template), copy_of(template, user=ada)
    assert len({template.pk, first.pk, second.pk}) == 3
    assert contents(first) == contents(second) == contents(template)
    assert len(contents(first)) == 3
    assert first.metadata == {"campaign": "spring"}
    assert (first.user, second.user, first.template, first.account) == (None, ada, template, template.account)
    assert uses() == 2


def test_a_copy_and_its_template_change_independently(template: Cart) -> None:
    copied, before = copy_of(template), contents(template)
    carts.clear_cart(copied)
    assert contents(template) == before
    again = copy_of(template)
    carts.add_item(template, make_item("https://alpine.example/products/lamp"))
    assert contents(again) == before
    assert len(contents(copy_of(template))) == len(before) + 1
    template.delete()
    again.refresh_from_db()
    assert contents(again) == before


def test_the_same_customer_continues_with_their_copy(template: Cart) -> None:
    ada, eve = customer(), customer()
    first = copy_of(template, customer=ada)
    assert first.customer == ada
    assert copy_of(template, customer=ada) == first
    assert copy_of(template, customer=eve) != first
    assert uses() == 2
    carts.clear_cart(first)  # bought or removed
    assert copy_of(template, customer=ada) != first
    assert uses() == 3


def test_an_existing_copy_stays_usable_when_the_link_is_used_up(template: Cart) -> None:
    make_template(template, max_uses=1)
    ada = customer()
    first = copy_of(template, customer=ada)
    with pytest.raises(LinkClosed):
        copy_of(template, customer=customer())
    assert copy_of(template, customer=ada) == first
    assert uses() == 1


def test_copies_are_limited_to_max_uses(template: Cart) -> None:
    make_template(template, max_uses=2)
    for _visit in range(2):
        copy_of(template)
    for _visit in range(2):
        with pytest.raises(LinkClosed):
            copy_of(template)
    assert (uses(), Cart.objects.exclude(template=None).count()) == (2, 2)
    make_template(template, max_uses=3)
    copy_of(template)
    assert uses() == 3


def test_lowering_max_uses_below_the_count_closes_the_link(template: Cart) -> None:
    for _visit in range(3):
        copy_of(template)
    make_template(template, max_uses=2)
    with pytest.raises(LinkClosed):
        copy_of(template)


def test_concurrent_visits_cannot_exceed_max_uses(template: Cart) -> None:
    make_template(template, max_uses=3)

    def visit(_number: int) -> Cart | None:
        try:
            return copy_of(template)
        except LinkClosed:
            return None

    got = [cart for cart in at_once(visit, threads=8) if cart is not None]
    assert len({cart.pk for cart in got}) == len(got) == uses() == 3
    assert Cart.objects.exclude(template=None).count() == 3
    assert all(len(contents(cart)) == 3 for cart in got)


def test_a_link_is_closed_by_revoking_or_expiry_and_can_be_reopened(template: Cart) -> None:
    assert revoke_link(template)
    assert not revoke_link(template)
    for _kind in ("revoked", "expired"):
        for use in (lambda: open_template(template.public_id), lambda: copy_of(template)):
            with pytest.raises(LinkClosed):
                use()
        make_template(template, expires_at=timezone.now())
    make_template(template, expires_at=timezone.now() + timedelta(hours=1))
    assert open_template(template.public_id) == template
    copy_of(template)
    assert uses() == 1


def test_a_started_checkout_continues_after_the_link_is_closed(sandbox: Sandbox, template: Cart) -> None:
    copied = copy_of(template)
    revoke_link(template)
    assert begin_checkout(copied).order.cart == copied


def test_an_empty_template_is_not_copied_and_not_counted(db: None) -> None:
    template = carts.create_cart()
    make_template(template)
    with pytest.raises(CartEmpty):
        copy_of(template)
    assert (uses(), Cart.objects.count()) == (0, 1)


def test_a_cart_that_is_not_a_template_is_found_by_its_owner_only(cart: Cart) -> None:
    for caller in (ANONYMOUS, Caller(customer_id=customer().public_id)):
        with pytest.raises(CartNotFound):
            get_cart_to_pay(cart.public_id, caller=caller)
    with pytest.raises(CartNotFound):
        open_template(cart.public_id)
    assert get_cart_to_pay(cart.public_id, caller=Caller(cart_ids=frozenset({cart.public_id}))) == cart


def test_a_template_itself_is_never_sold(sandbox: Sandbox, template: Cart) -> None:
    for begin in (begin_checkout, begin_inline):
        with pytest.raises(TemplateNotSold):
            begin(template)
    with pytest.raises(TemplateNotSold):
        buy_cart(template, BUYER, Payment(card=Card(token="card_test_pays")))
    revoke_link(template)
    with pytest.raises(TemplateNotSold):
        begin_checkout(template)
    assert sandbox.requests() == []
    assert not Order.objects.exists()


@pytest.mark.usefixtures("polls_at_once")
def test_a_purchase_from_a_link_leaves_the_template_unchanged(sandbox: Sandbox, template: Cart) -> None:
    world(sandbox)
    before = contents(template)
    copied = copy_of(template, customer=customer())
    buy_cart(copied, BUYER, Payment(card=Card(token="card_test_pays")))
    follow(sandbox)
    assert Order.objects.get().status == "completed"
    assert (contents(copied), contents(template)) == ([], before)
    assert len(sandbox.orders()) == 1
