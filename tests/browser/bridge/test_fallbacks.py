"""Rows 11 and 12: what a person does when Henry's page, or its window, does not come."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect

from tests.browser.bridge.conftest import Shop, Visit, chromium_without, visiting
from tests.browser.conftest import pay

pytestmark = pytest.mark.browser

AT_ONCE = {"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0}
#: The shop looks at Henry's page before it answers, and once more for the wrapper: the browser's own is the third.
BROWSER_ONLY = {"after": 2, "times": 1}
NO_WINDOWS = "window.open = () => null;"
#: Otherwise the page redirects to the order, and its recorded events are lost.
STAY = "document.addEventListener('henry:complete', event => event.preventDefault());"


def enter(visit: Visit, **query: str) -> None:
    visit.page.add_init_script(STAY)
    visit.open(**query)


def strike(shop: Shop, *faults: dict[str, Any]) -> None:
    """Let Henry's page go wrong."""
    shop.sandbox.scenario(timing=AT_ONCE, faults=[{"path": "/cart/*", **each} for each in faults])


def assert_one_order(visit: Visit) -> None:
    """The element reported one outcome, and there is one order, at Henry and here."""
    done = visit.wait_for("complete")
    assert done["outcome"] == "completed"
    assert len(visit.events("complete")) == 1
    assert visit.events("cancel") == []
    assert visit.events("error") == []
    assert len(visit.shop.sandbox.orders()) == 1
    names = {each["orderNumber"] for each in visit.events() if each.get("orderNumber")}
    assert names == {done["orderNumber"]}
    assert [status for number, status in visit.shop.orders() if number in names] != ["open"]
    assert visit.errors == []


def fallbacks(visit: Visit) -> list[tuple[str, str, str]]:
    return [(each["from"], each["to"], each["reason"]) for each in visit.events("fallback")]


# Row 11 -------------------------------------------------------------------------------------

DENY = {"fault": "headers", "headers": {"X-Frame-Options": "DENY"}}
NONE = {"fault": "headers", "headers": {"Content-Security-Policy": "frame-ancestors 'none'"}}
BROKEN = {"fault": "status", "status": 500}
LATE = {"fault": "delay", "seconds": 20}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param({**BROKEN, "times": 1}, "page_failing", id="500"),
        pytest.param({**LATE, "times": 1}, "page_failing", id="hangs"),
        pytest.param({**DENY, "times": 0}, "framing_refused", id="x-frame-options"),
        pytest.param({**NONE, "times": 0}, "framing_refused", id="frame-ancestors"),
        pytest.param({**BROKEN, "times": 1, "after": 1}, "page_failing", id="500-when-the-wrapper-opens"),
        pytest.param(
            {**DENY, "times": 0, "after": 1}, "framing_refused", id="refuses-when-the-wrapper-opens"
        ),
    ],
)
def test_row_11_a_page_that_cannot_be_framed_opens_in_a_window(
    visit: Visit, fault: dict[str, Any], reason: str
) -> None:
    strike(visit.shop, fault)
    enter(visit, coop="same-origin-allow-popups")
    with visit.page.expect_popup() as popup:
        visit.press()
    assert visit.wait_for("fallback")["reason"] == reason
    expect(visit.page.get_by_role("dialog")).to_contain_text("Pay in the window that has opened")
    pay(popup.value)
    assert_one_order(visit)
    assert fallbacks(visit) == [("iframe", "popup", reason)]


def test_row_11_a_page_that_hangs_shows_a_notice_then_falls_back(visit: Visit) -> None:
    strike(visit.shop, {**LATE, **BROWSER_ONLY})
    enter(visit, coop="same-origin-allow-popups")
    visit.press()
    visit.wait_state("loading")
    notice = visit.page.get_by_role("dialog").get_by_role("status")
    expect(notice).to_have_text(re.compile("takes longer than usual"))
    assert visit.events("fallback") == []  # the shopper stays on a page that may still load
    with visit.page.expect_popup() as popup:
        pass
    assert visit.wait_for("fallback")["reason"] == "load_timeout"
    expect(notice).not_to_have_text(re.compile("takes longer than usual"))
    pay(popup.value)
    assert_one_order(visit)
    assert "interactive" in visit.states()


def test_row_11_a_slow_page_that_comes_after_all_is_used(visit: Visit) -> None:
    strike(visit.shop, {**LATE, "seconds": 2.5, **BROWSER_ONLY})
    enter(visit)
    visit.press()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_have_text(re.compile("takes longer than usual"))
    visit.wait_state("interactive")
    expect(dialog.get_by_role("status")).to_have_text("")
    visit.page.wait_for_timeout(2_500)  # past the timeout
    assert visit.events("fallback") == []
    pay(visit.henry())
    assert_one_order(visit)


@pytest.mark.parametrize(
    "fault",
    [pytest.param(BROKEN, id="500"), pytest.param(DENY, id="x-frame-options"), pytest.param(NONE, id="csp")],
)
def test_row_11_a_page_that_breaks_in_the_browser_alone_leaves_a_way_out(
    visit: Visit, fault: dict[str, Any]
) -> None:
    """A browser does not tell whether a frame holds Henry's page or an error: the person sees it and goes on."""
    strike(visit.shop, {**fault, **BROWSER_ONLY})
    enter(visit, coop="same-origin-allow-popups")
    visit.press()
    visit.wait_state("interactive")
    visit.page.get_by_text("Other ways to pay").click()
    with visit.page.expect_popup() as popup:
        visit.page.get_by_role("button", name="Open in a new window").click()
    pay(popup.value)
    assert_one_order(visit)
    assert fallbacks(visit) == [("iframe", "popup", "chosen")]


def test_row_11_this_very_page_is_a_way(visit: Visit) -> None:
    strike(visit.shop, {**DENY, "times": 0})
    enter(visit)
    visit.page.evaluate(NO_WINDOWS)
    visit.press()
    visit.wait_for("fallback")
    number = visit.wait_for("open")["orderNumber"]
    visit.page.get_by_role("link", name="Continue on this page").click()
    visit.page.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    pay(visit.page)
    visit.page.wait_for_url(f"{visit.shop.url}/henry/status/**")
    expect(visit.page.locator("main")).to_contain_text(number)
    assert len(visit.shop.sandbox.orders()) == 1


def test_row_11_a_phone_is_a_way(visit: Visit, visits: Callable[..., Visit]) -> None:
    enter(visit)
    visit.press()
    visit.wait_state("interactive")
    visit.page.get_by_text("Other ways to pay").click()
    visit.page.get_by_role("button", name="Pay on your phone").click()
    code = visit.page.get_by_role("img", name="Pay on your phone")
    expect(code).to_be_visible()
    assert code.evaluate("image => image.decode().then(() => image.naturalWidth > 100)")
    address = visit.page.get_by_role("link", name="Open in a new tab").get_attribute("href")
    phone = visits(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True).page
    phone.goto(visit.shop.url + str(address))
    phone.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    pay(phone)
    assert_one_order(visit)


# Row 12 -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict_browser(browser: Browser) -> Iterator[Browser]:
    """A browser that blocks unrequested windows, as real ones do; the default one of the tests allows all."""
    with chromium_without("--disable-popup-blocking", beside=browser) as strict:
        yield strict


@pytest.fixture
def strict(strict_browser: Browser, shop: Shop) -> Iterator[Visit]:
    with visiting(strict_browser, shop) as visit:
        yield visit


def open_by_script(visit: Visit) -> None:
    """Call `open()` as a script does that runs by itself: `evaluate` would count as a click."""
    session = visit.page.context.new_cdp_session(visit.page)
    expression = "document.querySelector('henry-checkout').open()"
    session.send("Runtime.evaluate", {"expression": expression, "userGesture": False})
    session.detach()


def test_row_12_a_window_that_is_blocked_leads_to_a_tab(visit: Visit) -> None:
    visit.page.add_init_script(NO_WINDOWS)
    enter(visit, mode="popup")
    visit.press()
    assert visit.wait_for("fallback")["reason"] == "popup_blocked"
    dialog = visit.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your browser has blocked the payment window.")
    with visit.page.context.expect_page() as tab:
        dialog.get_by_role("link", name="Open in a new tab").click()
    expect(dialog).to_contain_text("Pay in the tab that has opened.")
    pay(tab.value)
    assert_one_order(visit)
    assert fallbacks(visit) == [("popup", "tab", "popup_blocked")]


def test_row_12_two_steps_down_the_ladder(visit: Visit) -> None:
    strike(visit.shop, {**DENY, "times": 0})
    visit.page.add_init_script(NO_WINDOWS)
    enter(visit)
    visit.press()
    dialog = visit.page.get_by_role("dialog")
    with visit.page.context.expect_page() as tab:
        dialog.get_by_role("link", name="Open in a new tab").click()
    pay(tab.value)
    assert_one_order(visit)
    assert fallbacks(visit) == [("iframe", "popup", "framing_refused"), ("popup", "tab", "popup_blocked")]


def test_row_12_a_browser_that_blocks_lets_a_fresh_click_open_the_window(strict: Visit) -> None:
    enter(strict, mode="popup", coop="same-origin-allow-popups")
    strict.page.wait_for_timeout(5_500)  # a browser holds a click valid for 5 s
    with strict.page.expect_response("**/henry/buy"):
        open_by_script(strict)
    strict.page.wait_for_timeout(500)  # without evaluate(), which the browser counts as a click
    assert strict.wait_for("fallback")["reason"] == "popup_blocked"
    assert len(strict.page.context.pages) == 1
    with strict.page.expect_popup() as popup:
        strict.page.get_by_role("button", name="Open in a new window").click()
    pay(popup.value)
    assert_one_order(strict)


def test_row_12_a_click_opens_the_window_in_a_browser_that_blocks(strict: Visit) -> None:
    """The server takes its time, and the click still counts: the window opens within it."""
    strict.page.route("**/henry/buy", later)
    enter(strict, mode="popup", coop="same-origin-allow-popups")
    with strict.page.expect_popup() as popup:
        strict.press()
    pay(popup.value)
    assert_one_order(strict)
    assert strict.events("fallback") == []


def later(route: Route) -> None:
    route.request.frame.page.wait_for_timeout(6_000)
    route.continue_()


def close_by_hand(window: Page) -> None:
    window.wait_for_load_state()
    window.close()


def run_on(visit: Visit, seconds: int) -> None:
    """Let the time of the page pass, faster than it does; what it asks of the server takes its real time."""
    for _second in range(seconds):
        try:
            visit.page.clock.run_for(1_000)
        except Error:
            if visit.page.is_closed():
                raise
            # A window that closed in this moment has no time to pass; the page has.
        visit.page.wait_for_timeout(60)


def run_until(visit: Visit, is_so: Callable[[], bool], *, seconds: int = 120) -> None:
    for _second in range(seconds):
        if is_so():
            return
        run_on(visit, 1)
    raise AssertionError(visit.page.get_by_role("dialog").inner_text())


def test_row_12_a_window_closed_early_is_no_cancel(visit: Visit) -> None:
    visit.page.clock.install()
    enter(visit, mode="popup", coop="same-origin-allow-popups")
    with visit.page.expect_popup() as popup:
        visit.press()
    visit.wait_state("interactive")
    close_by_hand(popup.value)
    dialog = visit.page.get_by_role("dialog")
    run_until(visit, lambda: "verifying" in visit.states())
    expect(dialog.get_by_role("status")).to_contain_text("We are checking your payment.")
    run_until(visit, lambda: "We have not seen a payment yet." in dialog.inner_text())
    assert visit.events("cancel") == []
    assert visit.events("complete") == []
    with visit.page.expect_popup() as again:
        dialog.get_by_role("button", name="Open the payment window again").click()
    expect(dialog).to_contain_text("Pay in the window that has opened.")
    pay(again.value)
    run_until(visit, lambda: bool(visit.events("complete")))
    assert_one_order(visit)


def test_row_12_a_window_closed_early_can_be_opened_again_at_once(visit: Visit) -> None:
    """The shopper need not wait for the end of the check."""
    visit.page.clock.install()
    enter(visit, mode="popup", coop="same-origin-allow-popups")
    with visit.page.expect_popup() as popup:
        visit.press()
    visit.wait_state("interactive")
    close_by_hand(popup.value)
    run_until(visit, lambda: "verifying" in visit.states())
    dialog = visit.page.get_by_role("dialog")
    with visit.page.expect_popup() as again:
        dialog.get_by_role("button", name=re.compile("payment window")).click()
    again.value.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    run_on(visit, 32)  # the end of the check that began when the first window went
    expect(dialog).to_contain_text("Pay in the window that has opened.")
    expect(dialog).not_to_contain_text("still being confirmed")  # nothing is paid yet
    pay(again.value)
    run_until(visit, lambda: bool(visit.events("complete")))
    assert_one_order(visit)


def test_row_12_a_window_closed_after_paying_completes(visit: Visit) -> None:
    visit.shop.sandbox.scenario(timing=AT_ONCE, messages="none")
    enter(visit, mode="popup", coop="same-origin-allow-popups")
    with visit.page.expect_popup() as popup:
        visit.press()
    pay(popup.value)
    popup.value.get_by_role("heading", name=re.compile("Thank you")).wait_for()
    popup.value.close()
    assert_one_order(visit)


def test_row_12_a_page_that_keeps_to_itself_shows_no_false_cancel(visit: Visit) -> None:
    """Under `same-origin` the window looks closed at once."""
    enter(visit, mode="popup", coop="same-origin")
    with visit.page.expect_popup() as popup:
        visit.press()
    popup.value.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    visit.wait_state("verifying")
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("We are checking your payment.")
    expect(dialog).not_to_contain_text(re.compile("cancel", re.IGNORECASE))
    visit.page.keyboard.press("Escape")  # what may have been paid is not thrown away
    visit.page.wait_for_timeout(500)
    expect(dialog).to_be_visible()
    pay(popup.value)
    assert_one_order(visit)
