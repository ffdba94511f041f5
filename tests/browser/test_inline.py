"""The inline checkout in a shop's own page: real Chromium, a live shop, a real sandbox."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template import RequestContext, Template
from django.urls import include, path
from django.utils import timezone
from moneyed import Money
from playwright.sync_api import Browser, Page, expect

from django_henry_checkout.flows.access.callers import get_caller, remember_cart, remember_order
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.order.transitions import get_order
from django_henry_checkout.models import CheckoutSession
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import LineItem, parse_public_id
from tests.support.inline import BOOTS, MUG, PRICES, use, world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

PAGE = """{% load henry_checkout %}<!doctype html>
<html lang="en" class="henry-page"><head><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="margin: 1rem"><main><h1>Pay here</h1>{% for order in orders %}{% henry_inline_checkout order %}{% endfor %}</main></body></html>"""


def begin(request: HttpRequest) -> HttpResponseRedirect:
    """Fill a cart, begin to pay it in the shop's page, and go there."""
    cart = carts.create_cart()
    remember_cart(request, cart)
    for link, title in ((BOOTS, "Ridgeline boots"), (MUG, "Stoneware mug")):
        price = Money(PRICES[link], "USD")
        carts.add_item(cart, LineItem(link=link, title=title, unit_price=price))
    cart.refresh_from_db()
    order = begin_inline(cart).order
    remember_order(request, order)
    return redirect("shop-page", order_ids=order.ulid)


def shop_page(request: HttpRequest, order_ids: str) -> HttpResponse:
    found = [parse_public_id(each) for each in order_ids.split(",")]
    orders = [get_order(each, caller=get_caller(request)) for each in found if each is not None]
    return HttpResponse(Template(PAGE).render(RequestContext(request, {"orders": orders})))


urlpatterns = [
    path("favicon.ico", lambda _request: HttpResponse(status=204)),
    path("begin", begin),
    path("shop/<str:order_ids>", shop_page, name="shop-page"),
    path("henry/", include("django_henry_checkout.urls")),
]


@pytest.fixture(scope="module", autouse=True)
def _orm_beside_playwright() -> Iterator[None]:
    """Playwright's loop runs in the thread of the tests, and Django would refuse to touch the database there."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


# Helpers -----------------------------------------------------------------------------------

ADA = {
    "E-mail": "ada@shop.example",
    "Phone": "(212) 555-0123",
    "First name": "Ada",
    "Last name": "Lovelace",
    "Street and number": "350 Fifth Avenue",
    "City": "New York",
    "ZIP code": "10118",
}
CARD = {
    "card_number": "4242424242424242",
    "card_expiry": "1234",
    "card_cvc": "123",
    "card_name": "Ada Lovelace",
}
HEAR = """window.heard = [];
for (const name of ["state", "complete", "error"]) {
  document.addEventListener(`henry:${name}`, (event) => window.heard.push([name, event.detail]));
}"""


class Shop:
    """A live shop whose page holds the tag, and a browser in front of it."""

    def __init__(self, url: str, page: Page, sandbox: Sandbox) -> None:
        self.url, self.page, self.sandbox = url, page, sandbox
        self.failures: list[str] = []
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.add_init_script(HEAR)

    def begin(self) -> None:
        self.page.goto(f"{self.url}/begin")

    def fill_address(self) -> None:
        for label, value in ADA.items():
            self.page.get_by_label(label).fill(value)
        self.page.get_by_label("State").select_option("NY")

    def at(self, step: str) -> None:
        expect(self.page.locator(f"[data-henry-inline][data-step={step}]")).to_be_visible()

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def to_card(self, version: str = "v1") -> None:
        self.begin()
        self.fill_address()
        self.click("Continue")
        if version != "v0":
            self.at("shipping")
            self.click("Continue")
        self.at("card")

    def enter_card(self, button: str = "Use this card", **card: str) -> None:
        frame = self.page.frame_locator("iframe")
        for name, value in {**CARD, **card}.items():
            frame.locator(f"[name={name}]").fill(value)
        frame.get_by_role("button", name=button).click()

    def pay(self) -> None:
        self.page.get_by_role("button", name="Pay $").click()

    def heard(self, name: str) -> list[dict[str, Any]]:
        return [detail for kind, detail in self.page.evaluate("window.heard") if kind == name]

    def focused(self) -> str:
        return str(
            self.page.evaluate("document.activeElement.innerText || document.activeElement.name || ''")
        )


def element_of(sandbox: Sandbox) -> dict[str, str]:
    return {"url": f"{sandbox.url}/elements/card"}


@pytest.fixture
def shop(live_server: Any, page: Page, sandbox: Sandbox, settings: Any) -> Iterator[Shop]:
    world(sandbox)
    use(settings, "v1", CARD_ELEMENT=element_of(sandbox))
    shop = Shop(live_server.url, page, sandbox)
    yield shop
    assert shop.failures == []


# A purchase ---------------------------------------------------------------------------------


def test_a_purchase_by_keyboard_alone(shop: Shop) -> None:
    page, keys = shop.page, shop.page.keyboard
    shop.begin()
    order_id = page.url.rsplit("/", 1)[1]
    page.get_by_label("E-mail").focus()
    for text in (
        "ada@shop.example",
        "(212) 555-0123",
        "United States",
        "Ada",
        "Lovelace",
        "350 Fifth Avenue",
    ):
        keys.type(text)
        keys.press("Tab")
    keys.press("Tab")  # the second line stays empty
    for text in ("New York", "New York", "10118"):
        keys.type(text)
        keys.press("Tab")
    keys.press("Enter")
    shop.at("shipping")
    assert shop.focused() == "How should it be sent?"
    keys.press("Tab")
    keys.press("ArrowDown")
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    shop.at("card")
    assert shop.focused() == "How would you like to pay?"
    expect(page.frame_locator("iframe").locator("[name=card_number]")).to_be_visible()
    for name, text in CARD.items():
        for _press in range(3):
            keys.press("Tab")
            if page.frames[1].evaluate("document.activeElement.name") == name:
                break
        keys.type(text)
    keys.press("Tab")
    keys.press("Enter")
    shop.at("review")
    assert shop.focused() == "One last look"
    expect(page.locator("[data-henry-inline]")).to_contain_text("Card ending in 4242")
    page.get_by_role("button", name="Pay $").focus()
    keys.press("Enter")
    shop.at("status")
    expect(page.locator("[data-henry-headline]")).to_have_text("Thank you, we have your order")
    assert [each["step"] for each in shop.heard("state")] == [
        "address",
        "shipping",
        "card",
        "review",
        "status",
    ]
    assert shop.heard("complete") == [{"orderId": order_id, "status": "placed"}]
    assert shop.heard("error") == []
    (order,) = shop.sandbox.orders()
    assert page.url.endswith(f"/shop/{order_id}")  # never left the shop's page
    assert order["total"] > 141.60  # Express was chosen with the arrow key


def test_henrys_card_page_in_a_frame_leads_on_by_itself(shop: Shop, settings: Any) -> None:
    use(settings, "v0")
    shop.to_card("v0")
    frame = shop.page.locator("iframe")
    expect(frame).to_have_attribute("allow", "payment")
    assert "embed=true" in (frame.get_attribute("src") or "")
    # None of these messages comes from the frame.
    shop.page.evaluate("window.postMessage({status: 'complete'}, '*')")
    shop.page.evaluate(
        "document.body.append(Object.assign(document.createElement('iframe'), {srcdoc: "
        '\'<script>parent.postMessage({status: "complete"}, "*")</script>\'}))'
    )
    shop.page.wait_for_timeout(300)
    shop.at("card")
    shop.page.evaluate("document.body.lastElementChild.remove()")
    shop.enter_card("Save card")
    shop.at("review")
    shop.pay()
    shop.at("status")
    assert len(shop.sandbox.orders()) == 1


def test_a_token_counts_only_from_the_frame_and_its_origin(shop: Shop) -> None:
    shop.to_card()
    said = "{action: 'cardTokenized', cardToken: 'card_forged', last4: '4242'}"
    shop.page.evaluate(f"window.postMessage({said}, '*')")
    # From the right window but with another origin: the frame has gone elsewhere.
    shop.page.evaluate(
        "for (const data of [{action: 'cardTokenized', cardToken: 'card_forged'}, {action: 'cardElementReady', height: 777}])"
        " window.dispatchEvent(new MessageEvent('message', {data, origin: 'https://evil.example',"
        " source: document.querySelector('iframe').contentWindow}))"
    )
    shop.page.evaluate(
        "window.dispatchEvent(new MessageEvent('message', {data: {action: 'cardTokenized', cardToken: 'no spaces here'},"
        " origin: new URL(document.querySelector('iframe').src).origin, source: document.querySelector('iframe').contentWindow}))"
    )
    shop.page.wait_for_timeout(300)
    shop.at("card")
    assert "777" not in (shop.page.locator("iframe").get_attribute("style") or "")
    shop.page.evaluate(
        "window.dispatchEvent(new MessageEvent('message', {data: {action: 'cardElementReady', height: 9e9},"
        " origin: new URL(document.querySelector('iframe').src).origin, source: document.querySelector('iframe').contentWindow}))"
    )
    assert "900px" in (shop.page.locator("iframe").get_attribute("style") or "")
    assert "card_forged" not in shop.page.content()


def test_another_country_keeps_what_was_typed_and_the_focus(shop: Shop) -> None:
    shop.begin()
    shop.fill_address()
    shop.page.get_by_label("Country or region").focus()
    shop.page.get_by_label("Country or region").select_option("DE")
    expect(shop.page.get_by_label("Postal code")).to_have_value("10118")
    expect(shop.page.get_by_label("State")).to_have_count(0)
    expect(shop.page.get_by_label("Street and number")).to_have_value("350 Fifth Avenue")
    expect(shop.page.get_by_label("Country or region")).to_be_focused()
    expect(shop.page.locator("[data-henry-announcer]")).to_have_text(
        "The address fields now fit the country."
    )


def test_typing_on_during_the_request_for_a_country_keeps_the_focus(shop: Shop) -> None:
    shop.begin()
    shop.page.get_by_label("Country or region").select_option("DE")
    with shop.page.expect_response("**/henry/inline/**"):
        shop.page.get_by_label("First name").focus()
        shop.page.keyboard.type("Au")
    shop.page.keyboard.type("gusta")
    expect(shop.page.get_by_label("Postal code")).to_be_visible()
    expect(shop.page.get_by_label("First name")).to_have_value("Augusta")
    expect(shop.page.get_by_label("First name")).to_be_focused()


def test_errors_take_the_focus_and_lead_to_their_fields(shop: Shop) -> None:
    shop.begin()
    shop.page.get_by_label("E-mail").fill("ada@")
    shop.click("Continue")
    expect(shop.page.locator("[data-henry-errors]")).to_be_focused()
    expect(shop.page.locator("[data-henry-announcer]")).to_contain_text("8 things need your attention")
    shop.page.get_by_role("link", name="Enter your last name.").click()
    expect(shop.page.get_by_label("Last name")).to_be_focused()
    expect(shop.page.get_by_label("E-mail")).to_have_value("ada@")
    expect(shop.page.get_by_label("E-mail")).to_have_accessible_description("This is not an e-mail address.")


# Errors -------------------------------------------------------------------------------------


def test_a_broken_connection_loses_nothing(shop: Shop) -> None:
    shop.begin()
    shop.fill_address()
    shop.page.route("**/henry/inline/**", lambda route: route.abort())
    shop.click("Continue")
    trouble = shop.page.locator("[data-henry-connection-error]")
    expect(trouble).to_be_visible()
    expect(trouble.locator("[tabindex]")).to_be_focused()
    expect(shop.page.get_by_label("E-mail")).to_have_value("ada@shop.example")
    assert [each["code"] for each in shop.heard("error")] == ["network"]
    shop.page.unroute("**/henry/inline/**")
    shop.click("Try again")
    shop.at("shipping")
    expect(trouble).to_be_hidden()


def test_a_second_click_does_nothing_and_the_button_says_so(shop: Shop) -> None:
    shop.to_card()
    shop.enter_card()
    shop.at("review")
    sent: list[str] = []
    shop.page.on("request", lambda each: sent.append(each.url) if each.method == "POST" else None)
    shop.sandbox.scenario(
        timing={"jobSeconds": 0},
        prices=PRICES,
        faults=[{"fault": "delay", "seconds": 1, "path": "/v1/cart/*"}],
    )
    button = shop.page.locator("[data-henry-pay] button")
    button.evaluate("(button) => { button.click(); button.click(); button.click(); }")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_text("Paying …")
    shop.at("status")
    assert len(sent) == 1
    assert len(shop.sandbox.orders()) == 1


def test_a_card_that_was_entered_stays_when_the_address_changes(shop: Shop) -> None:
    shop.to_card()
    shop.enter_card()
    shop.at("review")
    shop.page.get_by_role("link", name="Edit contact and address").click()
    shop.at("address")
    shop.page.get_by_label("First name").fill("Augusta")
    shop.click("Continue")
    shop.at("review")
    expect(shop.page.locator("[data-henry-inline]")).to_contain_text("Augusta Lovelace")
    expect(shop.page.locator("[data-henry-inline]")).to_contain_text("Card ending in 4242")


def test_a_refused_card_is_requested_again(shop: Shop) -> None:
    shop.to_card()
    shop.enter_card()
    shop.at("review")
    world(shop.sandbox, faults=[{"fault": "status", "status": 402, "path": "/v1/cart/*/purchase"}])
    shop.pay()
    shop.at("card")
    expect(shop.page.locator("[data-henry-notice]")).to_be_focused()
    assert [each["code"] for each in shop.heard("error")] == ["payment_refused"]
    shop.enter_card()
    shop.at("review")
    shop.pay()
    shop.at("status")
    assert len(shop.sandbox.orders()) == 1


def test_the_session_can_be_extended_before_it_expires(shop: Shop) -> None:
    shop.to_card()
    shop.enter_card()
    shop.at("review")
    CheckoutSession.objects.update(expires_at=timezone.now() + timedelta(seconds=122))
    shop.page.reload()
    shop.at("card")
    expect(shop.page.locator("[data-henry-expiry]")).to_be_hidden()
    expect(shop.page.locator("[data-henry-expiry]")).to_be_visible(timeout=6000)
    expect(shop.page.locator("[data-henry-announcer]")).to_have_text("Are you still there?")
    frame = shop.page.frame_locator("iframe").locator("[name=card_name]")
    frame.fill("Half typed")
    shop.click("I need more time")
    expect(shop.page.locator("[data-henry-expiry]")).to_be_hidden()
    expect(frame).to_have_value("Half typed")
    assert CheckoutSession.objects.get().expires_at > timezone.now() + timedelta(minutes=20)


def test_an_expired_session_is_shown(shop: Shop) -> None:
    shop.to_card()
    CheckoutSession.objects.update(expires_at=timezone.now() + timedelta(seconds=2))
    shop.page.reload()
    shop.at("expired")
    shop.click("Go on")
    shop.at("card")


# In a shop's page ---------------------------------------------------------------------------


def test_two_sections_and_a_swap_leave_no_trace(shop: Shop) -> None:
    shop.begin()
    first = shop.page.url.rsplit("/", 1)[1]
    shop.begin()
    second = shop.page.url.rsplit("/", 1)[1]
    shop.page.goto(f"{shop.url}/shop/{first},{second}")
    sections = shop.page.locator("[data-henry-inline]")
    expect(sections).to_have_count(2)
    sections.nth(1).get_by_role("button", name="Continue").click()
    expect(sections.nth(1).locator("[data-henry-errors]")).to_be_visible()
    expect(sections.nth(0).locator("[data-henry-errors]")).to_have_count(0)
    # As htmx does it: the second is taken out while it asks, and put in anew as text.
    shop.page.evaluate(
        """() => {
          const old = document.querySelectorAll("henry-inline")[1];
          old.querySelector("[data-henry-country]").dispatchEvent(new Event("change", {bubbles: true}));
          const text = old.outerHTML;
          const place = document.createElement("div");
          old.replaceWith(place);
          place.innerHTML = text;
          window.heard.length = 0;
        }"""
    )
    sections.nth(1).get_by_label("E-mail").fill("ada@")
    sections.nth(1).get_by_role("button", name="Continue").click()
    expect(sections.nth(1).locator("[data-henry-errors]")).to_contain_text("This is not an e-mail address.")
    assert shop.heard("error") == []
    shop.page.evaluate("document.querySelectorAll('henry-inline').forEach((each) => each.remove())")
    shop.page.evaluate("window.heard.length = 0; window.postMessage({status: 'complete'}, '*')")
    shop.page.wait_for_timeout(300)
    assert shop.page.evaluate("window.heard") == []


def test_the_same_without_scripts(
    live_server: Any, page_without_scripts: Page, sandbox: Sandbox, settings: Any
) -> None:
    world(sandbox)
    use(settings, "v0")
    page = page_without_scripts
    shop = Shop(live_server.url, page, sandbox)
    shop.begin()
    shop.fill_address()
    page.get_by_label("City").press("Enter")
    shop.at("card")
    assert "/henry/inline/" in page.url
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the card page in a new tab").click()
    tab = opened.value
    for name, value in CARD.items():
        tab.locator(f"[name={name}]").fill("12 / 34" if name == "card_expiry" else value)
    tab.get_by_role("button", name="Save card").click()
    expect(tab.get_by_text("Your card is saved")).to_be_visible()
    shop.click("I have added my card")
    shop.at("review")
    shop.pay()
    shop.at("status")
    assert len(sandbox.orders()) == 1


def test_without_scripts_a_country_is_chosen_by_a_button_and_v1_pays_at_henry(
    live_server: Any, page_without_scripts: Page, sandbox: Sandbox, settings: Any
) -> None:
    world(sandbox)
    use(settings, "v1", CARD_ELEMENT=element_of(sandbox))
    page = page_without_scripts
    shop = Shop(live_server.url, page, sandbox)
    shop.begin()
    page.get_by_label("Country or region").select_option("DE")
    shop.click("Update the fields")
    expect(page.get_by_label("Postal code")).to_be_visible()
    page.get_by_label("Country or region").select_option("US")
    shop.click("Update the fields")
    shop.fill_address()
    shop.click("Continue")
    shop.at("shipping")
    shop.click("Continue")
    shop.at("card")
    shop.click("Pay on Henry’s page instead")
    expect(
        page.get_by_role("link", name="Continue to payment").or_(page.locator("[name=card_number]"))
    ).to_be_visible()


# Accessibility ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_is_accessible(
    live_server: Any, browser: Browser, sandbox: Sandbox, settings: Any, width: int, scheme: Any
) -> None:
    world(sandbox)
    use(settings, "v1", CARD_ELEMENT=element_of(sandbox))
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(15_000)
    shop = Shop(live_server.url, page, sandbox)

    def check(step: str) -> None:
        shop.at(step)
        page.wait_for_timeout(300)  # colour transitions end
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], step
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), step

    shop.begin()
    check("address")
    shop.click("Continue")
    expect(page.locator("[data-henry-errors]")).to_be_visible()
    check("address")
    shop.fill_address()
    sandbox.scenario(timing={"jobSeconds": 3600})
    use(settings, "v1", CARD_ELEMENT=element_of(sandbox), QUOTE_TIMEOUT=0.2)
    shop.click("Continue")
    check("price")
    world(sandbox)
    use(settings, "v1", CARD_ELEMENT=element_of(sandbox))
    shop.click("Try again")
    check("shipping")
    shop.click("Continue")
    expect(page.frame_locator("iframe").locator("[name=card_number]")).to_be_visible()
    check("card")
    shop.enter_card()
    check("review")
    world(sandbox, prices={BOOTS: "110.00"})
    shop.pay()
    expect(page.locator("[data-henry-notice]")).to_be_visible()
    check("review")
    CheckoutSession.objects.update(expires_at=timezone.now())
    page.reload()
    check("expired")
    shop.click("Go on")
    shop.at("card")
    shop.enter_card()
    shop.at("review")
    shop.pay()
    check("status")
    context.close()


def test_notices_and_the_card_page_are_accessible(shop: Shop, settings: Any) -> None:
    """The notices of a broken connection and of the time, and Henry's card page in its frame."""
    page = shop.page

    def check(what: str) -> None:
        for width, scheme in itertools.product((320, 1280), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = Axe().run(page).response["violations"]
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], (what, width, scheme)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (what, width)

    shop.begin()
    shop.fill_address()
    page.route("**/henry/inline/**", lambda route: route.abort())
    shop.click("Continue")
    expect(page.locator("[data-henry-connection-error]")).to_be_visible()
    check("a broken connection")
    page.unroute("**/henry/inline/**")
    shop.click("Try again")
    shop.at("shipping")
    shop.click("Continue")
    shop.at("card")
    CheckoutSession.objects.update(expires_at=timezone.now() + timedelta(seconds=100))
    page.reload()
    expect(page.locator("[data-henry-expiry]")).to_be_visible()
    check("the time is nearly over")
    use(settings, "v0")
    shop.to_card("v0")
    expect(page.frame_locator("iframe").locator("[name=card_number]")).to_be_visible()
    check("Henry's card page")
