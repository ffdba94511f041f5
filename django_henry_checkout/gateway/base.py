"""The protocol that the gateways of all generations of Henry's API implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from django_henry_checkout.types import (
    Buyer,
    HenryCart,
    HenryQuote,
    LineItem,
    Observation,
    PurchaseRequest,
    RawAnswer,
)


class Gateway(Protocol):
    """One account at Henry. Flows check the flags, such as `supports_coupons`; they never compare versions.

    Every call may raise `GatewayError`; none writes to the database. Calls marked *Read.* are retried after
    transient failures, up to READ_RETRIES times; all others are sent once.
    """

    #: Orders can be listed, and filtered by cart.
    supports_order_list: bool
    #: The cart shows whether it is paid, so that "no order" is certain at once. A list may lag behind.
    reports_paid_cart: bool
    #: A purchase takes the token of a card; otherwise Henry has stored the card for the shopper.
    accepts_card_token: bool
    #: Henry has a page that collects a card: see `card_modal_url`.
    supports_card_modal: bool
    #: The shopper can choose a shipping option of each merchant.
    supports_shipping_choice: bool
    #: Quotes and purchases accept coupons.
    supports_coupons: bool
    #: The hosted page can be prefilled: see `prefilled_url`.
    supports_prefill: bool
    #: The hosted page accepts a region, and whether the shopper must sign in.
    supports_hosted_options: bool
    #: The URL of a hosted page is valid as long as its cart.
    hosted_url_is_permanent: bool

    def clock(self) -> datetime | None:
        """Return Henry's time, to the second, from a cheap read; None if the response has no date.

        Sent once, with a short timeout. It also verifies the API key.
        """
        ...

    def create_cart(self, items: Sequence[LineItem], *, tags: Mapping[str, str] | None = None) -> HenryCart:
        """Create a cart with `items`; return its id and the URL of its hosted page."""
        ...

    def fetch_cart(self, cart_id: str) -> HenryCart:
        """Return a cart. *Read.*"""
        ...

    def hosted_url(self, cart_id: str, *, sign_in: bool | None = None, region: str = "") -> str:
        """Return a new URL of a cart's hosted page; in v0 it expires after 30 minutes.

        Args:
            sign_in: whether the shopper must sign in to Henry; None means HOSTED_SIGN_IN.
            region: country code. Both are ignored without `supports_hosted_options`.
        """
        ...

    def prefilled_url(self, cart_id: str, buyer: Buyer) -> str:
        """Return the URL of the hosted page with the buyer's data in its query. *Read.*"""
        ...

    def card_modal_url(self, cart_id: str) -> str:
        """Return the URL of a page that collects a card for the shopper of this cart."""
        ...

    def add_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Add a product to a cart."""
        ...

    def update_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Change quantity, options or shipping of the product with `item.link`."""
        ...

    def remove_item(self, cart_id: str, link: str) -> HenryCart:
        """Remove a product from a cart."""
        ...

    def delete_cart(self, cart_id: str) -> None:
        """Delete a cart, so that its hosted page can no longer be paid."""
        ...

    def quote(
        self,
        cart_id: str,
        *,
        items: Sequence[LineItem],
        buyer: Buyer,
        coupons: Sequence[str] = (),
        region: str = "",
    ) -> HenryQuote:
        """Return the current costs of a cart, shipped to `buyer.shipping_address`. It buys nothing.

        Args:
            items: the items of the cart, in the same order.

        Raises:
            GatewayTimeout: Henry had not calculated the quote after QUOTE_TIMEOUT seconds.
        """
        ...

    def purchase(self, cart_id: str, request: PurchaseRequest) -> Observation:
        """Buy a cart. Sent once: `GatewayError.maybe_sent` shows whether Henry may have received it."""
        ...

    def purchase_status(self, ref_id: str, *, retries: int | None = None) -> Observation:
        """Return a purchase. *Read.*"""
        ...

    def fetch_raw_status(self, ref_id: str) -> RawAnswer:
        """Return the unparsed answer about one purchase, for the poll engine. Sent once."""
        ...

    def list_raw_orders(self, *, cursor: str = "", limit: int = 100) -> tuple[RawAnswer, ...]:
        """Return one page of the order list, newest first, as unparsed rows. Sent once.

        Args:
            cursor: an ISO time; only orders created before it are listed. "" starts with the newest.
        """
        ...

    def find_purchases(
        self, cart_id: str, *, claimed_id: str = "", retries: int | None = None
    ) -> tuple[Observation, ...]:
        """Return the purchases that hosted payments of a cart created, newest first. *Read.*

        Args:
            claimed_id: order id sent by a browser. It proves nothing, and is used only if Henry confirms that
                the order belongs to this cart. v0 needs it, v1 does not.
        """
        ...

    def list_orders(
        self,
        *,
        cart_id: str = "",
        status: str = "",
        limit: int = 100,
        cursor: str = "",
        retries: int | None = None,
    ) -> tuple[Observation, ...]:
        """Return purchases, newest first, at most `limit` (1 to 100). *Read.*"""
        ...
