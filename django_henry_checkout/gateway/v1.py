"""The current v1 REST generation (henry-api.md 3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import Rejected
from django_henry_checkout.gateway import wire
from django_henry_checkout.gateway.response import Response
from django_henry_checkout.gateway.v1_base import GatewayV1Base
from django_henry_checkout.types import (
    Address,
    Buyer,
    DetailsJob,
    HenryCart,
    LineItem,
    Observation,
    PurchaseRequest,
)


class GatewayV1(GatewayV1Base):
    """Cart, hosted page, details, purchase, status and order list over REST. See `base.Gateway`."""

    supports_prefill = True

    def clock(self) -> datetime | None:
        """Source: `GET /orders`, one row."""
        return self._transport.clock("GET", "/v1/orders", query={"limit": "1"})

    def create_cart(self, items: Sequence[LineItem], *, tags: Mapping[str, str] | None = None) -> HenryCart:
        """Source: `POST /cart`."""
        body = {"items": [wire.write_item(item) for item in items], **self._subscription()}
        if tags:
            body["tags"] = dict(tags)
        return wire.read_cart(self._transport.send_once("POST", "/v1/cart", body=body))

    def fetch_cart(self, cart_id: str) -> HenryCart:
        """Source: `POST /cart/{cartId}`, which only reads."""
        return wire.read_cart(self._transport.read("POST", _cart_path(cart_id), body={}))

    def hosted_url(self, cart_id: str, *, sign_in: bool | None = None, region: str = "") -> str:
        """Source: `checkoutUrl` of a cart; it is valid as long as the cart."""
        return self.fetch_cart(cart_id).checkout_url

    def add_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Source: `POST /cart/{cartId}/item`."""
        return self._change_item("POST", cart_id, {"item": wire.write_item(item)})

    def update_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Source: `PUT /cart/{cartId}/item`."""
        return self._change_item("PUT", cart_id, {"item": wire.write_item(item)})

    def remove_item(self, cart_id: str, link: str) -> HenryCart:
        """Source: `DELETE /cart/{cartId}/item`; `link` in the body is inferred from early v1."""
        return self._change_item("DELETE", cart_id, {"link": link})

    def _change_item(self, method: str, cart_id: str, body: Mapping[str, Any]) -> HenryCart:
        return wire.read_cart(self._transport.send_once(method, f"{_cart_path(cart_id)}/item", body=body))

    def delete_cart(self, cart_id: str) -> None:
        """Source: `DELETE /cart/{cartId}`; its body is undocumented, so only the status is used."""
        self._transport.send_once("DELETE", _cart_path(cart_id), expect_json=False)

    def prefilled_url(self, cart_id: str, buyer: Buyer) -> str:
        """Source: `POST /cart/{cartId}` with `buyer`, which Henry does not store."""
        body = {"buyer": wire.write_buyer(buyer)}
        return wire.read_cart(self._transport.read("POST", _cart_path(cart_id), body=body)).checkout_url

    def request_details(
        self, cart_id: str, *, address: Address, coupons: Sequence[str] = ()
    ) -> tuple[DetailsJob, ...]:
        """Source: `POST /cart/{cartId}/details`."""
        body: dict[str, Any] = {"buyer": {"shippingAddress": wire.write_address(address)}}
        if coupons:
            body["coupons"] = list(coupons)
        answer = self._transport.send_once("POST", f"{_cart_path(cart_id)}/details", body=body)
        return wire.read_details_jobs(answer)

    def details_status(self, ref_id: str) -> DetailsJob:
        """Source: `GET /cart/checkout/status` (not `details/status`)."""
        answer = self._transport.read("GET", "/v1/cart/checkout/status", query={"refId": ref_id})
        return wire.read_details_job(answer)

    def purchase(self, cart_id: str, request: PurchaseRequest) -> Observation:
        """Source: `POST /cart/{cartId}/purchase`."""
        answer = self._transport.send_once(
            "POST",
            f"{_cart_path(cart_id)}/purchase",
            body=wire.write_purchase(request),
            total_timeout=app_settings.PURCHASE_TIMEOUT,
        )
        return wire.read_observation(answer)

    def purchase_status(self, ref_id: str, *, retries: int | None = None) -> Observation:
        """Source: `GET /cart/purchase/status`."""
        answer = self._transport.read(
            "GET", "/v1/cart/purchase/status", query={"refId": ref_id}, retries=retries
        )
        return wire.read_observation(answer)

    def list_orders(
        self,
        *,
        cart_id: str = "",
        status: str = "",
        limit: int = 100,
        cursor: str = "",
        retries: int | None = None,
    ) -> tuple[Observation, ...]:
        """Source: `GET /orders`."""
        query = {"limit": str(limit), "cartId": cart_id, "status": status, "cursor": cursor}
        query = {name: value for name, value in query.items() if value}
        return wire.read_order_list(self._transport.read("GET", "/v1/orders", query=query, retries=retries))

    def _fetch_status(self, ref_id: str) -> Response:
        return self._transport.fetch("GET", "/v1/cart/purchase/status", query={"refId": ref_id})

    def _fetch_orders(self, filters: Mapping[str, str]) -> Response:
        return self._transport.fetch("GET", "/v1/orders", query=filters)


def _cart_path(cart_id: str) -> str:
    if cart_id in {"", ".", ".."}:  # would change the path
        raise Rejected("This is not the id of a cart.", maybe_sent=False)
    return f"/v1/cart/{quote(cart_id, safe='')}"
