"""A sandbox process and a small client for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
KEY = "key-for-tests"
MUG = "https://kilnandtide.example/products/shoreline-mug"
TEAPOT = "https://kilnandtide.example/products/harbour-teapot"
JACKET = "https://fernhill.example/products/summit-shell-jacket"
CARD = "4242424242424242"
ADDRESS = {
    "line1": "350 Harbour Street",
    "city": "New York",
    "province": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}
NAME = {"firstName": "Ada", "lastName": "Lovelace"}
SHIPPING = {
    "fullName": "Ada King Lovelace",
    "email": "ada@shop.example",
    "phoneNumber": "+12125550123",
    "addressLine1": "350 Harbour Street",
    "addressLine2": "Apt 1",
    "city": "New York",
    "stateOrProvince": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}


class SandboxProcess:
    """A sandbox that was started from the command line."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "django_henry_checkout.sandbox", "--port", "0", "--api-key", KEY]
        # The sandbox must ignore the settings module of the shop.
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        # A file, because no test reads a pipe continuously and a full one would block the server.
        self.output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in stop()
        self.process = subprocess.Popen(
            [*command, *arguments], cwd=ROOT, env=environment, stdout=self.output, stderr=subprocess.STDOUT
        )
        first = self._first_line()
        found = re.fullmatch(r"Sandbox ready: (http://127\.0\.0\.1:\d+)/\n", first)
        assert found, first
        self.url = found[1]

    def _first_line(self) -> str:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            printed = os.pread(self.output.fileno(), 300, 0).decode()
            if "\n" in printed:
                return printed.partition("\n")[0] + "\n"
            time.sleep(0.02)
        return f"nothing was printed, exit code {self.process.poll()}"

    def stop(self, signum: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop the process; return its exit code and its output after the first line."""
        self.process.send_signal(signum)
        code = self.process.wait(timeout=5)
        self.output.seek(0)
        printed = self.output.read().partition("\n")[2]
        self.output.close()
        return code, printed


class Client:
    """Calls of the API, the control API and the pages, without retries and redirects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def api(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        options.setdefault("headers", {"x-api-key": KEY})
        return self.raw(method, f"/v1{path}", json=json, **options)

    def v0(
        self, method: str, path: str, json: Any = None, *, user: str = "ada", **headers: str
    ) -> requests.Response:
        """Call v0; headers such as `session_token` are written with underscores and without `x-`."""
        named = {f"x-{name.replace('_', '-')}": value for name, value in headers.items()}
        named |= {"x-user-id": user} if user else {}
        return self.raw(method, f"/v0{path}", json=json, headers={"x-api-key": KEY, **named})

    def raw(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 15)
        return self.session.request(method, self.url + path, allow_redirects=False, **options)

    def control(self, path: str, json: Any = None) -> Any:
        response = self.raw("GET" if json is None else "POST", f"/__sandbox__/{path}", json=json)
        assert response.status_code == 200, response.text
        return response.json()

    def scenario(self, **parts: Any) -> None:
        self.control("scenario", parts)

    def fault(self, fault: str, **parts: Any) -> None:
        self.scenario(faults=[{"fault": fault, **parts}])

    def cart(self, *items: Any, **more: Any) -> str:
        chosen = [item if isinstance(item, dict) else {"link": item} for item in items or (MUG,)]
        response = self.api("POST", "/cart", {"items": chosen, **more})
        assert response.status_code == 200, response.text
        return str(response.json()["data"]["cartId"])

    def purchase(self, cart_id: str, token: str = "card_test_pays", **more: Any) -> requests.Response:
        body = {"buyer": buyer(token), **more}
        return self.api("POST", f"/cart/{cart_id}/purchase", body)

    def status(self, ref_id: str) -> Any:
        return self.api("GET", "/cart/purchase/status", params={"refId": ref_id}).json()

    def advance(self, seconds: float) -> None:
        self.control("clock", {"advanceSeconds": seconds})

    def orders(self) -> Any:
        return self.control("orders")


def product(link: str = MUG, **more: Any) -> dict[str, Any]:
    """Return a product as a v0 shop adds it to a cart."""
    return {"name": "A thing", "price": "19.50", "quantity": 1, "productLink": link, **more}


def buyer(token: str = "card_test_pays") -> dict[str, Any]:
    return {
        "name": NAME,
        "email": "ada@shop.example",
        "phone": "+12125550123",
        "shippingAddress": ADDRESS,
        "card": {"nameOnCard": NAME, "details": {"cardToken": token}},
    }
