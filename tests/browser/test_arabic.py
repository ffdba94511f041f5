"""The app's pages and its admin from right to left, on a phone and on a desktop, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import include, path
from moneyed import Money
from playwright.sync_api import Browser, Page, expect

from django_henry_checkout.flows.access.callers import remember_cart, remember_order
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Order
from django_henry_checkout.testing.builders import build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import LineItem
from tests.support.inline import BOOTS, MUG, PRICES, use, world
from tests.support.orders import dead_delivery, doubtful_order

pytestmark = [
    pytest.mark.browser,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls(__name__),
]
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
ADA = {
    "email": "ada@shop.example",
    "phone": "(212) 555-0123",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "line1": "350 Fifth Avenue",
    "city": "New York",
    "postal_code": "10118",
}


def begin(request: HttpRequest) -> HttpResponseRedirect:
    """Fill a cart, and go to the app's own page of the inline checkout."""
    cart = carts.create_cart()
    remember_cart(request, cart)
    for link, title in ((BOOTS, "Ridgeline boots"), (MUG, "إبريق شاي")):
        carts.add_item(cart, LineItem(link=link, title=title, unit_price=Money(PRICES[link], "USD")))
    cart.refresh_from_db()
    order = begin_inline(cart).order
    remember_order(request, order)
    return redirect("henry_checkout:inline", order_id=order.ulid)


urlpatterns = [path("begin", begin), path("", include("tests.urls"))]


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Iterator[None]:
    """Playwright keeps an event loop in this thread, where Django would refuse to use the database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(params=SIZES)
def arabic(
    request: Any, browser: Browser, live_server: Any, sandbox: Sandbox, settings: Any
) -> Iterator[Page]:
    """A page of a shop whose language is Arabic."""
    settings.LANGUAGE_CODE = "ar"
    world(sandbox)
    use(settings, "v1", CARD_ELEMENT={"url": f"{sandbox.url}/elements/card"})
    context = browser.new_context(base_url=live_server.url, viewport=SIZES[request.param])
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def runs_well(page: Page) -> None:
    """From right to left, without anything beside the page, and no amount or number torn apart."""
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert page.evaluate(OVERFLOW) <= 0, page.url
    mixed = page.evaluate(
        """[...document.querySelectorAll("main *, #content *")]
        .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && /[0-9][.,٫][0-9]{2}/.test(node.data)))
        .filter((each) => !each.closest("bdi, button, time, code, .hc-quiet, .hc-reason"))
        .map((each) => each.outerHTML)"""
    )
    assert mixed == []


def test_the_inline_checkout(arabic: Page) -> None:
    arabic.goto("/begin")
    runs_well(arabic)
    expect(arabic.locator("henry-inline")).to_have_attribute("dir", "rtl")
    expect(arabic.get_by_role("heading", name="إلى أين نرسل الطلب؟")).to_be_visible()
    arabic.locator("[name=country_code]").select_option("US")
    arabic.locator("[name=province]").select_option("NY")
    for name, value in ADA.items():
        arabic.locator(f"[name={name}]").fill(value)
    assert arabic.locator("[name=email]").evaluate("field => getComputedStyle(field).direction") == "ltr"
    runs_well(arabic)
    arabic.get_by_role("button", name="متابعة").last.click()
    expect(arabic.locator("[data-step=shipping]")).to_be_visible()
    runs_well(arabic)
    arabic.get_by_role("button", name="متابعة").click()
    expect(arabic.locator("[data-step=card]")).to_be_visible()
    runs_well(arabic)
    frame = arabic.frame_locator("iframe")
    for name, value in {
        "card_number": "4242 4242 4242 4242",
        "card_expiry": "12 / 34",
        "card_cvc": "123",
        "card_name": "Ada Lovelace",
    }.items():
        frame.locator(f"[name={name}]").fill(value)
    frame.get_by_role("button", name="Use this card").click()
    expect(arabic.locator("[data-step=review]")).to_be_visible()
    runs_well(arabic)
    arabic.get_by_role("button", name=re.compile("^ادفع .*141\\.60")).click()
    expect(arabic.locator("[data-step=status]")).to_be_visible()
    runs_well(arabic)


def test_what_is_wrong_with_an_address_is_said_in_arabic(arabic: Page) -> None:
    arabic.goto("/begin")
    arabic.locator("[name=country_code]").select_option("US")
    arabic.get_by_role("button", name="متابعة").last.click()
    expect(arabic.locator("[data-henry-errors]")).to_contain_text("أدخل اسمك الأول.")
    runs_well(arabic)


def test_the_page_of_an_order(arabic: Page, sandbox: Sandbox) -> None:
    order = build_paid_order(sandbox, outcome="partially_complete")
    arabic.goto(f"/henry/status/{create_status_token(order)}")
    runs_well(arabic)
    expect(arabic.get_by_role("heading", name="تم شراء جزء من طلبك")).to_be_visible()
    expect(arabic.locator("bdi", has_text=order.number)).to_be_visible()
    expect(arabic.locator("[data-henry-live]")).to_have_attribute("dir", "rtl")


def test_the_admin(arabic: Page, sandbox: Sandbox) -> None:
    order = build_paid_order(sandbox, outcome="partially_complete")
    doubtful_order(sandbox)
    dead_delivery(sandbox)
    get_user_model().objects.create_superuser("grace", password="hopper")
    arabic.goto("/admin/login/?next=/admin/henry_checkout/order/attention/")
    arabic.fill("[name=username]", "grace")
    arabic.fill("[name=password]", "hopper")
    arabic.click("[type=submit]")
    expect(arabic.get_by_role("heading", name="بحاجة إلى انتباه")).to_be_visible()
    runs_well(arabic)
    arabic.goto("/admin/henry_checkout/order/")
    expect(arabic.get_by_text("مكتمل جزئيًا").first).to_be_attached()
    arabic.goto(f"/admin/henry_checkout/order/{order.pk}/change/")
    expect(arabic.get_by_role("heading", name="ما حدث، الأحدث أولًا")).to_be_visible()
    runs_well(arabic)
    doubt = Order.objects.filter(purchases__status="in_doubt")[0]
    arabic.goto(f"/admin/henry_checkout/order/{doubt.pk}/change/")
    runs_well(arabic)
    arabic.get_by_role("link", name="لم يُشترَ شيء: إلغاء الطلب").click()
    expect(arabic.get_by_role("button", name="لم يُشترَ شيء: إلغاء الطلب")).to_be_visible()
    runs_well(arabic)
