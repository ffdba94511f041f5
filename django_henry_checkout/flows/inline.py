"""Paying in the shop's own form: begin, find the session, tell who buys, collect a card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from django_henry_checkout.conf import settings
from django_henry_checkout.exceptions import (
    OrderNotOpen,
    PurchaseUnderWay,
    SessionNotFound,
    SessionNotNamed,
    TokenLapsed,
)
from django_henry_checkout.flows.buyers import buyer_of, clean_buyer, save_buyer
from django_henry_checkout.flows.customers import known_buyer
from django_henry_checkout.flows.sessions import (
    Begun,
    Opening,
    begin_checkout,
    check_checkout_url,
    renew_session,
)
from django_henry_checkout.flows.snapshots import Changes
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import Cart, CheckoutSession, Order, OrderStatus, SessionKind, SessionStatus
from django_henry_checkout.models.sessions import LIVE_SESSION
from django_henry_checkout.types import Buyer, Caller


@dataclass(frozen=True, kw_only=True)
class CardForm:
    """How a card is collected: on Henry's page, at `modal_url`, or by Henry's card element in the shop's page."""

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
) -> Begun:
    """Begin to pay a cart in the shop's own form; what its customer told beforehand is filled in.

    Raises:
        As `begin_checkout`.
    """
    begun = begin_checkout(cart, user=user, opening=Opening(kind=kind), changes=changes, metadata=metadata)
    buyer = known_buyer(cart)
    if buyer != Buyer() and buyer_of(begun.order) == Buyer():
        save_buyer(begun.order, buyer)
    return begun


def find_session(
    caller: Caller, *, session_id: UUID | None = None, cart_id: UUID | None = None
) -> CheckoutSession:
    """Return the caller's checkout session, alive or not, with its order.

    The caller shows its token, or names it, or names its cart; whatever is said must agree. For a customer's
    token alone it is the newest that he has.

    Raises:
        SessionNotNamed: nothing says which one.
        SessionNotFound: there is none, or it is somebody else's, or it is one of Henry's hosted page.
    """
    if caller.is_hosted:
        raise SessionNotFound  # his secret stands in addresses
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


def prepare_inline(order: Order) -> CheckoutSession:
    """Return the session by which an order is paid in the shop's own form; begin one if there is none alive.

    Raises:
        OrderNotOpen, PurchaseUnderWay, GatewayError: as for `renew_session`.
    """
    session = inline_session_of(order)
    if session is not None:
        with suppress(TokenLapsed):
            require_open(session)
            return session
    return renew_session(order, opening=Opening(kind=SessionKind.INLINE)).session


def inline_session_of(order: Order) -> CheckoutSession | None:
    """Return the newest session of an order that is not one of Henry's hosted page, alive or not."""
    sessions = CheckoutSession.objects.select_related("order", "order__cart", "quote")
    return sessions.filter(order=order).exclude(kind=SessionKind.HOSTED).order_by("-pk").first()


def require_open(session: CheckoutSession) -> None:
    """Refuse a session that can no longer be paid.

    Raises:
        OrderNotOpen: its order is already being bought or has ended.
        PurchaseUnderWay: it is being bought right now, or nobody knows what became of that.
        TokenLapsed: it has ended, or its time is over.
    """
    if session.order.status != OrderStatus.OPEN:
        raise OrderNotOpen(order_id=session.order.public_id)
    if session.status == SessionStatus.CONFIRMING:
        raise PurchaseUnderWay(order_id=session.order.public_id)
    if session.status not in LIVE_SESSION or session.expires_at <= timezone.now():
        raise TokenLapsed


def lock_open(session: CheckoutSession) -> Order:
    """Lock the order of a session, within a transaction, if it can still be paid.

    Raises:
        As `require_open`, for what is true now.
    """
    order = Order.objects.lock().get(pk=session.order_id)
    session.refresh_from_db(fields=["status", "expires_at"])
    session.order = order
    require_open(session)
    return order


def set_buyer(session: CheckoutSession, changes: Callable[[Buyer], Buyer], *, strict: bool) -> Buyer:
    """Change who buys, and where to.

    Args:
        changes: takes what is known of the buyer and returns what is to be known.
        strict: see `clean_buyer`.

    Raises:
        InvalidBuyer: nothing was changed.
        OrderNotOpen, TokenLapsed: as for `require_open`.

    Effects: one transaction. A quote for another address is renewed before anything is bought.
    """
    require_open(session)
    with transaction.atomic():
        order = lock_open(session)
        before = buyer_of(order)
        buyer = clean_buyer(changes(before), strict=strict)
        save_buyer(order, buyer)
    return buyer


def card_form(session: CheckoutSession) -> CardForm:
    """Say how the shopper's card is collected.

    Raises:
        OrderNotOpen, TokenLapsed: as for `require_open`.
        UntrustedCheckoutUrl: Henry named a page outside CHECKOUT_ORIGINS.

    Effects: where Henry has a page for it, one HTTP call.
    Source: henry-api.md 3.1.4; the settings of the card element are not known, so the shop names them.
    """
    require_open(session)
    account = settings.account(session.order.account)
    gateway = gateway_for(account)
    if not gateway.supports_card_modal:
        return CardForm(kind="element", settings=settings.CARD_ELEMENT)
    url = gateway.card_modal_url(session.order.henry_cart_id)
    check_checkout_url(url, account=account)
    return CardForm(kind="modal", modal_url=url, settings={})
