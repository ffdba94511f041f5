"""Start, resume, extend, end and expire checkout sessions."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone

from django_henry_checkout.conf import Account, app_settings, is_safe_origin
from django_henry_checkout.exceptions import (
    CartChanged,
    CartNotFound,
    CheckoutError,
    ConfigurationError,
    OrderNotOpen,
    PurchaseUnderWay,
    TemplateNotSold,
    UntrustedCheckoutUrl,
)
from django_henry_checkout.flows.access.adapter import get_adapter
from django_henry_checkout.flows.cart.items import clean_metadata
from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.flows.order.snapshots import (
    Changes,
    snapshot_digest,
    subtotal_of,
    take_snapshot,
    write_lines,
)
from django_henry_checkout.flows.order.transitions import ensure_no_competing_order, lock_order
from django_henry_checkout.flows.purchase.hosted_payment import expect_payment
from django_henry_checkout.flows.purchase.lifecycle import ensure_expected_payment, refresh_purchase
from django_henry_checkout.flows.queue.clock import database_now
from django_henry_checkout.gateway import gateway_for
from django_henry_checkout.models import (
    Cart,
    CartLine,
    CheckoutSession,
    Order,
    OrderStatus,
    Purchase,
    SessionKind,
    SessionMode,
    SessionStatus,
)
from django_henry_checkout.models.access import hash_secret, new_secret
from django_henry_checkout.models.purchases import LIVE_PURCHASE, UNRESOLVED_PURCHASE
from django_henry_checkout.telemetry import traceparent
from django_henry_checkout.types import HenryCart, Source

logger = logging.getLogger("django_henry_checkout.sessions")


@dataclass(frozen=True, kw_only=True)
class StartedCheckout:
    """A started checkout. `token` is the session's secret: shown once, stored only as a hash."""

    order: Order
    session: CheckoutSession
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """How a session is opened.

    `sign_in` and `region` are for Henry's hosted page, if the generation supports them; `origin` is that of the
    page around a framed one.
    """

    kind: SessionKind = SessionKind.HOSTED
    mode: SessionMode = SessionMode.REDIRECT
    origin: str = ""
    sign_in: bool | None = None
    region: str = ""

    @property
    def is_hosted(self) -> bool:
        """Whether the shopper is sent to Henry's page, so that a payment there is expected."""
        return self.kind == SessionKind.HOSTED


HOSTED = SessionOptions()
MAX_NUMBER_LENGTH = 32


def begin_checkout(
    cart: Cart,
    *,
    user: Any = None,
    options: SessionOptions = HOSTED,
    changes: Changes | None = None,
    metadata: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> StartedCheckout:
    """Start paying a cart.

    A new cart is created at Henry from a snapshot of the lines, so that later edits cannot change what is being
    paid. A cart that has not changed since its last open order resumes that order and its cart at Henry: a double
    click, or another attempt after a cancel, never leads to two purchases.

    Args:
        cart: with at least one line.
        user: owner of the order; None for a guest.
        changes: changes that this purchase makes to the lines of its snapshot.
        metadata: stored with a new order.

    Returns:
        StartedCheckout: the order, its new session, and the session's token.

    Raises:
        CartEmpty: there are no lines, or no longer.
        CartChanged: the cart was edited during the call to Henry. Nothing was written.
        CheckoutRefused: the shop's adapter refused. Nothing was written, Henry was not called.
        GatewayError: no usable answer. Nothing was written; the cart is unchanged.
        OrderNotOpen: the same lines were already paid, perhaps in another tab.
        TemplateNotSold: the cart is a template: only copies of it are sold.
        PurchaseUnderWay: a purchase of this cart was sent, and its outcome is unknown.
        UntrustedCheckoutUrl: Henry returned a page outside CHECKOUT_ORIGINS. Nothing was written.

    Effects: one or two HTTP calls, then one transaction.
    Source: henry-api.md 3.4.3.
    """
    get_adapter().before_checkout(cart, request)
    version, has_orders = _read_cart_state(cart)
    lines = take_snapshot(cart, changes)
    digest = snapshot_digest(lines)
    resumable = _find_open_order(cart, digest) if has_orders else None
    if resumable is not None:
        ensure_unpaid(resumable)
    draft = Order(
        account=cart.account,
        cart=cart,
        cart_digest=digest,
        user=user,
        metadata=_order_metadata(cart, request, metadata),
        traceparent=traceparent(),
    )
    if resumable is None:
        draft.number = _order_number(draft)
    page = _get_hosted_page(draft if resumable is None else resumable, lines, options)
    with transaction.atomic():
        locked = Cart.objects.lock().filter(pk=cart.pk).first()
        if locked is None:
            raise CartNotFound  # merged by a sign-in during the call
        order = _find_open_order(cart, digest, lock=True)
        if order is None and resumable is not None:  # the open order was paid, or overtaken, during the call
            ensure_no_competing_order(resumable)
            raise OrderNotOpen(order_id=resumable.public_id)
        is_edited = order is None and locked.version != version
        if is_edited and snapshot_digest(take_snapshot(cart, changes)) != digest:
            raise CartChanged  # edited, or paid by another order, during the call
        _refuse_while_unresolved(Purchase.objects.filter(order__cart=cart))
        if order is not None:
            return _resume_order(order, page if resumable is not None else None, options)
        order = _create_order(draft, lines, page)
        if options.is_hosted:
            expect_payment(order)
        return _open_session(order, options)


def _read_cart_state(cart: Cart) -> tuple[int, bool]:
    """Return the current version of a cart, and whether it has orders."""
    orders = Order.objects.filter(cart=OuterRef("pk"))
    row = Cart.objects.filter(pk=cart.pk).values_list("version", "link", Exists(orders)).first()
    if row is None:
        raise CartNotFound
    version, link, has_orders = row
    if link is not None:
        raise TemplateNotSold
    return version, has_orders


def renew_session(order: Order, *, options: SessionOptions = HOSTED) -> StartedCheckout:
    """Start a new session for an open order, for example after a cancel.

    Raises:
        OrderNotOpen: the order is already being bought or has ended.
        PurchaseUnderWay: a purchase of this order, or of another order of its cart, was sent, and its outcome is
            unknown.
        CartChanged, CartNotFound: another order of the cart was placed since; or the cart no longer exists.
        GatewayError: Henry did not confirm that the order is unpaid.
    """
    if order.status == OrderStatus.OPEN:
        ensure_unpaid(order)
        page = _get_hosted_page(order, (), options)
        with transaction.atomic():
            _cart, order = lock_order(order.pk, with_cart=True)
            if order.status == OrderStatus.OPEN:
                _refuse_while_unresolved(Purchase.objects.filter(order=order))
                ensure_no_competing_order(order)
                return _resume_order(order, page, options)
    raise OrderNotOpen(order_id=order.public_id)


def _refuse_while_unresolved(purchases: Any) -> None:
    """Refuse while one of these purchases was sent and is unresolved, so that nothing is paid twice."""
    unresolved = purchases.filter(status__in=UNRESOLVED_PURCHASE).select_related("order").first()
    if unresolved is not None:
        raise PurchaseUnderWay(order_id=unresolved.order.public_id)


def ensure_unpaid(order: Order) -> None:
    """Check at Henry that an open order is unpaid: the shopper may just have paid it in another tab.

    An order that was never payable at Henry, because only an inline form was opened for it, needs no call.

    Raises:
        OrderNotOpen: it is paid.
        GatewayError: Henry did not confirm it; without that, no shopper is sent to pay.
    """
    purchase = ensure_expected_payment(order) if Purchase.objects.filter(order=order).exists() else None
    if purchase is not None:
        refresh_purchase(purchase, source=Source.RETURN_PAGE)
    order.refresh_from_db()
    if order.status != OrderStatus.OPEN:
        raise OrderNotOpen(order_id=order.public_id)


def _get_hosted_page(order: Order, lines: Sequence[CartLine], options: SessionOptions) -> HenryCart:
    """Return the cart at Henry with a working URL of its page; at most one cart is created per order."""
    account = app_settings.account(order.account)
    gateway = gateway_for(account)
    if order.henry_cart_id:
        page = HenryCart(cart_id=order.henry_cart_id, checkout_url=order.hosted_url)
        is_fresh = gateway.hosted_url_is_permanent
    else:
        page = gateway.create_cart([line.as_item() for line in lines], tags={"order": order.ulid})
        is_fresh = True
    has_options = gateway.supports_hosted_options and (options.sign_in is not None or options.region)
    if options.is_hosted and (has_options or not is_fresh):
        url = gateway.hosted_url(page.cart_id, sign_in=options.sign_in, region=options.region)
        page = HenryCart(cart_id=page.cart_id, checkout_url=url)
    check_checkout_url(page.checkout_url, account=account)
    return page


def _find_open_order(cart: Cart, digest: str, *, lock: bool = False) -> Order | None:
    """Return an open order of exactly these lines that can still be paid.

    An old one is ignored, because Henry may have deleted its cart; and so is one that another order of the cart
    has overtaken: the shopper has filled the cart again since.
    """
    orders = Order.objects.lock() if lock else Order.objects.all()
    oldest = timezone.now() - app_settings.HOSTED_PAYMENT_TIMEOUT
    bought_since = Order.objects.filter(cart=cart, placed_at__gte=OuterRef("created_at")).exclude(
        status__in=[OrderStatus.FAILED, OrderStatus.CANCELED]
    )
    return orders.filter(
        ~Exists(bought_since),
        cart=cart,
        cart_digest=digest,
        status=OrderStatus.OPEN,
        created_at__gt=oldest,
    ).first()


def _create_order(order: Order, lines: Sequence[CartLine], henry_cart: HenryCart) -> Order:
    order.henry_cart_id = henry_cart.cart_id
    order.hosted_url = henry_cart.checkout_url
    subtotal = subtotal_of(lines)
    if subtotal is not None:
        order.subtotal_amount, order.currency = subtotal.amount, subtotal.currency.code
    journal = EventJournal(order, source="shopper")
    journal.add("checkout_started")
    journal.write()
    write_lines(order, lines)
    return order


def _order_number(order: Order) -> str:
    number: Any = get_adapter().order_number(order)
    if number == order.number:
        return order.number
    if not isinstance(number, str) or not 0 < len(number) <= MAX_NUMBER_LENGTH or not number.isprintable():
        raise ConfigurationError(
            f"The adapter's order_number must return 1 to {MAX_NUMBER_LENGTH} printable characters."
        )
    if Order.objects.filter(number=number).exists():
        raise ConfigurationError(f"The adapter's order_number returned {number!r}, which another order has.")
    return number


def _order_metadata(
    cart: Cart, request: HttpRequest | None, given: Mapping[str, Any] | None
) -> dict[str, Any]:
    from_shop: Any = get_adapter().order_metadata(cart, request)
    if not isinstance(from_shop, Mapping):
        raise ConfigurationError("The adapter's order_metadata must return a mapping.")
    return clean_metadata({**from_shop, **(given or {})})


def _resume_order(order: Order, page: HenryCart | None, options: SessionOptions) -> StartedCheckout:
    """Open another session of an order; an older one is canceled, and its token still finds the order."""
    if page is not None and page.checkout_url != order.hosted_url:
        order.hosted_url = page.checkout_url
        order.save(update_fields=["hosted_url"])
    older = CheckoutSession.objects.live().filter(order=order).first()
    if older is not None:
        _end(older, SessionStatus.CANCELED)
        journal = EventJournal(order, source="shopper")
        journal.add("session_replaced", session=older.ulid)
        journal.write()
    if options.is_hosted and not Purchase.objects.filter(order=order, status__in=LIVE_PURCHASE).exists():
        expect_payment(order)
    return _open_session(order, options)


def _open_session(order: Order, options: SessionOptions) -> StartedCheckout:
    token = new_secret()
    session = CheckoutSession.objects.create(
        order=order,
        kind=options.kind,
        mode=options.mode,
        origin=options.origin,
        status=SessionStatus.AWAITING_PAYMENT if options.is_hosted else SessionStatus.OPEN,
        token_hash=hash_secret(token),
        expires_at=timezone.now() + app_settings.SESSION_LIFETIME,
    )
    return StartedCheckout(order=order, session=session, token=token)


def _end(session: CheckoutSession, status: SessionStatus) -> None:
    session.transition_to(status)
    session.ended_at = timezone.now()
    session.save(update_fields=["status", "ended_at"])


def check_checkout_url(url: str, *, account: Account) -> None:
    """Refuse a checkout page that is not on one of the account's exact origins.

    Raises:
        UntrustedCheckoutUrl: https, host or port differ, or credentials are in it.
    """
    if not is_safe_origin(url) or not url.isprintable() or "\\" in url:
        raise UntrustedCheckoutUrl
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if origin.lower() not in {allowed.rstrip("/").lower() for allowed in account.checkout_origins}:
        raise UntrustedCheckoutUrl


def end_session(session: CheckoutSession, status: SessionStatus, *, source: str) -> bool:
    """End a live session as canceled, errored or expired; return whether this call did it.

    The order stays open, and a payment that Henry reports later still applies: it is still expected.
    """
    with transaction.atomic():
        order = Order.objects.lock().get(pk=session.order_id)
        locked = CheckoutSession.objects.live().filter(pk=session.pk).first()
        if order.status != OrderStatus.OPEN:
            return False  # paid meanwhile: Henry's answer overrides a browser or a clock
        if (
            locked is None
            or locked.status == SessionStatus.CONFIRMING
            or not locked.can_transition_to(status)
        ):
            return False  # ended, or being bought right now
        _end(locked, status)
        event_types = {SessionStatus.CANCELED: "checkout_canceled", SessionStatus.EXPIRED: "checkout_expired"}
        journal = EventJournal(order, source=source)
        journal.add(event_types.get(status, "checkout_errored"), session=locked.ulid)
        journal.write()
    return True


def extend_session(session: CheckoutSession) -> bool:
    """Extend the session of a shopper who is still active; return whether that was possible.

    It is not if the URL of Henry's page itself expires: then a new session must be started. Nor is it
    HOSTED_PAYMENT_TIMEOUT after the session was created: then its payment is no longer expected.
    """
    now = timezone.now()
    account = app_settings.account(session.order.account)
    if (
        not gateway_for(account).hosted_url_is_permanent
        or now >= session.created_at + app_settings.HOSTED_PAYMENT_TIMEOUT
    ):
        return False
    live = CheckoutSession.objects.live().filter(pk=session.pk, expires_at__gt=now)
    return bool(live.update(expires_at=now + app_settings.SESSION_LIFETIME))


def expire_sessions(*, limit: int = 100) -> int:
    """End the sessions that have expired; return how many."""
    ended = 0
    for session in CheckoutSession.objects.expired(database_now()).order_by("expires_at")[:limit]:
        try:
            ended += end_session(session, SessionStatus.EXPIRED, source="worker")
        except CheckoutError:
            logger.exception("Session %s could not be ended.", session.ulid)
    return ended
