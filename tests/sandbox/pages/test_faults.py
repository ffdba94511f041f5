"""Faults that strike the pages a shopper sees: hanging, failing, refusing the frame, leading elsewhere."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import MUG, Client
from tests.sandbox.pages.forms import Page

BANK = "https://bank.example/challenge?id=7"


def test_a_hanging_page_holds_up_nothing_else(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("delay", seconds=3, path="/cart/*")
    took: list[float] = []

    def open_page() -> None:
        client = Client(sandbox.url)
        started = time.monotonic()
        assert client.raw("GET", f"/cart/{cart_id}").status_code == 200
        took.append(time.monotonic() - started)
        client.session.close()

    hanging = threading.Thread(target=open_page)
    hanging.start()
    while not sandbox.control("scenario")["faults"][0]["used"]:
        time.sleep(0.02)
    started = time.monotonic()
    assert sandbox.raw("GET", f"/cart/{cart_id}").status_code == 200
    assert sandbox.api("GET", "/orders").status_code == 200
    sandbox.control("pay", {"cartId": cart_id})
    assert time.monotonic() - started < 2
    assert hanging.is_alive()
    hanging.join(10)
    assert took[0] >= 3


def test_a_page_may_hang_for_a_minute(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("delay", seconds=60, path="/cart/*")
    with pytest.raises(requests.ReadTimeout):
        sandbox.raw("GET", f"/cart/{cart_id}", timeout=0.3)


@pytest.mark.parametrize("path", ["/cart/*", "/elements/*", "*"])
def test_a_page_fails_with_a_status(sandbox: Client, path: str) -> None:
    sandbox.fault("status", status=500, path=path, times=0)
    address = "/elements/card" if path == "/elements/*" else f"/cart/{'crt_000000000000'}"
    assert sandbox.raw("GET", address).status_code == 500


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Frame-Options", "DENY"), ("content-security-policy", "frame-ancestors 'none'")],
)
def test_a_page_is_itself_with_other_headers(sandbox: Client, name: str, value: str) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("headers", path="/cart/*", headers={name: value, "X-Two": "2"})
    struck = Page(sandbox, cart_id)
    assert struck.response.status_code == 200
    assert "Shoreline Mug" in struck.text
    # One header, in the place of the page's own.
    assert (struck.response.headers[name], struck.response.headers["X-Two"]) == (value, "2")
    assert struck.response.headers["Cache-Control"] == "no-store"
    assert len(struck.response.content) == int(struck.response.headers["Content-Length"])
    usual = Page(sandbox, cart_id).response.headers
    assert usual.get(name) != value
    assert "X-Two" not in usual


def test_the_headers_of_an_api_answer_can_be_changed_too(sandbox: Client) -> None:
    sandbox.fault("headers", headers={"Content-Type": "text/plain"})
    answer = sandbox.api("GET", "/orders")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain")
    assert answer.json()["success"] is True


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"headers": {}},
        {"headers": []},
        {"headers": {"a b": "c"}},
        {"headers": {"A": "b\r\nc"}},
        {"headers": {"A": 1}},
        {"headers": {"Content-Length": "3"}},
        {"headers": {"connection": "close"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
    ],
)
def test_headers_that_cannot_be_set_are_refused(sandbox: Client, entry: dict[str, Any]) -> None:
    faults = [{"fault": "headers", **entry}]
    answer = sandbox.raw("POST", "/__sandbox__/scenario", json={"faults": faults})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("faults[0].headers")


def test_a_page_leads_to_the_bank_before_or_after_the_payment(sandbox: Client) -> None:
    page = Page(sandbox, sandbox.cart(MUG))
    for status, process in ((302, False), (303, True)):
        sandbox.fault(
            "redirect", method="POST", path="/cart/*", location=BANK, status=status, process=process
        )
        answer = page.post()
        assert (answer.status_code, answer.headers["Location"]) == (status, BANK)
        assert len(sandbox.orders()) == process
