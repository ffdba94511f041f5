from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Route

from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.browser.conftest import FLAGS, chromium, free_ports
from tests.support.shop import ROOT

NAMES = ("open", "state", "complete", "cancel", "error", "fallback", "rejected")
#: Added to every page before its own scripts: records the events of the element.
LISTEN = f"""
window.events = [];
for (const name of {list(NAMES)!r}) {{
  document.addEventListener(`henry:${{name}}`, (event) => window.events.push({{ name, ...event.detail }}));
}}
"""


@dataclass(frozen=True)
class Shop:
    """A live shop with a worker and a sandbox, each in its own process.

    `elsewhere` is an origin of another site whose pages may frame the checkout; tests serve it by routing.
    """

    url: str
    sandbox: Sandbox
    database: Path
    elsewhere: str = "https://elsewhere.example"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def orders(self) -> list[tuple[Any, ...]]:
        """The app's orders as (number, status), oldest first."""
        return self.rows("SELECT number, status FROM henry_checkout_order ORDER BY id")


@contextmanager
def _running(*command: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session", params=["v1"])
def _shop(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    database = tmp_path_factory.mktemp("bridge") / "shop.sqlite3"
    (port,) = free_ports(1)
    with running_sandbox() as sandbox:
        env = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        env |= {
            "DJANGO_SETTINGS_MODULE": "tests.browser.bridge.settings",
            "SANDBOX_URL": sandbox.url,
            "TEST_SQLITE_NAME": str(database),
            "FRAME_ANCESTORS": "https://elsewhere.example",
            "HENRY_API_VERSION": request.param,
            "PYTHONPATH": str(ROOT),
        }
        manage = ["-m", "django"]
        subprocess.run([sys.executable, *manage, "migrate", "--verbosity=0"], cwd=ROOT, env=env, check=True)
        with (
            _running(*manage, "runserver", "--noreload", f"127.0.0.1:{port}", env=env),
            _running(*manage, "henry_worker", env=env),
        ):
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            yield Shop(url, sandbox, database)


def _wait_for(url: str) -> None:
    for _try in range(300):
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{url} does not answer.")


@pytest.fixture
def shop(_shop: Shop) -> Shop:
    _shop.sandbox.reset()
    _shop.sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0})
    return _shop


class Visit:
    """A shopper's page of the shop, and the events of its element."""

    def __init__(self, page: Page, shop: Shop) -> None:
        self.page = page
        self.shop = shop
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, **query: str) -> None:
        self.page.goto(f"{self.shop.url}/?{'&'.join(f'{key}={value}' for key, value in query.items())}")
        self.page.wait_for_function("Boolean(customElements.get('henry-checkout'))")

    def debug(self) -> None:
        """Let the element report rejected messages."""
        self.page.evaluate(
            "document.querySelectorAll('henry-checkout').forEach(e => e.setAttribute('debug', ''))"
        )

    def press(self, name: str = "Checkout") -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def events(self, name: str = "") -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.page.evaluate("window.events")
        return [each for each in events if not name or each["name"] == name]

    def states(self) -> list[str]:
        return [each["state"] for each in self.events("state")]

    def wait_state(self, state: str, *, seconds: float = 15) -> None:
        self.page.wait_for_function(
            "state => window.events.some(each => each.name === 'state' && each.state === state)",
            arg=state,
            timeout=seconds * 1000,
        )

    def wait_for(self, name: str, *, seconds: float = 15) -> dict[str, Any]:
        self.page.wait_for_function(
            "name => window.events.some(each => each.name === name)", arg=name, timeout=seconds * 1000
        )
        return self.events(name)[-1]

    def frame(self, part: str, *, seconds: float = 15) -> Frame:
        """The frame whose address holds `part`, once it is there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [each for each in self.page.frames if part in each.url]
            if found:
                return found[-1]
            self.page.wait_for_timeout(50)
        raise AssertionError(f"no frame {part}: {[each.url for each in self.page.frames]}")

    def wrapper(self) -> Frame:
        return self.frame("/henry/frame/")

    def henry(self) -> Frame:
        return self.frame(f"{self.shop.sandbox.url}/cart/")


class Held:
    """Requests without a response for now."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def __call__(self, route: Route) -> None:
        self.routes.append(route)

    def let_go(self) -> None:
        for route in self.routes:
            route.continue_()


def change_wrapper(visit: Visit, name: str, value: str = "") -> None:
    """Set a `data-` attribute of the wrapper page before its script runs, as a setting of the shop would."""
    visit.page.context.add_init_script(
        f"""document.addEventListener("readystatechange", () => {{
          document.querySelector("[data-henry-wrapper]")?.setAttribute({f"data-{name}"!r}, {value!r});
        }}, {{ once: true }});"""
    )


def visit_in(context: BrowserContext, shop: Shop) -> Visit:
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.set_default_timeout(15_000)
    return Visit(page, shop)


@contextmanager
def visiting(browser: Browser, shop: Shop, **options: Any) -> Iterator[Visit]:
    """A shopper with a browser context of their own; `options` are its arguments."""
    context = browser.new_context(**options)
    try:
        yield visit_in(context, shop)
    finally:
        context.close()


@contextmanager
def chromium_without(flag: str, *, beside: Browser) -> Iterator[Browser]:
    """Another Chromium, without a flag that the driver sets: closer to a real one."""
    browser = beside.browser_type.launch(executable_path=chromium(), args=FLAGS, ignore_default_args=[flag])
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def visit(browser: Browser, shop: Shop) -> Iterator[Visit]:
    with visiting(browser, shop) as visit:
        yield visit


@pytest.fixture
def visits(browser: Browser, shop: Shop) -> Iterator[Callable[..., Visit]]:
    """Make shoppers with browsers of their own kind: arguments of a browser context."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(visiting(browser, shop, **options))
