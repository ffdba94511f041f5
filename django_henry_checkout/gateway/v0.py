"""The v0 generation: a cart belongs to a user, who is identified by a header (henry-api.md 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ulid import ULID

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import BadResponse, NotFound
from django_henry_checkout.gateway import wire, wire_v0
from django_henry_checkout.gateway.transport import Transport
from django_henry_checkout.types import (
    Buyer,
    HenryCart,
    HenryQuote,
    LineItem,
    Observation,
    PurchaseRequest,
    RawAnswer,
)


class GatewayV0:
    """Hosted and headless checkout, and orders, of v0. See `base.Gateway`.

    An `x-user-id` gives access to the user's cart. Each cart therefore gets its own user with a random id,
    which serves as our `cart_id` and is never sent to a browser.
    """

    supports_order_list = False
    hosted_url_is_permanent = False
    reports_paid_cart = True
    accepts_card_token = False
    supports_card_modal = True
    supports_shipping_choice = False
    supports_coupons = False
    supports_prefill = False
    supports_hosted_options = True

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def clock(self) -> datetime | None:
        """Source: `GET /cart/items` of a new user."""
        return self._transport.clock("GET", "/v0/cart/items", headers=_user(f"hc-{ULID()}".lower()))

    def create_cart(self, items: Sequence[LineItem], *, tags: Mapping[str, str] | None = None) -> HenryCart:
        """Source: `POST /cart/items`, then `POST /cart/checkout`; v0 carts have no tags."""
        cart_id = f"hc-{ULID()}-{ULID()}".lower()
        self._add(cart_id, items)
        return HenryCart(
            cart_id=cart_id,
            checkout_url=self.hosted_url(cart_id),
            links=tuple(item.link for item in items),
        )

    def hosted_url(self, cart_id: str, *, sign_in: bool | None = None, region: str = "") -> str:
        """Source: `POST /cart/checkout`. The URL expires after 30 minutes; the cart does not."""
        query = {"auth": _auth(sign_in), **({"region": region.lower()} if region else {})}
        answer = self._transport.send_once("POST", "/v0/cart/checkout", query=query, headers=_user(cart_id))
        return wire.text(wire_v0.data_of(answer).get("checkout_url"), limit=4000)

    def fetch_cart(self, cart_id: str) -> HenryCart:
        """Source: `GET /cart/items`, then `POST /cart/checkout` for the hosted page."""
        links = tuple(wire.text(product.get("productLink")) for product in self._products(cart_id))
        url = self.hosted_url(cart_id) if links else ""  # Henry has no page for an empty cart
        return HenryCart(cart_id=cart_id, checkout_url=url, links=links)

    def add_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Source: `POST /cart/items`."""
        self._add(cart_id, [item])
        return self.fetch_cart(cart_id)

    def update_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Source: none; v0 can only add and remove, so the line is replaced."""
        self._remove(cart_id, item.link)
        return self.add_item(cart_id, item)

    def remove_item(self, cart_id: str, link: str) -> HenryCart:
        """Source: `DELETE /cart/items/{productId}`."""
        self._remove(cart_id, link)
        return self.fetch_cart(cart_id)

    def delete_cart(self, cart_id: str) -> None:
        """Source: `DELETE /cart/items`; 404 means that the cart is already empty."""
        try:
            self._transport.send_once("DELETE", "/v0/cart/items", headers=_user(cart_id), expect_json=False)
        except NotFound:
            return

    def prefilled_url(self, cart_id: str, buyer: Buyer) -> str:
        """Not in this generation."""
        raise wire.not_in_this_generation()

    def card_modal_url(self, cart_id: str) -> str:
        """Source: `POST /wallet/card-collect`. Henry stores the card for this cart's user."""
        answer = self._transport.send_once(
            "POST", "/v0/wallet/card-collect", query={"auth": _auth(None)}, headers=_user(cart_id)
        )
        return wire.text(wire_v0.data_of(answer).get("modal_url"), limit=4000)

    def quote(
        self,
        cart_id: str,
        *,
        items: Sequence[LineItem],
        buyer: Buyer,
        coupons: Sequence[str] = (),
        region: str = "",
    ) -> HenryQuote:
        """Source: `POST /checkout/session/quote`; a second quote updates the session."""
        wire_v0.currency_of(items)  # raises before the call if the answer could not be read
        body: dict[str, Any] = {"shippingDetails": wire_v0.write_shipping_details(buyer)}
        if region:
            body["region"] = region.lower()
        answer = self._transport.send_once(
            "POST", "/v0/checkout/session/quote", body=body, headers=_user(cart_id)
        )
        return wire_v0.read_quote(answer, items)

    def purchase(self, cart_id: str, request: PurchaseRequest) -> Observation:
        """Source: `POST /checkout/session/confirm`, which charges the card that Henry has stored."""
        answer = self._transport.send_once(
            "POST",
            "/v0/checkout/session/confirm",
            body={"shippingDetails": wire_v0.write_shipping_details(request.buyer)},
            headers={**_user(cart_id), "x-session-token": request.quote_token},
            total_timeout=app_settings.PURCHASE_TIMEOUT,
        )
        return wire_v0.read_order(answer)[1]

    def purchase_status(self, ref_id: str, *, retries: int | None = None) -> Observation:
        """Source: `GET /orders/{orderId}`."""
        return self._order(ref_id, retries=retries)[1]

    def fetch_raw_status(self, ref_id: str) -> RawAnswer:
        """Source: `GET /orders/{orderId}`."""
        response = self._transport.fetch("GET", _order_path(ref_id))
        return RawAnswer(ref_id, response.digest, lambda: wire_v0.read_order(response.json())[1])

    def list_raw_orders(self, *, cursor: str = "", limit: int = 100) -> tuple[RawAnswer, ...]:
        """Not in this generation."""
        raise wire.not_in_this_generation()

    def find_purchases(
        self, cart_id: str, *, claimed_id: str = "", retries: int | None = None
    ) -> tuple[Observation, ...]:
        """Source: `GET /orders/{orderId}` of the claimed id; only an order of this cart's user counts.

        Without one, the cart shows whether it is paid: it is then empty (henry-api.md 3.1.2).

        Raises:
            BadResponse: the cart is paid, and the id of its order is not known yet.
        """
        if claimed_id:
            with suppress(NotFound):
                owner, observation = self._order(claimed_id, retries=retries)
                if owner == cart_id:
                    return (observation,)
        # No claimed order of this cart: check the cart itself.
        if self._products(cart_id):
            return ()
        raise BadResponse("The cart is paid, but the id of its order is not known yet.")

    def list_orders(
        self,
        *,
        cart_id: str = "",
        status: str = "",
        limit: int = 100,
        cursor: str = "",
        retries: int | None = None,
    ) -> tuple[Observation, ...]:
        """Not in this generation."""
        raise wire.not_in_this_generation()

    def _order(self, order_id: str, *, retries: int | None) -> tuple[str, Observation]:
        return wire_v0.read_order(self._transport.read("GET", _order_path(order_id), retries=retries))

    def _add(self, cart_id: str, items: Sequence[LineItem]) -> None:
        body = {"productsDetails": [wire_v0.write_product(item) for item in items]}
        self._transport.send_once("POST", "/v0/cart/items", body=body, headers=_user(cart_id))

    def _products(self, cart_id: str) -> Sequence[Mapping[str, Any]]:
        return wire_v0.read_products(self._transport.read("GET", "/v0/cart/items", headers=_user(cart_id)))

    def _remove(self, cart_id: str, link: str) -> None:
        for product in self._products(cart_id):
            if product.get("productLink") == link:
                path = f"/v0/cart/items/{quote(str(product.get('productId')), safe='')}"
                self._transport.send_once("DELETE", path, headers=_user(cart_id), expect_json=False)


def _order_path(order_id: str) -> str:
    if order_id in {"", ".", ".."}:  # would change the path
        raise NotFound("This is not the id of an order.", maybe_sent=False)
    return f"/v0/orders/{quote(order_id, safe='')}"


def _user(cart_id: str) -> dict[str, str]:
    return {"x-user-id": cart_id}


def _auth(sign_in: bool | None) -> str:
    """By default a shopper without an account at Henry must be able to pay."""
    return "true" if (app_settings.HOSTED_SIGN_IN if sign_in is None else sign_in) else "false"
