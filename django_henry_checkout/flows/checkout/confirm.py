"""Buy an order in one call, and never twice.

The intent is committed before the call, the call is sent once, and an unknown outcome becomes `in_doubt`: then
only Henry's list of orders, or a decision by staff, resolves the purchase. A process that dies between intent and
answer leaves a purchase that is `sent`; after its deadline the poll engine marks it in doubt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone
from moneyed import Money

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    AmountChanged,
    AuthenticationFailed,
    BuyerChanged,
    CardRequired,
    GatewayError,
    NotSupported,
    OrderNotOpen,
    PaymentRefused,
    PurchaseUnderWay,
    QuoteExpired,
    QuotePending,
    QuoteRequired,
    RateLimited,
    RawCardRefused,
    Rejected,
    TokenExpired,
)
from django_henry_checkout.flows.access.adapter import get_adapter
from django_henry_checkout.flows.buyer.details import (
    buyer_digest,
    clean_address,
    clean_buyer,
    get_buyer,
    require_complete,
    save_buyer,
)
from django_henry_checkout.flows.checkout.inline import begin_inline, require_open
from django_henry_checkout.flows.checkout.quotes import get_quote, quote_session
from django_henry_checkout.flows.checkout.sessions import ensure_unpaid
from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.flows.order.snapshots import Changes
from django_henry_checkout.flows.order.transitions import ensure_no_competing_order, lock_order
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.purchase.lifecycle import abandon_purchase, mark_in_doubt, refresh_purchase
from django_henry_checkout.gateway import Gateway, gateway_for
from django_henry_checkout.models import (
    Cart,
    CheckoutSession,
    Order,
    OrderStatus,
    Purchase,
    PurchasePoll,
    PurchaseStatus,
    Quote,
    SessionStatus,
)
from django_henry_checkout.models.orders import AMOUNTS
from django_henry_checkout.models.purchases import LIVE_PURCHASE, UNRESOLVED_PURCHASE
from django_henry_checkout.models.sessions import LIVE_SESSION
from django_henry_checkout.types import Buyer, Card, PurchaseRequest, Source

logger = logging.getLogger("django_henry_checkout.confirm")

#: Time after PURCHASE_TIMEOUT during which a sent purchase is still left to the process that sent it.
SENDING_GRACE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Payment:
    """How an order is paid.

    Args:
        accepted: the total that the buyer saw; None accepts that of the last quote, unless a confirm has stopped
            at it: then it must be given.
        exactly: refuse a lower total too.
        buyer_digest: digest of the buyer that the shopper saw, from `buyer_digest()`; "" skips the check.
        settings: which details Henry collects, passed on unchanged.
        transaction_id: the shop's id for this payment.
    """

    card: Card = field(default_factory=Card)
    accepted: Money | None = None
    exactly: bool = False
    buyer_digest: str = ""
    coupons: tuple[str, ...] = ()
    selected_shipping: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    transaction_id: str = ""


def confirm_session(
    session: CheckoutSession,
    payment: Payment,
    *,
    request: HttpRequest | None = None,
    on_intent: Callable[[Order], None] = lambda _order: None,
) -> Order:
    """Buy a quoted order. One that is being bought, or was, is returned unchanged: nothing is sent again.

    A new quote is requested first, so that no buyer pays more than they accepted.

    Args:
        on_intent: called in the transaction that commits the intent.

    Returns:
        Order: `placed` or further, or still `open` with a purchase that is `sent` or `in_doubt`.

    Raises:
        AmountChanged: the total is higher than the accepted one. Nothing was bought; the new quote is stored.
        CartChanged: another order of the cart was placed since this one was started. Nothing was sent.
        CheckoutRefused: the shop's adapter refused. Nothing was sent.
        BuyerChanged: the buyer is not the one that the shopper saw, or changed meanwhile. Nothing was sent.
        BuyerIncomplete, CardRequired, RawCardRefused, NotSupported, QuoteRequired, QuoteExpired,
        QuotePending, TokenExpired: nothing was sent.
        PaymentRefused: Henry refused; the session stays open for another card.
        GatewayError: before the purchase was sent; nothing was bought.

    Effects: one quote, one call that buys, two transactions.
    """
    if is_under_way(session.order):
        return Order.objects.get(pk=session.order_id)
    try:
        return _confirm(session, payment, request, on_intent)
    except (OrderNotOpen, PurchaseUnderWay) as error:
        if error.order_id != session.order.public_id:
            raise
        return Order.objects.get(pk=session.order_id)  # another request bought it meanwhile
    except GatewayError:
        order = Order.objects.get(pk=session.order_id)
        if not is_under_way(order):
            raise
        return order  # another request bought it meanwhile, so Henry had nothing left to quote


def _confirm(
    session: CheckoutSession,
    payment: Payment,
    request: HttpRequest | None,
    on_intent: Callable[[Order], None],
) -> Order:
    require_open(session)
    quote = get_quote(session)
    if quote is None:
        raise QuoteRequired
    if quote.expires_at <= timezone.now():
        raise QuoteExpired
    gateway, payment = _check_card(session.order.account, payment)
    buyer = get_buyer(session.order)
    if payment.buyer_digest not in {"", buyer_digest(buyer)}:
        raise BuyerChanged
    require_complete(buyer, to_pay=True)
    accepted = quote.total if payment.accepted is None else payment.accepted
    if payment.accepted is None and quote.needs_acceptance:
        raise _amount_changed(quote)
    get_adapter().before_purchase(session.order, request)
    ensure_unpaid(session.order)
    quote = quote_session(session, accepted=accepted)
    _check_amount(quote, accepted, exactly=payment.exactly)
    purchase_request = _request(payment, buyer, coupons=quote.coupons, quote_token=quote.henry_token)
    return _buy(session, gateway, purchase_request, payment, quote, on_intent)


def buy_cart(
    cart: Cart,
    buyer: Buyer,
    payment: Payment,
    *,
    changes: Changes | None = None,
    request: HttpRequest | None = None,
    on_intent: Callable[[Order], None] = lambda _order: None,
) -> Order:
    """Buy a cart in one call, for `payment.accepted` at most; if that is None, at any price.

    Args:
        changes: changes that this purchase makes to the lines of its snapshot.

    Raises:
        As `begin_inline` and `confirm_session`; NotSupported if the generation has no such call.

    Effects: as `begin_inline` and `confirm_session`; a quote only with `payment.accepted`.
    """
    gateway, payment = _check_card(cart.account, payment)
    if not gateway.accepts_card_token:
        raise NotSupported("This generation of Henry's API cannot buy in one call: quote, then confirm.")
    buyer = clean_buyer(buyer, strict=False)
    require_complete(buyer, to_pay=True)
    started = begin_inline(cart, user=cart.user, changes=changes, metadata=payment.metadata, request=request)
    session = started.session
    save_buyer(started.order, buyer, card=payment.card)
    get_adapter().before_purchase(started.order, request)
    quote = None
    if payment.accepted is not None:
        quote = quote_session(session, coupons=payment.coupons)
        _check_amount(quote, payment.accepted, exactly=payment.exactly)
    purchase_request = _request(payment, buyer, coupons=payment.coupons)
    return _buy(session, gateway, purchase_request, payment, quote, on_intent)


def is_under_way(order: Order) -> bool:
    """Return whether a purchase of the order was sent, or the order is no longer open."""
    if order.status != OrderStatus.OPEN:
        return True
    # In one query: between two, a purchase could end, and look as if there had never been one.
    unresolved = Exists(Purchase.objects.filter(order=OuterRef("pk"), status__in=UNRESOLVED_PURCHASE))
    return Order.objects.filter(~Q(status=OrderStatus.OPEN) | unresolved, pk=order.pk).exists()


def _check_card(account: str, payment: Payment) -> tuple[Gateway, Payment]:
    """Return the gateway, and the payment with its billing address normalized."""
    card = payment.card
    gateway = gateway_for(app_settings.account(account))
    if card.raw is not None and not app_settings.ALLOW_RAW_CARD:
        raise RawCardRefused
    if not gateway.accepts_card_token and (card.token or card.raw):
        raise NotSupported(
            "This generation of Henry's API stores the card itself: see checkout/session/card."
        )
    if gateway.accepts_card_token and not card.token and card.raw is None:
        raise CardRequired
    if card.billing_address is not None:
        card = replace(card, billing_address=clean_address(card.billing_address))
    return gateway, replace(payment, card=card)


def _check_amount(quote: Quote, accepted: Money, *, exactly: bool) -> None:
    total = quote.total
    if total.currency == accepted.currency and (total == accepted or (total < accepted and not exactly)):
        return
    raise _amount_changed(quote)


def _amount_changed(quote: Quote) -> AmountChanged:
    return AmountChanged(totals={name: quote.amount(name) for name in AMOUNTS})


def _request(
    payment: Payment, buyer: Buyer, *, coupons: Sequence[str], quote_token: str = ""
) -> PurchaseRequest:
    return PurchaseRequest(
        buyer=buyer,
        card=payment.card,
        quote_token=quote_token,
        coupons=tuple(coupons),
        selected_shipping=payment.selected_shipping,
        settings=payment.settings,
        metadata=payment.metadata,
    )


def _buy(
    session: CheckoutSession,
    gateway: Gateway,
    request: PurchaseRequest,
    payment: Payment,
    quote: Quote | None,
    on_intent: Callable[[Order], None],
) -> Order:
    purchase = _commit_intent(session, payment, request.buyer, quote, on_intent)
    if purchase is None:  # another request bought it meanwhile
        return Order.objects.get(pk=session.order_id)
    try:
        observation = gateway.purchase(purchase.henry_cart_id, request)
    except GatewayError as error:
        logger.warning("Purchase %s: %s, %s (%s)", purchase.ulid, error.code, error.status, error.request_id)
        if _is_refusal(error) and not _may_have_succeeded(gateway, purchase, error):
            _revert_intent(purchase, error)
            if isinstance(error, Rejected) and not isinstance(error, AuthenticationFailed):
                raise PaymentRefused from error
            raise
        mark_in_doubt(purchase, source=Source.CONFIRM)  # no effect if the order was found meanwhile
    else:
        apply_observation(purchase, observation, source=Source.CONFIRM)
    return Order.objects.get(pk=session.order_id)


def _commit_intent(
    session: CheckoutSession,
    payment: Payment,
    buyer: Buyer,
    quote: Quote | None,
    on_intent: Callable[[Order], None],
) -> Purchase | None:
    """Commit the intent to buy the order; return None if it is already being bought, or was."""
    now = timezone.now()
    with transaction.atomic():
        _cart, order = lock_order(session.order_id, with_cart=True)
        live = Purchase.objects.filter(order=order, status__in=LIVE_PURCHASE).first()
        if order.status != OrderStatus.OPEN or (live is not None and live.status in UNRESOLVED_PURCHASE):
            on_intent(order)
            return None
        ensure_no_competing_order(order)
        session.refresh_from_db(fields=["status", "expires_at", "shipping_locked_until"])
        _ensure_shipping_unchanged(session, quote)
        if get_buyer(order) != buyer:
            raise BuyerChanged  # in another tab
        if session.status not in LIVE_SESSION or session.expires_at <= now:
            raise TokenExpired  # another tab started a new session
        session.transition_to(SessionStatus.CONFIRMING)
        session.transaction_id = payment.transaction_id
        session.save(update_fields=["status", "transaction_id"])
        purchase = live or Purchase(order=order, account=order.account, henry_cart_id=order.henry_cart_id)
        purchase.transition_to(PurchaseStatus.SENT)
        purchase.sent_at = now
        purchase.settings = dict(payment.settings)
        if quote is not None:
            accepted = quote.total if payment.accepted is None else payment.accepted
            purchase.accepted_amount, purchase.accepted_currency = accepted.amount, accepted.currency.code
        if payment.metadata:
            order.metadata = {**order.metadata, **payment.metadata}
            order.save(update_fields=["metadata"])
        purchase.deadline_at = now + timedelta(seconds=app_settings.PURCHASE_TIMEOUT) + SENDING_GRACE
        purchase.save()
        PurchasePoll.objects.update_or_create(
            purchase=purchase, defaults={"account": purchase.account, "due_at": purchase.deadline_at}
        )
        journal = EventJournal(order, source="shopper")
        journal.add("purchase_sent", purchase=purchase, session=session.ulid)
        journal.write()
        on_intent(order)
    return purchase


def _ensure_shipping_unchanged(session: CheckoutSession, quote: Quote | None) -> None:
    """Refuse if shipping is being changed at Henry, or has been changed since the quote."""
    if session.shipping_locked_until is not None and session.shipping_locked_until > timezone.now():
        raise QuotePending
    if quote is None:
        return
    current = Quote.objects.filter(pk=session.pk)
    if not current.filter(total_amount=quote.total_amount, currency=quote.currency).exists():
        raise QuotePending


def _is_refusal(error: GatewayError) -> bool:
    """Return whether Henry certainly did not accept this call: it was not sent, or was clearly refused."""
    if not error.maybe_sent:
        return True
    return isinstance(error, Rejected | RateLimited) and error.status is not None


def _may_have_succeeded(gateway: Gateway, purchase: Purchase, error: GatewayError) -> bool:
    """Return whether the cart may have an order despite a refusal by 409 or 429.

    A 409 can mean that the cart was bought before; a 429 can belong to another call.

    Returns:
        bool: True if there is an order, if Henry gives no usable answer, or after a 409 if its order list may lag.
    """
    if error.status not in {409, 429}:
        return False
    try:
        found = refresh_purchase(purchase, source=Source.CONFIRM)
    except GatewayError:
        return True
    return found is not None or (error.status == 409 and not gateway.reports_paid_cart)


def _revert_intent(purchase: Purchase, error: GatewayError) -> None:
    """Record that Henry refused, and reopen the order and its session for another card."""
    with transaction.atomic():
        order = Order.objects.lock().get(pk=purchase.order_id)
        purchase.refresh_from_db()
        if purchase.status != PurchaseStatus.SENT:
            return  # found at Henry in the meantime
        purchase.error = error.code
        abandon_purchase(purchase, order=order)
        journal = EventJournal(order, source=Source.CONFIRM)
        journal.add("purchase_refused", purchase=purchase, error=error.code)
        journal.write()
