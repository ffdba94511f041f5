"""What a shopper does with the project of each how-to guide, in a real browser."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import pay
from tests.browser.test_inline import ADA, CARD
from tests.browser.test_ways import henrys_page
from tests.docs.project import PASSWORD, Project
from tests.support.workers import wait_until

Journey = Callable[[Project, Page], None]
COMPLETE = "Your order is complete"
REACT = Path(__file__).with_name("react.js")


def fill_cart(project: Project, page: Page, path: str) -> None:
    """Put the lantern into the cart, and go to a page of the shop."""
    page.goto(f"{project.url}/")
    page.get_by_role("button", name="Add the lantern").click()
    page.goto(f"{project.url}{path}")


def press(page: Page, name: str) -> None:
    """Press a button, once the scripts are there that make it better."""
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

    fill_cart(project, page, "/fragments/6/")
    press(page, "Checkout")
    expect(page.locator("#said")).to_contain_text("The checkout is")
    pay(henrys_page(page))
    expect(page.locator("#said")).to_contain_text("is paid.", timeout=20_000)
    assert page.url.endswith("/fragments/6/")


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
    page.route("**/stand-in/react.js", lambda route: route.fulfill(path=REACT))
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
            const answer = await fetch("/henry/api/v1/orders", { headers: { Authorization: `Bearer ${token}` } });
            return (await answer.json()).orders;
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
    """Say where `react` is, as a bundler would."""
    answer = route.fetch()
    body = re.sub(r'from "react(-dom/client)?"', 'from "/stand-in/react.js"', answer.text())
    route.fulfill(response=answer, body=body)


def looks(project: Project, page: Page) -> None:
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

    said = project.run(
        'python manage.py shell --verbosity 0 --command "'
        "from django_henry_checkout.flows.cart.carts import add_item, create_cart; "
        "from django_henry_checkout.flows.cart.templates import make_template; from shop.views import PRODUCTS; "
        "cart = create_cart(); add_item(cart, PRODUCTS['teapot']); make_template(cart); print(cart.ulid)\""
    )
    page.goto(f"{project.url}/henry/c/{said.split()[-1]}")
    expect(page).to_have_title("A present for you")


def accounts(project: Project, page: Page) -> None:
    fill_cart(project, page, "/fragments/1/")
    sees(page, "You pay by the account default.")
    press(page, "One more from the UK")
    sees(page, "1 × Harbour teapot")
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)
    wait_until(
        lambda: "of uk is complete" in project.servers["henry_worker"].said(), seconds=20, what="the line"
    )


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
    refused: list[str] = []
    page.on(
        "console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None
    )
    fill_cart(project, page, "/cart/")
    policy = page.request.get(f"{project.url}/cart/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)
    assert refused == []


def celery(project: Project, page: Page) -> None:
    fill_cart(project, page, "/cart/")
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)
    wait_until(lambda: "is complete: $" in project.servers[" worker"].said(), seconds=20, what="the line")


def pci(project: Project, page: Page) -> None:
    fill_cart(project, page, "/fragments/1/")
    press(page, "Checkout")
    page.wait_for_url(re.compile(rf"^{re.escape(project.sandbox_url)}/"))


def buy(project: Project, page: Page) -> None:
    """Buy the lantern, and wait until the order is complete."""
    fill_cart(project, page, "/cart/")
    press(page, "Checkout")
    pay(henrys_page(page))
    sees(page, COMPLETE)


def running(project: Project, page: Page) -> None:
    buy(project, page)
    page.goto(f"{project.url}/admin/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")
    page.goto(f"{project.url}/admin/henry_checkout/order/")
    expect(page.locator("#result_list")).to_contain_text("completed")
    expect(page.locator("#result_list")).not_to_contain_text("default")  # the account is not shown
    page.get_by_role("link", name="Needs attention").click()
    sees(page, "Nothing waits for a person.")
    page.goto(f"{project.url}/admin/auth/group/")
    sees(page, "Support")


def observability(project: Project, page: Page) -> None:
    buy(project, page)
    refused = page.request.get(f"{project.url}/metrics")
    assert refused.status == 404
    told = page.request.get(
        f"{project.url}/metrics", headers={"Authorization": "Bearer for-prometheus-only"}
    ).text()
    assert 'henry_lag_seconds{queue="polls"}' in told
    assert "henry_open_purchases 0.0" in told
    said = project.servers["henry_worker"].said()
    assert " INFO django_henry_checkout.gateway" in said
    assert "ada@example.com" not in said


def privacy(project: Project, page: Page) -> None:
    buy(project, page)
    (stored,) = rows(project, "SELECT email, last_name FROM henry_checkout_orderbuyer")
    assert all(str(text).startswith("\x02encrypted:") for text in stored)
    told = project.run("python manage.py henry_buyer export ADA@example.com")
    assert '"last_name": "Lovelace"' in told
    project.run("python manage.py henry_buyer erase ada@example.com --yes")
    assert rows(project, "SELECT email FROM henry_checkout_orderbuyer") == []


def commands_only(project: Project, page: Page) -> None:
    """The page's commands have shown all there is to see."""


JOURNEYS: dict[str, Journey] = {
    "celery.md": celery,
    "howto/accounts.md": accounts,
    "howto/csp.md": csp,
    "howto/going-live.md": commands_only,
    "howto/headless.md": headless,
    "howto/hosted.md": hosted,
    "howto/inline.md": inline,
    "howto/links.md": links,
    "howto/looks.md": looks,
    "howto/observability.md": observability,
    "howto/pci.md": pci,
    "howto/privacy.md": privacy,
    "howto/running.md": running,
    "howto/testing.md": commands_only,
    "howto/webhooks.md": webhooks,
}
