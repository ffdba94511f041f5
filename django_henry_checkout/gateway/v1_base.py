"""The base class of both v1 generations, which return jobs and can list orders by cart."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import Rejected
from django_henry_checkout.gateway import details_jobs, wire
from django_henry_checkout.gateway.base import Gateway
from django_henry_checkout.gateway.raw_list import entries_of
from django_henry_checkout.gateway.response import Response, parse_strictly, text_digest
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


class GatewayV1Base(Gateway):
    """The parts of the gateway that both v1 generations share."""

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

    @abstractmethod
    def request_details(
        self, cart_id: str, *, address: Address, coupons: Sequence[str] = ()
    ) -> tuple[DetailsJob, ...]:
        """Start the details jobs that calculate shipping options and costs, one per merchant."""

    @abstractmethod
    def details_status(self, ref_id: str) -> DetailsJob:
        """Return a details job. *Read.*"""

    def fetch_raw_status(self, ref_id: str) -> RawAnswer:
        """Return the unparsed answer about one purchase. Sent once."""
        response = self._fetch_status(ref_id)
        return RawAnswer(ref_id, response.digest, lambda: wire.read_observation(response.json()))

    def list_raw_orders(self, *, cursor: str = "", limit: int = 100) -> tuple[RawAnswer, ...]:
        """Return one page of the order list as unparsed rows, without rows that have no id. Sent once."""
        response = self._fetch_orders({"limit": str(limit), **({"cursor": cursor} if cursor else {})})
        return tuple(
            RawAnswer(ref_id, text_digest(text.encode()), partial(_read_row, response, text))
            for ref_id, text in entries_of(response, name="refId")
            if isinstance(ref_id, str)
        )

    @abstractmethod
    def _fetch_status(self, ref_id: str) -> Response: ...

    @abstractmethod
    def _fetch_orders(self, filters: Mapping[str, str]) -> Response: ...

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
        """Source: details jobs, polled until they end."""
        if buyer.shipping_address is None:
            raise Rejected("A quote requires an address.", maybe_sent=False)
        jobs = self.request_details(cart_id, address=buyer.shipping_address, coupons=coupons)
        return details_jobs.quote_of(
            details_jobs.follow_jobs(jobs, self.details_status, seconds=app_settings.QUOTE_TIMEOUT), items
        )

    def find_purchases(
        self, cart_id: str, *, claimed_id: str = "", retries: int | None = None
    ) -> tuple[Observation, ...]:
        """Source: the order list, filtered by cart; `claimed_id` is not needed."""
        return self.list_orders(cart_id=cart_id, limit=wire.ORDERS_OF_A_CART, retries=retries)


def _read_row(response: Response, text: str) -> Observation:
    try:
        return wire.read_observation(parse_strictly(text))
    except ValueError as error:
        raise response.unusable(str(error)) from None
