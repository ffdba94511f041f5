"""Tide & Table, a headless storefront: static pages, and a back end of two calls. Nothing but Python is needed.

    python -m example_project.elsewhere.serve --port 8002 --shop http://127.0.0.1:8000 --key-file ...

It is served as `localhost`, not as 127.0.0.1 where the demo's shop is: so it is another site to a browser.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from example_project.elsewhere.counter import SPENT, Counter, Visit
from example_project.elsewhere.shop_api import RefusedError, Shop

HERE = Path(__file__).resolve().parent / "static"
MAX_BODY = 8_192
MAX_AT_ONCE = 32
SOCKET_SECONDS = 15
COOKIE = "tide_visit"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: What a storefront copies of the package: the element, what it stands on, and its look.
COPIED = ("henry-checkout.js", "henry-bridge.js", "henry-view.js", "checkout.css")
SPENT_TEXT = "You have bought this set already. Press the button once more if you would like another one."
TEXTS = dict.fromkeys(SPENT, SPENT_TEXT) | {
    "purchase_under_way": "Your payment is being confirmed. Please wait a moment before you buy once more.",
    "receipt_invalid": "We cannot confirm this payment. If you have paid, your order goes on all the same.",
}
TROUBLE = "Our till does not answer. Nothing was charged; please try again in a moment."


def find_files() -> dict[str, Path]:
    """Return every file that is served, by path: so no path of a request ever becomes a path of a file."""
    package = find_spec("django_henry_checkout")
    if package is None or package.origin is None:
        raise SystemExit("elsewhere: django_henry_checkout is not installed")
    copied = Path(package.origin).parent / "static" / "henry_checkout"
    found = {f"/{file.name}": file for file in HERE.iterdir()}
    found |= {f"/henry/{name}": copied / name for name in COPIED}
    found["/"] = found.pop("/index.html")
    return found


class Storefront(ThreadingHTTPServer):
    """The server: it does a bounded number of things at once, and turns away what is more."""

    daemon_threads = True

    def __init__(self, port: int, *, shop: Shop) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.host = f"localhost:{self.server_port}"
        self.origin = f"http://{self.host}"
        self.counter = Counter(shop, origin=self.origin)
        self.files = find_files()
        self.policy = "; ".join(
            [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                f"img-src 'self' {shop.origin}",  # the QR code
                "connect-src 'self'",
                f"frame-src {shop.origin}",
                f"form-action 'self' {shop.origin}",  # the way without scripts ends there
                "base-uri 'none'",
                "frame-ancestors 'none'",
            ]
        )
        self._room = threading.BoundedSemaphore(MAX_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what broke; a browser that goes away in the middle is no news."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One request: HTTP/1.0, so one per connection."""

    server: Storefront
    timeout = SOCKET_SECONDS
    server_version = "TideAndTable"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Host") != self.server.host:
            # 127.0.0.1, for instance, is another origin: the checkout would not be shown in its pages.
            self.answer(HTTPStatus.FOUND, headers={"Location": f"{self.server.origin}/"})
            return
        found = self.server.files.get(self.path.partition("?")[0])
        if found is None:
            self.answer(HTTPStatus.NOT_FOUND, b"There is no such page.", "text/plain; charset=utf-8")
        else:
            kind = TYPES[found.suffix]
            self.answer(HTTPStatus.OK, found.read_bytes(), kind, headers={"Cache-Control": "no-cache"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        act = {"/checkout": self.checkout, "/thanks": self.thanks}.get(self.path)
        length = self.headers.get("Content-Length", "")
        if act is None:
            self.refuse(HTTPStatus.NOT_FOUND, "not_found")
        elif self.headers.get("Origin") != self.server.origin or self.headers.get("Host") != self.server.host:
            self.refuse(HTTPStatus.FORBIDDEN, "other_origin")
        elif not length.isdecimal() or len(length) > 9 or int(length) > MAX_BODY:
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        else:
            self.within_a_visit(act, self.rfile.read(int(length)))

    def within_a_visit(self, act: Callable[[Visit, bytes], dict[str, Any]], body: bytes) -> None:
        name, visit = self.server.counter.visit(self.cookie())
        cookie = {"Set-Cookie": f"{COOKIE}={name}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"}
        try:
            content = act(visit, body)
        except RefusedError as error:
            is_known = error.code in TEXTS
            status = HTTPStatus.CONFLICT if is_known else HTTPStatus.SERVICE_UNAVAILABLE
            self.refuse(status, error.code, headers=cookie)
            return
        if self.path == "/checkout" and "text/html" in self.headers.get("Accept", ""):
            self.answer(HTTPStatus.SEE_OTHER, headers={"Location": content["payUrl"], **cookie})
        else:
            self.answer_json(HTTPStatus.OK, content, headers=cookie)

    def checkout(self, visit: Visit, _body: bytes) -> dict[str, Any]:
        return self.server.counter.buy(visit)

    def thanks(self, visit: Visit, body: bytes) -> dict[str, Any]:
        try:
            receipt = json.loads(body)["receipt"]
        except (ValueError, TypeError, KeyError) as error:
            raise RefusedError("receipt_invalid") from error
        if not isinstance(receipt, str):
            raise RefusedError("receipt_invalid")
        return self.server.counter.thank(visit, receipt)

    def cookie(self) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return found.value if found else ""

    def refuse(self, status: HTTPStatus, code: str, *, headers: dict[str, str] | None = None) -> None:
        text = TEXTS.get(code, TROUBLE)
        if "text/html" in self.headers.get("Accept", ""):
            self.answer(status, text.encode(), "text/plain; charset=utf-8", headers=headers)
        else:
            self.answer_json(status, {"code": code, "text": text}, headers=headers)

    def answer_json(
        self, status: HTTPStatus, content: object, *, headers: dict[str, str] | None = None
    ) -> None:
        self.answer(status, json.dumps(content).encode(), "application/json", headers=headers)

    def answer(
        self, status: HTTPStatus, body: bytes = b"", kind: str = "", *, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        shown = {
            "Content-Security-Policy": self.server.policy,
            "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Content-Length": str(len(body)),
            **({"Content-Type": kind} if kind else {}),
            **(headers or {}),
        }
        for name, value in shown.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say what was asked, without the date that the demo's lines do not have either."""
        print(format % args, flush=True)  # noqa: T201 - this is the log


def main() -> None:
    """Read the arguments and serve until the process is ended."""
    parser = argparse.ArgumentParser(description="A headless storefront for the example shop's checkout.")
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--shop", default="http://127.0.0.1:8000", help="Where the Django shop is.")
    parser.add_argument("--key-file", type=Path, required=True, help="Holds a key of its storefront API.")
    options = parser.parse_args()
    key = options.key_file.read_text().strip()
    with Storefront(options.port, shop=Shop(options.shop, key)) as server:
        print(f"Tide & Table: {server.origin}/", flush=True)  # noqa: T201 - for the person who started it
        server.serve_forever()


if __name__ == "__main__":
    main()
