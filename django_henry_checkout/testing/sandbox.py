"""A sandbox in a process of its own, and what a test asks of it over HTTP."""

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

#: How long the sandbox may take to start, and to answer one control call.
SECONDS_TO_START = 30.0
SECONDS_TO_ANSWER = 20.0
API_KEY = "sandbox-key"
#: What the app and the sandbox sign webhooks with, where the shop names no secret of its own.
WEBHOOK_SECRET = "whsec_only_for_tests"  # noqa: S105 - it guards nothing

_PACKAGES = Path(__file__).resolve().parents[2]
_LINES_KEPT = 50


class SandboxRefused(Exception):  # noqa: N818 - as the package's other errors are named
    """Correct the control call; `status` and `text` are the sandbox's answer."""

    def __init__(self, call: str, *, status: int, text: str) -> None:
        super().__init__(f"The sandbox refused {call}: {status} {text[:500]}")
        self.status = status
        self.text = text


class Sandbox:
    """A running sandbox. Its control calls are those of docs/reference/sandbox.md; seconds are of its own clock."""

    def __init__(self, url: str, *, api_key: str = API_KEY) -> None:
        self.url = url
        self.api_key = api_key
        self._http = requests.Session()
        self._http.trust_env = False
        self._has_endpoints = False

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a control call, `path` without its common part; return the JSON of the answer.

        Raises:
            SandboxRefused: it answered with an error.
        """
        answer = self._http.request(
            method, f"{self.url}/__sandbox__/{path}", json=body, timeout=SECONDS_TO_ANSWER
        )
        if not answer.ok:
            raise SandboxRefused(f"{method} {path}", status=answer.status_code, text=answer.text)
        return answer.json(parse_float=Decimal)

    def reset(self) -> None:
        """Forget everything: carts, orders, scenario, clock, log, where webhooks go."""
        self.call("POST", "reset", {})
        self._has_endpoints = False

    def scenario(self, **scenario: Any) -> None:
        """Replace the whole scenario."""
        self.call("POST", "scenario", scenario)

    def advance(self, seconds: float) -> None:
        """Move the clock forward, so that orders go on."""
        self.call("POST", "clock", {"advanceSeconds": seconds})

    def pay(self, cart_id: str, **how: Any) -> dict[str, Any]:
        """Pay a cart as a shopper on the hosted page would; `outcome`, `card`, `email` say how."""
        return dict(self.call("POST", "pay", {"cartId": cart_id, **how}))

    def pay_as(self, user_id: str, **how: Any) -> dict[str, Any]:
        """Pay the cart of a user, as v0 has them."""
        return dict(self.call("POST", "pay", {"userId": user_id, **how}))

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders that were really bought, oldest first."""
        return list(self.call("GET", "orders"))

    def make_orders(self, count: int, **options: Any) -> list[dict[str, Any]]:
        """Create paid orders of new carts with one item each; return `refId`, `cartId` and `link` of each."""
        return list(self.call("POST", "orders", {"count": count, **options}))

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests that the sandbox received, oldest first, without control calls."""
        rows: list[dict[str, Any]] = self.call("GET", "requests")
        return [row for row in rows if not row["path"].startswith("/__sandbox__")]

    def purchase(self, ref_id: str) -> dict[str, Any]:
        """Return what Henry says about a purchase now: the `data` of a full webhook, too.

        It is asked by a call of the API, so faults strike it, and it stands in `requests()`.

        Raises:
            SandboxRefused: it knows no such purchase.
        """
        answer = self._http.get(
            f"{self.url}/v1/cart/purchase/status",
            params={"refId": ref_id},
            headers={"x-api-key": self.api_key},
            timeout=SECONDS_TO_ANSWER,
        )
        if not answer.ok:
            raise SandboxRefused("GET purchase", status=answer.status_code, text=answer.text)
        return dict(answer.json(parse_float=Decimal))

    def send_webhooks_to(self, url: str, *, secret: str = WEBHOOK_SECRET) -> None:
        """Have every change of every order of v1 told to a URL from now on; see `testing.webhooks.webhook_path`."""
        self.set_webhook_endpoints([{"uuid": "for-tests", "url": url, "secret": secret, "everyCart": True}])

    def set_webhook_endpoints(self, endpoints: Sequence[Mapping[str, Any]]) -> None:
        """Replace the endpoints that receive webhooks: `uuid`, `url`, `secret` and `everyCart` of each."""
        self.call("POST", "webhooks", {"endpoints": list(endpoints)})
        self._has_endpoints = bool(endpoints)

    def send_webhook(self, **body: Any) -> list[int | None]:
        """Send one webhook now; return the status of each response, None where there was none."""
        return list(self.call("POST", "webhooks/send", body)["statuses"])

    def webhook_log(self) -> list[dict[str, Any]]:
        """Return the outcome of each webhook delivery, oldest first."""
        return list(self.call("GET", "webhooks")["log"])

    def wait_for_webhooks(self, seconds: float = SECONDS_TO_ANSWER) -> None:
        """Wait until all that is to be told has been told.

        Raises:
            TimeoutError: it took longer.
        """
        ends_at = time.monotonic() + seconds
        while self._has_endpoints and (waiting := self.call("GET", "webhooks?log=false")["waiting"]):
            if time.monotonic() >= ends_at:
                raise TimeoutError(f"{waiting} webhooks still wait after {seconds} s.")
            time.sleep(0.02)

    def options(self, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a HENRY_CHECKOUT that is `own`, but for the sandbox: with every account of it."""
        found = {"WEBHOOK_SECRETS": [WEBHOOK_SECRET], **(own or {})}
        here = {"API_KEY": self.api_key, "BASE_URL": self.url, "CHECKOUT_ORIGINS": [self.url]}
        if "ACCOUNTS" in found:
            found["ACCOUNTS"] = {name: {**account, **here} for name, account in found["ACCOUNTS"].items()}
        return {**found, **here}


@contextmanager
def running_sandbox(*arguments: str, api_key: str = API_KEY) -> Iterator[Sandbox]:
    """Run a sandbox on a free port of this machine, and end it afterwards.

    Args:
        arguments: more options of `python -m django_henry_checkout.sandbox`.

    Raises:
        RuntimeError: it did not start in time; the message holds what it said.
    """
    command = [sys.executable, "-m", "django_henry_checkout.sandbox", "--port", "0", "--api-key", api_key]
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(),
    )
    said = _Output(process.stdout)
    try:
        yield Sandbox(said.wait_for_address(), api_key=api_key)
    finally:
        _end(process)
        said.close()


def _environment() -> dict[str, str]:
    """The caller's, but the sandbox has settings of its own, and must find the package where we did."""
    paths = [str(_PACKAGES), os.environ.get("PYTHONPATH", "")]
    own = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    return {**own, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


class _Output:
    """Reads what a process prints: it would stop once the pipe is full."""

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._address = ""
        self._decided = threading.Event()
        self._thread = threading.Thread(target=self._read, name="henry-sandbox-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream or ():
            self._lines.append(line)
            found = None if self._address else re.search(r"Sandbox ready: (http://\S+?)/?\s", line)
            if found:
                self._address = found.group(1)
                self._decided.set()
        self._decided.set()

    def wait_for_address(self) -> str:
        self._decided.wait(SECONDS_TO_START)
        if not self._address:
            raise RuntimeError(f"The sandbox did not start. It said:\n{''.join(self._lines)}")
        return self._address

    def close(self) -> None:
        self._thread.join(10)
        if self._stream is not None and not self._thread.is_alive():
            self._stream.close()
