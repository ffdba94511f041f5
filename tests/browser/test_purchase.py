"""The main job as a person does it: two products of two merchants, Henry's page, and the order to its end."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Demo, pay
from tests.support.workers import wait_until

pytestmark = pytest.mark.browser

EVENTS = [
    "checkout_started",
    "purchase_submitted",
    "order_status_changed",
    "order_status_changed",
    "purchase_completed",
    "order_status_changed",
]


def put_into_cart(page: Page, demo: Demo, *slugs: str) -> None:
    for slug in slugs:
        page.goto(f"{demo.url}/products/{slug}/")
        page.get_by_role("button", name=re.compile("add to cart", re.IGNORECASE)).click()
    page.goto(f"{demo.url}/cart/")


def go_to_henry(page: Page, demo: Demo) -> None:
    page.get_by_role("button", name=re.compile("checkout", re.IGNORECASE)).click()
    page.wait_for_url(re.compile(rf"^{re.escape(demo.sandbox.url)}/(cart/|\?session=)"))


def order_number(page: Page) -> str:
    found = re.search(r"\b[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}\b", page.inner_text("main"))
    assert found, page.inner_text("main")
    return found.group()


def events_of(demo: Demo, number: str) -> list[str]:
    rows = demo.rows(
        "SELECT e.type FROM henry_checkout_event e JOIN henry_checkout_order o ON o.id = e.order_id "
        f"WHERE o.number = '{number}' ORDER BY e.sequence"
    )
    return [kind for (kind,) in rows]


def receipts_of(demo: Demo, number: str) -> int:
    return len(
        demo.rows(
            "SELECT r.id FROM shop_receipt r JOIN henry_checkout_order o ON o.id = r.order_id "
            f"WHERE o.number = '{number}'"
        )
    )


@pytest.fixture
def slugs(demo: Demo) -> list[str]:
    """One product each of two merchants, in stock and without options."""
    rows = demo.rows(
        "SELECT merchant, min(slug) FROM shop_product WHERE is_available AND options = '[]' "
        "GROUP BY merchant ORDER BY merchant LIMIT 2"
    )
    return [slug for _merchant, slug in rows]


def test_two_products_of_two_merchants(demo: Demo, page: Page, slugs: list[str]) -> None:
    bought_before = len(demo.sandbox.orders())
    put_into_cart(page, demo, *slugs)
    go_to_henry(page, demo)
    pay(page)
    page.wait_for_url(re.compile(rf"^{re.escape(demo.url)}/"))
    assert urlsplit(page.url).path.startswith("/orders/")
    number = order_number(page)
    loaded = page.evaluate("performance.timeOrigin")
    expect(page.locator("main")).to_contain_text("Your order is complete", timeout=40_000)
    assert page.evaluate("performance.timeOrigin") == loaded  # updated without a reload

    bought = demo.sandbox.orders()[bought_before:]
    assert len(bought) == 1
    assert len(bought[0]["items"]) == 2
    wait_until(lambda: receipts_of(demo, number), seconds=20, what="the receipt")
    assert receipts_of(demo, number) == 1
    assert events_of(demo, number) == EVENTS
    page.goto(f"{demo.url}/cart/")
    expect(page.locator("main")).to_contain_text(re.compile("empty", re.IGNORECASE))


def test_the_same_without_scripts(demo: Demo, page_without_scripts: Page, slugs: list[str]) -> None:
    page = page_without_scripts
    put_into_cart(page, demo, *slugs)
    go_to_henry(page, demo)
    pay(page)
    page.wait_for_url(re.compile(rf"^{re.escape(demo.url)}/"))
    number = order_number(page)
    wait_until(lambda: receipts_of(demo, number), seconds=40, what="the receipt")
    # The page refreshes by itself; to reload it meanwhile would meet that.
    expect(page.locator("main")).to_contain_text("Your order is complete", timeout=20_000)
    assert events_of(demo, number) == EVENTS


def test_a_declined_card_then_a_cancel_then_a_purchase_is_one_order(
    demo: Demo, page: Page, slugs: list[str]
) -> None:
    bought_before = len(demo.sandbox.orders())
    put_into_cart(page, demo, slugs[0])
    go_to_henry(page, demo)
    pay(page, card="4000 0000 0000 0002")
    expect(page.get_by_text(re.compile("declined", re.IGNORECASE)).first).to_be_visible()
    page.get_by_role("link", name=re.compile("cancel", re.IGNORECASE)).first.click()
    page.wait_for_url(f"{demo.url}/cart/")
    assert len(demo.sandbox.orders()) == bought_before

    go_to_henry(page, demo)
    pay(page)
    page.wait_for_url(re.compile(rf"^{re.escape(demo.url)}/orders/"))
    number = order_number(page)
    wait_until(lambda: receipts_of(demo, number), seconds=40, what="the receipt")
    assert len(demo.sandbox.orders()) == bought_before + 1
    assert events_of(demo, number) == ["checkout_started", "checkout_canceled", *EVENTS[1:]]


def test_the_status_link_follows_an_order_without_scripts(
    demo: Demo, page_without_scripts: Page, slugs: list[str]
) -> None:
    page = page_without_scripts
    put_into_cart(page, demo, slugs[0])
    go_to_henry(page, demo)
    pay(page, card="4000 0000 0003 0009")  # the order will be cancelled
    page.wait_for_url(re.compile(rf"^{re.escape(demo.url)}/orders/"))
    link = page.locator("[data-henry-live]").get_attribute("data-url")
    assert link
    page.goto(f"{demo.url}{urlsplit(link).path}")
    expect(page.locator("main")).to_contain_text(re.compile("cancel", re.IGNORECASE), timeout=40_000)
