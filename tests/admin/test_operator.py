"""Staff resolve what needs attention, in Chromium; each action is recorded with their name."""

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
def _database_with_browser() -> Iterator[None]:
    """Allow database calls in this thread, where Playwright runs an event loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def operator(browser: Browser, live_server: Any, sandbox: Sandbox) -> Iterator[Page]:
    """Return a page of a superuser who has signed in."""
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


def staff_events(order: Order) -> list[tuple[str, str]]:
    """Return the events that the operator caused."""
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


def run_action(page: Page, label: str, *, note: str = "") -> None:
    page.get_by_role("link", name=label, exact=True).first.click()
    if note:
        page.get_by_label("Note").fill(note)
    page.get_by_role("button", name=label).click()


def test_a_purchase_in_doubt_that_henry_never_received(operator: Page, sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox)
    open_from_attention(operator, "In doubt", order.number)
    run_action(
        operator, "Nothing was bought: allow another attempt", note="Henry's support has no such order"
    )
    expect(operator.get_by_text("The order is open for another attempt.")).to_be_visible()
    expect(operator.get_by_text("Henry's support has no such order")).to_be_visible()
    assert staff_events(order)[0][0] == "purchase_not_bought"
    assert list(Purchase.objects.filter(order=order).values_list("status", flat=True)) == ["abandoned"]
    assert sandbox.orders() == []


def test_a_purchase_in_doubt_that_henry_has(operator: Page, sandbox: Sandbox) -> None:
    order = doubtful_order(sandbox, is_bought=True)
    (bought,) = sandbox.orders()
    open_from_attention(operator, "In doubt", order.number)
    operator.get_by_role("link", name="It was bought: enter the refId").click()
    operator.get_by_label("refId at Henry").fill("ckp-ref_unknown")
    operator.get_by_role("button", name="Look it up at Henry").click()
    expect(operator.locator(".errorlist")).to_be_visible()
    operator.get_by_label("refId at Henry").fill(f" {bought['refId']} ")
    operator.get_by_role("button", name="Look it up at Henry").click()
    expect(operator.get_by_role("heading", name="What Henry reports")).to_be_visible()
    assert Purchase.objects.get(order=order).ref_id == ""
    operator.get_by_role("button", name="It was bought: enter the refId").click()
    expect(operator.get_by_text(f"followed as {bought['refId']}")).to_be_visible()
    settle(sandbox)
    order.refresh_from_db()
    assert (order.status, len(sandbox.orders())) == ("completed", 1)
    assert ("purchase_found_by_staff", "staff:grace") in staff_events(order)


def test_a_stuck_purchase_that_henry_has_finished(operator: Page, sandbox: Sandbox) -> None:
    order = stuck_order(sandbox)
    sandbox.advance(7200)
    open_from_attention(operator, "Stuck", order.number)
    run_action(operator, "Check status now")
    expect(operator.get_by_text("Status checked: updated.")).to_be_visible()
    run_action(operator, "Mark as reviewed", note="Only slow")
    expect(operator.get_by_text("The order was marked as reviewed.")).to_be_visible()
    order.refresh_from_db()
    assert (order.status, order.needs_review) == ("completed", False)
    assert {"purchase_polled", "order_reviewed"} <= {kind for kind, _source in staff_events(order)}


def test_an_order_that_was_partly_completed(operator: Page, sandbox: Sandbox) -> None:
    order = partial_order(sandbox)
    open_from_attention(operator, "Partly completed", order.number)
    expect(operator.get_by_text("could not be bought").first).to_be_visible()
    run_action(operator, "Mark as reviewed", note="Wrote to the buyer")
    expect(operator.get_by_text("The order was marked as reviewed.")).to_be_visible()
    assert staff_events(order) == [("order_reviewed", "staff:grace")]
    operator.goto("/admin/henry_checkout/order/attention/")
    expect(operator.get_by_text(order.number)).to_have_count(0)


def test_a_dead_receiver(operator: Page, sandbox: Sandbox) -> None:
    delivery = dead_delivery(sandbox)
    operator.goto("/admin/henry_checkout/order/attention/")
    expect(operator.get_by_role("heading", name="Needs attention (1)")).to_be_visible()
    open_from_attention(operator, "Failed receivers", delivery.receiver)
    run_action(operator, "Run again")
    expect(operator.get_by_text(f"{delivery.receiver} will run again.")).to_be_visible()
    settle(sandbox)
    assert Delivery.objects.get(pk=delivery.pk).status == "done"
    assert staff_events(delivery.order) == [("delivery_resumed", "staff:grace")]


def test_a_link_that_is_revoked(operator: Page, sandbox: Sandbox) -> None:
    link = make_template(build_cart())
    operator.goto(f"/admin/henry_checkout/templatelink/{link.pk}/change/")
    image = operator.locator("img.hc-qr")
    expect(image).to_be_visible()
    assert image.evaluate("each => each.naturalWidth") > 0
    operator.goto("/admin/henry_checkout/templatelink/")
    operator.locator("input.action-select").check()
    operator.select_option("[name=action]", label="Close these links for good")
    operator.get_by_role("button", name=re.compile("^(Go|Run)")).click()
    expect(operator.get_by_text("1 link was closed.")).to_be_visible()
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.object_id) == ("grace", str(link.pk))
    response = operator.goto(f"/henry/c/{link.cart.ulid}")
    assert response is not None
    assert response.status == 410


def test_the_order_at_an_earlier_event(operator: Page, sandbox: Sandbox) -> None:
    order = partial_order(sandbox)
    operator.goto(f"/admin/henry_checkout/order/{order.pk}/change/?at=1")
    expect(operator.get_by_text("State after event 1")).to_be_visible()
    head = operator.locator(".hc-head .hc-badge")
    expect(head).to_have_text("waiting for payment")
    expect(
        operator.locator("section", has=operator.locator("#hc-lines")).locator(".hc-badge").first
    ).to_have_text("waiting")
    operator.get_by_role("link", name="Show the current state").click()
    expect(head).to_have_text("partly completed")


def test_a_stuck_order_that_is_canceled(operator: Page, sandbox: Sandbox) -> None:
    order = stuck_order(sandbox)
    operator.goto(f"/admin/henry_checkout/order/{order.pk}/change/")
    run_action(operator, "Cancel the order", note="Henry says that it never went through")
    expect(operator.get_by_text("The order was canceled.")).to_be_visible()
    overdue(order)
    settle(sandbox)
    order.refresh_from_db()
    assert (order.status, Purchase.objects.get(order=order).status) == ("canceled", "cancelled")
