"""Runs a sandbox in a separate process, and controls it over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import requests

#: Time limits, in seconds, of the sandbox's start and of one control call.
START_SECONDS = 30.0
CALL_SECONDS = 20.0
API_KEY = "sandbox-key"
#: The default secret of the app and the sandbox, used if the shop's settings have none.
WEBHOOK_SECRET = "whsec_only_for_tests"  # noqa: S105 - it protects nothing

_PACKAGES = Path(__file__).resolve().parents[2]
_MAX_LINES = 50


class SandboxRefused(Exception):  # noqa: N818 - as the package's other errors are named
    """Correct the call; `status` and `text` are those of the sandbox's response."""

    def __init__(self, call: str, *, status: int, text: str) -> None:
        super().__init__(f"The sandbox refused {call}: {status} {text[:500]}")
        self.status = status
        self.text = text


class Sandbox:
    """Client of a running sandbox. docs/reference/sandbox.md describes the control calls."""

    def __init__(self, url: str, *, api_key: str = API_KEY) -> None:
        self.url = url
        self.api_key = api_key
        self._http = requests.Session()
        self._http.trust_env = False
        self._has_endpoints = False

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a control call and return the JSON of the response; `path` is relative to /__sandbox__/.

        Raises:
            SandboxRefused: the response is an error.
        """
        response = self._http.request(
            method, f"{self.url}/__sandbox__/{path}", json=body, timeout=CALL_SECONDS
        )
        if not response.ok:
            raise SandboxRefused(f"{method} {path}", status=response.status_code, text=response.text)
        return response.json(parse_float=Decimal)

    def reset(self) -> None:
        """Delete carts, orders and logs, and reset scenario, clock and webhook endpoints."""
        self.call("POST", "reset", {})
        self._has_endpoints = False

    def scenario(self, **scenario: Any) -> None:
        """Replace the whole scenario: faults, timing, outcomes."""
        self.call("POST", "scenario", scenario)

    def advance(self, seconds: float) -> None:
        """Advance the sandbox's clock, so that its orders progress."""
        self.call("POST", "clock", {"advanceSeconds": seconds})

    def pay(self, cart_id: str, **how: Any) -> dict[str, Any]:
        """Pay a cart as a shopper does on the hosted page; `how` may hold `outcome`, `card` and `email`."""
        return dict(self.call("POST", "pay", {"cartId": cart_id, **how}))

    def pay_as(self, user_id: str, **how: Any) -> dict[str, Any]:
        """Pay the cart of a user of v0; `how` is as for `pay`."""
        return dict(self.call("POST", "pay", {"userId": user_id, **how}))

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders that were bought, oldest first; declined payments are not among them."""
        return list(self.call("GET", "orders"))

    def make_orders(self, count: int, **options: Any) -> list[dict[str, Any]]:
        """Create paid orders, each of a new cart with one item; return `refId`, `cartId` and `link` of each.

        Args:
            count: number of orders, at most 20,000.
            options: `cartPrefix`, up to six characters with which the cart ids begin.
        """
        return list(self.call("POST", "orders", {"count": count, **options}))

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests that the sandbox received, oldest first, control calls excluded."""
        rows: list[dict[str, Any]] = self.call("GET", "requests")
        return [row for row in rows if not row["path"].startswith("/__sandbox__")]

    def purchase(self, ref_id: str) -> dict[str, Any]:
        """Return Henry's current status of a purchase, which is also the `data` of a webhook.

        This is a call of the API: the scenario's faults apply to it, and `requests()` lists it.

        Raises:
            SandboxRefused: the purchase does not exist.
        """
        response = self._http.get(
            f"{self.url}/v1/cart/purchase/status",
            params={"refId": ref_id},
            headers={"x-api-key": self.api_key},
            timeout=CALL_SECONDS,
        )
        if not response.ok:
            raise SandboxRefused("GET purchase", status=response.status_code, text=response.text)
        return dict(response.json(parse_float=Decimal))

    def send_webhooks_to(self, url: str, *, secret: str = WEBHOOK_SECRET) -> None:
        """Send a webhook to `url` for every change of every v1 order; see `testing.webhooks.webhook_path`."""
        self.set_webhook_endpoints([{"uuid": "for-tests", "url": url, "secret": secret, "everyCart": True}])

    def set_webhook_endpoints(self, endpoints: Sequence[Mapping[str, Any]]) -> None:
        """Replace the endpoints that receive webhooks.

        Args:
            endpoints: `uuid`, `url` and `secret` of each. With `everyCart` an endpoint receives the webhooks
                of all carts, else only those of carts that name its `uuid`.
        """
        self.call("POST", "webhooks", {"endpoints": list(endpoints)})
        self._has_endpoints = bool(endpoints)

    def send_webhook(self, **body: Any) -> list[int | None]:
        """Send a webhook to every endpoint now; return the status of each response, None if there was none.

        Args:
            body: `refId` and `event`; or `body`, JSON, or `rawBody`, text, to replace the content. `uuid`
                selects one endpoint; `times` and `parallel` repeat the webhook.

        Raises:
            SandboxRefused: there is no endpoint.
        """
        return list(self.call("POST", "webhooks/send", body)["statuses"])

    def webhook_log(self) -> list[dict[str, Any]]:
        """Return the outcome of each attempt to send a webhook, oldest first."""
        return list(self.call("GET", "webhooks")["log"])

    def wait_for_webhooks(self, seconds: float = CALL_SECONDS) -> None:
        """Wait until all pending webhooks have been sent.

        Raises:
            TimeoutError: some are still pending after `seconds`.
        """
        ends_at = time.monotonic() + seconds
        while self._has_endpoints and (waiting := self.call("GET", "webhooks?log=false")["waiting"]):
            if time.monotonic() >= ends_at:
                raise TimeoutError(f"{waiting} webhooks are still pending after {seconds} s.")
            time.sleep(0.02)

    def options(self, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return HENRY_CHECKOUT for this sandbox: `own`, with key and URLs of every account replaced."""
        found = {"WEBHOOK_SECRETS": [WEBHOOK_SECRET], **(own or {})}
        here = {"API_KEY": self.api_key, "BASE_URL": self.url, "CHECKOUT_ORIGINS": [self.url]}
        if "ACCOUNTS" in found:
            found["ACCOUNTS"] = {name: {**account, **here} for name, account in found["ACCOUNTS"].items()}
        return {**found, **here}


@contextmanager
def running_sandbox(*arguments: str, api_key: str = API_KEY) -> Iterator[Sandbox]:
    """Run a sandbox on a free port of this machine, and stop it at the end of the block.

    Args:
        arguments: more options of `python -m django_henry_checkout.sandbox`.
        api_key: the key that the sandbox accepts.

    Raises:
        RuntimeError: it did not start in time; the message contains its output.
    """
    command = [sys.executable, "-m", "django_henry_checkout.sandbox", "--port", "0", "--api-key", api_key]
    process = subprocess.Popen(  # noqa: S603 - this package, no shell
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(),
    )
    output = _Output(process.stdout)
    try:
        yield Sandbox(output.wait_for_address(), api_key=api_key)
    finally:
        _stop(process)
        output.close()


def _environment() -> dict[str, str]:
    """Return this process's environment, without its settings and with the path of this package."""
    paths = [str(_PACKAGES), os.environ.get("PYTHONPATH", "")]
    own = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    return {**own, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


class _Output:
    """Reads the output of a process, which would block once its pipe is full."""

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=_MAX_LINES)
        self._address = ""
        self._is_known = threading.Event()
        self._thread = threading.Thread(target=self._read, name="henry-sandbox-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream or ():
            self._lines.append(line)
            found = None if self._address else re.search(r"Sandbox ready: (http://\S+?)/?\s", line)
            if found:
                self._address = found.group(1)
                self._is_known.set()
        self._is_known.set()

    def wait_for_address(self) -> str:
        self._is_known.wait(START_SECONDS)
        if not self._address:
            raise RuntimeError(f"The sandbox did not start. Its output:\n{''.join(self._lines)}")
        return self._address

    def close(self) -> None:
        self._thread.join(10)
        if self._stream is not None and not self._thread.is_alive():
            self._stream.close()
