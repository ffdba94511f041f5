"""Quotes: totals, shipping rates that keep their ids, coupons, expiry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from moneyed import Money

from django_henry_checkout.exceptions import (
    BuyerIncomplete,
    GatewayError,
    NotSupported,
    OrderNotOpen,
    QuotePending,
    QuoteRequired,
    ShippingNotOffered,
    TokenExpired,
)
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import MAX_RATE_ID, choose_shipping, get_quote, quote_session
from django_henry_checkout.models import Cart, CheckoutSession, Order, Quote
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Address, Buyer
from tests.support.inline import (
    ADDRESS,
    BOOTS,
    BUYER,
    MUG,
    SHIPPING,
    SUBTOTAL,
    TAX,
    TOTAL,
    confirm,
    follow,
    fresh,
    moved,
    quoted,
    ready,
    use,
    world,
)
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def dollars(amount: str) -> Money:
    return Money(amount, "USD")


def rate_of(quote: Quote, host: str, option: str) -> dict[str, Any]:
    (merchant,) = (each for each in quote.merchants if each["host"] == host)
    (found,) = (rate for rate in merchant["rates"] if rate["optionId"] == option)
    return dict(found)


def test_the_totals_are_correct_and_copied_to_the_order(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = ready(sandbox, cart, version)
    quote = quote_session(fresh(started.session))
    order = Order.objects.get()
    assert quote.total == order.total == TOTAL
    assert quote.amount("shipping") == order.shipping == SHIPPING
    assert quote.amount("tax") == order.tax == TAX
    if version != "v0":  # v0 reports no subtotal
        assert quote.amount("subtotal") == order.subtotal == SUBTOTAL
    assert fresh(started.session).status == "quoted"
    assert order.status == "open"
    assert get_quote(fresh(started.session)) == quote
    assert abs(quote.expires_at - timezone.now() - timedelta(minutes=15)) < timedelta(seconds=30)
    assert sandbox.orders() == []


def test_a_quote_keeps_the_session_alive(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = ready(sandbox, cart, version)
    CheckoutSession.objects.update(expires_at=timezone.now() + timedelta(seconds=20))
    quote_session(fresh(started.session))
    assert fresh(started.session).expires_at > timezone.now() + timedelta(minutes=29)


@pytest.mark.parametrize(
    ("address", "missing"),
    [
        (None, {"country_code", "line1"}),
        (moved(province=""), {"province"}),
        (moved(city="", postal_code=""), {"city", "postal_code"}),
        (Address(line1="1 Queen's Road", city="Hong Kong", postal_code="", country_code="HK"), {"province"}),
        (
            Address(line1="10 Downing Street", city="", postal_code="", country_code="GB"),
            {"city", "postal_code"},
        ),
    ],
)
def test_an_incomplete_address_is_not_quoted(
    sandbox: Sandbox, v1: str, cart: Cart, address: Address | None, missing: set[str]
) -> None:
    started = begin_inline(cart)
    set_buyer(fresh(started.session), lambda _known: Buyer(shipping_address=address), strict=False)
    calls = len(sandbox.requests())
    with pytest.raises(BuyerIncomplete) as caught:
        quote_session(fresh(started.session))
    assert set(caught.value.errors) == missing
    assert len(sandbox.requests()) == calls
    assert not Quote.objects.exists()


def test_a_session_that_has_ended_is_not_quoted(sandbox: Sandbox, version: str, cart: Cart) -> None:
    first = ready(sandbox, cart, version)
    second = ready(sandbox, cart, version)
    with pytest.raises(TokenExpired):
        quote_session(fresh(first.session))
    CheckoutSession.objects.filter(pk=second.session.pk).update(expires_at=timezone.now())
    with pytest.raises(TokenExpired):
        quote_session(fresh(second.session))
    third = quoted(sandbox, cart, version)
    confirm(third, version)
    with pytest.raises(OrderNotOpen):
        quote_session(fresh(third.session))


def test_an_order_paid_during_the_quote_keeps_the_paid_total(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, version)
    stale = fresh(started.session)
    confirm(started, version)
    follow(sandbox)
    Order.objects.update(total_amount="1.00")
    with pytest.raises((OrderNotOpen, GatewayError)):
        quote_session(stale)
    assert Order.objects.get().total == dollars("1.00")
    assert fresh(started.session).status == "completed"


def test_an_error_at_henry_keeps_the_last_quote(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = quoted(sandbox, cart, version)
    before = Quote.objects.get()
    for fault in ({"fault": "status", "status": 503}, {"fault": "garbage"}, {"fault": "reset"}):
        world(sandbox, prices={BOOTS: "1.00"}, faults=[{**fault, "times": 0}])
        with pytest.raises(GatewayError):
            quote_session(fresh(started.session))
    after = Quote.objects.get()
    assert (after.total, after.quoted_at, after.merchants) == (TOTAL, before.quoted_at, before.merchants)
    assert (Order.objects.get().total, fresh(started.session).status) == (TOTAL, "quoted")


def test_a_quote_that_takes_too_long_is_pending(sandbox: Sandbox, v1: str, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "QUOTE_TIMEOUT": 0.3}
    started = ready(sandbox, cart, v1)
    sandbox.scenario(timing={"jobSeconds": 1000})
    with pytest.raises(QuotePending):
        quote_session(fresh(started.session))
    assert not Quote.objects.exists()
    assert fresh(started.session).status == "open"
    world(sandbox)
    assert quote_session(fresh(started.session)).total == TOTAL


def test_a_new_quote_has_the_new_price_and_the_same_rate_ids(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    started = quoted(sandbox, cart, v1)
    before = Quote.objects.get()
    assert len(before.rates) == 4
    assert all(0 < rate_id < MAX_RATE_ID for rate_id in before.rates)
    world(sandbox, prices={MUG: "30.00"})
    after = quote_session(fresh(started.session))
    assert Quote.objects.count() == 1
    assert after.total == Order.objects.get().total == dollars("152.40")
    assert {key: rate["optionId"] for key, rate in after.rates.items()} == {
        key: rate["optionId"] for key, rate in before.rates.items()
    }
    assert dollars(rate_of(after, "alpine.example", "express")["cost"]) == dollars("14.00")


def test_a_chosen_rate_changes_the_totals_and_applies_to_the_purchase(
    sandbox: Sandbox, v1: str, cart: Cart
) -> None:
    started = quoted(sandbox, cart, v1)
    quote = Quote.objects.get()
    express = rate_of(quote, "clay.example", "express")
    chosen = choose_shipping(fresh(started.session), express["rateId"])
    assert (chosen.total, chosen.amount("shipping")) == (dollars("149.60"), dollars("20.00"))
    assert Order.objects.get().total == dollars("149.60")
    assert {each["host"]: each["chosen"] for each in chosen.merchants} == {
        "alpine.example": None,
        "clay.example": express["rateId"],
    }
    # A new quote keeps the choice; the choice can be changed.
    assert quote_session(fresh(started.session)).total == dollars("149.60")
    back = choose_shipping(fresh(started.session), rate_of(quote, "clay.example", "standard")["rateId"])
    assert back.total == TOTAL
    choose_shipping(fresh(started.session), express["rateId"])

    confirm(started, v1, accepted=dollars("149.60"), exactly=True)
    follow(sandbox)
    (order,) = sandbox.orders()
    assert dollars(str(order["total"])) == Order.objects.get().total == dollars("149.60")
    assert {item["link"]: dollars(str(item["total"])) for item in order["items"]} == {
        BOOTS: dollars("114.00"),
        MUG: dollars("35.60"),
    }


def test_free_shipping_is_quoted_and_bought(sandbox: Sandbox, version: str) -> None:
    """Above a merchant's threshold its first rate is free."""
    cart = carts.create_cart()
    carts.add_item(cart, make_item("https://fernhill.example/products/summit-shell-jacket", price="189.00"))
    cart.refresh_from_db()
    started = ready(sandbox, cart, version)
    quote = quote_session(fresh(started.session))
    assert (quote.total, quote.amount("shipping")) == (dollars("204.59"), dollars("0"))  # 8.25 % tax
    if version != "v0":
        assert dollars(rate_of(quote, "fernhill.example", "standard")["cost"]) == dollars("0")
        assert dollars(rate_of(quote, "fernhill.example", "express")["cost"]) == dollars("16.00")
    confirm(started, version, accepted=quote.total, exactly=True)
    assert len(sandbox.orders()) == 1


def test_only_rates_offered_to_this_session_can_be_chosen(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    started = ready(sandbox, cart, v1)
    with pytest.raises(QuoteRequired):
        choose_shipping(fresh(started.session), 1)
    theirs = quote_session(fresh(started.session))
    second = quoted(sandbox, cart, v1)
    ours = Quote.objects.get(session=second.session)
    assert not set(theirs.rates) & set(ours.rates)
    for rate_id in (*theirs.rates, 0, -1, MAX_RATE_ID + 1):
        with pytest.raises(ShippingNotOffered):
            choose_shipping(fresh(second.session), rate_id)
    assert Quote.objects.get(session=second.session).total == TOTAL
    assert [row for row in sandbox.requests() if "item" in row["path"]] == []


def test_coupons_reduce_the_quoted_and_the_charged_total(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    started = ready(sandbox, cart, v1)
    quote = quote_session(fresh(started.session), coupons=["SAVE10"])
    # 120 - 12, 8 % of 108, 12 for shipping.
    assert quote.total == Order.objects.get().total == dollars("128.64")
    assert quote.amount("discount") == Order.objects.get().discount == dollars("12.00")
    assert quote_session(fresh(started.session)).total == dollars("128.64")  # kept
    assert quote_session(fresh(started.session), coupons=[]).total == TOTAL  # removed
    assert quote_session(fresh(started.session), coupons=["NOSUCH"]).total == TOTAL

    quote_session(fresh(started.session), coupons=["SAVE10", "FREESHIP"])
    confirm(started, v1, accepted=dollars("116.64"), exactly=True)
    follow(sandbox)
    (order,) = sandbox.orders()
    assert dollars(str(order["total"])) == Order.objects.get().total == dollars("116.64")
    assert Order.objects.get().discount == dollars("12.00")


def test_v0_supports_neither_coupons_nor_a_choice_of_shipping(
    sandbox: Sandbox, cart: Cart, settings: Any
) -> None:
    use(settings, "v0")
    world(sandbox)
    started = quoted(sandbox, cart, "v0")
    calls = len(sandbox.requests())
    with pytest.raises(NotSupported):
        quote_session(fresh(started.session), coupons=["SAVE10"])
    with pytest.raises(NotSupported):
        choose_shipping(fresh(started.session), 1)
    assert len(sandbox.requests()) == calls
    assert Quote.objects.get().coupons == []
    merchants = Quote.objects.get().merchants
    assert [each["host"] for each in merchants] == ["alpine.example", "clay.example"]
    assert all(dollars(each["shipping"]) == dollars("6.00") and not each["rates"] for each in merchants)


def test_a_changed_address_is_used_by_the_purchase(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = quoted(sandbox, cart, version)
    elsewhere = Buyer(**{**vars(BUYER), "shipping_address": moved(ADDRESS, line1="1 Broadway")})
    set_buyer(fresh(started.session), lambda _known: elsewhere, strict=True)
    confirm(started, version, accepted=TOTAL)
    follow(sandbox)
    address = Order.objects.get().buyer.address
    assert address is not None
    assert address.line1 == "1 Broadway"
