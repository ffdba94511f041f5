"""Hostile pages at made-up origins, and the requests that they cause."""

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
#: An empty page that records its messages; tests post from it.
MUTE = "<!doctype html><title>Stranger</title><script>window.heard = []; onmessage = (e) => heard.push(e.data)</script>"


def serve(where: Page | BrowserContext, url: str, html: str = MUTE, **headers: str) -> list[str]:
    """Serve a page at and below a URL; return the list of requested URLs, which grows."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=html, content_type="text/html", headers={"Content-Type": "text/html", **headers})

    where.route(re.compile(f"^{re.escape(url)}([/?].*)?$"), answer)
    return asked


def add_frame(visit: Visit, url: str) -> Frame:
    """Add a frame to the shop's page, next to that of the checkout."""
    visit.page.evaluate(
        """(url) => new Promise((done) => {
             const frame = Object.assign(document.createElement("iframe"), { src: url, onload: done, hidden: true });
             document.body.append(frame);
           })""",
        url,
    )
    return visit.frame(url)


def say(where: Frame | Page, message: Any, *, to: str = "parent", times: int = 1) -> None:
    """Post from a hostile page; `to` is a script for the receiving window."""
    where.evaluate(
        f"([message, times]) => {{ for (let i = 0; i < times; i++) ({to}).postMessage(message, '*'); }}",
        [message, times],
    )


class Asked:
    """The requests of a page and its frames to `.../state`, from now on."""

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
        """The bodies of the POSTs, oldest first."""
        return [each.post_data_json for each in self._requests if each.method == "POST"]


def reasons(visit: Visit, where: str = "") -> list[str]:
    """Return the reasons of rejected messages; `where` is "page" or "frame"."""
    return [each["reason"] for each in visit.events("rejected") if where in {"", each["where"]}]


def wait_until(visit: Visit, is_so: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        visit.page.wait_for_timeout(50)


def stay(visit: Visit) -> None:
    """Keep the page after a payment; otherwise it redirects, and its recorded events are lost."""
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
    """Open the checkout in a popup; return the popup with Henry's page in it."""
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
    started: dict[str, Any] = answer.json()
    return started


def reach_loopback(visit: Visit) -> None:
    """Let made-up pages of the wide web frame the shop, which runs on this machine; else browsers refuse for that."""
    visit.page.context.grant_permissions(["local-network-access"])


def storefront(visit: Visit, started: dict[str, Any]) -> None:
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
        """(started) => {
             const element = document.querySelector("henry-checkout");
             element.begin = async () => started;
             element.open();
           }""",
        started,
    )
