"""What both v1 generations do alike: they answer with jobs, and list orders by cart."""

from __future__ import annotations

from collections.abc import Sequence

from django_henry_checkout.conf import settings
from django_henry_checkout.exceptions import Rejected
from django_henry_checkout.gateway import quoting, wire
from django_henry_checkout.gateway.transport import Transport
from django_henry_checkout.types import Address, Buyer, DetailsJob, HenryQuote, LineItem, Observation


class GatewayOfJobs:
    """The part of a `base.Gateway` that does not depend on how a v1 generation spells its calls."""

    supports_order_list = True
    hosted_url_lasts = True
    cart_tells_paid = False
    takes_card_token = True
    supports_card_modal = False
    supports_shipping_choice = True
    supports_coupons = True
    supports_hosted_options = False

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def request_details(
        self, cart_id: str, *, address: Address, coupons: Sequence[str] = ()
    ) -> tuple[DetailsJob, ...]:
        """Start working out shipping options and costs; one job per merchant."""
        raise NotImplementedError

    def details_status(self, ref_id: str) -> DetailsJob:
        """Read a details job. *Read.*"""
        raise NotImplementedError

    def list_orders(
        self,
        *,
        cart_id: str = "",
        status: str = "",
        limit: int = 100,
        cursor: str = "",
        retries: int | None = None,
    ) -> tuple[Observation, ...]:
        """Read purchases, newest first. *Read.*"""
        raise NotImplementedError

    def card_modal_url(self, cart_id: str) -> str:
        """Not in this generation: the card element in the shop's own page collects the card."""
        raise wire.not_in_this_generation()

    def quote(
        self,
        cart_id: str,
        *,
        items: Sequence[LineItem],
        buyer: Buyer,
        coupons: Sequence[str] = (),
        region: str = "",
    ) -> HenryQuote:
        """Source: details jobs, followed to their end."""
        if buyer.shipping_address is None:
            raise Rejected("A quote needs an address.", maybe_sent=False)
        jobs = self.request_details(cart_id, address=buyer.shipping_address, coupons=coupons)
        return quoting.quote_of(
            quoting.follow_jobs(jobs, self.details_status, seconds=settings.QUOTE_WAIT), items
        )

    def find_purchases(
        self, cart_id: str, *, claimed_id: str = "", retries: int | None = None
    ) -> tuple[Observation, ...]:
        """Source: the order list, filtered by cart; a claim is not needed."""
        return self.list_orders(cart_id=cart_id, limit=wire.ORDERS_OF_A_CART, retries=retries)
