"""Who may open the wrapper page, and what proves a payment to a server: row 9, and receipts."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from uuid import uuid4

import jwt
import pytest
import requests
from playwright.sync_api import Frame, Page

from tests.browser.bridge.conftest import Shop, Visit
from tests.browser.bridge.hostile import (
    add_frame,
    begin,
    interactive,
    reach_loopback,
    reasons,
    serve,
    storefront,
    wait_until,
    write,
)
from tests.browser.conftest import pay

pytestmark = pytest.mark.browser

#: Greets the wrapper as the shop's page does, with its own port, and records the notes in `heard`.
GREET = """([frame, more]) => {
  const { port1, port2 } = new MessageChannel();
  window.heard = [];
  port1.onmessage = ({ data }) => window.heard.push(data);
  const hello = { henry: 1, type: "hello", version: 1, nonce: "0".repeat(32), follows: true, ...more };
  document.querySelector(frame).contentWindow.postMessage(hello, "*", more.ports === 0 ? [] : [port2]);
}"""


def request_page(url: str, *, method: str = "GET", **headers: str) -> requests.Response:
    """Ask for the wrapper as a browser does for a frame, unless the headers say otherwise."""
    return requests.request(
        method, url, headers={"Sec-Fetch-Dest": "iframe", **headers}, timeout=20, allow_redirects=False
    )


def is_open(answer: requests.Response) -> bool:
    return answer.status_code == 200 and "data-henry-wrapper" in answer.text


def ticket(shop: Shop, *, of: str = "") -> str:
    """The address of the wrapper of a fresh checkout, for pages of the shop or of another origin."""
    url = begin(shop, frame_origin=of or shop.url)["frameUrl"]
    assert isinstance(url, str)
    return url


def embed(page: Page, url: str, frame_url: str) -> None:
    """Open a made-up page that shows a frame."""
    serve(page, url, f"<!doctype html><title>Shop</title><iframe id=f src='{frame_url}'></iframe>")
    page.goto(url)


def child(page: Page) -> Frame:
    (frame,) = page.main_frame.child_frames
    return frame


# Row 9: the handshake ------------------------------------------------------------------------


def test_row_9_a_second_hello_is_refused_and_the_first_port_stays(visit: Visit) -> None:
    henry = interactive(visit)
    visit.page.wait_for_timeout(1100)  # the wrapper reports rejections once a second
    visit.page.evaluate(GREET, ["iframe.henry-payment", {}])
    wait_until(visit, lambda: reasons(visit, "frame") == ["second_hello"])
    assert visit.page.evaluate("window.heard") == []
    pay(henry)
    assert visit.wait_for("complete")["outcome"] == "completed"
    assert visit.page.evaluate("window.heard") == []


def test_row_9_a_hello_in_another_shape_opens_nothing(visit: Visit) -> None:
    url = ticket(visit.shop)
    visit.open()
    wrapper = add_frame(visit, url)
    visit.page.evaluate("document.body.lastElementChild.id = 'stolen'")
    odd: list[dict[str, Any]] = [{"henry": 2}, {"version": 2}, {"type": "ready"}, {"nonce": "0" * 31}]
    for more in [*odd, {"nonce": "0" * 33}, {"nonce": None}, {"ports": 0}]:
        visit.page.evaluate(GREET, ["#stolen", more])
        visit.page.wait_for_timeout(100)
        assert (more, visit.page.evaluate("window.heard")) == (more, [])
    visit.page.evaluate(GREET, ["#stolen", {}])  # and the right one still finds it free
    visit.page.wait_for_function("window.heard.length > 0")
    assert visit.page.evaluate("window.heard[0].method") == "welcome"
    assert wrapper.url == url


def test_row_9_a_hello_from_another_origin_than_the_tickets_is_refused(visit: Visit) -> None:
    """`'self'` may frame the wrapper, but this ticket was made for a page elsewhere."""
    url = ticket(visit.shop, of=visit.shop.elsewhere)
    visit.open()
    add_frame(visit, url)
    visit.page.evaluate("document.body.lastElementChild.id = 'stolen'")
    visit.page.evaluate("window.posted = []; addEventListener('message', (event) => posted.push(event.data))")
    visit.page.evaluate(GREET, ["#stolen", {}])
    visit.page.wait_for_timeout(1000)
    assert visit.page.evaluate("window.heard") == []
    assert (
        visit.page.evaluate("window.posted") == []
    )  # nor does it receive what is for the ticket's page only


# Row 9: tickets ------------------------------------------------------------------------------


def test_row_9_a_storefront_that_the_ticket_is_for_may_show_it(visit: Visit) -> None:
    storefront(visit, begin(visit.shop, frame_origin=visit.shop.elsewhere))
    visit.wait_state("interactive")
    pay(visit.henry())
    done = visit.wait_for("complete")
    assert done["outcome"] == "completed"
    assert jwt.decode(done["receipt"], options={"verify_signature": False})["aud"] == visit.shop.elsewhere


@pytest.mark.parametrize("thief", ["https://not-listed.example", "https://elsewhere.example"])
def test_row_9_a_stolen_ticket_shows_nothing_on_another_site(visit: Visit, thief: str) -> None:
    """A ticket is for the page of one origin: not for strangers, and not for another storefront that is listed."""
    reach_loopback(visit)
    failures: list[str] = []
    visit.page.on("requestfailed", lambda request: failures.append(str(request.failure)))
    url = ticket(visit.shop)
    embed(visit.page, f"{thief}/steal", url)
    wait_until(visit, lambda: child(visit.page).url.startswith("chrome-error:"))
    assert failures == ["net::ERR_BLOCKED_BY_RESPONSE"]
    carts = [row for row in visit.shop.sandbox.requests() if row["path"].startswith("/cart/")]
    assert all(not row["userAgent"].startswith("Mozilla") for row in carts)  # the payment page was not shown
    assert not is_open(request_page(url))  # it is burnt: whom it was stolen from starts again


def test_row_9_an_origin_that_is_not_listed_gets_no_ticket(shop: Shop) -> None:
    cart = requests.post(
        f"{shop.url}/henry/api/v1/cart",
        json={
            "items": [
                {
                    "link": "https://alpine.example/products/boots",
                    "title": "Honey",
                    "quantity": 1,
                    "unitPrice": {"value": "100.00", "currency": "USD"},
                }
            ]
        },
        timeout=20,
    ).json()
    for origin in (
        "https://not-listed.example",
        "https://elsewhere.example.evil.test",
        "http://elsewhere.example",
        "https://elsewhere.example:8443",
        "https://sub.elsewhere.example",
        "https://elsewhere.example/page",
        "null",
        "*",
        "https://elsewhere.example *",
        "https://elsewhere.example; script-src *",
    ):
        answer = requests.post(
            f"{shop.url}/henry/api/v1/cart/checkout",
            json={"cartId": cart["cartId"], "frameOrigin": origin},
            headers={"X-Session-Token": cart["sessionToken"]},
            timeout=20,
        )
        assert (origin, answer.ok) == (origin, False)
        assert 400 <= answer.status_code < 500


def test_row_9_a_ticket_opens_once(shop: Shop) -> None:
    url = ticket(shop)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(request_page, [url] * 4))
    assert sorted(is_open(each) for each in answers) == [False, False, False, True]
    assert not is_open(request_page(url))


def test_row_9_a_ticket_expires(shop: Shop) -> None:
    started = begin(shop, frame_origin=shop.url)
    number = started["orderNumber"]
    write(
        shop,
        "UPDATE henry_checkout_checkoutsession SET created_at = datetime('now', '-301 seconds') WHERE order_id = "
        "(SELECT id FROM henry_checkout_order WHERE number = ?)",
        number,
    )
    answer = request_page(started["frameUrl"])
    assert (answer.status_code, is_open(answer)) == (404, False)
    write(
        shop,
        "UPDATE henry_checkout_checkoutsession SET created_at = datetime('now', '-270 seconds') WHERE order_id = "
        "(SELECT id FROM henry_checkout_order WHERE number = ?)",
        number,
    )
    assert is_open(request_page(started["frameUrl"]))  # so its age was the reason


def test_row_9_looking_ahead_does_not_use_a_ticket_up(shop: Shop) -> None:
    url = ticket(shop)
    ahead = [
        request_page(url, method="HEAD"),
        request_page(url, **{"Sec-Purpose": "prefetch"}),
        request_page(url, **{"Sec-Purpose": "prefetch;prerender"}),
        request_page(url, **{"Sec-Fetch-Dest": "document"}),
        request_page(url, **{"Sec-Fetch-Dest": "empty"}),
        request_page(url, **{"Sec-Fetch-Dest": "object"}),
        request_page(url, method="POST"),
    ]
    assert [each.status_code for each in ahead] == [404, 404, 404, 404, 404, 404, 403]
    assert is_open(request_page(url))


def test_row_9_a_ticket_is_no_page_of_its_own_and_stays_good(visit: Visit) -> None:
    url = ticket(visit.shop)
    answer = visit.page.goto(url)
    assert answer is not None
    assert answer.status == 404
    assert visit.page.locator("[data-henry-wrapper]").count() == 0
    visit.open()
    visit.page.evaluate(
        "url => document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href: url }))",
        url,
    )
    visit.page.evaluate("url => fetch(url).then((answer) => answer.text())", url)
    assert add_frame(visit, url).locator("[data-henry-wrapper]").count() == 1


def test_row_9_a_ticket_is_not_a_token(shop: Shop) -> None:
    """The URL of the frame gives access to neither the state nor the payment."""
    started = begin(shop, frame_origin=shop.url)
    secret = started["frameUrl"].rpartition("/")[2]
    of_ticket = started["payUrl"].replace(started["sessionToken"], secret)
    assert of_ticket != started["payUrl"]
    for url in (of_ticket, f"{of_ticket}/state", f"{of_ticket}/completed", f"{of_ticket}/canceled"):
        assert requests.get(url, timeout=20).status_code == 404
    assert is_open(request_page(started["frameUrl"]))


def test_row_9_the_wrapper_says_what_it_needs_and_no_more(shop: Shop) -> None:
    answer = request_page(ticket(shop, of=shop.elsewhere))
    policy = dict(
        each.strip().partition(" ")[::2] for each in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == f"'self' {shop.elsewhere}"
    assert policy["frame-src"] == f"'self' {shop.sandbox.url}"
    assert re.fullmatch(r"'nonce-[\w-]{22}'", policy["script-src"])
    assert (policy["connect-src"], policy["base-uri"], policy["form-action"]) == (
        "'self'",
        "'none'",
        "'self'",
    )
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]


# Receipts ------------------------------------------------------------------------------------


def api_key(shop: Shop) -> str:
    """Make a key of a trusted server, as `create_api_key` does in the shop's own process."""
    key = f"hck_{uuid4().hex}"
    write(
        shop,
        "INSERT INTO henry_checkout_apikey (public_id, name, account, key_hash, hint, created_at) "
        "VALUES (?, 'test', 'default', ?, 'hck_test', datetime('now'))",
        uuid4().hex,
        sha256(key.encode()).hexdigest(),
    )
    return key


def part(of: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(of).encode()).rstrip(b"=").decode()


def forged(real: str, shop: Shop) -> dict[str, str]:
    """The receipt as others might have it."""
    head, body, signature = real.split(".")
    claims = jwt.decode(real, options={"verify_signature": False})
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return {
        "a bit of the signature": f"{head}.{body}.{flipped}",
        "another status": f"{head}.{part({**claims, 'status': 'completed', 'version': 99})}.{signature}",
        "another audience": f"{head}.{part({**claims, 'aud': shop.elsewhere})}.{signature}",
        "no algorithm": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "no algorithm but a signature": f"{part({'alg': 'none'})}.{body}.{signature}",
        "another algorithm": f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{body}.{signature}",
        "signed by somebody": jwt.encode(claims, "0" * 32, algorithm="HS256"),
        "signed with the secret key itself": jwt.encode(
            claims, "only-for-tests".ljust(32, "\0"), algorithm="HS256"
        ),
        "no signature": f"{head}.{body}",
        "nothing": "..",
        "garbage": "x" * 4_000,
    }


@pytest.mark.filterwarnings("ignore:The HMAC key is")
def test_a_receipt_holds_for_a_server_and_a_forged_one_does_not(visit: Visit) -> None:
    henry = interactive(visit)
    pay(henry)
    done = visit.wait_for("complete")
    key = {"Authorization": f"Api-Key {api_key(visit.shop)}"}
    url = f"{visit.shop.url}/henry/api/v1/checkout/receipt"

    def verify(receipt: str, origin: str = visit.shop.url) -> requests.Response:
        return requests.post(url, json={"receipt": receipt, "origin": origin}, headers=key, timeout=20)

    real = verify(done["receipt"])
    assert real.status_code == 200, real.text
    assert real.json()["orderId"] == done["orderId"]
    assert real.json()["receipt"]["sessionId"] == done["sessionId"]
    for how, receipt in forged(done["receipt"], visit.shop).items():
        answer = verify(receipt)
        assert (how, answer.status_code // 100) == (how, 4)
        assert "orderStatus" not in answer.text
    for audience in (visit.shop.elsewhere, "https://evil.example", "*", "null"):
        assert verify(done["receipt"], audience).status_code // 100 == 4
    unauthenticated = requests.post(
        url, json={"receipt": done["receipt"], "origin": "https://evil.example"}, timeout=20
    )
    assert unauthenticated.status_code // 100 == 4
