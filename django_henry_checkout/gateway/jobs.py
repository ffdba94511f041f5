"""What both v1 generations do alike: they answer with jobs, and list orders by cart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import Rejected
from django_henry_checkout.gateway import details_jobs, wire
from django_henry_checkout.gateway.raw_list import entries_of
from django_henry_checkout.gateway.response import Answer, parse_strictly, text_digest
from django_henry_checkout.gateway.transport import Transport
from django_henry_checkout.types import (
    Address,
    Buyer,
    DetailsJob,
    HenryQuote,
    LineItem,
    Observation,
    RawAnswer,
)


class GatewayOfJobs:
    """The part of a `base.Gateway` that does not depend on how a v1 generation spells its calls."""

    supports_order_list = True
    hosted_url_is_permanent = True
    reports_paid_cart = False
    accepts_card_token = True
    supports_card_modal = False
    supports_shipping_choice = True
    supports_coupons = True
    supports_hosted_options = False

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _subscription(self) -> dict[str, Any]:
        account = self._transport.account
        return wire.write_subscription(account.webhook_uuid, account.webhook_events)

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

    def fetch_raw_status(self, ref_id: str) -> RawAnswer:
        """Ask about one purchase, once, and leave the answer unread."""
        answer = self._fetch_status(ref_id)
        return RawAnswer(ref_id, answer.digest, lambda: wire.read_observation(answer.content()))

    def list_raw_orders(self, *, cursor: str = "", limit: int = 100) -> tuple[RawAnswer, ...]:
        """Read one page of the order list, once, and leave its rows unread. Rows without an id are left out."""
        answer = self._fetch_orders({"limit": str(limit), **({"cursor": cursor} if cursor else {})})
        return tuple(
            RawAnswer(ref_id, text_digest(text.encode()), partial(_read_row, answer, text))
            for ref_id, text in entries_of(answer, name="refId")
            if isinstance(ref_id, str)
        )

    def _fetch_status(self, ref_id: str) -> Answer:
        raise NotImplementedError

    def _fetch_orders(self, wanted: Mapping[str, str]) -> Answer:
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
        return details_jobs.quote_of(
            details_jobs.follow_jobs(jobs, self.details_status, seconds=app_settings.QUOTE_TIMEOUT), items
        )

    def find_purchases(
        self, cart_id: str, *, claimed_id: str = "", retries: int | None = None
    ) -> tuple[Observation, ...]:
        """Source: the order list, filtered by cart; a claim is not needed."""
        return self.list_orders(cart_id=cart_id, limit=wire.ORDERS_OF_A_CART, retries=retries)


def _read_row(answer: Answer, text: str) -> Observation:
    try:
        return wire.read_observation(parse_strictly(text))
    except ValueError as error:
        raise answer.bad(str(error)) from None
