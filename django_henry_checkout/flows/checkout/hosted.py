"""Payment on Henry's page: where to send the shopper, and what their return means.

The browser proves nothing. A return URL is a hint that triggers a status request; only Henry's answer changes an
order.
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
#: Seconds between two status requests for one order; after an error, as long as Henry requests, up to MAX_PAUSE.
REFRESH_PAUSE = 2
MAX_PAUSE = 60


class ReturnOutcome(StrEnum):
    """Outcome of a shopper's return. `CHECKING`: Henry has not reported a payment yet."""

    COMPLETED = "completed"
    CANCELED = "canceled"
    ERRORED = "errored"
    CHECKING = "checking"


_ENDED_BY_SHOPPER = {
    ReturnOutcome.CANCELED: SessionStatus.CANCELED,
    ReturnOutcome.ERRORED: SessionStatus.ERRORED,
}


def find_hosted_session(order_id: UUID, token: str) -> CheckoutSession:
    """Return the session that a token identifies, active or not.

    Raises:
        TokenInvalid: no session of that order has the token.
        TokenExpired: the session is so old that no payment can result from it any more.
    """
    token_hash = hash_secret(token)
    sessions = CheckoutSession.objects.select_related("order").filter(order__public_id=order_id)
    # Two queries with an index each; a query with OR could use neither.
    session = (
        sessions.filter(token_hash=token_hash).first() or sessions.filter(frame_token_hash=token_hash).first()
    )
    if session is None:
        raise TokenInvalid
    if session.expires_at + app_settings.HOSTED_PAYMENT_TIMEOUT <= timezone.now():
        raise TokenExpired
    return session


def accepts_hosted_options(order: Order) -> bool:
    """Return whether Henry's page for this order accepts a region and a sign-in requirement."""
    return gateway_for(app_settings.account(order.account)).supports_hosted_options


def check_prefill(account: str) -> None:
    """Refuse to prefill Henry's page if the shop has not enabled it or the generation does not support it.

    Raises:
        PrefillOff, NotSupported.
    """
    if not app_settings.PREFILL_HOSTED_PAGE:
        raise PrefillOff
    if not gateway_for(app_settings.account(account)).supports_prefill:
        raise NotSupported("In this generation of Henry's API the payment page cannot be prefilled.")


def payment_url(session: CheckoutSession, *, return_url: str, buyer: Buyer | None = None) -> str:
    """Return the URL of Henry's page for a session.

    Args:
        return_url: absolute; passed to Henry in RETURN_URL_PARAMETER.
        buyer: prefills the page; the URL then contains their data, and is not stored. See `check_prefill`.

    Raises:
        OrderNotOpen: the order is already being bought or has ended.
        TokenExpired: the session has ended or expired.
        UntrustedCheckoutUrl: CHECKOUT_ORIGINS no longer contains the page's origin.
        CartChanged, CartNotFound, PurchaseUnderWay: as for `ensure_no_competing_order`.

    Effects: none; with a buyer one HTTP read.
    """
    order = session.order
    if order.status != OrderStatus.OPEN:
        raise OrderNotOpen(order_id=order.public_id)
    if session.kind != SessionKind.HOSTED:
        raise TokenInvalid  # no payment on Henry's page is expected
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
    """Return a URL with parameters added to its query."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *more.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def refresh_payment(session: CheckoutSession, *, claimed_id: str = "") -> None:
    """Refresh the state of a session's payment after a hint that it may have changed.

    Args:
        claimed_id: Henry's order id according to a message from the browser. It proves nothing.

    Effects: at most one HTTP read while the order is open, at most every REFRESH_PAUSE seconds.
    """
    if session.order.status == OrderStatus.OPEN:
        _refresh(session, claimed_id=claimed_id)


def resolve_return(session: CheckoutSession, hint: ReturnOutcome, *, claimed_id: str = "") -> ReturnOutcome:
    """Return the outcome of a shopper's return. Idempotent.

    Args:
        hint: the outcome that the return URL claims.
        claimed_id: Henry's order id according to the return URL; the v0 generation finds the order by it.

    Returns:
        ReturnOutcome: what Henry reports; the hint counts only if Henry has just reported that there is no order.

    Effects: at most one HTTP read while the order is open; a canceled or errored session ends.
    """
    order = session.order
    is_verified = True
    if order.status == OrderStatus.OPEN:
        is_verified = _refresh(session, claimed_id=claimed_id)
        order.refresh_from_db()
    if order.status == OrderStatus.OPEN and is_verified and hint in _ENDED_BY_SHOPPER:
        is_ended = end_session(session, _ENDED_BY_SHOPPER[hint], source="shopper")
        session.refresh_from_db(fields=["status"])
        if is_ended or session.status not in LIVE_SESSION:
            return hint
        order.refresh_from_db()  # paid between Henry's answer and our lock
    if order.status in {OrderStatus.FAILED, OrderStatus.CANCELED}:
        return ReturnOutcome.ERRORED
    if order.status != OrderStatus.OPEN:
        return ReturnOutcome.COMPLETED
    return ReturnOutcome.CHECKING


def _refresh(session: CheckoutSession, *, claimed_id: str) -> bool:
    """Refresh the state of the payment from Henry; return whether there was an answer.

    At most every REFRESH_PAUSE seconds for one order, so that a page that reloads itself causes no load at Henry.
    """
    # An inline session was never sent to Henry's page: no payment is expected there.
    purchase = ensure_expected_payment(session.order) if session.kind == SessionKind.HOSTED else None
    if purchase is None:
        return True
    if claimed_id and claimed_id.isprintable() and len(claimed_id) <= MAX_CLAIM_LENGTH:
        record_claimed_id(purchase, claimed_id)
    # The key does not contain the claim: forged claims would bypass the limit or be invalid cache keys.
    key = f"henry_checkout:refreshed:{purchase.pk}:{int(bool(purchase.claimed_id))}"
    if not cache.add(key, 0, timeout=int(app_settings.TOTAL_TIMEOUT) * 3):  # refreshed recently, or right now
        return bool(cache.get(key))
    try:
        refresh_purchase(purchase, source=Source.RETURN_PAGE)
    except GatewayError as error:
        # The worker retries; the shopper sees that the payment is being checked.
        logger.warning("Order %s: %s, %s", session.order.ulid, error.code, error.status)
        cache.set(key, 0, timeout=min(error.retry_after or REFRESH_PAUSE, MAX_PAUSE))
        return False
    cache.set(key, 1, timeout=REFRESH_PAUSE)
    return True


def requires_sign_in(order: Order) -> bool:
    """Return whether shoppers must sign in on Henry's page, for which a frame needs its cookies."""
    return app_settings.HOSTED_SIGN_IN and accepts_hosted_options(order)
