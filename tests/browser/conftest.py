from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Frame, FrameLocator, Page, sync_playwright

from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.shop import ROOT

IS_SCALED = os.environ.get("DEMO_SCALE") == "1"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: What a person writes into Henry's page.
WHO = {
    "email": "ada@example.com",
    "phone": "+1 212 555 0123",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "line1": "1 Main Street",
    "city": "New York",
    "province": "NY",
    "postal_code": "10001",
    "card_number": "4242 4242 4242 4242",
    "card_expiry": "12 / 34",
    "card_cvc": "123",
    "card_name": "Ada Lovelace",
}


class Demo:
    """The example shop as `make demo` runs it: shop, sandbox and worker in processes of their own.

    With DEMO_SCALE=1 it is that of `make demo-scale`: PostgreSQL, Redis, gunicorn, Celery workers and beat.
    `elsewhere` is the address of the second storefront, on another site; `database` a file, or PostgreSQL's URL.
    """

    def __init__(self, url: str, sandbox: Sandbox, database: str, *, elsewhere: str) -> None:
        self.url = url
        self.sandbox = sandbox
        self.elsewhere = elsewhere
        self._database = database

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if IS_SCALED:
            with psycopg.connect(self._database) as connection:
                return connection.execute(sql.encode()).fetchall()
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=20)) as file:
            return file.execute(sql).fetchall()


def free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _probe in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert found, "Chromium is missing: `make test` installs it."
    return found


def pay(where: Page | Frame | FrameLocator, *, card: str = WHO["card_number"]) -> None:
    """Fill in Henry's page, in a frame or a window of its own, and press Pay."""
    for name, value in {**WHO, "card_number": card}.items():
        where.locator(f'[name="{name}"]').fill(value)
    where.get_by_role("button", name=re.compile("^pay", re.IGNORECASE)).click()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    web, sandbox, elsewhere = free_ports(3)
    folder = tmp_path_factory.mktemp("demo")
    environment = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "KEEP"}}
    environment |= {"WEB_PORT": str(web), "SANDBOX_PORT": str(sandbox), "ELSEWHERE_PORT": str(elsewhere)}
    environment["DEMO_FOLDER"] = str(folder)
    command = [sys.executable, str(ROOT / "scripts" / ("demo_scale.py" if IS_SCALED else "demo.py"))]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if re.match(rf"Shop ready: http://127\.0\.0\.1:{web}/$", line):
                break
        else:
            pytest.fail(f"The demo did not start: {''.join(said)}")
        reader = threading.Thread(target=said.extend, args=(process.stdout,), daemon=True)
        reader.start()
        yield Demo(
            f"http://127.0.0.1:{web}",
            Sandbox(f"http://127.0.0.1:{sandbox}"),
            _database_of(said) if IS_SCALED else str(folder / "shop.sqlite3"),
            elsewhere=f"http://localhost:{elsewhere}",
        )
    finally:
        process.terminate()
        assert process.wait(60) == 0, "".join(said[-50:])
        reader.join(10)
        process.stdout.close()


def _database_of(said: list[str]) -> str:
    (found,) = re.findall(r"^Database ready: (\S+)$", "".join(said), re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # For one module at a time: its driver keeps an event loop in this thread, which others would stumble over.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


@pytest.fixture
def page_without_scripts(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()
