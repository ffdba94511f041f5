"""What every generation of Henry's API can do, as one protocol."""

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
    """One account at Henry. A flow asks the `supports_*` flags; it never compares versions.

    Every call raises `GatewayError` or a subclass; none writes to the database. Calls marked *read* are
    repeated after trouble, up to READ_RETRIES times; all others are sent once.
    """

    #: Orders can be listed and filtered by cart.
    supports_order_list: bool
    #: A cart itself tells whether it is paid, so that "no order" is certain at once; a list may lag.
    reports_paid_cart: bool
    #: A card is named by a token when a cart is bought; otherwise Henry has stored it for the shopper.
    accepts_card_token: bool
    #: Henry has a page that collects a card: `card_modal_url`.
    supports_card_modal: bool
    #: The shopper can choose how a merchant ships.
    supports_shipping_choice: bool
    #: Coupons can be named when a cart is quoted and bought.
    supports_coupons: bool
    #: The hosted page can be filled in beforehand: `prefilled_url`.
    supports_prefill: bool
    #: The hosted page can be told a region, and whether the shopper must sign in.
    supports_hosted_options: bool
    #: The address of a hosted page is valid as long as its cart.
    hosted_url_is_permanent: bool

    def clock(self) -> datetime | None:
        """Return Henry's time, to the second, as a cheap read says it; None where its answer has no date.

        Asked once, within a few seconds: it also shows whether the key opens anything.
        """
        ...

    def create_cart(self, items: Sequence[LineItem], *, tags: Mapping[str, str] | None = None) -> HenryCart:
        """Make a cart that holds `items`; answer its id and the address of its hosted page."""
        ...

    def fetch_cart(self, cart_id: str) -> HenryCart:
        """Read a cart. *Read.*"""
        ...

    def hosted_url(self, cart_id: str, *, sign_in: bool | None = None, region: str = "") -> str:
        """Return a fresh address of a cart's hosted page: in v0 one lives for 30 minutes only.

        Args:
            sign_in: whether the shopper must sign in to Henry; None leaves it to HOSTED_SIGN_IN.
            region: country code. Both count only with `supports_hosted_options`.
        """
        ...

    def prefilled_url(self, cart_id: str, buyer: Buyer) -> str:
        """Return the address of the hosted page with the buyer's data in its query. *Read.*"""
        ...

    def card_modal_url(self, cart_id: str) -> str:
        """Return the address of a page that collects a card for the shopper of this cart."""
        ...

    def add_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Put one more product into a cart."""
        ...

    def update_item(self, cart_id: str, item: LineItem) -> HenryCart:
        """Change quantity, options or shipping of the product with `item.link`."""
        ...

    def remove_item(self, cart_id: str, link: str) -> HenryCart:
        """Take a product out of a cart."""
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
        """Ask what a cart costs now, shipped to `buyer.shipping_address`. It buys nothing.

        Args:
            items: what is in the cart, in its order.

        Raises:
            GatewayTimeout: Henry had not worked it out after QUOTE_TIMEOUT seconds.
        """
        ...

    def purchase(self, cart_id: str, request: PurchaseRequest) -> Observation:
        """Buy a cart. Sent once: `GatewayError.maybe_sent` tells whether Henry may have it."""
        ...

    def purchase_status(self, ref_id: str, *, retries: int | None = None) -> Observation:
        """Read a purchase. *Read.*"""
        ...

    def fetch_raw_status(self, ref_id: str) -> RawAnswer:
        """Ask about one purchase, once, and leave the answer unread: what the poll engine calls."""
        ...

    def list_raw_orders(self, *, cursor: str = "", limit: int = 100) -> tuple[RawAnswer, ...]:
        """Read one page of the order list, newest first, once, and leave its rows unread.

        Args:
            cursor: an ISO time; only what Henry made before it is listed. "" begins with the newest.
        """
        ...

    def find_purchases(
        self, cart_id: str, *, claimed_id: str = "", retries: int | None = None
    ) -> tuple[Observation, ...]:
        """Read the purchases that a hosted payment of a cart left, newest first. *Read.*

        Args:
            claimed_id: what a browser says that the order is called; proves nothing, and counts only if
                Henry says that it is an order of this cart. v0 needs it, v1 does not.
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
        """Read purchases, newest first, at most `limit` (1 to 100). *Read.*"""
        ...
