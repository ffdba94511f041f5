"""What the storefront's back end asks of the shop: three calls of its storefront API."""

from __future__ import annotations

import http.client
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

SECONDS = 20
MAX_ANSWER = 262_144
#: What is sold here. `link` is what is bought; the rest is for the shopper.
GOODS = (
    {
        "link": "https://kilnandtide.example/products/nesting-bowls",
        "title": "Nesting Bowls, Set of 3",
        "unitPrice": {"value": "64.00", "currency": "USD"},
    },
    {
        "link": "https://morningpost.example/products/paper-dripper",
        "title": "Ceramic Dripper",
        "unitPrice": {"value": "26.00", "currency": "USD"},
    },
)


class RefusedError(Exception):
    """The shop did not do what it was asked; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Shop:
    """The Django shop, seen from a trusted server. Its key goes no further than here."""

    def __init__(self, url: str, key: str) -> None:
        self.parts = urlsplit(url)
        self.origin = f"{self.parts.scheme}://{self.parts.netloc}"
        self._key = key

    def make_cart(self) -> str:
        """Put what is sold here into a cart of its own, and return the cart's id."""
        return str(self._call("POST", "cart", {"items": GOODS})["cartId"])

    def begin(self, cart_id: str, *, frame_origin: str) -> dict[str, Any]:
        """Begin, or go on with, a checkout that pages of an origin may show."""
        return self._call("POST", "cart/checkout", {"cartId": cart_id, "frameOrigin": frame_origin})

    def check_receipt(self, receipt: str, *, origin: str) -> dict[str, Any]:
        """Say what a receipt that came through a browser is worth."""
        return self._call("POST", "checkout/receipt", {"receipt": receipt, "origin": origin})

    def order(self, order_id: str) -> dict[str, Any]:
        """Read an order."""
        return self._call("GET", f"orders/{order_id}")

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.parts.netloc, timeout=SECONDS)
        headers = {"Authorization": f"Api-Key {self._key}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(
                method, f"/henry/api/v1/{path}", None if body is None else json.dumps(body), headers
            )
            answer = connection.getresponse()
            content = json.loads(answer.read(MAX_ANSWER))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RefusedError("unreachable") from error
        finally:
            connection.close()
        if not isinstance(content, dict):
            raise RefusedError("unreachable")
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(str(content.get("code", "unreachable")))
        return content
