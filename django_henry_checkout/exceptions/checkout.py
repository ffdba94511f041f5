"""Errors that are reported to shoppers and API clients."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from moneyed import Money

from django_henry_checkout.exceptions.base import HenryCheckoutError


class CheckoutError(HenryCheckoutError):
    """This request cannot be completed; see the message for the reason."""

    code = "checkout_error"


class InvalidItem(CheckoutError):
    """Correct the item and send it again; `field` names the invalid field."""

    code = "invalid_item"

    def __init__(self, message: str = "", *, field: str = "", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class CartNotFound(CheckoutError):
    """This cart does not exist or belongs to another customer."""

    code = "cart_not_found"


class CartEmpty(CheckoutError):
    """Add an item to the cart first."""

    code = "cart_empty"


class CartChanged(CheckoutError):
    """The cart was changed elsewhere; reload it and repeat your change."""

    code = "cart_changed"


class BuyerChanged(CheckoutError):
    """Your contact or delivery details were changed elsewhere; review them before you pay."""

    code = "buyer_changed"


class CheckoutRefused(CheckoutError):
    """This checkout is not possible at the moment."""

    code = "checkout_refused"


class CartFull(CheckoutError):
    """The cart is full; remove an item first."""

    code = "cart_full"


class OrderNotFound(CheckoutError):
    """This order does not exist or belongs to another customer."""

    code = "order_not_found"


class OrderNotOpen(CheckoutError):
    """This order is already being bought or has ended; check its status instead."""

    code = "order_not_open"

    def __init__(self, message: str = "", *, order_id: UUID | None = None) -> None:
        super().__init__(message)
        self.order_id = order_id


class TokenInvalid(CheckoutError):
    """This link is not valid; start again from the shop."""

    code = "token_invalid"


class TokenExpired(CheckoutError):
    """This link has expired or was replaced by a newer one; start again from the shop."""

    code = "token_expired"


class UntrustedCheckoutUrl(CheckoutError):
    """Henry returned a checkout URL outside CHECKOUT_ORIGINS; the shopper was not redirected."""

    code = "untrusted_checkout_url"


class OriginNotAllowed(CheckoutError):
    """Pages of this origin may not embed the checkout; add the origin to FRAME_ANCESTORS."""

    code = "origin_not_allowed"


class ReceiptInvalid(CheckoutError):
    """This receipt is not valid, belongs to another shop, or has expired; read the order instead."""

    code = "receipt_invalid"


class SessionNotFound(CheckoutError):
    """This checkout session does not exist or belongs to another customer."""

    code = "session_not_found"


class TemplateNotSold(CheckoutError):
    """This cart is a template; start the checkout from its link, which copies the cart."""

    code = "template_not_sold"


class SessionNotNamed(CheckoutError):
    """Identify the checkout session: send its token, or the id of its cart."""

    code = "session_not_named"


class NotInitialized(CheckoutError):
    """Initialize the order before you confirm it."""

    code = "not_initialized"


class LinkClosed(CheckoutError):
    """This link was revoked, has expired, or was used too often; ask the shop for a new one."""

    code = "link_closed"


class NotSupported(CheckoutError):
    """The version of Henry's API that this shop uses does not support this; choose another way to pay."""

    code = "not_supported"


class PrefillOff(CheckoutError):
    """This shop does not put personal data into the URL of Henry's page; see PREFILL_HOSTED_PAGE."""

    code = "prefill_off"


class PaymentStatusRefused(CheckoutError):
    """Confirm only a payment that is Authorized, Captured or PendingExternalSystem."""

    code = "payment_status_refused"


class AlreadyConfirmed(CheckoutError):
    """This order was already confirmed with another transactionId."""

    code = "already_confirmed"


class InvalidBuyer(CheckoutError):
    """Correct the buyer's details; `errors` has a message for each invalid field."""

    code = "invalid_buyer"

    def __init__(self, message: str = "", *, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})


class BuyerIncomplete(InvalidBuyer):
    """Complete the buyer's details first; `errors` names the missing fields."""

    code = "buyer_incomplete"


class ShippingNotOffered(CheckoutError):
    """Choose one of the shipping methods that are currently offered."""

    code = "shipping_method_not_offered"


class QuoteRequired(CheckoutError):
    """Request a quote first, so that the buyer can accept its total."""

    code = "quote_required"


class QuoteExpired(CheckoutError):
    """Request a new quote; this one is no longer valid."""

    code = "quote_expired"


class QuotePending(CheckoutError):
    """Henry is still calculating the quote; repeat the call in a moment."""

    code = "quote_pending"


class AmountChanged(CheckoutError):
    """Nothing was bought, because the total has changed; show the buyer `totals` and let them accept it."""

    code = "AMOUNT_CHANGED"

    def __init__(self, message: str = "", *, totals: Mapping[str, Money | None] | None = None) -> None:
        super().__init__(message)
        self.totals = dict(totals or {})


class CardRequired(CheckoutError):
    """Collect a card first, and send its token as `cardToken`."""

    code = "card_required"


class RawCardRefused(CheckoutError):
    """Card numbers are not accepted; collect the card with Henry's modal or element, and send its token."""

    code = "raw_card_refused"


class PaymentRefused(CheckoutError):
    """The payment was refused and nothing was bought; use another card or another way to pay."""

    code = "payment_refused"


class PurchaseUnderWay(CheckoutError):
    """A purchase of this cart is in progress; check the status of its order, and do not buy again."""

    code = "purchase_under_way"

    def __init__(self, message: str = "", *, order_id: UUID | None = None) -> None:
        super().__init__(message)
        self.order_id = order_id


class TooManyCalls(CheckoutError):
    """Too many requests; try again after the number of seconds in `Retry-After`."""

    code = "throttled"

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class KeyRequired(CheckoutError):
    """Send an Idempotency-Key with each call that buys, so that it can be repeated safely."""

    code = "idempotency_key_required"


class PurchaseNotFound(CheckoutError):
    """This purchase does not exist or belongs to another customer."""

    code = "purchase_not_found"


class InvalidIdempotencyKey(CheckoutError):
    """Send an Idempotency-Key of 1 to 255 printable ASCII characters."""

    code = "invalid_idempotency_key"


class KeyReused(CheckoutError):
    """This Idempotency-Key was already used with another body; use a new key for a new call."""

    code = "idempotency_key_reused"


class StillRunning(CheckoutError):
    """The first call with this Idempotency-Key is still running; repeat the call in a moment."""

    code = "still_running"


class IllegalTransition(CheckoutError):
    """This state transition is not allowed; nothing was changed."""

    code = "illegal_transition"
