"""Take the pictures of the docs: runs the demo on free ports, and Chromium in front of it.

    python scripts/screenshots.py              all of them
    python scripts/screenshots.py cart order   some

A new one is a row in PICTURES: its name, how to get there, and its size. Shoppers are new for each picture.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Frame, FrameLocator, Page, expect, sync_playwright
from services import find_chromium

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
MAX_BYTES = 400_000
READY_SECONDS = 60
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WHO = {
    "email": "ada@example.com",
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
INLINE = {
    "E-mail": "ada@example.com",
    "Phone": "(212) 555-0123",
    "First name": "Ada",
    "Last name": "Lovelace",
    "Street and number": "350 Fifth Avenue",
    "City": "New York",
    "ZIP code": "10118",
}


@dataclass
class Visit:
    """A shopper in front of the demo."""

    page: Page
    shop: str
    sandbox: str
    elsewhere: str

    def go(self, path: str) -> None:
        """Open a page of the shop."""
        self.page.goto(f"{self.shop}{path}")

    def put_into_cart(self, *slugs: str) -> None:
        """Fill the cart, and look at it."""
        for slug in slugs:
            self.go(f"/products/{slug}/")
            self.press("add to cart")
        self.go("/cart/")

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=re.compile(name, re.IGNORECASE)).click()

    def go_to_henry(self) -> None:
        """Press the cart's button."""
        self.press("checkout")
        self.page.wait_for_url(re.compile(rf"^{re.escape(self.sandbox)}/"))

    def pay(self) -> None:
        """Fill in Henry's page, and come back."""
        for name, value in WHO.items():
            self.page.locator(f'[name="{name}"]').fill(value)
        self.press("^pay")
        self.page.wait_for_url(re.compile(rf"^{re.escape(self.shop)}/orders/"))

    def says(self, text: str) -> None:
        """Wait for a text."""
        expect(self.page.locator("main")).to_contain_text(text, timeout=READY_SECONDS * 1000)

    def scenario(self, **scenario: object) -> None:
        """Say how the sandbox goes on."""
        answer = self.page.request.post(f"{self.sandbox}/__sandbox__/scenario", data=scenario)
        if not answer.ok:
            sys.exit(f"the sandbox refused: {answer.text()}")


def henrys_page(where: Page | Frame) -> FrameLocator:
    """Return Henry's page, in the wrapper, in the shop's page."""
    return where.frame_locator("iframe.henry-payment").frame_locator("iframe.henry-payment")


# How to reach each picture -------------------------------------------------------------------


def shop(visit: Visit) -> None:
    """The front page."""
    visit.go("/")


def cart(visit: Visit) -> None:
    """A cart with things of two makers."""
    visit.put_into_cart("shoreline-mug", "h1-headphones")


def hosted(visit: Visit) -> None:
    """Henry's page, as the sandbox draws it."""
    visit.put_into_cart("shoreline-mug", "shoreline-mug", "harbour-teapot", "summit-shell-jacket")
    visit.go_to_henry()


def order(visit: Visit) -> None:
    """An order that is complete."""
    cart(visit)
    visit.go_to_henry()
    visit.pay()
    visit.says("Your order is complete")
    visit.says("Receipt sent to")


def order_in_progress(visit: Visit) -> None:
    """An order that Henry is buying: the first item is there, the second is not."""
    visit.scenario(timing={"pendingSeconds": 1, "processingSeconds": 20})
    cart(visit)
    visit.go_to_henry()
    visit.pay()
    visit.says("We are buying")
    visit.says("Confirmation")


def dialog(visit: Visit) -> None:
    """Henry's page in a dialog."""
    visit.put_into_cart("summit-shell-jacket")
    visit.page.get_by_role("link", name="More ways to pay").click()
    visit.press("Pay here")
    expect(henrys_page(visit.page).locator("[name=email]")).to_be_visible()


def window(visit: Visit) -> None:
    """The page behind a payment window."""
    visit.put_into_cart("summit-shell-jacket")
    visit.page.get_by_role("link", name="More ways to pay").click()
    with visit.page.expect_popup():
        visit.press("In a new window")
    expect(visit.page.get_by_role("dialog")).to_contain_text("This page follows along.")


def elsewhere(visit: Visit) -> None:
    """A storefront on another site."""
    visit.page.goto(visit.elsewhere)
    visit.press("Buy the set")
    expect(henrys_page(visit.page).locator("[name=email]")).to_be_visible()


def inline(visit: Visit) -> None:
    """Choosing the delivery in the shop's own form."""
    visit.put_into_cart("summit-shell-jacket")
    visit.page.get_by_role("link", name="More ways to pay").click()
    visit.press("In our own form")
    for label, value in INLINE.items():
        visit.page.get_by_label(label).fill(value)
    visit.page.get_by_label("State").select_option("NY")
    visit.press("Continue")
    visit.says("How should it be sent?")


def admin_order(visit: Visit) -> None:
    """An order's story in the admin."""
    order(visit)
    visit.go("/admin/login/?next=/admin/henry_checkout/order/")
    for name in ("username", "password"):
        visit.page.locator(f"[name={name}]").fill("admin")
    visit.press("log in")
    visit.page.locator("#result_list a").first.click()
    expect(visit.page.get_by_role("heading", name="What happened")).to_be_visible()


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One file of docs/images: how to get there, and how large the window is."""

    name: str
    steps: Callable[[Visit], None]
    width: int = 1280
    height: int = 900
    is_dark: bool = False
    #: The whole page, however long; and so many dots for each pixel.
    whole: bool = False
    scale: int = 1


PICTURES = (
    Picture(name="shop", steps=shop),
    Picture(name="cart", steps=cart),
    Picture(name="hosted", steps=hosted, whole=True),
    Picture(name="order", steps=order),
    Picture(name="order-phone", steps=order_in_progress, width=390, height=844, whole=True, scale=2),
    Picture(name="dialog", steps=dialog, width=1180, height=820),
    Picture(name="window", steps=window, height=800, is_dark=True),
    Picture(name="elsewhere", steps=elsewhere, width=1180, height=820),
    Picture(name="admin-order", steps=admin_order, height=1000),
    Picture(name="inline-phone", steps=inline, width=390, height=844, is_dark=True, whole=True),
)


def take(picture: Picture, browser: Browser, demo: dict[str, str]) -> None:
    """Go there, and write the file."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=picture.scale,
        color_scheme="dark" if picture.is_dark else "light",
        reduced_motion="reduce",
        locale="en-US",
    )
    try:
        page = context.new_page()
        page.set_default_timeout(READY_SECONDS * 1000)
        visit = Visit(page, **demo)
        visit.scenario(timing={"pendingSeconds": 0, "processingSeconds": 1})
        picture.steps(visit)
        page.wait_for_load_state("networkidle")
        page.mouse.move(0, 0)
        file = IMAGES / f"{picture.name}.png"
        page.screenshot(path=file, full_page=picture.whole, animations="disabled", caret="hide")
    finally:
        context.close()
    size = file.stat().st_size
    if size > MAX_BYTES:
        sys.exit(f"{file.name} has {size:,} bytes; {MAX_BYTES:,} are allowed, because it is kept in git")
    print(f"{file.relative_to(ROOT)}: {size:,} bytes", flush=True)


@contextmanager
def running_demo() -> Iterator[dict[str, str]]:
    """Run `make demo` on free ports; yield its addresses."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _probe in range(3)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        web, sandbox, elsewhere = (probe.getsockname()[1] for probe in probes)
    with tempfile.TemporaryDirectory() as folder:
        ports = {"WEB_PORT": str(web), "SANDBOX_PORT": str(sandbox), "ELSEWHERE_PORT": str(elsewhere)}
        log = Path(folder) / "demo.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "scripts" / "demo.py")],
                cwd=ROOT,
                env={**os.environ, **ports, "DEMO_FOLDER": folder},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + READY_SECONDS
            while "Shop ready:" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"the demo did not start: {log.read_text()}")
                time.sleep(0.2)
            yield {
                "shop": f"http://127.0.0.1:{web}",
                "sandbox": f"http://127.0.0.1:{sandbox}",
                "elsewhere": f"http://localhost:{elsewhere}",
            }
        finally:
            process.terminate()
            process.wait(READY_SECONDS)


def main() -> None:
    """Take the requested pictures."""
    unknown = set(sys.argv[1:]) - {picture.name for picture in PICTURES}
    if unknown:
        sys.exit(f"there is no picture {', '.join(sorted(unknown))}")
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Chromium is missing: `python scripts/services.py ensure` installs it")
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)
        for picture in PICTURES:
            if not sys.argv[1:] or picture.name in sys.argv[1:]:
                take(picture, browser, demo)
        browser.close()


if __name__ == "__main__":
    main()
