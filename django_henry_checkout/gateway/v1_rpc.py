"""The early v1 generation: every call is a POST with ids in the body (henry-api.md 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django_henry_checkout.conf import app_settings
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


class GatewayV1RPC(GatewayV1Base):
    """The calls of v1 in their early form. See `base.Gateway`.

    The paths of add, update and delete are undocumented: they are inferred from `cart/remove-item`.
    """

    supports_prefill = False

    def clock(self) -> datetime | None:
        """Source: `POST /orders/fetch`, one row."""
        return self._transport.clock("POST", "/v1/orders/fetch", body={"limit": 1})

    def create_cart(self, items: Sequence[LineItem], *, tags: Mapping[str, str] | None = None) -> HenryCart:
        """Source: `POST /cart/create`; this generation has no tags."""
        body = {"items": [wire.write_item_with_variant(item) for item in items], **self._subscription()}
        return wire.read_cart(self._send("create", body))

    def fetch_cart(self, cart_id: str) -> HenryCart:
        """Source: `POST /cart/fetch`, which only reads."""
        return wire.read_cart(self._transport.read("POST", "/v1/cart/fetch", body={"cartId": cart_id}))

    def hosted_url(self, cart_id: str, *, sign_in: bool | None = None, region: str = "") -> str:
        """Source: `checkoutUrl` of a cart."""
        return self.fetch_cart(cart_id).checkout_url

    def add_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Source: inferred, `POST /cart/add-item`."""
        body = {"cartId": cart_id, "product": wire.write_item_with_variant(item)}
        return wire.read_cart(self._send("add-item", body))

    def update_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Source: inferred, `POST /cart/update-item`."""
        body = {"cartId": cart_id, "product": wire.write_item_with_variant(item)}
        return wire.read_cart(self._send("update-item", body))

    def remove_item(self, cart_id: str, link: str) -> HenryCart:
        """Source: `POST /cart/remove-item`."""
        return wire.read_cart(self._send("remove-item", {"cartId": cart_id, "link": link}))

    def delete_cart(self, cart_id: str) -> None:
        """Source: inferred, `POST /cart/delete`; only the status is used."""
        self._transport.send_once("POST", "/v1/cart/delete", body={"cartId": cart_id}, expect_json=False)

    def prefilled_url(self, cart_id: str, buyer: Buyer) -> str:
        """Not in this generation."""
        raise wire.not_in_this_generation()

    def request_details(
        self, cart_id: str, *, address: Address, coupons: Sequence[str] = ()
    ) -> tuple[DetailsJob, ...]:
        """Source: `POST /cart/details`."""
        body: dict[str, Any] = {
            "cartId": cart_id,
            "buyer": {"shippingAddress": wire.write_address(address)},
        }
        if coupons:
            body["coupons"] = list(coupons)
        return wire.read_details_jobs(self._send("details", body))

    def details_status(self, ref_id: str) -> DetailsJob:
        """Source: `POST /cart/details/status`."""
        answer = self._transport.read("POST", "/v1/cart/details/status", body={"refId": ref_id})
        return wire.read_details_job(answer)

    def purchase(self, cart_id: str, request: PurchaseRequest) -> Observation:
        """Source: `POST /cart/purchase`, with a card token instead of the documented raw card fields."""
        body = {"cartId": cart_id, **wire.write_purchase(request)}
        if request.selected_shipping:
            body["selectedShippingOption"] = dict(request.selected_shipping)
        answer = self._transport.send_once(
            "POST", "/v1/cart/purchase", body=body, total_timeout=app_settings.PURCHASE_TIMEOUT
        )
        return wire.read_observation(answer)

    def purchase_status(self, ref_id: str, *, retries: int | None = None) -> Observation:
        """Source: `POST /cart/purchase/status`."""
        body = {"refId": ref_id}
        answer = self._transport.read("POST", "/v1/cart/purchase/status", body=body, retries=retries)
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
        """Source: `POST /orders/fetch`."""
        filters = {"cartId": cart_id, "status": status, "cursor": cursor}
        body = {"limit": limit, **{name: value for name, value in filters.items() if value}}
        return wire.read_order_list(
            self._transport.read("POST", "/v1/orders/fetch", body=body, retries=retries)
        )

    def _fetch_status(self, ref_id: str) -> Response:
        return self._transport.fetch("POST", "/v1/cart/purchase/status", body={"refId": ref_id})

    def _fetch_orders(self, filters: Mapping[str, str]) -> Response:
        body = {**filters, "limit": int(filters["limit"])}
        return self._transport.fetch("POST", "/v1/orders/fetch", body=body)

    def _send(self, call: str, body: Mapping[str, Any]) -> Any:
        return self._transport.send_once("POST", f"/v1/cart/{call}", body=body)
