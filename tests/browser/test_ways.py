"""The other ways to pay, as the example shop and the second storefront offer them: each ends in one order."""

from __future__ import annotations

import re

import pytest
import requests
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import Demo, pay
from tests.browser.test_purchase import order_number, put_into_cart
from tests.support.workers import wait_until

pytestmark = pytest.mark.browser

PRODUCT = "harbour-teapot"
ENDED = re.compile(r"/orders/[0-9A-Z]{26}/$")


@pytest.fixture
def refused_by_policy(page: Page) -> list[str]:
    """What the browser kept back because of a Content-Security-Policy."""
    found: list[str] = []
    page.on(
        "console", lambda said: found.append(said.text) if "Content Security Policy" in said.text else None
    )
    return found


def henrys_page(page: Page) -> FrameLocator:
    """Henry's page, in the wrapper, in the shop's page."""
    return page.frame_locator("iframe.henry-payment").frame_locator("iframe.henry-payment")


def choose(page: Page, demo: Demo, way: str) -> None:
    put_into_cart(page, demo, PRODUCT)
    page.get_by_role("link", name="More ways to pay").click()
    page.get_by_role("button", name=way).or_(page.get_by_role("link", name=way)).click()


def test_a_dialog(demo: Demo, page: Page, refused_by_policy: list[str]) -> None:
    bought = len(demo.sandbox.orders())
    choose(page, demo, "Pay here")
    expect(page.get_by_role("dialog")).to_be_visible()
    pay(henrys_page(page))
    page.wait_for_url(ENDED)
    assert order_number(page)
    assert len(demo.sandbox.orders()) == bought + 1
    assert refused_by_policy == []


def test_a_window(demo: Demo, page: Page, refused_by_policy: list[str]) -> None:
    bought = len(demo.sandbox.orders())
    with page.expect_popup() as opened:
        choose(page, demo, "In a new window")
    window = opened.value
    window.wait_for_url(re.compile(rf"^{re.escape(demo.sandbox.url)}/"))
    pay(window)
    page.wait_for_url(ENDED)
    wait_until(window.is_closed, seconds=10, what="the window to be closed")
    assert len(demo.sandbox.orders()) == bought + 1
    assert refused_by_policy == []


def test_a_frame_that_stands_in_the_page(demo: Demo, page: Page, refused_by_policy: list[str]) -> None:
    bought = len(demo.sandbox.orders())
    choose(page, demo, "Embedded")
    expect(page.get_by_role("region", name="Secure checkout")).to_be_visible()
    page.reload()  # begins again, and goes on with the same order
    pay(henrys_page(page))
    page.wait_for_url(ENDED)
    assert len(demo.sandbox.orders()) == bought + 1
    assert refused_by_policy == []


def test_a_page_of_another_site(demo: Demo, page: Page, refused_by_policy: list[str]) -> None:
    bought = len(demo.sandbox.orders())
    begun = demo.rows("SELECT max(id) FROM henry_checkout_order")[0][0] or 0
    page.goto(demo.elsewhere)
    page.get_by_role("button", name="Buy the set").click()
    henrys_page(page).get_by_role("link", name=re.compile("cancel", re.IGNORECASE)).first.click()
    expect(page.get_by_role("status").filter(has_text="No hurry")).to_be_visible()
    assert len(demo.sandbox.orders()) == bought

    page.get_by_role("button", name="Buy the set").click()
    with page.expect_request("**/thanks") as asked:
        pay(henrys_page(page))
    expect(page.get_by_role("heading", name="Thank you", exact=True)).to_be_visible()
    ((number, status),) = demo.rows(f"SELECT number, status FROM henry_checkout_order WHERE id > {begun}")
    assert status != "open"
    expect(page.locator("main")).to_contain_text(f"Order {number} is paid.")
    assert len(demo.sandbox.orders()) == bought + 1
    assert refused_by_policy == []

    # The receipt is worth nothing in another browser, nor when it was changed.
    receipt = asked.value.post_data_json["receipt"]
    for shown in (receipt, receipt[:-2] + ("AA" if receipt[-2:] != "AA" else "BB")):
        answer = requests.post(
            f"{demo.elsewhere}/thanks",
            json={"receipt": shown},
            headers={"Origin": demo.elsewhere},
            timeout=20,
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "receipt_invalid")
