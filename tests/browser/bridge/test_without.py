"""Rows 10, 13 and 14: without leave to frame, third-party storage, or scripts; and under a strict policy."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.bridge.conftest import Shop, Visit, change_wrapper, visit_in
from tests.browser.conftest import FLAGS, chromium, pay
from tests.support.shop import ROOT

pytestmark = pytest.mark.browser

STAY = "document.addEventListener('henry:complete', event => event.preventDefault());"
STATIC = ROOT / "django_henry_checkout" / "static" / "henry_checkout"
HONEY = {
    "link": "https://alpine.example/products/boots",
    "quantity": 1,
    "title": "Honey",
    "unitPrice": {"value": "100.00", "currency": "USD"},
}
STOREFRONT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Elsewhere</title>
<link rel="stylesheet" href="/checkout.css"><script type="module">
import "/henry-checkout.js";
document.querySelector("henry-checkout").begin = async way => (await fetch(`/begin?way=${way}`)).json();
window.isReady = true;
</script><main><h1>Elsewhere</h1><henry-checkout mode="iframe" slow-after="3" frame-timeout="8">
<form><button>Checkout</button></form></henry-checkout></main></html>"""
#: Whether a page in this place may keep anything in the browser.
KEEPS = """() => {
  document.cookie = "kept=1; SameSite=None; Secure; path=/";
  let storage = true;
  try { localStorage.setItem("kept", "1"); } catch { storage = false; }
  return [document.cookie.includes("kept=1"), storage];
}"""
STRANGER = "https://not-listed.example"
BEGIN = """async mode => {
  const form = document.querySelector("henry-checkout form");
  const body = new FormData(form);
  body.set("mode", mode);
  return (await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } })).json();
}"""


# Row 10 -------------------------------------------------------------------------------------


def framed_at(visit: Visit, origin: str, url: str) -> tuple[str, str]:
    """Frame a URL in a page of an origin; return the frame's final URL and the console's output."""
    console: list[str] = []
    page = visit.page.context.new_page()
    page.on("console", lambda message: console.append(message.text))
    body = f'<!doctype html><html lang="en"><title>Around</title><iframe src="{url}"></iframe>'
    page.route(f"{origin}/around", lambda route: route.fulfill(content_type="text/html", body=body))
    page.goto(f"{origin}/around")
    page.wait_for_timeout(200)
    (frame,) = page.main_frame.child_frames
    shown = frame.url
    page.close()
    return shown, "\n".join(console)


@pytest.fixture
def near(visits: Callable[..., Visit]) -> Visit:
    """A shopper whose browser lets pages of other sites reach this machine, where the shop under test is."""
    visit = visits(permissions=["local-network-access"])
    visit.open()
    return visit


def test_row_10_a_site_that_is_not_listed_cannot_frame_the_wrapper(near: Visit) -> None:
    ticket = near.page.evaluate(BEGIN, "iframe")["frameUrl"]
    shown, console = framed_at(near, STRANGER, near.shop.url + ticket)
    assert shown.startswith("chrome-error:")
    assert "frame-ancestors" in console
    assert near.shop.url in console  # the allowed origin, so that the console says what to change

    ticket = near.page.evaluate(BEGIN, "iframe")["frameUrl"]
    shown, console = framed_at(near, near.shop.url, near.shop.url + ticket)
    assert shown == near.shop.url + ticket
    assert "frame-ancestors" not in console


def test_row_10_a_wrapper_in_a_listed_page_of_a_site_that_is_not_listed_is_refused(near: Visit) -> None:
    """Every page around it counts, not just the next one."""
    ticket = near.page.evaluate(BEGIN, "iframe")["frameUrl"]
    inner = f"{near.shop.url}/inner"
    near.page.context.route(
        inner,
        lambda route: route.fulfill(content_type="text/html", body=f'<iframe src="{ticket}"></iframe>'),
    )
    console: list[str] = []
    page = near.page.context.new_page()
    page.on("console", lambda message: console.append(message.text))
    body = f'<!doctype html><title>Around</title><iframe allow="local-network-access" src="{inner}"></iframe>'
    page.route(f"{STRANGER}/", lambda route: route.fulfill(content_type="text/html", body=body))
    page.goto(f"{STRANGER}/")
    page.wait_for_timeout(300)
    assert [each.url for each in page.frames][1:] == [inner, "chrome-error://chromewebdata/"]
    assert "frame-ancestors" in "\n".join(console)


@pytest.mark.parametrize("around", [STRANGER, "self"])
def test_row_10_no_other_page_of_ours_can_be_framed_anywhere(near: Visit, around: str) -> None:
    shop = near.shop
    started = near.page.evaluate(BEGIN, "redirect")
    paths = {
        "pay": started["payUrl"],
        "phone": started["phoneUrl"],
        "checking": f"{started['payUrl']}/completed",
        "inline": f"/henry/inline/{started['orderId']}",
        "link": "/henry/c/01J00000000000000000000000",
        "error": "/henry/frame/no-such-ticket",
    }
    [(cart,)] = shop.rows(
        f"SELECT henry_cart_id FROM henry_checkout_order WHERE number = '{started['orderNumber']}'"
    )
    for name, path in paths.items():
        origin = shop.url if around == "self" else around
        shown, console = framed_at(near, origin, shop.url + path)
        assert shown.startswith("chrome-error:"), name
        assert re.search("X-Frame-Options|frame-ancestors", console), (name, console)
    shop.sandbox.pay(cart)
    state = near.page.request.post(shop.url + started["stateUrl"], data={"action": "refresh"}).json()
    status = urljoin(shop.url, state["next"])
    assert status.startswith(f"{shop.url}/henry/status/")
    shown, console = framed_at(near, shop.url if around == "self" else around, status)
    assert shown.startswith("chrome-error:")
    assert "X-Frame-Options" in console


# Row 13 -------------------------------------------------------------------------------------


class Storefront:
    """Another site that shows the shop's checkout; its back end calls the shop's API."""

    def __init__(self, context: BrowserContext, shop: Shop) -> None:
        self.shop = shop
        context.add_init_script(STAY)
        context.route(f"{shop.elsewhere}/**", self._serve)
        self.visit = visit_in(context, shop)

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(self.shop.elsewhere).partition("?")[0]
        if path == "/":
            route.fulfill(content_type="text/html", body=STOREFRONT)
        elif path == "/begin":
            route.fulfill(content_type="application/json", body=json.dumps(self._begin()))
        elif (STATIC / path[1:]).is_file():
            route.fulfill(path=STATIC / path[1:])
        else:
            route.fulfill(status=404, body="")

    def _begin(self) -> dict[str, Any]:
        api = f"{self.shop.url}/henry/api/v1"
        cart = requests.post(f"{api}/cart", json={"items": [HONEY]}, timeout=20).json()
        answer = requests.post(
            f"{api}/cart/checkout",
            json={"cartId": cart["cartId"], "frameOrigin": self.shop.elsewhere},
            headers={"X-Session-Token": cart["sessionToken"]},
            timeout=20,
        )
        assert answer.status_code == 201, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def open(self) -> Visit:
        self.visit.page.goto(f"{self.shop.elsewhere}/")
        self.visit.page.wait_for_function("window.isReady")
        self.visit.press()
        return self.visit


def assert_one_order(visit: Visit) -> None:
    done = visit.wait_for("complete")
    assert done["outcome"] == "completed"
    assert done["receipt"]
    assert visit.events("cancel") == []
    assert len(visit.shop.sandbox.orders()) == 1
    assert visit.errors == []


@pytest.fixture
def private(browser: Browser) -> Iterator[BrowserContext]:
    """A private window: Chromium blocks third-party storage in it. The shop is on this machine, so it may be asked."""
    context = browser.new_context(permissions=["local-network-access"])
    yield context
    context.close()


@pytest.fixture
def profile(browser: Browser) -> Iterator[Callable[[int], BrowserContext]]:
    """Make a profile of a person, with `cookie_controls_mode` 1: third-party cookies blocked; 0: allowed."""
    contexts = []
    with tempfile.TemporaryDirectory() as folder:

        def make(mode: int) -> BrowserContext:
            place = Path(folder) / str(mode)
            (place / "Default").mkdir(parents=True)
            preferences = {"profile": {"cookie_controls_mode": mode}}
            (place / "Default" / "Preferences").write_text(json.dumps(preferences))
            context = browser.browser_type.launch_persistent_context(
                place,
                executable_path=chromium(),
                args=FLAGS,
                permissions=["local-network-access"],
            )
            contexts.append(context)
            return context

        yield make
        for context in contexts:
            context.close()


def test_row_13_a_private_window_completes(private: BrowserContext, shop: Shop) -> None:
    visit = Storefront(private, shop).open()
    visit.wait_state("interactive")
    assert visit.henry().evaluate(KEEPS) == [False, False]
    assert visit.wrapper().evaluate(KEEPS) == [False, False]
    pay(visit.henry())
    assert_one_order(visit)
    assert visit.events("fallback") == []


@pytest.mark.parametrize("mode", [pytest.param(1, id="blocked"), pytest.param(0, id="allowed")])
def test_row_13_a_profile_completes_whether_it_blocks_third_parties_or_not(
    profile: Callable[[int], BrowserContext], shop: Shop, mode: int
) -> None:
    visit = Storefront(profile(mode), shop).open()
    visit.wait_state("interactive")
    assert visit.henry().evaluate(KEEPS) == [not mode, not mode]
    pay(visit.henry())
    assert_one_order(visit)
    assert visit.events("fallback") == []


def test_row_13_a_browser_without_any_cookies_steps_down(private: BrowserContext, shop: Shop) -> None:
    private.add_init_script(
        "if (window !== top) Object.defineProperty(navigator, 'cookieEnabled', { get: () => false });"
    )
    storefront = Storefront(private, shop)
    visit = storefront.visit
    with visit.page.expect_popup() as popup:
        storefront.open()
    assert visit.wait_for("fallback")["reason"] == "storage_blocked"
    expect(visit.page.get_by_role("dialog")).to_contain_text("Pay in the window that has opened")
    pay(popup.value)
    assert_one_order(visit)


@pytest.mark.parametrize(
    ("mode", "reasons"),
    [pytest.param(1, ["storage_blocked"], id="blocked"), pytest.param(0, [], id="allowed")],
)
def test_row_13_a_page_that_needs_cookies_is_framed_where_it_can_have_them(
    profile: Callable[[int], BrowserContext], shop: Shop, mode: int, reasons: list[str]
) -> None:
    """As with HOSTED_SIGN_IN: the wrapper asks the browser, and both of them answer by themselves."""
    store = Storefront(profile(mode), shop)
    change_wrapper(store.visit, "needs-storage")
    visit = store.open()
    visit.wait_state("interactive")
    assert [each["reason"] for each in visit.events("fallback")] == reasons
    assert visit.wrapper().evaluate("document.hasStorageAccess()") is not bool(mode)
    assert visit.errors == []


def test_row_13_the_shops_own_page_completes_in_a_private_window(visit: Visit) -> None:
    visit.page.add_init_script(STAY)
    visit.open()
    visit.press()
    visit.wait_state("interactive")
    pay(visit.henry())
    assert_one_order(visit)
    assert visit.events("fallback") == []


# Row 14 -------------------------------------------------------------------------------------


@pytest.fixture
def plain(visits: Callable[..., Visit]) -> Page:
    return visits(java_script_enabled=False).page


def pay_plainly(page: Page, shop: Shop) -> None:
    """From Henry's page to the order, without scripts."""
    page.wait_for_url(f"{shop.sandbox.url}/cart/**")
    pay(page)
    page.wait_for_url(f"{shop.url}/henry/status/**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your order")
    assert len(shop.sandbox.orders()) == 1


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("mode=iframe", id="iframe"),
        pytest.param("mode=popup", id="popup"),
        pytest.param("frame", id="inline-frame"),
        pytest.param("mode=iframe&csp=strict", id="form-action-self"),
    ],
)
def test_row_14_without_scripts_the_form_pays(plain: Page, shop: Shop, query: str) -> None:
    console: list[str] = []
    plain.on("console", lambda message: console.append(message.text))
    plain.goto(f"{shop.url}/?{query}")
    plain.get_by_role("button", name="Checkout", exact=True).click()
    pay_plainly(plain, shop)
    assert [each for each in console if "Content Security Policy" in each] == []


def test_row_14_without_scripts_and_without_refreshing_the_link_pays(plain: Page, shop: Shop) -> None:
    """The page in between goes on by itself; where a browser does not do that either, it is one click."""
    blocked = {"count": 0}

    def once(route: Route) -> None:
        blocked["count"] += 1
        route.fulfill(status=204) if blocked["count"] == 1 else route.continue_()

    plain.route(f"{shop.sandbox.url}/cart/**", once)
    plain.goto(f"{shop.url}/?mode=iframe&csp=strict")
    plain.get_by_role("button", name="Checkout", exact=True).click()
    plain.get_by_role("link", name="Continue to payment").click()
    pay_plainly(plain, shop)


def test_row_14_without_scripts_the_phone_button_pays(
    plain: Page, visits: Callable[..., Visit], shop: Shop
) -> None:
    plain.goto(f"{shop.url}/?phone&csp=strict")
    plain.get_by_role("button", name="Pay on your phone").click()
    plain.wait_for_url("**/phone")
    expect(plain.get_by_role("img", name=re.compile("Code"))).to_be_visible()
    address = plain.get_by_role("link", name="Pay on this device instead").get_attribute("href")
    phone = visits(java_script_enabled=False, viewport={"width": 390, "height": 800}).page
    phone.goto(shop.url + str(address))
    phone.wait_for_url(f"{shop.sandbox.url}/cart/**")
    pay(phone)
    plain.wait_for_url(f"{shop.url}/henry/status/**", timeout=15_000)  # by itself
    assert len(shop.sandbox.orders()) == 1


@pytest.mark.parametrize("mode", ["iframe", "popup"])
def test_row_14_a_strict_policy_is_not_broken_once(visit: Visit, mode: str) -> None:
    broken: list[str] = []
    visit.page.context.on(
        "console",
        lambda message: broken.append(message.text) if "Content Security Policy" in message.text else None,
    )
    visit.page.add_init_script(STAY)
    visit.open(mode=mode, csp="strict", coop="same-origin-allow-popups", phone="1")
    if mode == "popup":
        with visit.page.expect_popup() as popup:
            visit.press()
        where: Any = popup.value
    else:
        visit.press()
        visit.wait_state("interactive")
        visit.page.get_by_text("Other ways to pay").click()
        where = visit.henry()
    pay(where)
    assert_one_order(visit)
    assert broken == []
    visit.page.evaluate("document.body.setAttribute('style', 'color: red')")  # the detector does see one
    visit.page.wait_for_timeout(100)
    assert len(broken) == 1


def test_row_14_a_strict_policy_lets_the_code_for_a_phone_be_seen(visit: Visit) -> None:
    broken: list[str] = []
    visit.page.on(
        "console",
        lambda message: broken.append(message.text) if "Content Security Policy" in message.text else None,
    )
    visit.open(csp="strict")
    visit.press()
    visit.wait_state("interactive")
    visit.page.get_by_text("Other ways to pay").click()
    visit.page.get_by_role("button", name="Pay on your phone").click()
    code = visit.page.get_by_role("img", name="Pay on your phone")
    assert code.evaluate("image => image.decode().then(() => image.naturalWidth > 100)")
    assert broken == []
