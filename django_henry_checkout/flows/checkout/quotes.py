"""Quotes: the current price of an order, requested from Henry, stored with the session, and renewed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from moneyed import Money

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    BadResponse,
    GatewayTimeout,
    NotSupported,
    QuotePending,
    QuoteRequired,
    ShippingNotOffered,
)
from django_henry_checkout.flows.buyer.details import get_buyer, require_complete
from django_henry_checkout.flows.checkout.inline import lock_open_order, require_open
from django_henry_checkout.gateway import Gateway, gateway_for
from django_henry_checkout.models import CheckoutSession, Order, OrderLine, Quote, SessionStatus
from django_henry_checkout.models.orders import AMOUNTS
from django_henry_checkout.types import HenryQuote, LineItem, MerchantQuote, ShippingOption

#: Rate ids are below this, so that every JSON parser reads them exactly and none looks like a card number.
MAX_RATE_ID = 10**12


def quote_session(
    session: CheckoutSession,
    *,
    coupons: Sequence[str] | None = None,
    region: str | None = None,
    accepted: Money | None = None,
) -> Quote:
    """Request a quote for the session's order and store it; the session's lifetime starts again.

    Args:
        coupons: for the whole order; None keeps those of the last quote.
        region: where the buyer is, for a generation that needs it; None keeps that of the last quote.
        accepted: the total that the buyer accepted, if this is part of a confirm. The buyer has not seen a total
            above it yet, so the next confirm must state what it accepts.

    Raises:
        BuyerIncomplete: the address lacks a part that its country requires.
        NotSupported: coupons, in a generation without them.
        OrderNotOpen, TokenExpired: the session can no longer be paid.
        QuotePending: Henry had not finished the quote after QUOTE_TIMEOUT seconds.
        GatewayError: no usable answer; the last quote stays.

    Effects: one HTTP call, or one for each poll of the jobs of a v1 quote; then one transaction.
    """
    require_open(session)
    last = get_quote(session)
    order = session.order
    buyer = get_buyer(order)
    require_complete(buyer)
    coupons = list(last.coupons if last and coupons is None else coupons or ())
    region = (last.region if last and region is None else region) or ""
    gateway = gateway_for(app_settings.account(order.account))
    if coupons and not gateway.supports_coupons:
        raise NotSupported("This generation of Henry's API does not accept coupons for an order.")
    lines = list(order.lines.all())
    try:
        found = gateway.quote(
            order.henry_cart_id,
            items=[line.as_item() for line in lines],
            buyer=buyer,
            coupons=coupons,
            region=region,
        )
    except GatewayTimeout as error:
        raise QuotePending from error
    merchants = [_merchant(each, last, lines) for each in found.merchants]
    return _store_quote(
        session, found, merchants=merchants, coupons=coupons, region=region, accepted=accepted
    )


def get_quote(session: CheckoutSession) -> Quote | None:
    """Return the last quote of a session, or None."""
    quote: Quote | None = getattr(session, "quote", None)
    return quote


def _store_quote(
    session: CheckoutSession,
    found: HenryQuote,
    *,
    merchants: list[dict[str, Any]],
    coupons: list[str],
    region: str,
    accepted: Money | None,
) -> Quote:
    total = found.costs.total
    if total is None or total.amount < 0:
        raise BadResponse("Henry's quote has no usable total.")
    now = timezone.now()
    columns = {
        "currency": total.currency.code,
        **{f"{name}_amount": _amount(getattr(found.costs, name), total) for name in AMOUNTS},
        "merchants": merchants,
        "coupons": coupons,
        "refused_coupons": [code for code, counts in found.coupons if not counts],
        "needs_acceptance": accepted is not None
        and (total.currency != accepted.currency or total > accepted),
        "region": region,
        "quoted_at": now,
        "expires_at": now + app_settings.QUOTE_LIFETIME,
    }
    with transaction.atomic():
        order = lock_open_order(session)
        quote, _is_new = Quote.objects.update_or_create(session=session, defaults=columns)
        _copy_to_order(order, quote)
        if session.can_transition_to(SessionStatus.QUOTED):
            session.transition_to(SessionStatus.QUOTED)
        session.expires_at = now + app_settings.SESSION_LIFETIME
        session.save(update_fields=["status", "expires_at"])
    quote.henry_token = found.token
    session.quote = quote
    return quote


def _amount(money: Money | None, total: Money) -> Any:
    return money.amount if money is not None and money.currency == total.currency else None


def _copy_to_order(order: Order, quote: Quote) -> None:
    """Copy the amounts of the quote. One that it omits is cleared, except the subtotal in the same currency."""
    columns: dict[str, Any] = {"currency": quote.currency}
    for name in AMOUNTS:
        amount = getattr(quote, f"{name}_amount")
        if amount is not None or name != "subtotal" or order.currency != quote.currency:
            columns[f"{name}_amount"] = amount
    for name, value in columns.items():
        setattr(order, name, value)
    order.save(update_fields=[*columns, "updated_at"])


def _merchant(found: MerchantQuote, last: Quote | None, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """Return a merchant's offer as it is stored; a rate that was offered before keeps its id."""
    known = {
        (merchant["host"], rate["optionId"]): rate["rateId"]
        for merchant in (last.merchants if last else ())
        for rate in merchant["rates"]
    }
    rates = [
        _rate(option, known.get((found.host, option.option_id)) or secrets.randbelow(MAX_RATE_ID - 1) + 1)
        for option in found.options
    ]
    return {
        "host": found.host,
        "links": list(found.links),
        "shipping": None if found.shipping is None else str(found.shipping.amount),
        "chosen": _chosen(rates, [line for line in lines if line.link in found.links]),
        "rates": rates,
    }


def _rate(option: ShippingOption, rate_id: int) -> dict[str, Any]:
    cost = option.cost
    return {
        "rateId": rate_id,
        "optionId": option.option_id,
        "name": option.name,
        "cost": None if cost is None else str(cost.amount),
        "currency": None if cost is None else cost.currency.code,
        "timeEstimate": option.time_estimate,
        "minDate": option.min_date,
        "maxDate": option.max_date,
    }


def _chosen(rates: Sequence[Mapping[str, Any]], lines: Sequence[OrderLine]) -> int | None:
    """Return the rate that the lines request; None leaves the choice to Henry."""
    wanted = {text.lower() for line in lines for text in line.selected_shipping.values()}
    matching = (rate["rateId"] for rate in rates if wanted & {rate["optionId"].lower(), rate["name"].lower()})
    return next(matching, None)


def choose_shipping(session: CheckoutSession, rate_id: int) -> Quote:
    """Choose one of the offered shipping rates and request a new quote.

    Raises:
        QuoteRequired: there is no quote yet.
        NotSupported: this generation offers no choice.
        ShippingNotOffered: the rate is not in the last quote.
        OrderNotOpen, TokenExpired, QuotePending, GatewayError: as for `quote_session`.

    Effects: the order cannot be bought meanwhile; one HTTP call for each line of that merchant; then as
    `quote_session`.
    """
    require_open(session)
    order, quote = session.order, get_quote(session)
    gateway = gateway_for(app_settings.account(order.account))
    if not gateway.supports_shipping_choice:
        raise NotSupported("In this generation of Henry's API the merchant chooses how to ship.")
    if quote is None:
        raise QuoteRequired
    rate = quote.rates.get(rate_id)
    if rate is None:
        raise ShippingNotOffered
    links = next(each["links"] for each in quote.merchants if rate in each["rates"])
    choice = {"id": rate["optionId"], "value": rate["name"]}
    _block_purchases(session)
    _send_choice(gateway, order, links, choice)
    OrderLine.objects.filter(order=order, link__in=links).update(selected_shipping=choice)
    quote = quote_session(session)
    CheckoutSession.objects.filter(pk=session.pk).update(shipping_locked_until=None)
    return quote


def _block_purchases(session: CheckoutSession) -> None:
    """Block purchases while the cart at Henry is being changed; if the process dies, until a timeout.

    The order loses its cart digest: a later checkout of the cart must not resume it, because its shipping differs.
    """
    with transaction.atomic():
        order = lock_open_order(session)
        order.cart_digest = ""
        order.save(update_fields=["cart_digest"])
        seconds = app_settings.QUOTE_TIMEOUT + 2 * app_settings.TOTAL_TIMEOUT
        session.shipping_locked_until = timezone.now() + timedelta(seconds=seconds)
        session.save(update_fields=["shipping_locked_until"])


def _send_choice(gateway: Gateway, order: Order, links: Sequence[str], choice: Mapping[str, str]) -> None:
    items: list[LineItem] = [line.as_item() for line in order.lines.filter(link__in=links)]
    deadline = time.monotonic() + app_settings.QUOTE_TIMEOUT
    for item in items:
        if time.monotonic() > deadline:
            raise QuotePending
        gateway.update_item(order.henry_cart_id, replace(item, selected_shipping=choice))
