"""Steps of the inline checkout: which one an order is at, and what happens at each of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import InvalidBuyer, ShippingNotOffered
from django_henry_checkout.flows.buyer.details import clean_buyer, get_buyer, missing_parts
from django_henry_checkout.flows.checkout.confirm import is_under_way
from django_henry_checkout.flows.checkout.inline import ensure_inline_session, get_inline_session, set_buyer
from django_henry_checkout.flows.checkout.quotes import choose_shipping, get_quote, quote_session
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import CheckoutSession, Order, OrderLine, Quote
from django_henry_checkout.models.sessions import LIVE_SESSION
from django_henry_checkout.types import Buyer


class Step(StrEnum):
    """Step of the inline checkout. `PRICE` waits for a quote; `EXPIRED` and `STATUS` are not part of the sequence."""

    ADDRESS = "address"
    PRICE = "price"
    SHIPPING = "shipping"
    CARD = "card"
    REVIEW = "review"
    EXPIRED = "expired"
    STATUS = "status"


_STEPS = (Step.ADDRESS, Step.SHIPPING, Step.CARD, Step.REVIEW)


@dataclass(frozen=True, kw_only=True)
class InlineState:
    """State of an order that is paid in the shop's own form.

    Args:
        furthest: the last step that the shopper may open; `step` is the current one.
        has_choice: there is, or may be, more than one shipping rate for a merchant.
        card_on_page: a page at Henry collects the card; otherwise Henry's card element does.
    """

    order: Order
    session: CheckoutSession | None
    buyer: Buyer
    quote: Quote | None
    lines: Sequence[OrderLine]
    step: Step
    furthest: Step
    has_choice: bool
    card_on_page: bool

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of this order's checkout, in sequence."""
        return tuple(step for step in _STEPS if step != Step.SHIPPING or self.has_choice)

    def may_see(self, step: Step) -> bool:
        """Return whether the shopper may open a step now."""
        if self.furthest == Step.EXPIRED:
            return step == Step.ADDRESS
        if self.furthest == Step.STATUS:
            return False
        return step in self.steps and _rank(step) <= _rank(self.furthest)


def get_inline_state(order: Order, *, requested_step: str = "", has_card: bool = False) -> InlineState:
    """Return the state of an order's inline checkout.

    Args:
        requested_step: the step that the shopper requests; ignored if they may not open it yet.
        has_card: the request contains a card token, which is not stored.

    Effects: four queries at most, and no call to Henry.
    """
    gateway = gateway_for(app_settings.account(order.account))
    session = get_inline_session(order)
    quote = None if session is None else get_quote(session)
    buyer = get_buyer(order)
    has_choice = gateway.supports_shipping_choice and (quote is None or bool(shipping_choices(quote)))
    furthest = _furthest(order, session, buyer, quote, has_card or gateway.supports_card_modal)
    state = InlineState(
        order=order,
        session=session,
        buyer=buyer,
        quote=quote,
        lines=list(order.lines.all()),
        step=Step.CARD if furthest == Step.REVIEW and not has_card else furthest,
        furthest=furthest,
        has_choice=has_choice,
        card_on_page=gateway.supports_card_modal,
    )
    if requested_step in frozenset(Step) and state.may_see(Step(requested_step)):
        return _at(state, Step(requested_step))
    return state


def _at(state: InlineState, step: Step) -> InlineState:
    return InlineState(**{**vars(state), "step": step})


def _furthest(
    order: Order, session: CheckoutSession | None, buyer: Buyer, quote: Quote | None, has_card: bool
) -> Step:
    now = timezone.now()
    if is_under_way(order):
        return Step.STATUS
    if session is None or session.status not in LIVE_SESSION or session.expires_at <= now:
        return Step.EXPIRED
    if missing_parts(buyer, to_pay=True):
        return Step.ADDRESS
    if quote is None or quote.expires_at <= now:
        return Step.PRICE
    if any(merchant["chosen"] is None for merchant in shipping_choices(quote)):
        return Step.SHIPPING
    return Step.REVIEW if has_card else Step.CARD


def _rank(step: Step) -> int:
    return 1 if step == Step.PRICE else _STEPS.index(step) * 2


def shipping_choices(quote: Quote) -> list[dict[str, Any]]:
    """Return the merchants of a quote that offer more than one shipping rate."""
    return [merchant for merchant in quote.merchants if len(merchant["rates"]) > 1]


def submit_address(order: Order, buyer: Buyer) -> Quote:
    """Store the buyer of an order and request a quote for their address.

    An expired session is replaced, so that the shopper does not have to enter the address again.

    Raises:
        InvalidBuyer: names all parts that are missing or invalid. Nothing was changed.
        OrderNotOpen, PurchaseUnderWay, CartChanged, CartNotFound, GatewayError: as for `ensure_inline_session`.
        QuotePending, GatewayError: the address is stored, and the last quote has expired.

    Effects: as `set_buyer` and `quote_session`.
    """
    errors = _find_errors(buyer)
    if errors:
        raise InvalidBuyer(errors=errors)
    session = ensure_inline_session(order)
    set_buyer(session, lambda _before: buyer, strict=True)
    quote = get_quote(session)
    if quote is not None:
        # It may be for another address, so it must not be used if there is no new one.
        Quote.objects.filter(pk=quote.pk).update(expires_at=timezone.now())
    return quote_session(session)


def _find_errors(buyer: Buyer) -> dict[str, str]:
    errors = missing_parts(buyer, to_pay=True)
    try:
        clean_buyer(buyer, strict=True)
    except InvalidBuyer as error:
        errors |= error.errors
    return errors


def choose_rates(session: CheckoutSession, picked: Collection[int]) -> None:
    """Choose a shipping rate for each merchant; unchanged choices are not sent again.

    Raises:
        ShippingNotOffered: the choice for a merchant is missing, or not offered now.
        As `choose_shipping`; choices made before the error stay.

    Effects: `choose_shipping` for each merchant whose choice is new.
    """
    quote = get_quote(session)
    keys = [] if quote is None else [_key(merchant) for merchant in shipping_choices(quote)]
    for key in keys:
        merchant = _find_merchant(get_quote(session), key)
        if merchant is None:
            continue  # a new quote no longer offers a choice
        found = {rate["rateId"] for rate in merchant["rates"]} & set(picked)
        if len(found) != 1:
            raise ShippingNotOffered
        if found != {merchant["chosen"]}:
            choose_shipping(session, found.pop())


def _key(merchant: Mapping[str, Any]) -> tuple[str, ...]:
    return (merchant["host"], *merchant["links"])


def _find_merchant(quote: Quote | None, key: tuple[str, ...]) -> Mapping[str, Any] | None:
    if quote is None:
        return None
    return next((merchant for merchant in shipping_choices(quote) if _key(merchant) == key), None)


def renew_inline_checkout(order: Order) -> CheckoutSession:
    """Renew an inline checkout: start a new session if needed, and request a new quote if the buyer is complete.

    Raises:
        OrderNotOpen, PurchaseUnderWay, CartChanged, CartNotFound, QuotePending, GatewayError: as for
        `ensure_inline_session` and `quote_session`.
    """
    session = ensure_inline_session(order)
    if not missing_parts(get_buyer(order), to_pay=True):
        quote_session(session)
    return session
