"""What a shopper does in the project of each how-to guide, in a real browser."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Route, expect

from tests.browser.conftest import pay
from tests.browser.test_inline import ADA, CARD
from tests.browser.test_ways import henrys_page
from tests.docs.project import PASSWORD, Project, quoted
from tests.support.workers import wait_until

Journey = Callable[[Project, Page], None]
COMPLETE = "Your order is complete"
REACT = Path(__file__).with_name("react.js")


def fill_cart(project: Project, page: Page, path: str) -> None:
    """Put the lantern into the cart, and open a page of the shop."""
    page.goto(f"{project.url}/")
    page.get_by_role("button", name="Add the lantern").click()
    page.goto(f"{project.url}{path}")


def press(page: Page, name: str) -> None:
    """Press a button after the script that enhances it has loaded."""
    page.wait_for_function(
        "!document.querySelector('henry-checkout') || Boolean(customElements.get('henry-checkout'))"
    )
    page.get_by_role("button", name=name, exact=True).click()


def sees(page: Page, text: str) -> None:
    expect(page.locator("body")).to_contain_text(text, timeout=40_000)


def rows(project: Project, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{project.folder / 'db.sqlite3'}?mode=ro", uri=True)) as file:
        return file.execute(sql).fetchall()


def hosted(project: Project, page: Page) -> None:
    thanks = re.compile(r"/thanks/[0-9A-Z]{26}/$")

    fill_cart(project, page, "/fragments/1/")
    press(page, "Checkout")
    page.wait_for_url(re.compile(rf"^{re.escape(project.sandbox_url)}/"))
    pay(page)
    page.wait_for_url(thanks)
    sees(page, COMPLETE)

    fill_cart(project, page, "/fragments/2/")
    with page.expect_popup() as opened:
        press(page, "Pay in a window")
    opened.value.wait_for_url(re.compile(rf"^{re.escape(project.sandbox_url)}/"))
    pay(opened.value)
    page.wait_for_url(thanks)

    fill_cart(project, page, "/fragments/3/")
    press(page, "Checkout")
    expect(page.get_by_role("dialog")).to_be_visible()
    pay(henrys_page(page))
    page.wait_for_url(thanks)

    fill_cart(project, page, "/fragments/4/")
    pay(henrys_page(page))
    page.wait_for_url(thanks)

    fill_cart(project, page, "/fragments/5/")
    expect(page.locator("button.pay")).to_have_text("Checkout")
    press(page, "Pay on your phone")
    expect(page.get_by_role("img").first).to_be_visible()

    page.context.clear_cookies()  # another shopper: the order above is not paid
    fill_cart(project, page, "/fragments/6/")
    press(page, "Pay now")
    page.wait_for_url(re.compile(rf"^{re.escape(project.sandbox_url)}/"))
    pay(page)
    page.wait_for_url(thanks)

    fill_cart(project, page, "/fragments/7/")
    press(page, "Checkout")
    expect(page.locator("#status")).to_contain_text("The checkout is")
    pay(henrys_page(page))
    expect(page.locator("#status")).to_contain_text("is paid.", timeout=20_000)
    assert page.url.endswith("/fragments/7/")


def inline(project: Project, page: Page) -> None:
    def at(step: str) -> None:
        expect(page.locator(f"[data-henry-inline][data-step={step}]")).to_be_visible()

    fill_cart(project, page, "/fragments/1/")
    press(page, "Go to the checkout")
    for label, value in ADA.items():
        page.get_by_label(label).fill(value)
    page.get_by_label("State").select_option("NY")
    press(page, "Continue")
    at("shipping")
    press(page, "Continue")
    at("card")
    frame = page.frame_locator("iframe")
    for name, value in CARD.items():
        frame.locator(f"[name={name}]").fill(value)
    frame.get_by_role("button", name="Use this card").click()
    at("review")
    page.get_by_role("button", name="Pay $").click()
    at("status")
    sees(page, COMPLETE)
    page.goto(page.url.replace("/pay/", "/pay/0"))
    sees(page, "Page not found")


def links(project: Project, page: Page) -> None:
    page.goto(f"{project.url}/poster/")
    picture = page.get_by_role("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.complete && picture.naturalWidth > 0")
    page.get_by_role("link", name="Scan this code").click()
    sees(page, "Harbour teapot")
    press(page, "Go to secure checkout")
    page.wait_for_url(re.compile(rf"^{re.escape(project.sandbox_url)}/"))
    pay(page)
    sees(page, COMPLETE)


def headless(project: Project, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/stub/react.js", lambda route: route.fulfill(path=REACT))
    page.route("**/shop/app.js", _bundled)

    buy_headless(project, page)
    assert rows(project, "SELECT user_id, customer_id FROM henry_checkout_cart") == [(None, None)]

    page.goto(f"{project.url}/admin/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")
    fill_cart(project, page, "/headless/")
    buy_headless(project, page)
    token = page.evaluate("document.body.dataset.customer")
    orders = page.evaluate(
        """async (token) => {
            const response = await fetch("/henry/api/v1/orders", { headers: { Authorization: `Bearer ${token}` } });
            return (await response.json()).orders;
        }""",
        token,
    )
    assert [order["status"] for order in orders] == ["completed"]
    assert errors == []


def buy_headless(project: Project, page: Page) -> None:
    page.goto(f"{project.url}/headless/")
    press(page, "Buy the teapot")
    sees(page, "Total ")
    frame = page.frame_locator("iframe")
    for name, value in CARD.items():
        frame.locator(f"[name={name}]").fill(value)
    frame.get_by_role("button", name="Use this card").click()
    expect(page.get_by_role("status")).to_have_text(re.compile(r"Order \S+: completed"), timeout=40_000)


def _bundled(route: Route) -> None:
    """Resolve `react` to the stub, as a bundler would."""
    response = route.fetch()
    body = re.sub(r'from "react(-dom/client)?"', 'from "/stub/react.js"', response.text())
    route.fulfill(response=response, body=body)


def templates_and_styling(project: Project, page: Page) -> None:
    fill_cart(project, page, "/fragments/1/")
    button = page.get_by_role("button", name="Pay securely")
    expect(button).to_have_class("button big")
    button.click()
    pay(henrys_page(page))
    sees(page, COMPLETE)
    sees(page, "Two good things")
    sees(page, "Questions? Write to hello@example.com.")
    accent = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--henry-accent').trim()"
    )
    assert accent == "#7a1f4b"

    path = project.run(
        'python manage.py shell --verbosity 0 --command "'
        "from django_henry_checkout import shop; from shop.views import PRODUCTS; "
        "print(shop.create_link(shop.create_cart([PRODUCTS['teapot']])).url)\""
    ).split()[-1]
    page.goto(f"{project.url}{path}")
    expect(page).to_have_title("A present for you")


def accounts(project: Project, page: Page) -> None:
    fill_cart(project, page, "/fragments/1/")
    sees(page, "This cart belongs to the account default.")
    press(page, "One more from the UK")
    sees(page, "1 × Harbour teapot")
    expect(page.locator("body")).not_to_contain_text("Camp lantern")
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)
    wait_until(
        lambda: "of uk is complete" in project.servers["henry_worker"].output(),
        seconds=20,
        what="the receiver's line",
    )


def adapter(project: Project, page: Page) -> None:
    page.goto(f"{project.url}/")
    for _ in range(6):
        page.get_by_role("button", name="Add the teapot").click()
        page.goto(f"{project.url}/")
    page.goto(f"{project.url}/fragments/1/")
    press(page, "Pay now")
    sees(page, "We sell up to five pieces per order.")

    page.context.clear_cookies()
    fill_cart(project, page, "/fragments/1/")
    press(page, "Pay now")
    page.wait_for_url(re.compile(rf"^{re.escape(project.sandbox_url)}/"))
    pay(page)
    sees(page, COMPLETE)
    ((number, metadata),) = rows(project, "SELECT number, metadata FROM henry_checkout_order")
    assert re.fullmatch(r"20\d\d-\w{5}-\w{5}", str(number))
    assert json.loads(str(metadata)) == {"campaign": "none"}
    assert project.run("python manage.py shell --verbosity 0 --command " + quoted(CHECK_ITEMS)).split() == [
        "Camp",
        "lantern",
        "refused",
    ]


#: Calls the hook that needs an untrusted client of the API.
CHECK_ITEMS = """
from django_henry_checkout import shop
from shop.henry import Adapter
from shop.views import PRODUCTS
item = shop.LineItem(link=PRODUCTS["lantern"].link, title="A bargain")
print(Adapter().check_items([item], None)[0].title)
try:
    Adapter().check_items([shop.LineItem(link="https://other.example/")], None)
except shop.InvalidItem:
    print("refused")
"""


def webhooks(project: Project, page: Page) -> None:
    fill_cart(project, page, "/cart/")
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)
    wait_until(
        lambda: ("done",) in rows(project, "SELECT status FROM henry_checkout_webhookmessage"),
        seconds=20,
        what="a webhook",
    )


def csp(project: Project, page: Page) -> None:
    violations: list[str] = []

    def record(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            violations.append(message.text)

    page.on("console", record)
    fill_cart(project, page, "/cart/")
    policy = page.request.get(f"{project.url}/cart/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)
    assert violations == []


def celery(project: Project, page: Page) -> None:
    fill_cart(project, page, "/cart/")
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)
    wait_until(
        lambda: "is complete: $" in project.servers[" worker"].output(),
        seconds=20,
        what="the receiver's line",
    )


def pci(project: Project, page: Page) -> None:
    fill_cart(project, page, "/fragments/1/")
    press(page, "Checkout")
    page.wait_for_url(re.compile(rf"^{re.escape(project.sandbox_url)}/"))


def buy(project: Project, page: Page) -> None:
    """Buy the lantern and wait until the order is complete."""
    fill_cart(project, page, "/cart/")
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)


def daily_operations(project: Project, page: Page) -> None:
    buy(project, page)
    page.goto(f"{project.url}/admin/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")
    page.goto(f"{project.url}/admin/henry_checkout/order/")
    expect(page.locator("#result_list")).to_contain_text("completed")
    expect(page.locator("#result_list")).not_to_contain_text("default")  # the account is not shown
    page.get_by_role("link", name="Needs attention").click()
    expect(page).to_have_title(re.compile("attention", re.IGNORECASE))
    page.goto(f"{project.url}/admin/auth/group/")
    sees(page, "Support")


def monitoring(project: Project, page: Page) -> None:
    buy(project, page)
    refused = page.request.get(f"{project.url}/metrics")
    assert refused.status == 404
    metrics = page.request.get(
        f"{project.url}/metrics", headers={"Authorization": "Bearer for-prometheus-only"}
    ).text()
    assert 'henry_lag_seconds{queue="polls"}' in metrics
    assert "henry_open_purchases 0.0" in metrics
    log = project.servers["henry_worker"].output()
    assert " INFO django_henry_checkout.gateway" in log
    assert "ada@example.com" not in log


def personal_data(project: Project, page: Page) -> None:
    buy(project, page)
    (stored,) = rows(project, "SELECT email, last_name FROM henry_checkout_orderbuyer")
    assert all(str(text).startswith("\x02encrypted:") for text in stored)
    exported = project.run("python manage.py henry_buyer export ADA@example.com")
    assert '"last_name": "Lovelace"' in exported
    project.run("python manage.py henry_buyer erase ada@example.com --yes")
    assert rows(project, "SELECT email FROM henry_checkout_orderbuyer") == []


def commands_only(project: Project, page: Page) -> None:
    """The commands of the page are the whole test."""


JOURNEYS: dict[str, Journey] = {
    "howto/accounts.md": accounts,
    "howto/adapter.md": adapter,
    "howto/celery.md": celery,
    "howto/csp.md": csp,
    "howto/daily-operations.md": daily_operations,
    "howto/going-live.md": commands_only,
    "howto/headless.md": headless,
    "howto/hosted.md": hosted,
    "howto/inline.md": inline,
    "howto/links.md": links,
    "howto/monitoring.md": monitoring,
    "howto/pci.md": pci,
    "howto/personal-data.md": personal_data,
    "howto/templates-and-styling.md": templates_and_styling,
    "howto/testing.md": commands_only,
    "howto/webhooks.md": webhooks,
}
