"""Pages of strangers, at whatever origin a test needs them, and what reached the server because of them."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import requests
from playwright.sync_api import BrowserContext, Frame, Page, Request, Route

from tests.browser.bridge.conftest import Shop, Visit
from tests.support.shop import ROOT

SCRIPTS = ROOT / "django_henry_checkout" / "static" / "henry_checkout"
COMPLETED = {"action": "orderCompleted", "orderId": "made-up"}
#: A page without a word of its own: tests speak through it, and it keeps what it hears.
MUTE = "<!doctype html><title>Stranger</title><script>window.heard = []; onmessage = (e) => heard.push(e.data)</script>"


def serve(where: Page | BrowserContext, url: str, html: str = MUTE, **headers: str) -> list[str]:
    """Answer everything at and below an address with a page; return the addresses asked for, as they come."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=html, content_type="text/html", headers={"Content-Type": "text/html", **headers})

    where.route(re.compile(f"^{re.escape(url)}([/?].*)?$"), answer)
    return asked


def add_frame(visit: Visit, url: str) -> Frame:
    """Put a frame into the shop's page, beside that of the checkout."""
    visit.page.evaluate(
        """(url) => new Promise((done) => {
             const frame = Object.assign(document.createElement("iframe"), { src: url, onload: done, hidden: true });
             document.body.append(frame);
           })""",
        url,
    )
    return visit.frame(url)


def say(where: Frame | Page, message: Any, *, to: str = "parent", times: int = 1) -> None:
    """Post from a stranger's page; `to` is a script for the window that is to hear it."""
    where.evaluate(
        f"([message, times]) => {{ for (let i = 0; i < times; i++) ({to}).postMessage(message, '*'); }}",
        [message, times],
    )


class Asked:
    """The requests of a page and of all its frames to `.../state`, from now on."""

    def __init__(self, page: Page) -> None:
        self._requests: list[Request] = []
        page.on("request", self._keep)

    def _keep(self, request: Request) -> None:
        if request.url.endswith("/state"):
            self._requests.append(request)

    def __len__(self) -> int:
        return len(self._requests)

    @property
    def posts(self) -> list[Any]:
        """What the server was told: bodies, oldest first."""
        return [each.post_data_json for each in self._requests if each.method == "POST"]


def reasons(visit: Visit, where: str = "") -> list[str]:
    """Why the element has dropped messages; `where` is "page" or "frame"."""
    return [each["reason"] for each in visit.told("rejected") if where in {"", each["where"]}]


def wait_until(visit: Visit, is_so: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        visit.page.wait_for_timeout(50)


def stay(visit: Visit) -> None:
    """Keep the page after a payment; else it goes on by itself, and what was told is gone with it."""
    visit.page.evaluate("document.addEventListener('henry:complete', (event) => event.preventDefault())")


def interactive(visit: Visit, **query: str) -> Frame:
    """Open the checkout in the page; return Henry's page once it can be filled in."""
    visit.open(**query)
    visit.debug()
    stay(visit)
    visit.press()
    visit.wait_state("interactive")
    return visit.henry()


def window(visit: Visit) -> Page:
    """Open the checkout in a window of its own; return that window with Henry's page in it."""
    visit.open(mode="popup", coop="same-origin-allow-popups")
    visit.debug()
    stay(visit)
    with visit.page.expect_popup() as popup:
        visit.press()
    popup.value.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    return popup.value


def walk(popup: Page, url: str) -> None:
    """Go to another page as a page does by itself: a window keeps its opener then."""
    with popup.expect_navigation():
        popup.evaluate("url => { location.href = url; }", url)


def write(shop: Shop, sql: str, *values: Any) -> None:
    connection = sqlite3.connect(shop.database, timeout=20)
    try:
        with connection:
            connection.execute(sql, values)
    finally:
        connection.close()


def begin(shop: Shop, *, frame_origin: str = "") -> dict[str, Any]:
    """Begin a checkout through the API, as the server of a storefront elsewhere does for a guest."""
    api = f"{shop.url}/henry/api/v1/cart"
    jar = {"link": "https://alpine.example/products/boots", "title": "Honey", "quantity": 1}
    price = {"value": "100.00", "currency": "USD"}
    cart = requests.post(api, json={"items": [{**jar, "unitPrice": price}]}, timeout=20)
    assert cart.ok, cart.text
    wishes = {"frameOrigin": frame_origin} if frame_origin else {}
    answer = requests.post(
        f"{api}/checkout",
        json={"cartId": cart.json()["cartId"], **wishes},
        headers={"X-Session-Token": cart.json()["sessionToken"]},
        timeout=20,
    )
    assert answer.status_code == 201, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def reach_loopback(visit: Visit) -> None:
    """Let made-up pages of the wide web frame the shop, which runs on this machine; else browsers refuse for that."""
    visit.page.context.grant_permissions(["local-network-access"])


def storefront(visit: Visit, begun: dict[str, Any]) -> None:
    """Show a checkout in the page of a storefront elsewhere, which cannot ask the shop's server by itself."""
    reach_loopback(visit)
    origin = visit.shop.elsewhere
    visit.page.route(
        f"{origin}/*.js", lambda route: route.fulfill(path=SCRIPTS / route.request.url.rpartition("/")[2])
    )
    html = (
        "<!doctype html><title>Elsewhere</title><henry-checkout mode='iframe' debug></henry-checkout>"
        "<button onclick='window.pressed = true'>Still here</button>"
        "<script type='module' src='/henry-checkout.js'></script>"
    )
    visit.page.route(f"{origin}/", lambda route: route.fulfill(body=html, content_type="text/html"))
    visit.page.goto(f"{origin}/")
    visit.page.wait_for_function("Boolean(customElements.get('henry-checkout'))")
    visit.page.evaluate(
        """(begun) => {
             const element = document.querySelector("henry-checkout");
             element.begin = async () => begun;
             element.open();
           }""",
        begun,
    )
