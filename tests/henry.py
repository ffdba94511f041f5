"""A real sandbox in its own process, and what tests ask of it over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
KEY = "sandbox-key"
PAYS = "4242424242424242"


class Sandbox:
    """The control calls of a running sandbox. `seconds` below are of the sandbox's own clock."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, f"{self.url}/__sandbox__/{path}", json=body, timeout=20)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def reset(self) -> None:
        self._call("POST", "reset", {})

    def scenario(self, **scenario: Any) -> None:
        self._call("POST", "scenario", scenario)

    def advance(self, seconds: float) -> None:
        self._call("POST", "clock", {"advanceSeconds": seconds})

    def pay(self, cart_id: str, **how: Any) -> Any:
        """Pay a cart as a shopper on the hosted page would."""
        return self._call("POST", "pay", {"cartId": cart_id, **how})

    def pay_as(self, user_id: str, **how: Any) -> Any:
        """Pay the cart of a user, as v0 has them."""
        return self._call("POST", "pay", {"userId": user_id, **how})

    def purchase(self, ref_id: str) -> dict[str, Any]:
        """What Henry says about a purchase now, asked as the app asks."""
        path, headers = f"{self.url}/v1/cart/purchase/status", {"x-api-key": KEY}
        answer = self._http.get(path, params={"refId": ref_id}, headers=headers, timeout=20)
        return dict(answer.json())

    def orders(self) -> list[dict[str, Any]]:
        """What was really bought."""
        return list(_rows(self._call("GET", "orders")))

    def requests(self) -> list[dict[str, Any]]:
        """What the sandbox was asked, oldest first, its own control calls left out."""
        asked = _rows(self._call("GET", "requests"))
        return [row for row in asked if not row["path"].startswith("/__sandbox__")]

    def make_orders(self, count: int, **more: Any) -> list[dict[str, Any]]:
        """Paid orders of fresh carts with one item each: `refId`, `cartId` and the `link` of the item."""
        return list(self._call("POST", "orders", {"count": count, **more}))

    def webhooks(self, endpoints: list[dict[str, Any]]) -> None:
        """Replace where webhooks go: `uuid`, `url`, `secret` and `everyCart` of each."""
        self._call("POST", "webhooks", {"endpoints": endpoints})

    def webhook_log(self) -> list[dict[str, Any]]:
        """What became of each delivery, oldest first."""
        return list(self._call("GET", "webhooks")["log"])

    def wait_for_webhooks(self, seconds: float = 10) -> list[dict[str, Any]]:
        """Wait until everything that has happened is delivered or given up; the log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            shown = self._call("GET", "webhooks?log=false")
            if not shown["waiting"]:
                return self.webhook_log()
            time.sleep(0.02)
        raise AssertionError(f"{shown['waiting']} webhooks still wait after {seconds} s")

    def send_webhook(self, **body: Any) -> list[int | None]:
        """Send one at once, by hand; the statuses, None where there was no answer."""
        return list(self._call("POST", "webhooks/send", body)["statuses"])

    def settings(self, **more: Any) -> dict[str, Any]:
        """HENRY_CHECKOUT for a shop that uses this sandbox."""
        return {"API_KEY": KEY, "BASE_URL": self.url, "CHECKOUT_ORIGINS": [self.url], **more}


def _rows(answer: Any) -> list[dict[str, Any]]:
    return answer if isinstance(answer, list) else next(iter(answer.values()))


@contextmanager
def running_sandbox(*arguments: str) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "django_henry_checkout.sandbox", "--port", "0", *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    reader = threading.Thread(target=_drain, args=(process.stdout,), daemon=True)
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            found = re.search(r"Sandbox ready: (http://\S+?)/?\s", line)
            if found:
                break
        else:
            raise AssertionError(f"The sandbox did not start: {''.join(said)}")
        # Its log must be drained, or the process blocks when the pipe is full.
        reader.start()
        yield Sandbox(found.group(1))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if reader.is_alive():
            reader.join(10)
        if process.stdout is not None:
            process.stdout.close()


def _drain(stream: Any) -> None:
    try:
        for _line in stream:
            pass
    except ValueError:
        pass
