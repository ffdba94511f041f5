"""The tutorial, step by step: from an empty folder and the released package to a completed order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import pay
from tests.browser.test_ways import henrys_page
from tests.docs.journeys import press
from tests.docs.project import PASSWORD, Project
from tests.support.workers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def test_the_tutorial(wheel: Path, empty_environment: Path, tmp_path: Path, page: Page) -> None:
    with Project(tmp_path / "project", empty_environment, wheel) as project:
        project.follow("tutorial.md")
        number = buy(page, project)
        worker = project.servers["henry_worker"]
        wait_until(
            lambda: f"Order {number} is complete: $" in worker.output(),
            seconds=30,
            what="the receiver's line",
        )
        look_into_the_admin(page, project, number)
        assert project.unused() == []


def buy(page: Page, project: Project) -> str:
    """Follow step 7 up to the worker's line; return the order's number."""
    page.goto(f"{project.url}/")
    press(page, "Add the lantern")
    expect(page.locator("body")).to_contain_text("1 × Camp lantern: $42.50")
    press(page, "Checkout")
    expect(page.get_by_role("dialog")).to_be_visible()
    pay(henrys_page(page))
    expect(page.locator("main")).to_contain_text("Your order is complete", timeout=40_000)
    found = re.search(r"\b[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}\b", page.inner_text("main"))
    assert found, page.inner_text("main")
    return found.group()


def look_into_the_admin(page: Page, project: Project, number: str) -> None:
    page.goto(f"{project.url}/admin/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Orders", exact=True).click()
    expect(page.get_by_role("row").filter(has_text=number)).to_contain_text("completed")
