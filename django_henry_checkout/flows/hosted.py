"""Paying on Henry's page: where to send the shopper, and what his return means.

The browser proves nothing. A return address is a hint that makes us ask Henry; only Henry's answer moves
an order.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.utils import timezone

from django_henry_checkout.conf import settings
from django_henry_checkout.exceptions import GatewayError, OrderNotOpen, TokenInvalid, TokenLapsed
from django_henry_checkout.flows.purchases import note_claim, observe_now
from django_henry_checkout.flows.sessions import check_checkout_url, end_session
from django_henry_checkout.models import CheckoutSession, OrderStatus, SessionStatus
from django_henry_checkout.models.sessions import LIVE_SESSION
from django_henry_checkout.models.tokens import hash_secret
from django_henry_checkout.types import Source

logger = logging.getLogger("django_henry_checkout.hosted")


MAX_CLAIM_LENGTH = 255


class Ending(StrEnum):
    """How a shopper comes back. `CHECKING`: Henry has not reported a payment yet."""

    COMPLETED = "completed"
    CANCELED = "canceled"
    ERRORED = "errored"
    CHECKING = "checking"


def find_session(order_id: UUID, token: str) -> CheckoutSession:
    """Return the session that a token opens, alive or not.

    Raises:
        TokenInvalid: no session of that order has the token.
    """
    sessions = CheckoutSession.objects.select_related("order")
    session = sessions.filter(token_hash=hash_secret(token), order__public_id=order_id).first()
    if session is None:
        raise TokenInvalid
    return session


def payment_url(session: CheckoutSession, *, return_url: str) -> str:
    """Return the address of Henry's page for a session.

    Args:
        return_url: absolute; handed to Henry in RETURN_URL_PARAMETER.

    Raises:
        OrderNotOpen: the order is already being bought or has ended.
        TokenLapsed: the session has ended, or its time is over.
        UntrustedCheckoutUrl: CHECKOUT_ORIGINS no longer holds the page.
    """
    order = session.order
    if order.status != OrderStatus.OPEN:
        raise OrderNotOpen
    if session.status not in LIVE_SESSION or session.expires_at <= timezone.now():
        raise TokenLapsed
    check_checkout_url(order.hosted_url, account=settings.account(order.account))
    parameter = settings.RETURN_URL_PARAMETER
    if not parameter:
        return order.hosted_url
    parts = urlsplit(order.hosted_url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), (parameter, return_url)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def return_from_payment(session: CheckoutSession, hint: Ending, *, claimed_id: str = "") -> Ending:
    """Find out what a shopper's return means. May be repeated any number of times.

    Args:
        hint: what the return address claims.
        claimed_id: what it says that the order is called at Henry; the v0 generation finds it by that.

    Returns:
        Ending: what Henry says; the hint counts only while Henry has no order of the cart.

    Effects: at most one HTTP read while the order is open; a session that was given up ends.
    """
    order = session.order
    if order.status == OrderStatus.OPEN:
        _ask(session, claimed_id=claimed_id)
        order.refresh_from_db()
    if order.status in {OrderStatus.FAILED, OrderStatus.CANCELED}:
        return Ending.ERRORED
    if order.status != OrderStatus.OPEN:
        return Ending.COMPLETED
    if hint is Ending.CANCELED:
        end_session(session, SessionStatus.CANCELED, source="shopper")
        return Ending.CANCELED
    if hint is Ending.ERRORED:
        end_session(session, SessionStatus.ERRORED, source="shopper")
        return Ending.ERRORED
    return Ending.CHECKING


def _ask(session: CheckoutSession, *, claimed_id: str) -> None:
    purchase = session.order.purchases.filter(ended_at=None).first()
    if purchase is None:
        return
    if claimed_id and claimed_id.isprintable() and len(claimed_id) <= MAX_CLAIM_LENGTH:
        note_claim(purchase, claimed_id)
    try:
        observe_now(purchase, source=Source.RETURN_PAGE)
    except GatewayError as error:
        # The worker asks again; the shopper sees that we are checking.
        logger.warning("Order %s: %s, %s", session.order.ulid, error.code, error.status)
