"""A person at work in Chromium: finds what needs attention, decides it, and is named for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, Page, expect

from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.models import Delivery, Event, Order, Purchase
from django_henry_checkout.testing.builders import build_cart
from django_henry_checkout.testing.sandbox import Sandbox
from tests.browser.conftest import browser
from tests.support.orders import dead_delivery, doubtful_order, overdue, partial_order, settle, stuck_order

__all__ = ["browser"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Iterator[None]:
    """Playwright keeps an event loop in this thread, where Django would refuse to use the database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def operator(browser: Browser, live_server: Any, sandbox: Sandbox) -> Iterator[Page]:
    """A page of somebody who has signed in by the admin's own form."""
    get_user_model().objects.create_superuser("grace", password="hopper")
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto("/admin/login/?next=/admin/henry_checkout/order/attention/")
    page.fill("[name=username]", "grace")
    page.fill("[name=password]", "hopper")
    page.click("[type=submit]")
    yield page
    context.close()


def told(order: Order) -> list[tuple[str, str]]:
    """What a person did to an order."""
    return list(
        Event.objects.filter(order=order, source="staff:grace")
        .order_by("sequence")
        .values_list("type", "source")
    )


def open_from_attention(page: Page, section: str, name: str) -> None:
    page.goto("/admin/henry_checkout/order/attention/")
    page.locator("section", has=page.get_by_role("heading", name=re.compile(f"^{section}"))).get_by_role(
        "link", name=name
    ).first.click()


def do(page: Page, deed: str, *, note: str = "") -> None:
    page.get_by_role("link", name=deed, exact=True).first.click()
    if note:
        page.get_by_label("Note").fill(note)
    page.get_by_role("button", name=deed).click()


def test_a_purchase_in_doubt_that_henry_never_had(operator: Page, sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox)
    open_from_attention(operator, "In doubt", order.number)
    do(operator, "Nothing was bought: allow another attempt", note="Henry's support has no such order")
    expect(operator.get_by_text("The order is open for another attempt.")).to_be_visible()
    expect(operator.get_by_text("Henry's support has no such order")).to_be_visible()
    assert told(order)[0][0] == "purchase_not_bought"
    assert list(Purchase.objects.filter(order=order).values_list("status", flat=True)) == ["abandoned"]
    assert sandbox.orders() == []


def test_a_purchase_in_doubt_that_henry_has(operator: Page, sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox, is_bought=True)
    (bought,) = sandbox.orders()
    open_from_attention(operator, "In doubt", order.number)
    operator.get_by_role("link", name="It was bought: enter the refId").click()
    operator.get_by_label("refId at Henry").fill("ckp-ref_nobody")
    operator.get_by_role("button", name="Look it up at Henry").click()
    expect(operator.locator(".errorlist")).to_be_visible()
    operator.get_by_label("refId at Henry").fill(f" {bought['refId']} ")
    operator.get_by_role("button", name="Look it up at Henry").click()
    expect(operator.get_by_role("heading", name="What Henry says about it")).to_be_visible()
    assert Purchase.objects.get(order=order).ref_id == ""
    operator.get_by_role("button", name="It was bought: enter the refId").click()
    expect(operator.get_by_text(f"followed as {bought['refId']}")).to_be_visible()
    settle(sandbox)
    order.refresh_from_db()
    assert (order.status, len(sandbox.orders())) == ("completed", 1)
    assert ("purchase_found_by_staff", "staff:grace") in told(order)


def test_a_stuck_purchase_that_henry_has_finished_by_now(operator: Page, sandbox: Sandbox) -> None:
    order = stuck_order(sandbox)
    sandbox.advance(7200)
    open_from_attention(operator, "Stuck", order.number)
    do(operator, "Ask Henry now")
    expect(operator.get_by_text("Henry was asked: there was news.")).to_be_visible()
    do(operator, "Mark as reviewed", note="It was only slow")
    expect(operator.get_by_text("The order was marked as reviewed.")).to_be_visible()
    order.refresh_from_db()
    assert (order.status, order.needs_review) == ("completed", False)
    assert {"purchase_polled", "order_reviewed"} <= {kind for kind, _source in told(order)}


def test_an_order_that_was_partly_completed(operator: Page, sandbox: Sandbox) -> None:
    order = partial_order(sandbox)
    open_from_attention(operator, "Partly completed", order.number)
    expect(operator.get_by_text("could not be bought").first).to_be_visible()
    do(operator, "Mark as reviewed", note="Wrote to the buyer")
    expect(operator.get_by_text("The order was marked as reviewed.")).to_be_visible()
    assert told(order) == [("order_reviewed", "staff:grace")]
    operator.goto("/admin/henry_checkout/order/attention/")
    expect(operator.get_by_text(order.number)).to_have_count(0)


def test_a_dead_receiver(operator: Page, sandbox: Sandbox) -> None:
    delivery = dead_delivery(sandbox)
    open_from_attention(operator, "Parked receivers", delivery.receiver)
    do(operator, "Run again")
    expect(operator.get_by_text(f"{delivery.receiver} will run again.")).to_be_visible()
    settle(sandbox)
    assert Delivery.objects.get(pk=delivery.pk).status == "done"
    assert told(delivery.order) == [("delivery_resumed", "staff:grace")]


def test_a_link_that_is_revoked(operator: Page, sandbox: Sandbox) -> None:
    link = make_template(build_cart())
    operator.goto(f"/admin/henry_checkout/templatelink/{link.pk}/change/")
    picture = operator.locator("img.hc-qr")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    operator.goto("/admin/henry_checkout/templatelink/")
    operator.locator("input.action-select").check()
    operator.select_option("[name=action]", label="Close these links for good")
    operator.get_by_role("button", name=re.compile("^(Go|Run)")).click()
    expect(operator.get_by_text("1 link was closed.")).to_be_visible()
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.object_id) == ("grace", str(link.pk))
    answer = operator.goto(f"/henry/c/{link.cart.ulid}")
    assert answer is not None
    assert answer.status == 410


def test_the_order_as_it_was(operator: Page, sandbox: Sandbox) -> None:
    order = partial_order(sandbox)
    operator.goto(f"/admin/henry_checkout/order/{order.pk}/change/?at=1")
    expect(operator.get_by_text("As it was after event 1")).to_be_visible()
    head = operator.locator(".hc-head .hc-badge")
    expect(head).to_have_text("waiting for payment")
    expect(
        operator.locator("section", has=operator.locator("#hc-lines")).locator(".hc-badge").first
    ).to_have_text("waiting")
    operator.get_by_role("link", name="Back to now").click()
    expect(head).to_have_text("partly completed")


def test_a_stuck_order_that_is_given_up(operator: Page, sandbox: Sandbox) -> None:
    order = stuck_order(sandbox)
    operator.goto(f"/admin/henry_checkout/order/{order.pk}/change/")
    do(operator, "Cancel the order", note="Henry says that it never went through")
    expect(operator.get_by_text("The order was canceled.")).to_be_visible()
    overdue(order)
    settle(sandbox)
    order.refresh_from_db()
    assert (order.status, Purchase.objects.get(order=order).status) == ("canceled", "cancelled")
