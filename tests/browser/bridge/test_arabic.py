"""The element and its frame from right to left, in a shop's page that says nothing of its direction."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.bridge.conftest import Visit

pytestmark = pytest.mark.browser
DIRECTION = "element => getComputedStyle(element).direction"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PHONE = {"width": 390, "height": 844}


def fits(page: Page) -> bool:
    return int(page.evaluate(OVERFLOW)) <= 0


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}], ids=["phone", "desktop"])
def test_the_element_and_its_frame_run_from_right_to_left(
    visits: Callable[..., Visit], viewport: dict[str, int]
) -> None:
    visit = visits(locale="ar", viewport=viewport)
    page = visit.page
    visit.open()
    element = page.locator("henry-checkout")
    expect(element).to_have_attribute("dir", "rtl")
    expect(element).to_have_attribute("lang", "ar")
    assert fits(page)
    visit.press("إتمام الشراء")
    visit.wait_state("interactive")
    expect(page.get_by_role("dialog", name="دفع آمن")).to_be_visible()
    assert page.locator(".henry-view").evaluate(DIRECTION) == "rtl"
    assert visit.wrapper().locator("html").get_attribute("dir") == "rtl"
    assert visit.wrapper().locator("html").get_attribute("lang") == "ar"
    assert fits(page)
    assert visit.wrapper().evaluate(OVERFLOW) <= 0
    assert visit.errors == []


def test_another_language_of_the_browser_changes_all_of_it(visits: Callable[..., Visit]) -> None:
    visit = visits(locale="de")
    visit.open()
    expect(visit.page.locator("henry-checkout")).to_have_attribute("dir", "ltr")
    visit.press("Zur Kasse")
    visit.wait_state("interactive")
    expect(visit.page.get_by_role("dialog", name="Sichere Kasse")).to_be_visible()
    assert visit.wrapper().locator("html").get_attribute("lang") == "de"


def test_what_follows_a_payment_is_said_in_arabic(visits: Callable[..., Visit]) -> None:
    visit = visits(locale="ar", viewport=PHONE)
    visit.open(mode="popup")
    with visit.page.expect_popup():
        visit.press("إتمام الشراء")
    expect(visit.page.locator(".henry-lead")).to_contain_text("ادفع في النافذة التي فُتحت")
    assert fits(visit.page)


@pytest.mark.parametrize("path", ["/henry/frame/no-such-ticket"])
def test_a_page_that_says_no_runs_from_right_to_left(visits: Callable[..., Visit], path: str) -> None:
    visit = visits(locale="ar", viewport=PHONE)
    visit.page.goto(visit.shop.url + path)
    expect(visit.page.locator("html")).to_have_attribute("dir", "rtl")
    expect(visit.page.get_by_role("heading", name="لم نعثر على ذلك")).to_be_visible()
    assert fits(visit.page)
