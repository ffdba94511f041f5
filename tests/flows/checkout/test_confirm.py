"""Buying a quoted order: at the accepted total, once, with a valid card."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from moneyed import Money

from django_henry_checkout.exceptions import (
    AmountChanged,
    BuyerIncomplete,
    CardRequired,
    GatewayError,
    NotSupported,
    PaymentRefused,
    QuoteExpired,
    QuoteRequired,
    RawCardRefused,
    TokenExpired,
)
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout import confirm as confirm_flow
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import choose_shipping, get_quote, quote_session
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import Cart, CheckoutSession, Event, Order, Purchase, PurchasePoll, Quote
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Buyer, Card, RawCard
from tests.support.inline import (
    BOOTS,
    BUYER,
    TOTAL,
    bought,
    buying_calls,
    confirm,
    follow,
    fresh,
    nothing_was_sent,
    quoted,
    ready,
    store_card,
    total_of,
    use,
    world,
)
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

CANARY = "4012888888881881"


def test_the_quoted_total_is_charged_and_the_order_completes(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, version)
    order = confirm(started, version, accepted=TOTAL, transaction_id="shop-17")
    assert order == started.order
    assert order.status in {"placed", "processing"} or version == "v0"
    assert cart.lines.count() == 0
    follow(sandbox)
    order.refresh_from_db()
    assert (order.status, order.needs_review, order.total) == ("completed", False, TOTAL)
    assert total_of(bought(sandbox)) == TOTAL
    assert bought(sandbox)["email"] == BUYER.email
    session = CheckoutSession.objects.get()
    assert (session.status, session.transaction_id) == ("completed", "shop-17")
    assert [event.type for event in Event.objects.filter(type__startswith="purchase_").order_by("pk")] == [
        "purchase_sent",
        "purchase_submitted",
        "purchase_completed",
    ]
    assert not PurchasePoll.objects.exists()


def test_fault_35_a_higher_price_buys_nothing_until_it_is_accepted(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, version)
    world(sandbox, prices={BOOTS: "110.00"})
    with pytest.raises(AmountChanged) as caught:
        confirm(started, version, accepted=TOTAL)
    assert nothing_was_sent(sandbox)
    new_total = Money("152.40", "USD")
    assert caught.value.totals["total"] == new_total == Quote.objects.get().total == Order.objects.get().total
    assert (fresh(started.session).status, Order.objects.get().status) == ("quoted", "open")

    confirm(started, version, accepted=new_total)
    assert total_of(bought(sandbox)) == new_total
    assert len(buying_calls(sandbox)) == 1


def test_without_an_accepted_total_that_of_the_stored_quote_counts(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, version)
    world(sandbox, prices={BOOTS: "100.01"})
    with pytest.raises(AmountChanged):
        confirm(started, version)
    assert nothing_was_sent(sandbox)


def test_an_accepted_total_of_zero_or_in_another_currency_buys_nothing(
    sandbox: Sandbox, v1: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, v1)
    with pytest.raises(AmountChanged):
        confirm(started, v1, accepted=Money(0, "USD"))
    assert nothing_was_sent(sandbox)
    with pytest.raises(AmountChanged):
        confirm(started, v1, accepted=Money(TOTAL.amount, "JPY"))
    assert nothing_was_sent(sandbox)


def test_a_lower_price_is_accepted_unless_it_must_be_exact(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, version)
    world(sandbox, prices={BOOTS: "90.00"})
    with pytest.raises(AmountChanged):
        confirm(started, version, accepted=TOTAL, exactly=True)
    assert nothing_was_sent(sandbox)
    confirm(started, version, accepted=TOTAL)
    assert total_of(bought(sandbox)) == Money("130.80", "USD")


def test_without_a_valid_quote_nothing_is_sent(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = ready(sandbox, cart, version)
    with pytest.raises(QuoteRequired):
        confirm(started, version)
    started = quoted(sandbox, cart, version)
    Quote.objects.update(expires_at=timezone.now())
    with pytest.raises(QuoteExpired):
        confirm(started, version)
    assert nothing_was_sent(sandbox)


def test_a_buyer_without_name_and_contact_is_incomplete(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = quoted(sandbox, cart, version)
    unnamed = Buyer(shipping_address=BUYER.shipping_address)
    set_buyer(fresh(started.session), lambda _known: unnamed, strict=True)
    with pytest.raises(BuyerIncomplete) as caught:
        confirm(started, version)
    assert set(caught.value.errors) == {"first_name", "last_name", "email", "phone"}
    assert nothing_was_sent(sandbox)


def test_a_card_is_required_as_a_token(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    started = quoted(sandbox, cart, v1)
    with pytest.raises(CardRequired):
        confirm(started, v1, card=Card())
    raw = RawCard(number=CANARY, expiry_month="12", expiry_year="2031", cvv="123")
    with pytest.raises(RawCardRefused) as caught:
        confirm(started, v1, card=Card(raw=raw))
    with pytest.raises(RawCardRefused):
        buy_cart(cart, BUYER, Payment(card=Card(token="card_test_pays", raw=raw)))
    assert CANARY not in f"{caught.value!r}{raw!r}{Payment(card=Card(raw=raw))!r}"
    assert nothing_was_sent(sandbox)


def test_v0_accepts_no_card_in_the_confirm(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    use(settings, "v0", ALLOW_RAW_CARD=True)
    world(sandbox)
    started = quoted(sandbox, cart, "v0")
    raw = RawCard(number=CANARY, expiry_month="12", expiry_year="2031", cvv="123")
    for card in (Card(token="card_test_pays"), Card(raw=raw)):
        with pytest.raises(NotSupported):
            confirm(started, "v0", card=card)
    assert nothing_was_sent(sandbox)


def test_a_v0_shopper_without_a_card_gets_an_error_and_can_still_pay(
    sandbox: Sandbox, cart: Cart, settings: Any
) -> None:
    use(settings, "v0")
    world(sandbox)
    started = begin_inline(cart)
    set_buyer(fresh(started.session), lambda _known: BUYER, strict=True)
    quote_session(fresh(started.session))
    with pytest.raises((CardRequired, PaymentRefused)):
        confirm(started, "v0")
    assert not Purchase.objects.filter(status__in=["sent", "in_doubt"]).exists()
    store_card(sandbox, started.order)
    assert confirm(started, "v0").status != "open"
    assert len(sandbox.orders()) == 1


def test_a_declined_card_leaves_a_v0_order_open_for_another(
    sandbox: Sandbox, cart: Cart, settings: Any
) -> None:
    use(settings, "v0")
    world(sandbox)
    started = quoted(sandbox, cart, "v0")
    for attempt in (1, 2):
        store_card(sandbox, started.order, card="4000000000000002")
        with pytest.raises(PaymentRefused):
            confirm(started, "v0")
        assert (Order.objects.get().status, fresh(started.session).status) == ("open", "quoted")
        assert not Purchase.objects.exclude(status="abandoned").exists()
        assert Event.objects.filter(type="purchase_refused").count() == attempt
        assert cart.lines.count() == 2

    store_card(sandbox, started.order)
    assert confirm(started, "v0", accepted=TOTAL).status != "open"
    follow(sandbox)
    assert Order.objects.get().status == "completed"
    assert total_of(bought(sandbox)) == TOTAL


def test_a_declined_card_ends_a_v1_order_and_restores_the_cart(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    started = quoted(sandbox, cart, v1)
    confirm(started, v1, card=Card(token="card_test_declined"))
    follow(sandbox)
    order = Order.objects.get()
    assert (order.status, fresh(started.session).status) in {("failed", "errored"), ("canceled", "errored")}
    assert [line.title for line in cart.lines.all()] == ["boots", "mug"]
    assert sandbox.orders() == []

    cart.refresh_from_db()
    again = quoted(sandbox, cart, v1)
    assert again.order != order
    confirm(again, v1)
    assert len(sandbox.orders()) == 1


def test_confirming_again_returns_the_same_order_without_a_second_call(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, version)
    first = confirm(started, version)
    calls = len(sandbox.requests())
    assert confirm(started, version) == first
    assert len(sandbox.requests()) == calls
    follow(sandbox)
    assert confirm(started, version).status == "completed"
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def test_a_replaced_or_expired_session_buys_nothing(sandbox: Sandbox, version: str, cart: Cart) -> None:
    first = quoted(sandbox, cart, version)
    second = quoted(sandbox, cart, version)
    assert second.order == first.order
    with pytest.raises(TokenExpired):
        confirm(first, version)
    CheckoutSession.objects.filter(pk=second.session.pk).update(expires_at=timezone.now())
    with pytest.raises(TokenExpired):
        confirm(second, version)
    assert nothing_was_sent(sandbox)


def test_a_session_replaced_during_the_quote_buys_nothing(sandbox: Sandbox, version: str, cart: Cart) -> None:
    first = quoted(sandbox, cart, version)
    real = confirm_flow.quote_session

    def replaced_meanwhile(session: CheckoutSession, *, accepted: Money | None = None) -> Quote:
        begin_inline(cart)
        return real(session, accepted=accepted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confirm_flow, "quote_session", replaced_meanwhile)
        with pytest.raises(TokenExpired):
            confirm(first, version)
    assert nothing_was_sent(sandbox)


def test_an_order_paid_on_henrys_page_meanwhile_is_not_bought_again(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    begin_checkout(cart)
    started = quoted(sandbox, cart, version)
    who = "userId" if version == "v0" else "cartId"
    sandbox.call("POST", "pay", {who: started.order.henry_cart_id})
    if version == "v0":  # v0 lists no orders: all that is known is that the cart is paid
        with pytest.raises(GatewayError):
            confirm(started, version)
    else:
        assert confirm(started, version).status == "placed"
    assert buying_calls(sandbox) == []
    assert len(sandbox.orders()) == 1


def test_an_order_paid_on_henrys_page_just_before_the_call_is_not_bought_again(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    """The last possible moment: after the quote, before the call that buys."""
    begin_checkout(cart)
    started = quoted(sandbox, cart, version)
    real, who = confirm_flow._commit_intent, "userId" if version == "v0" else "cartId"

    def paid_meanwhile(*arguments: Any) -> Any:
        purchase = real(*arguments)
        sandbox.call("POST", "pay", {who: started.order.henry_cart_id})
        return purchase

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confirm_flow, "_commit_intent", paid_meanwhile)
        confirm(started, version)
    follow(sandbox)
    order = Order.objects.get()
    # v0 lists no orders, and the id of this one is unknown: it stays in doubt, and nothing is sent again.
    ended = ("open", ["in_doubt"]) if version == "v0" else ("completed", ["complete"])
    assert (order.status, list(Purchase.objects.values_list("status", flat=True))) == ended
    confirm(started, version)
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def test_two_products_with_one_link_keep_their_quantities_when_shipping_is_chosen(
    sandbox: Sandbox, v1: str
) -> None:
    cart = carts.create_cart()
    for size, quantity in (("8", 3), ("10", 1)):
        carts.add_item(cart, make_item(BOOTS, quantity=quantity, selected_options=(size,)))
    cart.refresh_from_db()
    started = quoted(sandbox, cart, v1)
    quote = get_quote(fresh(started.session))
    assert quote is not None
    express = next(rate for rate in quote.rates.values() if rate["optionId"] == "express")
    quote = choose_shipping(fresh(started.session), express["rateId"])
    assert quote.total == Money("446.00", "USD")  # 400 + 14 + 32
    confirm(started, v1, accepted=quote.total)
    wanted = {("8",): 3, ("10",): 1}
    assert {tuple(item["selectedOptions"]): item["quantity"] for item in bought(sandbox)["items"]} == wanted
