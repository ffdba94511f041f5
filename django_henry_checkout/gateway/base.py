"""What every generation of Henry's API can do, as one protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from django_henry_checkout.types import (
    Address,
    DetailsJob,
    HenryCart,
    LineItem,
    Observation,
    PurchaseRequest,
)


class Gateway(Protocol):
    """One account at Henry. A flow asks the `supports_*` flags; it never compares versions.

    Every call raises `GatewayError` or a subclass; none writes to the database. Calls marked *read* are
    repeated after trouble, up to READ_RETRIES times; all others are sent once.
    """

    #: Orders can be listed and filtered by cart.
    supports_order_list: bool
    #: A cart can be bought by one call, with a card token.
    supports_inline_purchase: bool
    #: The address of a hosted page is valid as long as its cart.
    hosted_url_lasts: bool

    def create_cart(self, items: Sequence[LineItem], *, tags: Mapping[str, str] | None = None) -> HenryCart:
        """Make a cart that holds `items`; answer its id and the address of its hosted page."""
        ...

    def fetch_cart(self, cart_id: str) -> HenryCart:
        """Read a cart. *Read.*"""
        ...

    def hosted_url(self, cart_id: str) -> str:
        """Return a fresh address of a cart's hosted page: in v0 one lives for 30 minutes only."""
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

    def request_details(
        self, cart_id: str, *, address: Address, coupons: Sequence[str] = ()
    ) -> tuple[DetailsJob, ...]:
        """Start working out shipping options and costs; one job per merchant."""
        ...

    def details_status(self, ref_id: str) -> DetailsJob:
        """Read a details job. *Read.*"""
        ...

    def purchase(self, cart_id: str, request: PurchaseRequest) -> Observation:
        """Buy a cart. Sent once: `GatewayError.maybe_sent` tells whether Henry may have it."""
        ...

    def purchase_status(self, ref_id: str, *, retries: int | None = None) -> Observation:
        """Read a purchase. *Read.*"""
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
