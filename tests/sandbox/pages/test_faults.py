"""Faults of the hosted pages: delays, errors, headers that forbid framing, redirects."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from tests.sandbox.client import MUG, Client
from tests.sandbox.pages.forms import CheckoutPage

BANK = "https://bank.example/challenge?id=7"


def test_a_delayed_page_does_not_block_other_requests(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("delay", seconds=3, path="/cart/*")
    durations: list[float] = []

    def open_page() -> None:
        client = Client(sandbox.url)
        started = time.monotonic()
        assert client.raw("GET", f"/cart/{cart_id}").status_code == 200
        durations.append(time.monotonic() - started)
        client.session.close()

    thread = threading.Thread(target=open_page)
    thread.start()
    while not sandbox.control("scenario")["faults"][0]["used"]:
        time.sleep(0.02)
    started = time.monotonic()
    assert sandbox.raw("GET", f"/cart/{cart_id}").status_code == 200
    assert sandbox.api("GET", "/orders").status_code == 200
    sandbox.control("pay", {"cartId": cart_id})
    assert time.monotonic() - started < 2
    assert thread.is_alive()
    thread.join(10)
    assert durations[0] >= 3


def test_a_page_can_be_delayed_for_a_minute(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("delay", seconds=60, path="/cart/*")
    with pytest.raises(requests.ReadTimeout):
        sandbox.raw("GET", f"/cart/{cart_id}", timeout=0.3)


@pytest.mark.parametrize("path", ["/cart/*", "/elements/*", "*"])
def test_a_page_can_fail_with_a_status(sandbox: Client, path: str) -> None:
    sandbox.fault("status", status=500, path=path, times=0)
    address = "/elements/card" if path == "/elements/*" else f"/cart/{'crt_000000000000'}"
    assert sandbox.raw("GET", address).status_code == 500


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Frame-Options", "DENY"), ("content-security-policy", "frame-ancestors 'none'")],
)
def test_headers_of_a_page_can_be_replaced(sandbox: Client, name: str, value: str) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("headers", path="/cart/*", headers={name: value, "X-Two": "2"})
    changed = CheckoutPage(sandbox, cart_id)
    assert changed.response.status_code == 200
    assert "Shoreline Mug" in changed.text
    # The header replaces that of the page.
    assert (changed.response.headers[name], changed.response.headers["X-Two"]) == (value, "2")
    assert changed.response.headers["Cache-Control"] == "no-store"
    assert len(changed.response.content) == int(changed.response.headers["Content-Length"])
    original = CheckoutPage(sandbox, cart_id).response.headers
    assert original.get(name) != value
    assert "X-Two" not in original


def test_headers_of_an_api_response_can_be_replaced(sandbox: Client) -> None:
    sandbox.fault("headers", headers={"Content-Type": "text/plain"})
    response = sandbox.api("GET", "/orders")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/plain")
    assert response.json()["success"] is True


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
    response = sandbox.raw("POST", "/__sandbox__/scenario", json={"faults": faults})
    assert response.status_code == 400
    assert response.json()["message"].startswith("faults[0].headers")


def test_a_page_can_redirect_before_or_after_the_payment(sandbox: Client) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG))
    for status, process in ((302, False), (303, True)):
        sandbox.fault(
            "redirect", method="POST", path="/cart/*", location=BANK, status=status, process=process
        )
        response = page.post()
        assert (response.status_code, response.headers["Location"]) == (status, BANK)
        assert len(sandbox.orders()) == process
