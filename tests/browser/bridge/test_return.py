"""Rows 15 and 16: the way back without a cookie; and reloads, tabs, pauses and the back button on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.browser.bridge.conftest import Shop, Visit, chromium_without, visiting
from tests.browser.conftest import pay

pytestmark = pytest.mark.browser

AT_ONCE = {"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0}
STAY = "document.addEventListener('henry:complete', event => event.preventDefault());"
STATE = re.compile(r"/henry/api/v1/checkout/[^/]+/pay/[^/]+/state")
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => hidden ? "hidden" : "visible" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def begin(visit: Visit, **query: str) -> str:
    """Open the shop and a checkout in a frame; return the order's number."""
    visit.page.add_init_script(STAY)
    visit.open(**query)
    visit.press()
    visit.wait_state("interactive")
    return str(visit.events("open")[-1]["orderNumber"])


def assert_one_order(visit: Visit, number: str) -> None:
    done = visit.wait_for("complete")
    assert (done["outcome"], done["orderNumber"]) == ("completed", number)
    assert len(visit.events("complete")) == 1
    assert visit.events("cancel") == []
    assert len(visit.shop.sandbox.orders()) == 1
    assert [status for name, status in visit.shop.orders() if name == number] != ["open"]
    assert visit.errors == []


# Row 15 -------------------------------------------------------------------------------------


def test_row_15_the_way_back_inside_the_frame_works_by_the_token_of_its_path(visit: Visit) -> None:
    visit.shop.sandbox.scenario(timing=AT_ONCE, messages="none")
    number = begin(visit)
    visit.page.route(STATE, lambda route: route.abort())  # so that nothing ends before the person is back
    visit.page.context.clear_cookies()
    came: list[Request] = []
    visit.page.on("request", lambda each: came.append(each) if each.url.endswith("/completed") else None)
    pay(visit.henry())
    back = visit.frame("/completed")
    expect(back.get_by_role("heading", level=1)).to_have_text("Thank you, your payment has arrived")
    assert number in back.locator("main").inner_text()
    assert [("cookie" in each.all_headers(), each.response().status) for each in came] == [(False, 200)]
    assert visit.events("complete") == []
    visit.page.unroute(STATE)
    assert_one_order(visit, number)


def test_row_15_the_way_back_tells_the_page_around_it(visit: Visit) -> None:
    """The element asks at once, and not at its next poll, which is made to be far away."""
    visit.shop.sandbox.scenario(timing=AT_ONCE, messages="none")
    asked: list[str] = []
    visit.page.on("request", lambda each: asked.append(each.method) if STATE.search(each.url) else None)
    number = begin(visit)
    visit.page.evaluate(HIDE, True)  # a hidden page does not poll
    asked.clear()
    visit.page.context.clear_cookies()
    pay(visit.henry())
    visit.wait_for("complete")
    assert asked[0] == "POST"  # which asks Henry; a poll is a GET
    assert_one_order(visit, number)


def test_row_15_the_way_back_in_a_window_works_without_a_cookie(visit: Visit) -> None:
    visit.page.add_init_script(STAY)
    visit.open(mode="popup", coop="same-origin-allow-popups")
    with visit.page.expect_popup() as popup:
        visit.press()
    popup.value.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    number = visit.wait_for("open")["orderNumber"]
    visit.page.context.clear_cookies()
    pay(popup.value)
    assert_one_order(visit, number)


# Row 16 -------------------------------------------------------------------------------------


def test_row_16_a_reload_goes_on_with_the_same_order(visit: Visit) -> None:
    number = begin(visit)
    visit.page.reload()
    visit.page.wait_for_function("Boolean(customElements.get('henry-checkout'))")
    visit.press()
    visit.wait_state("interactive")
    assert visit.events("open")[-1]["orderNumber"] == number
    pay(visit.henry())
    assert_one_order(visit, number)


def test_row_16_a_tab_that_begins_after_the_other_has_paid_buys_nothing_twice(visit: Visit) -> None:
    number = begin(visit)
    tab = second_tab(visit)
    tab.open()
    pay(visit.henry())
    assert_one_order(visit, number)
    tab.press()
    dialog = tab.page.get_by_role("dialog")
    expect(tab.page.locator("main").or_(dialog).last).to_contain_text(re.compile("order|empty|already"))
    assert not [
        each.url for each in tab.page.frames if each.url.startswith(f"{visit.shop.sandbox.url}/cart/")
    ]
    assert len(visit.shop.sandbox.orders()) == 1


def leave_by_redirect(visit: Visit) -> None:
    visit.page.get_by_text("Other ways to pay").click()
    visit.page.get_by_role("link", name="Continue on this page").click()
    visit.page.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")


def back_to_the_shop(visit: Visit) -> None:
    """Press the back button until the shop's page is there; the page in between goes on by itself."""
    for _try in range(3):
        visit.page.evaluate("history.back()")
        visit.page.wait_for_timeout(700)
        if visit.page.url.startswith(f"{visit.shop.url}/?"):
            return
    raise AssertionError(visit.page.url)


def test_row_16_back_from_henry_goes_on_with_the_same_order(visit: Visit) -> None:
    number = begin(visit, mode="iframe")
    leave_by_redirect(visit)
    back_to_the_shop(visit)
    visit.page.wait_for_function("Boolean(customElements.get('henry-checkout'))")
    visit.press()
    visit.wait_state("interactive")
    assert visit.events("open")[-1]["orderNumber"] == number
    pay(visit.henry())
    assert_one_order(visit, number)


@pytest.fixture(scope="module")
def remembering_browser(browser: Browser) -> Iterator[Browser]:
    """A browser that keeps the pages that were left, as people's browsers do; the tests' own forgets them."""
    with chromium_without("--disable-back-forward-cache", beside=browser) as ours:
        yield ours


@pytest.fixture
def remembered(remembering_browser: Browser, shop: Shop) -> Iterator[Visit]:
    with visiting(remembering_browser, shop) as visit:
        yield visit


def test_row_16_a_page_that_the_browser_kept_goes_on(remembered: Visit) -> None:
    """Away to another page and back: the very same document, its checkout still open, learns what happened."""
    visit = remembered
    number = begin(visit, mode="iframe")
    visit.page.wait_for_timeout(1_000)  # a page is not kept while it is loading something
    visit.page.evaluate("window.addEventListener('pageshow', event => { window.kept = event.persisted; })")
    visit.page.goto(f"{visit.shop.url}/after/1")
    [(cart,)] = visit.shop.rows(f"SELECT henry_cart_id FROM henry_checkout_order WHERE number = '{number}'")
    visit.shop.sandbox.pay(cart)
    visit.page.evaluate("history.back()")
    visit.page.wait_for_url(f"{visit.shop.url}/?*", wait_until="commit")
    why = visit.page.evaluate(
        "performance.getEntriesByType('navigation')[0].notRestoredReasons?.reasons?.map(each => each.reason)"
    )
    assert visit.page.evaluate("window.kept === true"), why  # else this proves nothing
    assert_one_order(visit, number)


def second_tab(visit: Visit) -> Visit:
    tab = Visit(visit.page.context.new_page(), visit.shop)
    tab.page.set_default_timeout(15_000)
    return tab


def test_row_16_a_second_tab_sees_what_was_paid_in_the_first(visit: Visit) -> None:
    number = begin(visit)
    tab = second_tab(visit)
    assert begin(tab) == number
    assert visit.events("cancel") == []  # the first is not thrown out by the second
    pay(visit.henry())
    assert_one_order(visit, number)
    assert_one_order(tab, number)


def test_row_16_paying_in_two_tabs_is_one_order(visit: Visit) -> None:
    number = begin(visit)
    tab = second_tab(visit)
    begin(tab)
    tab.page.route(STATE, lambda route: route.abort())  # the second hears nothing of the first
    pay(visit.henry())
    assert_one_order(visit, number)
    pay(tab.henry())
    expect(tab.henry().locator("main")).to_contain_text(re.compile("already|paid", re.IGNORECASE))
    assert len(visit.shop.sandbox.orders()) == 1
    tab.page.unroute(STATE)
    assert_one_order(tab, number)


def test_row_16_a_second_tab_that_leaves_does_not_end_the_first(visit: Visit) -> None:
    number = begin(visit)
    tab = second_tab(visit)
    begin(tab)
    tab.page.close()
    pay(visit.henry())
    assert_one_order(visit, number)


def test_row_16_a_page_out_of_sight_asks_nothing_and_asks_at_once_when_it_is_back(visit: Visit) -> None:
    asked: list[Any] = []
    visit.page.on("request", lambda each: asked.append(each) if STATE.search(each.url) else None)
    number = begin(visit)
    visit.page.wait_for_timeout(3_500)
    assert asked  # it does ask while it is seen
    visit.page.evaluate(HIDE, True)
    visit.page.wait_for_timeout(300)
    asked.clear()
    [(cart,)] = visit.shop.rows(f"SELECT henry_cart_id FROM henry_checkout_order WHERE number = '{number}'")
    visit.shop.sandbox.pay(cart)
    visit.page.wait_for_timeout(5_000)
    assert asked == []
    with visit.page.expect_request(STATE, timeout=1_000):
        visit.page.evaluate(HIDE, False)
    assert_one_order(visit, number)


def test_row_16_a_mobile_visitor_comes_back_from_the_background(visits: Callable[..., Visit]) -> None:
    """Paid in the window while the shop's page was frozen: no message arrived, and the state is right on return."""
    visit = visits(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    visit.shop.sandbox.scenario(timing=AT_ONCE, messages="none")
    visit.page.add_init_script(STAY)
    visit.open(mode="popup", coop="same-origin")
    with visit.page.expect_popup() as popup:
        visit.press()
    popup.value.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    number = visit.wait_for("open")["orderNumber"]
    visit.page.evaluate(HIDE, True)
    pay(popup.value)
    popup.value.get_by_role("heading", name=re.compile("Thank you")).wait_for()
    visit.page.bring_to_front()
    visit.page.evaluate(HIDE, False)
    assert_one_order(visit, number)
