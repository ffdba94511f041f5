"""What an order costs, as Henry says it: totals, shipping rates that keep their ids, coupons, and their ends."""

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
    VERSIONS,
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


@pytest.fixture(params=VERSIONS)
def version(request: Any, sandbox: Sandbox, polls_at_once: None, settings: Any) -> str:
    world(sandbox)
    return use(settings, request.param)


@pytest.fixture(params=["v1", "v1-rpc"])
def v1(request: Any, sandbox: Sandbox, polls_at_once: None, settings: Any) -> str:
    world(sandbox)
    return use(settings, request.param)


def dollars(amount: str) -> Money:
    return Money(amount, "USD")


def rate_of(quote: Quote, host: str, option: str) -> dict[str, Any]:
    (merchant,) = (each for each in quote.merchants if each["host"] == host)
    (found,) = (rate for rate in merchant["rates"] if rate["optionId"] == option)
    return dict(found)


def test_the_totals_are_right_and_the_order_shows_them(sandbox: Sandbox, version: str, cart: Cart) -> None:
    begun = ready(sandbox, cart, version)
    quote = quote_session(fresh(begun.session))
    order = Order.objects.get()
    assert quote.total == order.total == TOTAL
    assert quote.amount("shipping") == order.shipping == SHIPPING
    assert quote.amount("tax") == order.tax == TAX
    if version != "v0":  # which says no subtotal
        assert quote.amount("subtotal") == order.subtotal == SUBTOTAL
    assert fresh(begun.session).status == "quoted"
    assert order.status == "open"
    assert get_quote(fresh(begun.session)) == quote
    assert abs(quote.expires_at - timezone.now() - timedelta(minutes=15)) < timedelta(seconds=30)
    assert sandbox.orders() == []


def test_a_quote_keeps_the_session_alive(sandbox: Sandbox, version: str, cart: Cart) -> None:
    begun = ready(sandbox, cart, version)
    CheckoutSession.objects.update(expires_at=timezone.now() + timedelta(seconds=20))
    quote_session(fresh(begun.session))
    assert fresh(begun.session).expires_at > timezone.now() + timedelta(minutes=29)


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
def test_an_address_that_lacks_what_its_country_needs_is_not_quoted(
    sandbox: Sandbox, v1: str, cart: Cart, address: Address | None, missing: set[str]
) -> None:
    begun = begin_inline(cart)
    set_buyer(fresh(begun.session), lambda _known: Buyer(shipping_address=address), strict=False)
    asked = len(sandbox.requests())
    with pytest.raises(BuyerIncomplete) as caught:
        quote_session(fresh(begun.session))
    assert set(caught.value.errors) == missing
    assert len(sandbox.requests()) == asked
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


def test_an_order_that_is_paid_while_henry_works_it_out_keeps_what_was_paid(
    sandbox: Sandbox, version: str, cart: Cart
) -> None:
    begun = quoted(sandbox, cart, version)
    stale = fresh(begun.session)
    confirm(begun, version)
    follow(sandbox)
    Order.objects.update(total_amount="1.00")
    with pytest.raises((OrderNotOpen, GatewayError)):
        quote_session(stale)
    assert Order.objects.get().total == dollars("1.00")
    assert fresh(begun.session).status == "completed"


def test_trouble_at_henry_leaves_the_last_quote(sandbox: Sandbox, version: str, cart: Cart) -> None:
    begun = quoted(sandbox, cart, version)
    before = Quote.objects.get()
    for fault in ({"fault": "status", "status": 503}, {"fault": "garbage"}, {"fault": "reset"}):
        world(sandbox, prices={BOOTS: "1.00"}, faults=[{**fault, "times": 0}])
        with pytest.raises(GatewayError):
            quote_session(fresh(begun.session))
    after = Quote.objects.get()
    assert (after.total, after.quoted_at, after.merchants) == (TOTAL, before.quoted_at, before.merchants)
    assert (Order.objects.get().total, fresh(begun.session).status) == (TOTAL, "quoted")


def test_a_quote_that_takes_too_long_is_pending(sandbox: Sandbox, v1: str, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "QUOTE_TIMEOUT": 0.3}
    begun = ready(sandbox, cart, v1)
    sandbox.scenario(timing={"jobSeconds": 1000})
    with pytest.raises(QuotePending):
        quote_session(fresh(begun.session))
    assert not Quote.objects.exists()
    assert fresh(begun.session).status == "open"
    world(sandbox)
    assert quote_session(fresh(begun.session)).total == TOTAL


def test_a_quote_again_follows_the_price_and_keeps_the_ids_of_the_rates(
    sandbox: Sandbox, v1: str, cart: Cart
) -> None:
    begun = quoted(sandbox, cart, v1)
    before = Quote.objects.get()
    assert len(before.rates) == 4
    assert all(0 < rate_id < MAX_RATE_ID for rate_id in before.rates)
    world(sandbox, prices={MUG: "30.00"})
    after = quote_session(fresh(begun.session))
    assert Quote.objects.count() == 1
    assert after.total == Order.objects.get().total == dollars("152.40")
    assert {key: rate["optionId"] for key, rate in after.rates.items()} == {
        key: rate["optionId"] for key, rate in before.rates.items()
    }
    assert dollars(rate_of(after, "alpine.example", "express")["cost"]) == dollars("14.00")


def test_a_chosen_rate_changes_the_totals_and_arrives_in_the_purchase(
    sandbox: Sandbox, v1: str, cart: Cart
) -> None:
    begun = quoted(sandbox, cart, v1)
    quote = Quote.objects.get()
    express = rate_of(quote, "clay.example", "express")
    chosen = choose_shipping(fresh(begun.session), express["rateId"])
    assert (chosen.total, chosen.amount("shipping")) == (dollars("149.60"), dollars("20.00"))
    assert Order.objects.get().total == dollars("149.60")
    assert {each["host"]: each["chosen"] for each in chosen.merchants} == {
        "alpine.example": None,
        "clay.example": express["rateId"],
    }
    # Another change of mind, and a fresh look, keep it.
    assert quote_session(fresh(begun.session)).total == dollars("149.60")
    back = choose_shipping(fresh(begun.session), rate_of(quote, "clay.example", "standard")["rateId"])
    assert back.total == TOTAL
    choose_shipping(fresh(begun.session), express["rateId"])

    confirm(begun, v1, accepted=dollars("149.60"), exactly=True)
    follow(sandbox)
    (order,) = sandbox.orders()
    assert dollars(str(order["total"])) == Order.objects.get().total == dollars("149.60")
    assert {item["link"]: dollars(str(item["total"])) for item in order["items"]} == {
        BOOTS: dollars("114.00"),
        MUG: dollars("35.60"),
    }


def test_shipping_that_costs_nothing_is_quoted_and_bought(sandbox: Sandbox, version: str) -> None:
    """Above a merchant's threshold its first rate is free."""
    cart = carts.create_cart()
    carts.add_item(cart, make_item("https://fernhill.example/products/summit-shell-jacket", price="189.00"))
    cart.refresh_from_db()
    begun = ready(sandbox, cart, version)
    quote = quote_session(fresh(begun.session))
    assert (quote.total, quote.amount("shipping")) == (dollars("204.59"), dollars("0"))  # 8.25 % tax
    if version != "v0":
        assert dollars(rate_of(quote, "fernhill.example", "standard")["cost"]) == dollars("0")
        assert dollars(rate_of(quote, "fernhill.example", "express")["cost"]) == dollars("16.00")
    confirm(begun, version, accepted=quote.total, exactly=True)
    assert len(sandbox.orders()) == 1


def test_only_what_was_offered_to_this_session_can_be_chosen(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    begun = ready(sandbox, cart, v1)
    with pytest.raises(QuoteRequired):
        choose_shipping(fresh(begun.session), 1)
    theirs = quote_session(fresh(begun.session))
    second = quoted(sandbox, cart, v1)
    ours = Quote.objects.get(session=second.session)
    assert not set(theirs.rates) & set(ours.rates)
    for rate_id in (*theirs.rates, 0, -1, MAX_RATE_ID + 1):
        with pytest.raises(ShippingNotOffered):
            choose_shipping(fresh(second.session), rate_id)
    assert Quote.objects.get(session=second.session).total == TOTAL
    assert [row for row in sandbox.requests() if "item" in row["path"]] == []


def test_coupons_lower_the_total_and_are_charged_so(sandbox: Sandbox, v1: str, cart: Cart) -> None:
    begun = ready(sandbox, cart, v1)
    quote = quote_session(fresh(begun.session), coupons=["SAVE10"])
    # 120 - 12, 8 % of 108, 12 for shipping.
    assert quote.total == Order.objects.get().total == dollars("128.64")
    assert quote.amount("discount") == Order.objects.get().discount == dollars("12.00")
    assert quote_session(fresh(begun.session)).total == dollars("128.64")  # kept
    assert quote_session(fresh(begun.session), coupons=[]).total == TOTAL  # taken away
    assert quote_session(fresh(begun.session), coupons=["NOSUCH"]).total == TOTAL

    quote_session(fresh(begun.session), coupons=["SAVE10", "FREESHIP"])
    confirm(begun, v1, accepted=dollars("116.64"), exactly=True)
    follow(sandbox)
    (order,) = sandbox.orders()
    assert dollars(str(order["total"])) == Order.objects.get().total == dollars("116.64")
    assert Order.objects.get().discount == dollars("12.00")


def test_v0_takes_neither_coupons_nor_a_choice_of_shipping(
    sandbox: Sandbox, cart: Cart, settings: Any
) -> None:
    use(settings, "v0")
    world(sandbox)
    begun = quoted(sandbox, cart, "v0")
    asked = len(sandbox.requests())
    with pytest.raises(NotSupported):
        quote_session(fresh(begun.session), coupons=["SAVE10"])
    with pytest.raises(NotSupported):
        choose_shipping(fresh(begun.session), 1)
    assert len(sandbox.requests()) == asked
    assert Quote.objects.get().coupons == []
    merchants = Quote.objects.get().merchants
    assert [each["host"] for each in merchants] == ["alpine.example", "clay.example"]
    assert all(dollars(each["shipping"]) == dollars("6.00") and not each["rates"] for each in merchants)


def test_a_change_of_address_is_sent_along(sandbox: Sandbox, version: str, cart: Cart) -> None:
    begun = quoted(sandbox, cart, version)
    elsewhere = Buyer(**{**vars(BUYER), "shipping_address": moved(ADDRESS, line1="1 Broadway")})
    set_buyer(fresh(begun.session), lambda _known: elsewhere, strict=True)
    confirm(begun, version, accepted=TOTAL)
    follow(sandbox)
    address = Order.objects.get().buyer.address
    assert address is not None
    assert address.line1 == "1 Broadway"
