"""Paying on Henry's page: where to send the shopper, and what his return means.

The browser proves nothing. A return address is a hint that makes us ask Henry; only Henry's answer moves
an order.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    GatewayError,
    NotSupported,
    OrderNotOpen,
    PrefillOff,
    TokenExpired,
    TokenInvalid,
)
from django_henry_checkout.flows.checkout.sessions import check_checkout_url, end_session
from django_henry_checkout.flows.order.transitions import ensure_no_competing_order
from django_henry_checkout.flows.purchase.lifecycle import (
    ensure_expected_payment,
    record_claimed_id,
    refresh_purchase,
)
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import CheckoutSession, Order, OrderStatus, SessionKind, SessionStatus
from django_henry_checkout.models.access import hash_secret
from django_henry_checkout.models.sessions import LIVE_SESSION
from django_henry_checkout.types import Buyer, Source

logger = logging.getLogger("django_henry_checkout.hosted")


MAX_CLAIM_LENGTH = 255
REFRESH_PAUSE = 2
MAX_PAUSE = 60


class ReturnOutcome(StrEnum):
    """How a shopper comes back. `CHECKING`: Henry has not reported a payment yet."""

    COMPLETED = "completed"
    CANCELED = "canceled"
    ERRORED = "errored"
    CHECKING = "checking"


_ENDED_BY_SHOPPER = {
    ReturnOutcome.CANCELED: SessionStatus.CANCELED,
    ReturnOutcome.ERRORED: SessionStatus.ERRORED,
}


def find_hosted_session(order_id: UUID, token: str) -> CheckoutSession:
    """Return the session that a token opens, alive or not.

    Raises:
        TokenInvalid: no session of that order has the token.
        TokenExpired: it is so old that no payment can come from it any more.
    """
    shown = hash_secret(token)
    sessions = CheckoutSession.objects.select_related("order").filter(order__public_id=order_id)
    # By two statements with an index each; an OR of both would have none.
    session = sessions.filter(token_hash=shown).first() or sessions.filter(frame_token_hash=shown).first()
    if session is None:
        raise TokenInvalid
    if session.expires_at + app_settings.HOSTED_PAYMENT_TIMEOUT <= timezone.now():
        raise TokenExpired
    return session


def accepts_hosted_options(order: Order) -> bool:
    """Whether Henry's page for this order can be told a region, and whether the shopper must sign in."""
    return gateway_for(app_settings.account(order.account)).supports_hosted_options


def check_prefill(account: str) -> None:
    """Refuse to fill in Henry's page where the shop, or the generation, does not.

    Raises:
        PrefillOff, NotSupported.
    """
    if not app_settings.PREFILL_HOSTED_PAGE:
        raise PrefillOff
    if not gateway_for(app_settings.account(account)).supports_prefill:
        raise NotSupported("In this generation of Henry's API the payment page cannot be filled in.")


def payment_url(session: CheckoutSession, *, return_url: str, buyer: Buyer | None = None) -> str:
    """Return the address of Henry's page for a session.

    Args:
        return_url: absolute; handed to Henry in RETURN_URL_PARAMETER.
        buyer: fills in the page; the address then holds his data, and is kept nowhere. See `check_prefill`.

    Raises:
        OrderNotOpen: the order is already being bought or has ended.
        TokenExpired: the session has ended, or its time is over.
        UntrustedCheckoutUrl: CHECKOUT_ORIGINS no longer holds the page.
        CartChanged, CartNotFound, PurchaseUnderWay: as for `refuse_beside_another`.

    Effects: none; with a buyer one HTTP read.
    """
    order = session.order
    if order.status != OrderStatus.OPEN:
        raise OrderNotOpen(order_id=order.public_id)
    if session.kind != SessionKind.HOSTED:
        raise TokenInvalid  # nothing waits for a payment there
    if session.status not in LIVE_SESSION or session.expires_at <= timezone.now():
        raise TokenExpired
    ensure_no_competing_order(order)
    account = app_settings.account(order.account)
    url = order.hosted_url
    if buyer is not None:
        url = gateway_for(account).prefilled_url(order.henry_cart_id, buyer)
    check_checkout_url(url, account=account)
    parameter = app_settings.RETURN_URL_PARAMETER
    if not parameter:
        return url
    return add_query(url, **{parameter: return_url})


def add_query(url: str, **more: str) -> str:
    """Return an address with more in its query."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *more.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def refresh_payment(session: CheckoutSession, *, claimed_id: str = "") -> None:
    """Ask Henry about a session's payment now, because something hinted that there is news. See `_ask`.

    Args:
        claimed_id: what a message said that the order is called at Henry. It proves nothing.

    Effects: at most one HTTP read while the order is open.
    """
    if session.order.status == OrderStatus.OPEN:
        _refresh(session, claimed_id=claimed_id)


def resolve_return(session: CheckoutSession, hint: ReturnOutcome, *, claimed_id: str = "") -> ReturnOutcome:
    """Find out what a shopper's return means. May be repeated any number of times.

    Args:
        hint: what the return address claims.
        claimed_id: what it says that the order is called at Henry; the v0 generation finds it by that.

    Returns:
        Ending: what Henry says; the hint counts only if Henry has just said that there is no order.

    Effects: at most one HTTP read while the order is open; a session that was given up ends.
    """
    order = session.order
    has_answered = True
    if order.status == OrderStatus.OPEN:
        has_answered = _refresh(session, claimed_id=claimed_id)
        order.refresh_from_db()
    if order.status == OrderStatus.OPEN and has_answered and hint in _ENDED_BY_SHOPPER:
        is_over = end_session(session, _ENDED_BY_SHOPPER[hint], source="shopper")
        session.refresh_from_db(fields=["status"])
        if is_over or session.status not in LIVE_SESSION:
            return hint
        order.refresh_from_db()  # paid between Henry's answer and our lock, or given up before
    if order.status in {OrderStatus.FAILED, OrderStatus.CANCELED}:
        return ReturnOutcome.ERRORED
    if order.status != OrderStatus.OPEN:
        return ReturnOutcome.COMPLETED
    return ReturnOutcome.CHECKING


def _refresh(session: CheckoutSession, *, claimed_id: str) -> bool:
    """Ask Henry what became of the payment; return whether there was an answer.

    Not more often than every ASK_PAUSE seconds for one order: a page that reloads itself must not
    become a burden to Henry.
    """
    # An inline session was never sent to Henry's page: there is nothing to wait for.
    purchase = ensure_expected_payment(session.order) if session.kind == SessionKind.HOSTED else None
    if purchase is None:
        return True
    if claimed_id and claimed_id.isprintable() and len(claimed_id) <= MAX_CLAIM_LENGTH:
        record_claimed_id(purchase, claimed_id)
    # Not by the claim itself: made-up ones would make us ask without end, and odd ones are no cache keys.
    key = f"henry_checkout:asked:{purchase.pk}:{int(bool(purchase.claimed_id))}"
    if not cache.add(key, 0, timeout=int(app_settings.TOTAL_TIMEOUT) * 3):  # asked a moment ago, or right now
        return bool(cache.get(key))
    try:
        refresh_purchase(purchase, source=Source.RETURN_PAGE)
    except GatewayError as error:
        # The worker asks again; the shopper sees that we are checking.
        logger.warning("Order %s: %s, %s", session.order.ulid, error.code, error.status)
        cache.set(key, 0, timeout=min(error.retry_after or REFRESH_PAUSE, MAX_PAUSE))
        return False
    cache.set(key, 1, timeout=REFRESH_PAUSE)
    return True


def requires_sign_in(order: Order) -> bool:
    """Tell whether Henry's page asks shoppers to sign in there, for which a frame needs its cookies."""
    return app_settings.HOSTED_SIGN_IN and accepts_hosted_options(order)
