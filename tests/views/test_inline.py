"""The inline checkout: Django's test client over the real sandbox, every step without scripts, and each error."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.middleware.csrf import get_token
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from moneyed import Money

from django_henry_checkout.flows.buyer.countries import address_rows, country_choices, default_country
from django_henry_checkout.flows.buyer.details import get_buyer
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.models import CallCount, Cart, CheckoutSession, Order, OrderLine, Purchase, Quote
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.canaries import all_logs, cached, rows
from tests.support.inline import (
    BOOTS,
    TOTAL,
    bought,
    buying_calls,
    buys,
    follow,
    nothing_was_sent,
    store_card,
    total_of,
    use,
    world,
)
from tests.support.items import make_item
from tests.support.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

TOKEN = "card_test_pays"
TYPED = {
    "email": "ada@shop.example",
    "phone": "(212) 555-0123",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "country_code": "US",
    "line1": "350 Fifth Avenue",
    "city": "New York",
    "province": "NY",
    "postal_code": "10118",
}
RATES = re.compile(r'name="(rate-\d+)" value="(\d+)"( checked)?')


class Shopper:
    """A browser without scripts at the checkout of one order."""

    def __init__(self, order: Order, client: Client | None = None, *, part: bool = False) -> None:
        self.order = order
        self.client = client or Client()
        self.url = reverse("henry_checkout:inline", args=[order.ulid])
        self._part = part
        session = self.client.session
        session["henry_checkout"] = {"orders": [order.ulid], "carts": [order.cart.ulid] if order.cart else []}
        session.save()

    def get(self, step: str = "") -> Any:
        query = {**({"step": step} if step else {}), **({"part": "1"} if self._part else {})}
        return self.client.get(self.url, query)

    def post(self, action: str, **fields: Any) -> Any:
        answer = self.client.post(
            f"{self.url}?part=1" if self._part else self.url, {"action": action, **fields}
        )
        if answer.status_code == 303:
            return self.client.get(answer["Location"])
        return answer

    def form(self, answer: Any) -> dict[str, str]:
        """Return the hidden fields of the form that pays."""
        html = re.search(r"<form[^>]+data-henry-pay>(.*?)</form>", answer.content.decode(), re.DOTALL)
        assert html, answer.content.decode()
        found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html.group(1)))
        found.pop("csrfmiddlewaretoken")
        return found

    def to_card(self) -> Any:
        """Go from the address to the card, with the preselected shipping."""
        answer = self.post("address", **TYPED)
        if step_of(answer) == "shipping":
            picked = {name: rate for name, rate, checked in RATES.findall(answer.content.decode()) if checked}
            answer = self.post("shipping", **picked)
        assert step_of(answer) == "card", answer.content.decode()
        return answer

    def to_review(
        self, sandbox: Sandbox, version: str, *, token: str = TOKEN, card: str = "4242424242424242"
    ) -> Any:
        self.to_card()
        if version == "v0":
            store_card(sandbox, self.order, card)
            answer = self.post("card")
        else:
            answer = self.post("card", card_token=token, card_last4="4242")
        assert step_of(answer) == "review", answer.content.decode()
        return answer

    def buy(self, answer: Any) -> Any:
        return self.client.post(f"{self.url}?part=1" if self._part else self.url, self.form(answer))


def step_of(answer: Any) -> str:
    found = re.search(r'data-step="(\w+)"', answer.content.decode())
    return found.group(1) if found else f"none: {answer.status_code}"


def text_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def shopper(version: str, cart: Cart) -> Shopper:
    return Shopper(begin_inline(cart).order)


@pytest.fixture
def v1_shopper(sandbox: Sandbox, cart: Cart) -> Shopper:
    world(sandbox)
    return Shopper(begin_inline(cart).order)


def expire(**columns: Any) -> None:
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1), **columns)


# A purchase -----------------------------------------------------------------------------


@pytest.mark.parametrize("part", [False, True])
def test_a_purchase_without_scripts(sandbox: Sandbox, version: str, cart: Cart, part: bool) -> None:
    shopper = Shopper(begin_inline(cart).order, part=part)
    first = shopper.get()
    assert (first.status_code, step_of(first)) == (200, "address")
    assert (b"<html" in first.content) is not part
    review = shopper.to_review(sandbox, version)
    text = text_of(review)
    assert "Pay $141.60" in text
    assert "350 Fifth Avenue" in text
    assert get_buyer(Order.objects.get()).phone == "+12125550123"
    done = shopper.buy(review)
    if not part:
        assert done.status_code == 303
        done = shopper.client.get(done["Location"])
    assert step_of(done) == "status"
    assert b"data-henry-live" in done.content
    assert len(buying_calls(sandbox)) == 1
    follow(sandbox)
    assert (Order.objects.get().status, Order.objects.get().total) == ("completed", TOTAL)
    assert len(bought(sandbox)["items"]) == 2
    assert "Your order is complete" in text_of(shopper.get())


def test_the_shipping_that_was_picked_is_what_is_bought(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    answer = v1_shopper.post("address", **TYPED)
    assert step_of(answer) == "shipping"
    offered = RATES.findall(answer.content.decode())
    assert len({name for name, _rate, _checked in offered}) == 2
    assert sum(bool(checked) for _name, _rate, checked in offered) == 2
    dearest = {name: rate for name, rate, _checked in offered}  # the last of each
    assert v1_shopper.post("shipping", **{"rate-1": dearest["rate-1"]}).status_code == 422
    assert v1_shopper.post("shipping", **{"rate-1": "1", "rate-2": "2"}).status_code == 422
    answer = v1_shopper.post("shipping", **dearest)
    assert step_of(answer) == "card"
    quote = Quote.objects.get()
    assert {merchant["chosen"] for merchant in quote.merchants} == {int(rate) for rate in dearest.values()}
    assert quote.total > TOTAL
    review = v1_shopper.post("card", card_token=TOKEN)
    assert v1_shopper.buy(review).status_code == 303
    assert total_of(bought(sandbox)) == quote.total


def test_where_nothing_can_be_chosen_there_is_no_shipping_step(
    sandbox: Sandbox, version: str, shopper: Shopper
) -> None:
    answer = shopper.post("address", **TYPED)
    assert step_of(answer) == ("card" if version == "v0" else "shipping")
    assert (b"Delivery</a>" in answer.content or b"Delivery<span" in answer.content) is (version != "v0")


def test_earlier_steps_can_be_opened_again_and_later_ones_not(
    sandbox: Sandbox, shopper: Shopper, version: str
) -> None:
    for step in ("shipping", "card", "review", "status", "nonsense"):
        assert step_of(shopper.get(step)) == "address"
    shopper.to_card()
    back = shopper.get("address")
    assert step_of(back) == "address"
    assert b'value="350 Fifth Avenue"' in back.content
    assert step_of(shopper.post("edit", step="address")) == "address"
    assert step_of(shopper.get("review")) == ("review" if version == "v0" else "card")
    assert step_of(shopper.get()) == "card"


# Address ---------------------------------------------------------------------------------


def test_all_errors_are_shown_at_once_and_entered_values_are_kept(
    sandbox: Sandbox, v1_shopper: Shopper
) -> None:
    values = {**TYPED, "email": "ada@", "last_name": "  ", "postal_code": "90210", "phone": "12"}
    answer = v1_shopper.post("address", **values)
    html = answer.content.decode()
    assert (answer.status_code, step_of(answer)) == (422, "address")
    assert "4 things need your attention" in html
    for name in ("email", "last_name", "postal_code", "phone"):
        field_id = f"henry-{v1_shopper.order.ulid}-{name}"
        assert f'href="#{field_id}"' in html
        assert f'id="{field_id}-error"' in html
        control = re.search(rf'<input[^>]+id="{field_id}"[^>]*>', html)
        assert control is not None
        assert 'aria-invalid="true"' in control.group()
        assert f"{field_id}-error" in control.group()
    assert 'value="350 Fifth Avenue"' in html
    assert 'value="90210"' in html
    assert nothing_was_sent(sandbox)
    assert not get_buyer(v1_shopper.order).email
    again = v1_shopper.post("address", **TYPED)
    assert step_of(again) == "shipping"


def test_another_country_asks_for_other_parts_and_keeps_what_was_typed(
    sandbox: Sandbox, v1_shopper: Shopper
) -> None:
    american = v1_shopper.get().content.decode()
    assert "ZIP code" in american
    assert '<option value="NY">New York</option>' in american
    german = v1_shopper.post("country", **{**TYPED, "country_code": "DE"}).content.decode()
    assert "Postal code" in german
    assert 'name="province"' not in german
    assert german.index('name="postal_code"') < german.index('name="city"')
    assert 'value="350 Fifth Avenue"' in german
    assert '<option value="DE" selected>Germany</option>' in german
    nowhere = v1_shopper.post("country", **{**TYPED, "country_code": "XX"})
    assert nowhere.status_code == 200
    refused = v1_shopper.post("address", **{**TYPED, "country_code": "XX"})
    assert refused.status_code == 422
    assert "Choose your country." in refused.content.decode()


def test_names_of_countries_follow_the_language() -> None:
    assert dict(country_choices())["DE"] == "Germany"
    assert default_country() == "US"
    with override("de"):
        names = [name for _code, name in country_choices()]
        assert dict(country_choices())["DE"] == "Deutschland"
        assert names.index("Österreich") < names.index("Polen")
        assert default_country() == "DE"
    with override("pt-br"):
        assert default_country() == "BR"
    assert [part.name for row in address_rows("JP") for part in row] == [
        "postal_code",
        "province",
        "line1",
        "line2",
    ]
    assert address_rows("JP")[1][0].choices[0] == ("北海道", "Hokkaido · 北海道")


@pytest.mark.once
@pytest.mark.parametrize("country", [code for code, _name in country_choices()])
def test_every_country_has_a_form(country: str) -> None:
    parts = [part for row in address_rows(country) for part in row]
    assert {"line1", "line2"} <= {part.name for part in parts}
    assert len({part.name for part in parts}) == len(parts)


def test_the_form_has_hints_for_the_browser(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    html = v1_shopper.get().content.decode()
    for token in (
        "email",
        "shipping tel",
        "shipping given-name",
        "shipping address-line1",
        "shipping postal-code",
    ):
        assert f'autocomplete="{token}"' in html
    assert 'enterkeyhint="go"' in html
    assert "<style" not in html
    assert " style=" not in html
    assert not re.findall(r"<script(?![^>]+src=)", html)


# Errors ----------------------------------------------------------------------------------


def test_a_quote_that_takes_longer_can_be_asked_again(
    sandbox: Sandbox, v1_shopper: Shopper, settings: Any
) -> None:
    sandbox.scenario(timing={"jobSeconds": 3600})
    use(settings, "v1", QUOTE_TIMEOUT=0.2)
    answer = v1_shopper.post("address", **TYPED)
    assert (answer.status_code, step_of(answer)) == (503, "price")
    assert "Still working it out" in text_of(answer)
    assert get_buyer(v1_shopper.order).shipping_address is not None
    assert step_of(v1_shopper.get()) == "price"
    world(sandbox)
    assert step_of(v1_shopper.post("quote")) == "shipping"


def test_another_address_makes_the_old_price_count_no_longer(
    sandbox: Sandbox, v1_shopper: Shopper, settings: Any
) -> None:
    v1_shopper.to_card()
    sandbox.scenario(timing={"jobSeconds": 3600})
    use(settings, "v1", QUOTE_TIMEOUT=0.2)
    assert step_of(v1_shopper.post("address", **{**TYPED, "line1": "1 Elsewhere Road"})) == "price"
    assert step_of(v1_shopper.get("review")) == "price"


def test_a_failure_of_henry_loses_nothing(sandbox: Sandbox, shopper: Shopper, version: str) -> None:
    world(sandbox, faults=[{"fault": "status", "status": 500, "times": 9}])
    answer = shopper.post("address", **TYPED)
    assert answer.status_code == 503
    assert "taking a short break" in text_of(answer)
    assert answer["Retry-After"] == "30"
    world(sandbox)
    assert step_of(shopper.post("quote")) in {"shipping", "card"}
    assert nothing_was_sent(sandbox)


def test_without_henrys_card_page_the_step_offers_another_try(
    sandbox: Sandbox, settings: Any, cart: Cart
) -> None:
    world(sandbox)
    use(settings, "v0")
    shopper = Shopper(begin_inline(cart).order)
    assert "Open the card page in a new tab" in text_of(shopper.to_card())
    world(sandbox, faults=[{"fault": "status", "status": 500, "path": "/v0/wallet/*", "times": 9}])
    answer = shopper.get("card")
    assert (answer.status_code, step_of(answer)) == (503, "card")
    assert "Add your card" in text_of(answer)
    assert b"data-henry-autoload" not in answer.content  # or a script would retry for ever


def test_a_price_that_rose_is_shown_and_bought_only_by_another_click(
    sandbox: Sandbox, shopper: Shopper, version: str
) -> None:
    review = shopper.to_review(sandbox, version)
    world(sandbox, prices={BOOTS: "110.00"})
    answer = shopper.buy(review)
    assert (answer.status_code, step_of(answer)) == (409, "review")
    assert nothing_was_sent(sandbox)
    html = answer.content.decode()
    assert "<s>$141.60</s>" in html
    assert "Pay $152.40" in text_of(answer)
    if version != "v0":
        assert shopper.form(answer)["card_token"] == TOKEN
    assert shopper.buy(answer).status_code == 303
    assert total_of(bought(sandbox)) == Money("152.40", "USD")


def test_an_old_price_is_asked_for_again_and_shown_again(
    sandbox: Sandbox, shopper: Shopper, version: str
) -> None:
    review = shopper.to_review(sandbox, version)
    Quote.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = shopper.buy(review)
    assert (answer.status_code, step_of(answer)) == (409, "review")
    assert nothing_was_sent(sandbox)
    assert "checked the price again" in text_of(answer)
    assert shopper.buy(answer).status_code == 303
    assert len(buying_calls(sandbox)) == 1


def test_a_refused_card_leads_back_to_the_card_with_the_rest_kept(
    sandbox: Sandbox, shopper: Shopper, version: str
) -> None:
    review = shopper.to_review(sandbox, version)
    world(sandbox, faults=[buys(version, "status", status=402)])
    answer = shopper.buy(review)
    assert (answer.status_code, step_of(answer)) == (402, "card")
    assert "Your card was not accepted" in text_of(answer)
    assert TOKEN.encode() not in answer.content
    again = shopper.post("card") if version == "v0" else shopper.post("card", card_token=TOKEN)
    assert shopper.buy(again).status_code == 303
    assert len(sandbox.orders()) == 1


def test_many_refused_cards_make_a_pause(sandbox: Sandbox, v1_shopper: Shopper, settings: Any) -> None:
    use(settings, "v1", API_THROTTLES={"refused": "2/hour"})
    review = v1_shopper.to_review(sandbox, "v1")
    world(sandbox, faults=[buys("v1", "status", status=402, times=9)])
    results = [v1_shopper.buy(review).status_code for _try in range(4)]
    assert results == [402, 402, 429, 429]
    assert len(buying_calls(sandbox)) == 2
    assert CallCount.objects.filter(subject__startswith="refused:cookie:").exists()


def test_calls_are_counted_and_entered_values_are_kept(
    sandbox: Sandbox, v1_shopper: Shopper, settings: Any
) -> None:
    use(settings, "v1", API_THROTTLES={"checkout": "1/hour"})
    v1_shopper.post("quote")
    answer = v1_shopper.post("address", **TYPED)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 1
    assert b'value="350 Fifth Avenue"' in answer.content
    assert not get_buyer(v1_shopper.order).email


@pytest.mark.parametrize("fault", ["lost_reply", "reset"])
def test_an_unknown_outcome_shows_the_status_and_is_never_tried_again(
    sandbox: Sandbox, shopper: Shopper, version: str, settings: Any, fault: str
) -> None:
    review = shopper.to_review(sandbox, version)
    use(settings, version, PURCHASE_TIMEOUT=1)
    world(sandbox, faults=[buys(version, fault)])
    assert shopper.buy(review).status_code == 303
    assert step_of(shopper.get()) == "status"
    assert step_of(shopper.get("review")) == "status"
    assert shopper.buy(review).status_code == 303
    assert len(buying_calls(sandbox)) == 1
    assert Purchase.objects.filter(status="sent").exists() is False


def test_an_expired_session_continues_with_a_click(sandbox: Sandbox, shopper: Shopper, version: str) -> None:
    review = shopper.to_review(sandbox, version)
    expire()
    assert step_of(shopper.get()) == "expired"
    answer = shopper.buy(review)
    assert nothing_was_sent(sandbox)
    assert step_of(shopper.client.get(answer["Location"])) == "expired"
    assert step_of(shopper.post("renew")) == "card"
    assert CheckoutSession.objects.count() == 2
    review = shopper.post("card", card_token=TOKEN)
    assert shopper.buy(review).status_code == 303
    assert len(sandbox.orders()) == 1


def test_an_address_is_accepted_after_the_session_expired(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    expire()
    assert step_of(v1_shopper.post("address", **TYPED)) == "shipping"


def test_more_time_is_a_click_and_the_card_stays(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    v1_shopper.to_review(sandbox, "v1")
    soon = timezone.now() + timedelta(seconds=60)
    CheckoutSession.objects.update(expires_at=soon)
    answer = v1_shopper.post("renew", step="review", card_token=TOKEN, card_last4="4242")
    assert step_of(answer) == "review"
    assert v1_shopper.form(answer)["card_token"] == TOKEN
    assert CheckoutSession.objects.get().expires_at > soon + timedelta(minutes=5)


def test_a_cart_bought_elsewhere_is_an_error(sandbox: Sandbox, v1_shopper: Shopper, cart: Cart) -> None:
    review = v1_shopper.to_review(sandbox, "v1")
    other = begin_checkout(Cart.objects.get(pk=cart.pk))
    assert other.order.pk != v1_shopper.order.pk
    sandbox.pay(other.order.henry_cart_id)
    v1_shopper.client.get(reverse("henry_checkout:completed", args=[other.order.ulid, other.token]))
    answer = v1_shopper.buy(review)
    assert answer.status_code == 409
    assert len(sandbox.orders()) == 1


def test_fault_39_two_confirms_at_once_buy_once_and_both_see_the_status(
    sandbox: Sandbox, shopper: Shopper, version: str
) -> None:
    form = shopper.form(shopper.to_review(sandbox, version))
    cookies = shopper.client.cookies

    def click(_number: int) -> tuple[int, str]:
        client = Client()
        client.cookies = cookies
        answer = client.post(shopper.url, form)
        return answer.status_code, step_of(client.get(shopper.url))

    results = at_once(click, threads=2)
    assert results == [(303, "status"), (303, "status")]
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1
    # A reload that posts the form again is no second purchase either.
    assert shopper.client.post(shopper.url, form).status_code == 303
    assert len(buying_calls(sandbox)) == 1


# Access and secrets -----------------------------------------------------------------------


def test_foreign_and_unknown_orders_look_the_same(sandbox: Sandbox, v1_shopper: Shopper, cart: Cart) -> None:
    stranger = Client()
    theirs = [
        stranger.get(v1_shopper.url),
        stranger.post(v1_shopper.url, {"action": "address", **TYPED}),
        stranger.get(reverse("henry_checkout:inline", args=["01J00000000000000000000000"])),
        stranger.get(reverse("henry_checkout:inline", args=["nonsense"])),
    ]
    assert {answer.status_code for answer in theirs} == {404}
    assert len({answer.content for answer in theirs}) == 1
    user = get_user_model().objects.create_user("other")
    stranger.force_login(user)
    assert stranger.get(v1_shopper.url).status_code == 404
    Order.objects.update(user=user)
    assert stranger.get(v1_shopper.url).status_code == 200
    assert v1_shopper.get().status_code == 404


def test_a_forged_form_changes_nothing(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    strict = Shopper(v1_shopper.order, Client(enforce_csrf_checks=True))
    assert strict.client.post(strict.url, {"action": "address", **TYPED}).status_code == 403
    assert not get_buyer(v1_shopper.order).email
    page = strict.get().content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    answer = strict.post("address", csrfmiddlewaretoken=token.group(1), **TYPED)
    assert step_of(answer) == "shipping"


def test_an_unknown_action_does_nothing(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    assert v1_shopper.post("explode").status_code == 400
    assert v1_shopper.client.put(v1_shopper.url).status_code == 405
    assert nothing_was_sent(sandbox)


def test_no_token_or_card_number_is_kept_anywhere(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    token, number = "card_canary_8f1b2c", "4242424242424242"
    with all_logs() as logs:
        v1_shopper.to_card()
        raw = v1_shopper.post("card", card_token=number)
        spaced = v1_shopper.post("card", card_token="4242 4242 4242 4242")
        review = v1_shopper.post("card", card_token=token, card_last4="4242")
        form = v1_shopper.form(review)
        assert form["card_token"] == token
        assert "no-store" in review["Cache-Control"]
        done = v1_shopper.client.post(v1_shopper.url, form)
        form["card_token"] = number
        v1_shopper.client.post(v1_shopper.url, form)
        page = v1_shopper.get()
    assert {raw.status_code, spaced.status_code} == {422}
    sinks = [*logs.texts, *(f"{place} {text}" for place, text in rows()), *cached()]
    sinks += [str(v1_shopper.client.session.items()), done.get("Location", ""), page.content.decode()]
    sinks += [raw.content.decode(), spaced.content.decode()]
    sinks += [f"{row['path']} {row['query']}" for row in sandbox.requests()]
    for canary in (token, number):
        assert [sink[:200] for sink in sinks if canary in sink.replace(" ", "")] == []


def test_no_secret_of_the_session_is_in_the_page(sandbox: Sandbox, version: str, cart: Cart) -> None:
    started = begin_inline(cart)
    shopper = Shopper(started.order)
    pages = [shopper.get(), shopper.to_card(), shopper.get("address")]
    assert all(started.token.encode() not in page.content for page in pages)
    assert pages[0]["X-Frame-Options"] == "DENY"
    assert pages[0]["Referrer-Policy"] == "same-origin"


def test_the_card_element_is_offered_with_a_way_around_it(
    sandbox: Sandbox, v1_shopper: Shopper, settings: Any
) -> None:
    assert b"<!-- The card element goes here" in v1_shopper.to_card().content
    use(settings, "v1", CARD_ELEMENT={"url": "https://checkout.example/card"})
    html = v1_shopper.get().content.decode()
    assert 'data-src="https://checkout.example/card"' in html
    instead = re.search(r"<noscript>(.*?)</noscript>", html, re.DOTALL)
    assert instead is not None
    assert f'action="{reverse("henry_checkout:buy")}"' in instead.group(1)
    cart = re.search(r'name="cart" value="(\w+)"', instead.group(1))
    assert cart is not None
    hosted = v1_shopper.client.post(reverse("henry_checkout:buy"), {"cart": cart.group(1)})
    assert hosted.status_code == 303
    assert "/pay/" in hosted["Location"]


# The tag ---------------------------------------------------------------------------------

PAGE = "{% load henry_checkout %}{% henry_inline_checkout order %}"


def tagged(order: Order) -> str:
    request = RequestFactory().get("/")
    get_token(request)
    return Template(PAGE).render(RequestContext(request, {"order": order, "request": request}))


@pytest.mark.parametrize("lines", [1, 50])
def test_the_tag_asks_the_database_only_and_always_as_often(
    sandbox: Sandbox, settings: Any, lines: int, django_assert_num_queries: Any
) -> None:
    for version in ("v1", "v0"):
        world(sandbox)
        use(settings, version)
        cart = carts.create_cart()
        for number in range(lines):
            carts.add_item(cart, make_item(f"https://alpine.example/products/{number}"))
        cart.refresh_from_db()
        order = begin_inline(cart).order
        shopper = Shopper(order)
        for prepare, step in ((shopper.get, "address"), (shopper.to_card, "card")):
            prepare()
            order = Order.objects.get(pk=order.pk)
            asked = len(sandbox.requests())
            with django_assert_num_queries(4):
                html = tagged(order)
            assert f'data-step="{step}"' in html
            assert len(sandbox.requests()) == asked
        assert ("data-henry-autoload" in html) is (version == "v0")


def test_two_sections_on_a_page_share_no_id(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    other = carts.create_cart()
    carts.add_item(other, make_item())
    other.refresh_from_db()
    html = tagged(v1_shopper.order) + tagged(begin_inline(other).order)
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids)) > 20


def test_fault_57_texts_from_outside_are_escaped(sandbox: Sandbox, v1_shopper: Shopper) -> None:
    OrderLine.objects.update(title="<script>alert(1)</script>")
    answer = v1_shopper.post("address", **{**TYPED, "email": '"><script>alert(2)</script>'})
    assert b"<script>alert" not in answer.content
    assert answer.content.count(b"&lt;script&gt;alert") >= 2
