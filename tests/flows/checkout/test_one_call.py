"""Buying a cart in one call: with its changes, at the accepted total, once."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from moneyed import Money

from django_henry_checkout.exceptions import (
    AmountChanged,
    BuyerIncomplete,
    CartEmpty,
    CheckoutError,
    InvalidItem,
    NotSupported,
    PaymentRefused,
)
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout import confirm, sessions
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.models import Cart, CheckoutSession, Order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Buyer
from tests.support.inline import (
    BOOTS,
    BUYER,
    MUG,
    TOTAL,
    bought,
    buying_calls,
    buys,
    card_of,
    follow,
    nothing_was_sent,
    total_of,
    use,
    world,
)
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def test_one_call_buys_the_changed_lines_and_the_cart_keeps_the_rest(
    sandbox: Sandbox, v1: str, cart: Cart
) -> None:
    carts.add_item(cart, make_item(BOOTS, price="149.00", quantity=4))
    cart.refresh_from_db()
    changes = Changes(quantities={BOOTS: 2, MUG: None}, selected_shipping={"id": "express"})
    payment = Payment(
        card=card_of(v1), accepted=Money("230.00", "USD"), exactly=True, metadata={"campaign": "spring"}
    )
    order = buy_cart(cart, BUYER, payment, changes=changes)
    follow(sandbox)
    order.refresh_from_db()
    assert (order.status, order.needs_review) == ("completed", False)
    assert order.total == total_of(bought(sandbox)) == Money("230.00", "USD")  # 200 + 14 + 16
    assert order.metadata == {"campaign": "spring"}
    assert {item["link"]: item["quantity"] for item in bought(sandbox)["items"]} == {BOOTS: 2}
    assert {line.link: line.quantity for line in cart.lines.all()} == {BOOTS: 3, MUG: 1}
    assert order.buyer.email == BUYER.email


def test_a_cart_bought_while_another_call_starts_is_not_bought_twice(
    sandbox: Sandbox, v1: str, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clicks: the second has read the cart and waits for Henry while the first buys and empties it."""
    real, payment = sessions._get_hosted_page, Payment(card=card_of(v1))

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.undo()
        buy_cart(Cart.objects.get(), BUYER, payment)
        return real(*arguments)

    monkeypatch.setattr(sessions, "_get_hosted_page", overtaken)
    with suppress(CheckoutError):
        buy_cart(cart, BUYER, payment)
    assert len(sandbox.orders()) == len(buying_calls(sandbox)) == 1
    assert Order.objects.count() == 1


def test_a_cart_bought_between_order_and_intent_is_not_bought_twice(
    sandbox: Sandbox, v1: str, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other quantities make another order of the same cart; the first purchase empties it."""
    real, payment = confirm._commit_intent, Payment(card=card_of(v1))

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.undo()
        buy_cart(Cart.objects.get(), BUYER, payment, changes=Changes(quantities={BOOTS: 2}))
        return real(*arguments)

    monkeypatch.setattr(confirm, "_commit_intent", overtaken)
    with suppress(CheckoutError):
        buy_cart(cart, BUYER, payment)
    assert len(sandbox.orders()) == len(buying_calls(sandbox)) == 1


def test_one_call_stops_above_the_accepted_total(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    with pytest.raises(AmountChanged) as caught:
        buy_cart(cart, BUYER, Payment(card=card_of(v1), accepted=Money("141.59", "USD")))
    assert caught.value.totals["total"] == TOTAL
    with pytest.raises(AmountChanged):
        buy_cart(cart, BUYER, Payment(card=card_of(v1), accepted=Money(0, "USD")))
    assert nothing_was_sent(sandbox)
    buy_cart(cart, BUYER, Payment(card=card_of(v1), accepted=TOTAL))
    with pytest.raises(CartEmpty):
        buy_cart(Cart.objects.get(), BUYER, Payment(card=card_of(v1), accepted=TOTAL))
    assert total_of(bought(sandbox)) == TOTAL


def test_one_call_refuses_invalid_input_without_a_call_to_henry(
    sandbox: Sandbox, v1: str, cart: Cart
) -> None:
    payment = Payment(card=card_of(v1))
    with pytest.raises(BuyerIncomplete):
        buy_cart(cart, Buyer(first_name="Ada"), payment)
    for quantities in ({BOOTS: 0}, {BOOTS: -1}, {BOOTS: 1000}, {"https://alpine.example/other": 1}):
        with pytest.raises(InvalidItem):
            buy_cart(cart, BUYER, payment, changes=Changes(quantities=quantities))
    with pytest.raises(CartEmpty):
        buy_cart(cart, BUYER, payment, changes=Changes(quantities={BOOTS: None, MUG: None}))
    assert sandbox.requests() == []


def test_v0_cannot_buy_in_one_call(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    use(settings, "v0")
    with pytest.raises(NotSupported):
        buy_cart(cart, BUYER, Payment())
    assert sandbox.requests() == []


def test_a_refused_one_call_leaves_the_cart_for_another_try(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    world(sandbox, faults=[buys(v1, "status", status=402)])
    with pytest.raises(PaymentRefused):
        buy_cart(cart, BUYER, Payment(card=card_of(v1)))
    assert (Order.objects.get().status, CheckoutSession.objects.get().status) == ("open", "open")
    assert buy_cart(cart, BUYER, Payment(card=card_of(v1))) == Order.objects.get()
    assert len(sandbox.orders()) == 1
    assert len(buying_calls(sandbox)) == 2
