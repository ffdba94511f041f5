"""The steps of the inline checkout: which one an order is at, and what a shopper does at each of them."""

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
    """Where a shopper is. `PRICE` waits for a quote; `LAPSED` and `STATUS` are not part of the way."""

    ADDRESS = "address"
    PRICE = "price"
    SHIPPING = "shipping"
    CARD = "card"
    REVIEW = "review"
    LAPSED = "lapsed"
    STATUS = "status"


_STEPS = (Step.ADDRESS, Step.SHIPPING, Step.CARD, Step.REVIEW)


@dataclass(frozen=True, kw_only=True)
class InlineState:
    """What is known of an order that is paid in the shop's own form.

    Args:
        furthest: the last step that the shopper may be at; `step` is the one that he is at.
        has_choice: there is, or may be, more than one way to ship.
        card_on_page: Henry has a page of its own that collects the card; otherwise its card element does.
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
    def way(self) -> tuple[Step, ...]:
        """The steps from here to the purchase and before, in their order."""
        return tuple(step for step in _STEPS if step != Step.SHIPPING or self.has_choice)

    def may_see(self, step: Step) -> bool:
        """Whether the shopper may go to a step now."""
        if self.furthest == Step.LAPSED:
            return step == Step.ADDRESS
        if self.furthest == Step.STATUS:
            return False
        return step in self.way and _rank(step) <= _rank(self.furthest)


def get_inline_state(order: Order, *, wish: str = "", has_card: bool = False) -> InlineState:
    """Say which step an order is at.

    Args:
        wish: the step that the shopper asks for; it counts only if he has come so far.
        has_card: the card's token came along with this request; it is kept nowhere.

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
    if wish in frozenset(Step) and state.may_see(Step(wish)):
        return _at(state, Step(wish))
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
        return Step.LAPSED
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
    """Return the merchants of a quote that offer more than one way to ship."""
    return [merchant for merchant in quote.merchants if len(merchant["rates"]) > 1]


def submit_address(order: Order, buyer: Buyer) -> Quote:
    """Keep who buys an order and where it is sent, and ask Henry what it costs there.

    A session that has lapsed is replaced: whoever has typed his address need not do so again.

    Raises:
        InvalidBuyer: everything that is missing or wrong at once. Nothing was changed.
        OrderNotOpen, PurchaseUnderWay, CartChanged, CartNotFound, GatewayError: as for `prepare_inline`.
        QuotePending, GatewayError: the address is kept, and the last quote no longer counts.

    Effects: as `set_buyer` and `quote_session`.
    """
    errors = _wrong_with(buyer)
    if errors:
        raise InvalidBuyer(errors=errors)
    session = ensure_inline_session(order)
    set_buyer(session, lambda _before: buyer, strict=True)
    quote = get_quote(session)
    if quote is not None:
        # It was for another address, or may have been: it must not be shown if Henry has no new one.
        Quote.objects.filter(pk=quote.pk).update(expires_at=timezone.now())
    return quote_session(session)


def _wrong_with(buyer: Buyer) -> dict[str, str]:
    errors = missing_parts(buyer, to_pay=True)
    try:
        clean_buyer(buyer, strict=True)
    except InvalidBuyer as error:
        errors |= error.errors
    return errors


def choose_rates(session: CheckoutSession, picked: Collection[int]) -> None:
    """Choose how each merchant ships; one that has already been told so is not told again.

    Raises:
        ShippingNotOffered: a merchant's choice is missing, or not one of those that he offers now.
        As `choose_shipping`; what was chosen before the trouble stays chosen.

    Effects: `choose_shipping` for each merchant whose choice is new.
    """
    quote = get_quote(session)
    known = [] if quote is None else [_key(merchant) for merchant in shipping_choices(quote)]
    for key in known:
        merchant = _merchant_of(get_quote(session), key)
        if merchant is None:
            continue  # there is nothing left to choose
        found = {rate["rateId"] for rate in merchant["rates"]} & set(picked)
        if len(found) != 1:
            raise ShippingNotOffered
        if found != {merchant["chosen"]}:
            choose_shipping(session, found.pop())


def _key(merchant: Mapping[str, Any]) -> tuple[str, ...]:
    return (merchant["host"], *merchant["links"])


def _merchant_of(quote: Quote | None, key: tuple[str, ...]) -> Mapping[str, Any] | None:
    if quote is None:
        return None
    return next((merchant for merchant in shipping_choices(quote) if _key(merchant) == key), None)


def renew_inline_checkout(order: Order) -> CheckoutSession:
    """Let the shopper go on: more time, a fresh session if need be, and a fresh price if one can be asked.

    Raises:
        OrderNotOpen, PurchaseUnderWay, CartChanged, CartNotFound, QuotePending, GatewayError: as for
        `prepare_inline` and `quote_session`.
    """
    session = ensure_inline_session(order)
    if not missing_parts(get_buyer(order), to_pay=True):
        quote_session(session)
    return session
