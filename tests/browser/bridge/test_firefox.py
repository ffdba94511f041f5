"""The most telling rows once more, in another engine: Firefox, which keeps the storage of third parties apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.bridge.conftest import NAMES, Shop
from tests.browser.bridge.firefox import ESCAPE, Firefox, until
from tests.browser.conftest import WHO

pytestmark = pytest.mark.browser

AT_ONCE = {"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0}
#: The shop looks at Henry's page before it answers, and once more for the wrapper: the browser's own is the third.
HANGS = {"path": "/cart/*", "fault": "delay", "seconds": 20, "after": 2, "times": 1}
#: Keeps what the element tells; and the page stays, else it goes on to the order and takes what was told with it.
LISTEN = f"""
window.events = [];
for (const name of {list(NAMES)!r})
  document.addEventListener(`henry:${{name}}`, (event) => window.events.push({{ name, ...event.detail }}));
document.addEventListener("henry:complete", (event) => event.preventDefault());
"""
#: As in real browsers: unrequested windows are blocked. A click counts for one second, not for five.
BLOCKS = {"dom__disable_open_during_load": True, "dom__user_activation__transient__timeout": 1000}
FRAMES = ('//iframe[contains(@class, "henry-payment")]', "//iframe")
KEPT = "try { return localStorage.getItem('kept'); } catch { return 'refused'; }"
IN_DIALOG = "return document.querySelector('dialog').contains(document.activeElement);"


@pytest.fixture(scope="module")
def _firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    firefox = Firefox(tmp_path_factory.mktemp("firefox"))
    yield firefox
    firefox.quit()


class Shopper:
    """A person with Firefox. The shop is `localhost` to them, so that Henry's page is one of another site."""

    def __init__(self, firefox: Firefox, shop: Shop) -> None:
        self.firefox = firefox
        self.shop = shop
        self.home = shop.url.replace("127.0.0.1", "localhost")

    def open(self, query: str) -> None:
        self.firefox.open(f"{self.home}/?{query}")
        until(lambda: self.firefox.run("return Boolean(customElements.get('henry-checkout'));"))
        self.firefox.run(LISTEN)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [each for each in self.firefox.run("return window.events;") if each["name"] == name]

    def wait_for(self, name: str) -> dict[str, Any]:
        return until(lambda: self.events(name))[-1]

    def wait_state(self, state: str) -> None:
        until(lambda: any(each["state"] == state for each in self.events("state")))

    def fallbacks(self) -> list[tuple[str, str, str]]:
        return [(each["from"], each["to"], each["reason"]) for each in self.events("fallback")]

    def dialog(self) -> str:
        return str(self.firefox.run("return document.querySelector('dialog')?.innerText ?? '';"))

    def pay(self) -> None:
        """Fill in Henry's page in the window or frame that was entered, and press Pay."""
        for name, value in WHO.items():
            self.firefox.fill(name, value)
        self.firefox.click('//button[starts-with(normalize-space(), "Pay")]')

    def pay_in_the_other_window(self) -> None:
        page = self.firefox.window()
        other = until(lambda: [each for each in self.firefox.windows() if each != page])
        self.firefox.enter_window(other[0])
        until(lambda: self.firefox.url.startswith(f"{self.shop.sandbox.url}/cart/"))
        self.pay()
        self.firefox.enter_window(page)

    def assert_one_order(self) -> None:
        done = self.wait_for("complete")
        assert done["outcome"] == "completed"
        assert len(self.events("complete")) == 1
        assert self.events("cancel") == []
        assert self.events("error") == []
        assert len(self.shop.sandbox.orders()) == 1
        assert [status for number, status in self.shop.orders() if number == done["orderNumber"]] != ["open"]


@pytest.fixture
def shopper(_firefox: Firefox, shop: Shop) -> Shopper:
    _firefox.forget()
    return Shopper(_firefox, shop)


# Rows 6 and 13 ------------------------------------------------------------------------------


def pay_in_the_frame(shopper: Shopper, *, sees: str | None) -> None:
    """Buy in a frame whose storage shows `sees` of what Henry's site keeps in a window of its own."""
    shopper.firefox.open(f"{shopper.shop.sandbox.url}/cart/none")
    shopper.firefox.run("localStorage.setItem('kept', 'by the window');")
    shopper.open("mode=iframe")
    shopper.firefox.press("Checkout")
    shopper.wait_state("interactive")
    shopper.firefox.enter_frames(*FRAMES)
    assert shopper.firefox.run("return location.origin;") == shopper.shop.sandbox.url
    assert shopper.firefox.run(KEPT) == sees
    shopper.pay()
    shopper.firefox.enter_frames()
    shopper.assert_one_order()
    assert shopper.fallbacks() == []


def test_row_13_a_frame_whose_storage_is_kept_apart_completes(shopper: Shopper) -> None:
    pay_in_the_frame(shopper, sees=None)


def test_row_13_a_frame_without_storage_completes(shopper: Shopper) -> None:
    with shopper.firefox.prefers(network__cookie__cookieBehavior=1, privacy__resistFingerprinting=False):
        pay_in_the_frame(shopper, sees="refused")


def test_row_6_a_frame_that_never_says_a_word_completes(shopper: Shopper) -> None:
    shopper.shop.sandbox.scenario(timing=AT_ONCE, messages="none")
    pay_in_the_frame(shopper, sees=None)


# Row 12 -------------------------------------------------------------------------------------


def test_row_12_a_click_opens_the_window(shopper: Shopper) -> None:
    """The server takes longer than the click counts, and yet the window opens: it did so within the click."""
    slow = {"path": "/v1/cart*", "fault": "delay", "seconds": 1.5, "times": 1}
    shopper.shop.sandbox.scenario(timing=AT_ONCE, faults=[slow])
    with shopper.firefox.prefers(**BLOCKS):
        shopper.open("mode=popup&coop=same-origin-allow-popups")
        shopper.firefox.press("Checkout")
        shopper.pay_in_the_other_window()
        shopper.assert_one_order()
    assert shopper.fallbacks() == []


def test_row_12_an_unrequested_window_is_blocked_until_a_click(shopper: Shopper) -> None:
    with shopper.firefox.prefers(**BLOCKS):
        shopper.open("mode=popup&coop=same-origin-allow-popups")
        shopper.firefox.run("document.querySelector('henry-checkout').open();")
        assert shopper.wait_for("fallback")["reason"] == "popup_blocked"
        assert len(shopper.firefox.windows()) == 1
        assert "Your browser has blocked the payment window." in shopper.dialog()
        shopper.firefox.press("Open in a new window")
        shopper.pay_in_the_other_window()
        shopper.assert_one_order()
    assert shopper.fallbacks() == [("popup", "tab", "popup_blocked"), ("tab", "popup", "chosen")]


# Row 11 -------------------------------------------------------------------------------------


def test_row_11_a_page_that_hangs_is_left_for_a_window(shopper: Shopper) -> None:
    """By then the click does not count any more: no window opens by itself, and a button offers it."""
    shopper.shop.sandbox.scenario(timing=AT_ONCE, faults=[HANGS])
    with shopper.firefox.prefers(**BLOCKS):
        shopper.open("mode=iframe&coop=same-origin-allow-popups")
        shopper.firefox.press("Checkout")
        until(lambda: "This takes longer than usual." in shopper.dialog())
        assert shopper.fallbacks() == []
        shopper.wait_for("fallback")
        assert shopper.fallbacks() == [("iframe", "popup", "load_timeout")]
        assert len(shopper.firefox.windows()) == 1
        shopper.firefox.press("Open in a new window")
        shopper.pay_in_the_other_window()
        shopper.assert_one_order()


# Row 14 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["mode=popup", "mode=iframe&csp=strict"])
def test_row_14_without_scripts_the_form_pays(shopper: Shopper, query: str) -> None:
    firefox = shopper.firefox
    with firefox.prefers(javascript__enabled=False):
        firefox.open(f"{shopper.home}/?{query}")
        firefox.press("Checkout")
        until(lambda: firefox.url.startswith(f"{shopper.shop.sandbox.url}/cart/"))
        shopper.pay()
        until(lambda: firefox.url.startswith(f"{shopper.home}/henry/status/"))
        firefox.find('//h1[normalize-space()="Your order"]')
    assert len(shopper.shop.sandbox.orders()) == 1


# Row 17 -------------------------------------------------------------------------------------


def test_row_17_the_dialog_says_what_it_is_has_the_focus_and_closes_by_escape(shopper: Shopper) -> None:
    firefox = shopper.firefox
    shopper.open("mode=iframe")
    firefox.press("Checkout")
    shopper.wait_state("interactive")
    assert firefox.role_and_name("//dialog") == ("dialog", "Secure checkout")
    assert firefox.role_and_name("//dialog//header//button") == ("button", "Close")
    assert firefox.run(IN_DIALOG)
    assert firefox.run("return document.querySelector('dialog').matches(':modal');")
    firefox.type(ESCAPE)
    shopper.wait_for("cancel")
    until(lambda: firefox.run("return !document.querySelector('dialog');"))
    assert firefox.run("return document.activeElement.textContent.trim();") == "Checkout"
    assert shopper.shop.sandbox.orders() == []
