"""Payment in the shop's own form: start, find the session, set the buyer, collect a card."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    InvalidBuyer,
    OrderNotOpen,
    PurchaseUnderWay,
    SessionNotFound,
    SessionNotNamed,
    TokenExpired,
)
from django_henry_checkout.flows.access.adapter import get_adapter
from django_henry_checkout.flows.access.customer_tokens import get_known_buyer
from django_henry_checkout.flows.buyer.details import clean_buyer, get_buyer, save_buyer
from django_henry_checkout.flows.checkout.sessions import (
    SessionOptions,
    StartedCheckout,
    begin_checkout,
    check_checkout_url,
    renew_session,
)
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import Cart, CheckoutSession, Order, OrderStatus, SessionKind, SessionStatus
from django_henry_checkout.models.sessions import LIVE_SESSION
from django_henry_checkout.types import Buyer, Caller

logger = logging.getLogger("django_henry_checkout.checkout")


@dataclass(frozen=True, kw_only=True)
class CardForm:
    """How a card is collected: on Henry's page at `modal_url`, or by Henry's card element in the shop's page."""

    kind: str
    settings: Mapping[str, str]
    modal_url: str = ""


def begin_inline(
    cart: Cart,
    *,
    user: Any = None,
    kind: SessionKind = SessionKind.INLINE,
    changes: Changes | None = None,
    metadata: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
    buyer: Buyer | None = None,
) -> StartedCheckout:
    """Start paying a cart in the shop's own form.

    Args:
        buyer: is saved to the order, also if it was resumed; None takes the cart's customer session, or asks the adapter.

    Raises:
        As `begin_checkout`.
    """
    prefill = _get_prefill(cart, request) if buyer is None else buyer
    started = begin_checkout(
        cart,
        user=user,
        options=SessionOptions(kind=kind),
        changes=changes,
        metadata=metadata,
        request=request,
    )
    if prefill != Buyer() and (buyer is not None or get_buyer(started.order) == Buyer()):
        save_buyer(started.order, prefill)
    return started


def _get_prefill(cart: Cart, request: HttpRequest | None) -> Buyer:
    """Return what is known of the shopper before they have typed anything."""
    known = get_known_buyer(cart)
    if known != Buyer():
        return known
    offered = get_adapter().buyer_for(request)
    try:
        return clean_buyer(offered, strict=False) if offered else Buyer()
    except InvalidBuyer as error:  # the shop's records may be old; the shopper still has the form
        logger.warning("The adapter's buyer_for returned a buyer that cannot be used: %s", error)
        return Buyer()


def find_inline_session(
    caller: Caller, *, session_id: UUID | None = None, cart_id: UUID | None = None
) -> CheckoutSession:
    """Return the caller's inline session, active or not, with its order.

    It is identified by its token, its id or its cart's id; all that are given must agree. A customer's token alone
    selects the customer's newest session.

    Raises:
        SessionNotNamed: nothing identifies a session.
        SessionNotFound: it does not exist, belongs to somebody else, or is a hosted one.
    """
    if caller.is_hosted:
        raise SessionNotFound  # the secret of a hosted session appears in URLs
    sessions = CheckoutSession.objects.select_related("order", "order__cart", "quote")
    sessions = sessions.exclude(kind=SessionKind.HOSTED)
    if caller.session_id is not None:
        sessions = sessions.filter(public_id=caller.session_id)
    elif session_id is None and cart_id is None and caller.customer_id is None:
        raise SessionNotNamed
    else:
        sessions = sessions.filter(order__in=Order.objects.owned_by(caller))
    if session_id is not None:
        sessions = sessions.filter(public_id=session_id)
    if cart_id is not None:
        sessions = sessions.filter(order__cart__public_id=cart_id)
    found = sessions.order_by("-pk").first()
    if found is None:
        raise SessionNotFound
    return found


def ensure_inline_session(order: Order) -> CheckoutSession:
    """Return the inline session of an order if it can be paid; otherwise start a new one.

    Raises:
        OrderNotOpen, PurchaseUnderWay, GatewayError: as for `renew_session`.
    """
    session = get_inline_session(order)
    if session is not None:
        with suppress(TokenExpired):
            require_open(session)
            return session
    return renew_session(order, options=SessionOptions(kind=SessionKind.INLINE)).session


def get_inline_session(order: Order) -> CheckoutSession | None:
    """Return the newest session of an order that is not hosted, active or not."""
    sessions = CheckoutSession.objects.select_related("order", "order__cart", "quote")
    return sessions.filter(order=order).exclude(kind=SessionKind.HOSTED).order_by("-pk").first()


def require_open(session: CheckoutSession) -> None:
    """Refuse a session that can no longer be paid.

    Raises:
        OrderNotOpen: its order is already being bought or has ended.
        PurchaseUnderWay: it is being bought, or the outcome of that is unknown.
        TokenExpired: it has ended or expired.
    """
    if session.order.status != OrderStatus.OPEN:
        raise OrderNotOpen(order_id=session.order.public_id)
    if session.status == SessionStatus.CONFIRMING:
        raise PurchaseUnderWay(order_id=session.order.public_id)
    if session.status not in LIVE_SESSION or session.expires_at <= timezone.now():
        raise TokenExpired


def lock_open_order(session: CheckoutSession) -> Order:
    """Lock the order of a session, within a transaction, if it can still be paid.

    Raises:
        As `require_open`, for the state under the lock.
    """
    order = Order.objects.lock().get(pk=session.order_id)
    session.refresh_from_db(fields=["status", "expires_at"])
    session.order = order
    require_open(session)
    return order


def set_buyer(session: CheckoutSession, changes: Callable[[Buyer], Buyer], *, strict: bool) -> Buyer:
    """Change the buyer of a session's order.

    Args:
        changes: receives the stored buyer and returns the new one.
        strict: see `clean_buyer`.

    Raises:
        InvalidBuyer: nothing was changed.
        OrderNotOpen, TokenExpired: as for `require_open`.

    Effects: one transaction. A quote for another address is renewed before the purchase.
    """
    require_open(session)
    with transaction.atomic():
        order = lock_open_order(session)
        buyer = clean_buyer(changes(get_buyer(order)), strict=strict)
        save_buyer(order, buyer)
    return buyer


def get_card_form(session: CheckoutSession) -> CardForm:
    """Return how the shopper's card is collected.

    Raises:
        OrderNotOpen, TokenExpired: as for `require_open`.
        UntrustedCheckoutUrl: Henry returned a page outside CHECKOUT_ORIGINS.

    Effects: one HTTP call if Henry has a page for it.
    Source: henry-api.md 3.1.4; the settings of the card element are not documented, so the shop provides them.
    """
    require_open(session)
    account = app_settings.account(session.order.account)
    gateway = gateway_for(account)
    if not gateway.supports_card_modal:
        return CardForm(kind="element", settings=app_settings.CARD_ELEMENT)
    url = gateway.card_modal_url(session.order.henry_cart_id)
    check_checkout_url(url, account=account)
    return CardForm(kind="modal", modal_url=url, settings={})
