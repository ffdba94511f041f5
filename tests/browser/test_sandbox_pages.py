"""The pages of the sandbox as a shop meets them: in a frame, in a tab that it opened, and on the way to a bank.

The page around them is served from an origin of its own, as that of a real shop is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from playwright.sync_api import Frame, Page, expect

from django_henry_checkout.testing.sandbox import API_KEY, Sandbox, running_sandbox
from tests.support.shop import PAYS

pytestmark = pytest.mark.browser

MUG = "https://kilnandtide.example/products/shoreline-mug"
SHOP_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<iframe id="frame" title="Henry" width="320" height="400"></iframe>
<script>
  const heard = [];
  addEventListener("message", (event) => heard.push({ data: event.data, origin: event.origin, at: Date.now() }));
</script>"""
FORM = {
    "email": "ada@shop.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "line1": "350 Harbour Street",
    "city": "New York",
    "province": "NY",
    "postal_code": "10001",
}
CARD = {"card_number": PAYS, "card_expiry": "1234", "card_cvc": "123", "card_name": "Ada Lovelace"}


class ShopHandler(BaseHTTPRequestHandler):
    """Every address shows the same page; its address tells the places of the shop, or of a bank, apart."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(SHOP_PAGE.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Shop:
    """A page of a shop, and what it heard."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        page.goto(url)

    def frame(self, address: str) -> Frame:
        """Show an address in the frame, and wait until it is there."""
        element = self.page.locator("#frame").element_handle()
        with self.page.expect_event("framenavigated"):
            element.evaluate("(frame, address) => { frame.src = address; }", address)
        found = element.content_frame()
        assert found
        found.wait_for_load_state()
        return found

    def heard(self) -> list[Any]:
        return [each["data"] for each in self.records()]

    def all_from(self, frame: Frame) -> list[Any]:
        """What was heard once the page in the frame has said all: messages of one page keep their order."""
        frame.wait_for_load_state()
        frame.evaluate("parent.postMessage('all', '*')")
        self.page.wait_for_function("heard.at(-1)?.data === 'all'")
        return self.heard()[:-1]

    def records(self) -> list[dict[str, Any]]:
        return list(self.page.evaluate("heard"))

    def wait_for(self, number: int) -> list[Any]:
        self.page.wait_for_function("(number) => heard.length >= number", arg=number)
        return self.heard()


@pytest.fixture(scope="module")
def henry() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), ShopHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def shop(page: Page, shop_url: str, henry: Sandbox) -> Shop:
    henry.reset()
    return Shop(page, shop_url)


def call(henry: Sandbox, method: str, path: str, body: Any = None, **headers: str) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(
            method, henry.url + path, json=body, headers={"x-api-key": API_KEY, **headers}, timeout=10
        )
    assert answer.ok, answer.text
    return answer.json()


def checkout(henry: Sandbox, **query: str) -> str:
    made = call(henry, "POST", "/v1/cart", {"items": [{"link": MUG}]})
    return f"{henry.url}/cart/{made['data']['cartId']}?{urlencode(query)}"


def card_page(henry: Sandbox, **query: str) -> str:
    made = call(henry, "POST", "/v0/wallet/card-collect?auth=false", **{"x-user-id": "ada"})
    return f"{made['data']['modal_url']}&{urlencode(query)}"


def element(henry: Sandbox, shop: Shop) -> str:
    return f"{henry.url}/elements/card?origin={quote(shop.url, safe='')}"


def fill(frame: Frame | Page, values: dict[str, str]) -> None:
    for name, value in values.items():
        frame.locator(f"[name={name}]").fill(value)


def save_card(frame: Frame | Page, button: str = "Save card") -> None:
    fill(frame, CARD)
    frame.get_by_role("button", name=button).click()


def pay(frame: Frame) -> None:
    fill(frame, FORM | CARD)
    frame.get_by_role("button", name="Pay").click()


# The card element


def test_a_card_becomes_a_token_of_the_shop(henry: Sandbox, shop: Shop) -> None:
    frame = shop.frame(element(henry, shop))
    (ready,) = shop.wait_for(1)
    assert ready == {"action": "cardElementReady", "height": _height(frame)}

    frame.get_by_role("button", name="Use this card").click()
    expect(frame.locator("#errors")).to_be_focused()
    taller = shop.wait_for(2)[1]
    assert taller == {"action": "cardElementReady", "height": _height(frame)}
    assert taller["height"] > ready["height"]

    save_card(frame, "Use this card")
    expect(frame.get_by_role("status")).to_have_text("Card ending in 4242 is ready")
    expect(frame.get_by_role("status")).to_be_focused()
    _, _, tokenized, small = shop.wait_for(4)
    assert tokenized == {"action": "cardTokenized", "cardToken": tokenized["cardToken"], "last4": "4242"}
    assert small == {"action": "cardElementReady", "height": _height(frame)}
    assert small["height"] < ready["height"]
    assert {each["origin"] for each in shop.records()} == {henry.url}
    token = tokenized["cardToken"]
    assert call(henry, "GET", f"/v1/card/{token}")["data"]["last4"] == "4242"
    assert token not in json.dumps([row for row in henry.requests() if not row["path"].startswith("/v1/")])

    frame.get_by_role("link", name="Use another card").click()
    assert shop.wait_for(5)[4] == ready


def _height(frame: Frame) -> int:
    return int(frame.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)"))


def test_a_narrower_frame_needs_more_height_and_hears_of_it(henry: Sandbox, shop: Shop) -> None:
    shop.page.locator("#frame").evaluate("(frame) => { frame.width = 600; }")
    frame = shop.frame(element(henry, shop))
    first = shop.wait_for(1)[0]["height"]
    shop.page.locator("#frame").evaluate("(frame) => { frame.width = 280; }")
    assert shop.wait_for(2)[1]["height"] == _height(frame) > first
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_card_element_works_by_keyboard(henry: Sandbox, shop: Shop) -> None:
    frame = shop.frame(element(henry, shop))
    shop.wait_for(1)
    keyboard = shop.page.keyboard
    for value in ("4242424242424242", "1234", "123", "Ada Lovelace"):
        keyboard.press("Tab")
        keyboard.type(value)
    keyboard.press("Tab")
    expect(frame.get_by_role("button")).to_be_focused()
    keyboard.press("Enter")
    expect(frame.get_by_role("status")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(frame.locator("[name=card_number]")).to_be_visible()


def test_another_origin_does_not_hear_the_token(henry: Sandbox, shop: Shop) -> None:
    frame = shop.frame(f"{henry.url}/elements/card?origin=https%3A%2F%2Fother.example")
    save_card(frame, "Use this card")
    expect(frame.get_by_role("status")).to_be_visible()
    assert shop.all_from(frame) == []


# The manners


@pytest.mark.parametrize("manner", ["usual", "none", "twice", "json"])
def test_a_checkout_speaks_as_the_scenario_says(henry: Sandbox, shop: Shop, manner: str) -> None:
    henry.scenario(messages=manner)
    frame = shop.frame(checkout(henry, embed="true", returnUrl=f"{shop.url}/thanks"))
    pay(frame)
    expect(frame.locator("[data-order-id]")).to_be_visible()
    (order,) = henry.orders()
    completed = {"action": "orderCompleted", "orderId": order["refId"], "status": "pending"}
    said = {
        "usual": [completed],
        "none": [],
        "twice": [completed, completed],
        "json": [json.dumps(completed, separators=(",", ":"))],
    }[manner]
    assert shop.all_from(frame) == said
    # With every kind of message the button leads back.
    frame.locator("[data-done]").click()
    shop.page.wait_for_url(f"{shop.url}/thanks")


def test_a_late_message_comes_five_seconds_late(henry: Sandbox, shop: Shop) -> None:
    henry.scenario(messages="late")
    cart = checkout(henry)
    frame = shop.frame(cart.replace("?", "/closed?"))
    opened = frame.evaluate("performance.timeOrigin")
    assert shop.wait_for(1) == [{"action": "checkoutClosed"}]
    assert 5000 <= shop.records()[0]["at"] - opened < 9000


# The card page of v0


@pytest.mark.parametrize("has_return", [True, False])
def test_the_card_page_says_that_it_is_complete(henry: Sandbox, shop: Shop, has_return: bool) -> None:
    query = {"embed": "true"} | ({"returnUrl": f"{shop.url}/cards"} if has_return else {})
    frame = shop.frame(card_page(henry, **query))
    save_card(frame)
    expect(frame.get_by_role("heading", name="Your card is saved")).to_be_visible()
    assert shop.wait_for(1) == [{"status": "complete"}]
    assert shop.page.url == f"{shop.url}/"


@pytest.mark.parametrize("has_return", [True, False])
def test_the_card_page_in_a_tab_of_its_own_tells_the_shop(
    henry: Sandbox, shop: Shop, has_return: bool
) -> None:
    query = {"embed": "true"} | ({"returnUrl": f"{shop.url}/cards"} if has_return else {})
    with shop.page.expect_popup() as opened:
        shop.page.evaluate("(address) => { window.open(address); }", card_page(henry, **query))
    save_card(opened.value)
    assert shop.wait_for(1) == [{"status": "complete"}]


# The checkout in a frame


def test_without_embed_the_receipt_returns_inside_the_frame(henry: Sandbox, shop: Shop) -> None:
    frame = shop.frame(checkout(henry, returnUrl=f"{shop.url}/thanks"))
    pay(frame)
    frame.wait_for_url(f"{shop.url}/thanks")
    assert shop.page.url == f"{shop.url}/"
    assert [said["action"] for said in shop.heard()] == ["orderCompleted"]


def test_a_small_frame_shows_the_whole_checkout(henry: Sandbox, shop: Shop) -> None:
    frame = shop.frame(checkout(henry, embed="true"))
    keyboard = shop.page.keyboard
    for name, value in (FORM | CARD).items():
        _tab_to(frame, name)
        keyboard.type(value)
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    keyboard.press("Tab")
    expect(frame.get_by_role("button", name="Pay")).to_be_focused()
    expect(frame.get_by_role("button", name="Pay")).to_be_in_viewport(ratio=1)
    keyboard.press("Enter")
    expect(frame.locator("[data-order-id]")).to_be_visible()
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [order["email"] for order in henry.orders()] == [FORM["email"]]


def _tab_to(frame: Frame, name: str) -> None:
    for _step in range(8):
        frame.page.keyboard.press("Tab")
        if frame.evaluate("document.activeElement.name") == name:
            return
    pytest.fail(f"Tab does not lead to {name}.")


def test_pay_can_lead_to_a_bank(henry: Sandbox, shop: Shop) -> None:
    bank = f"{shop.url.replace('127.0.0.1', 'localhost')}/challenge"
    redirect = {"fault": "redirect", "method": "POST", "path": "/cart/*", "location": bank}
    henry.scenario(faults=[redirect])
    frame = shop.frame(checkout(henry, embed="true"))
    pay(frame)
    frame.wait_for_url(bank)
    assert henry.orders() == []


@pytest.mark.parametrize(
    "headers", [{"X-Frame-Options": "DENY"}, {"Content-Security-Policy": "frame-ancestors 'none'"}]
)
def test_a_page_can_refuse_the_frame(henry: Sandbox, shop: Shop, headers: dict[str, str]) -> None:
    henry.scenario(faults=[{"fault": "headers", "path": "/cart/*", "headers": headers}])
    address = checkout(henry, embed="true")
    frame = shop.frame(address)
    assert frame.url != address
    assert frame.get_by_role("button", name="Pay").count() == 0
    # It struck once; the next time the same page is there.
    expect(shop.frame(address).get_by_role("button", name="Pay")).to_be_attached()
