"""What a shopper, or a client of the API, can meet."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from moneyed import Money

from django_henry_checkout.exceptions.base import HenryCheckoutError


class CheckoutError(HenryCheckoutError):
    """The shopper's request cannot be done; the message says why."""

    code = "checkout_error"


class InvalidItem(CheckoutError):
    """Correct the item and send it again; `field` names the part that was refused."""

    code = "invalid_item"

    def __init__(self, message: str = "", *, field: str = "", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class CartNotFound(CheckoutError):
    """There is no such cart, or it belongs to somebody else."""

    code = "cart_not_found"


class CartEmpty(CheckoutError):
    """Put something into the cart first."""

    code = "cart_empty"


class CartChanged(CheckoutError):
    """The cart was edited elsewhere; read it again and repeat the change."""

    code = "cart_changed"


class BuyerChanged(CheckoutError):
    """Who buys, or where to, was changed elsewhere; look at it again before you pay."""

    code = "buyer_changed"


class CheckoutRefused(CheckoutError):
    """This checkout is not possible at the moment; the message says why."""

    code = "checkout_refused"


class CartFull(CheckoutError):
    """The cart holds as many lines as it may; remove one first."""

    code = "cart_full"


class OrderNotFound(CheckoutError):
    """There is no such order, or it belongs to somebody else."""

    code = "order_not_found"


class OrderNotOpen(CheckoutError):
    """This order is already being bought or has ended; look at its status instead."""

    code = "order_not_open"

    def __init__(self, message: str = "", *, order_id: UUID | None = None) -> None:
        super().__init__(message)
        self.order_id = order_id


class TokenInvalid(CheckoutError):
    """This link is not valid; start again from the shop."""

    code = "token_invalid"


class TokenExpired(CheckoutError):
    """This link has lapsed or was replaced by a newer one; start again from the shop."""

    code = "token_expired"


class UntrustedCheckoutUrl(CheckoutError):
    """Henry named a checkout address outside CHECKOUT_ORIGINS; the shopper was not sent there."""

    code = "untrusted_checkout_url"


class OriginNotAllowed(CheckoutError):
    """The checkout may not stand in a page of this origin; the shop must list it in FRAME_ANCESTORS."""

    code = "origin_not_allowed"


class ReceiptInvalid(CheckoutError):
    """This receipt was not made here, is for another shop, or has lapsed; read the order instead."""

    code = "receipt_invalid"


class SessionNotFound(CheckoutError):
    """There is no such checkout session, or it belongs to somebody else."""

    code = "session_not_found"


class TemplateNotSold(CheckoutError):
    """This cart is a template: begin a checkout from its link, which copies it."""

    code = "template_not_sold"


class SessionNotNamed(CheckoutError):
    """Say which checkout session this is about: show its token, or name its cart."""

    code = "session_not_named"


class NotInitialized(CheckoutError):
    """Initialize the order before it is confirmed."""

    code = "not_initialized"


class LinkClosed(CheckoutError):
    """This link was revoked, has expired, or was used as often as it may be; ask the shop for a new one."""

    code = "link_closed"


class NotSupported(CheckoutError):
    """The generation of Henry's API that this shop uses cannot do this; choose another way to pay."""

    code = "not_supported"


class PrefillOff(CheckoutError):
    """This shop does not put personal data into the address of Henry's page: see PREFILL_HOSTED_PAGE."""

    code = "prefill_off"


class PaymentStatusRefused(CheckoutError):
    """Confirm only what was paid: Authorized, Captured or PendingExternalSystem."""

    code = "payment_status_refused"


class AlreadyConfirmed(CheckoutError):
    """This order was confirmed before, with another transactionId."""

    code = "already_confirmed"


class InvalidBuyer(CheckoutError):
    """Correct the buyer's details; `errors` holds, for each field, what is wrong with it."""

    code = "invalid_buyer"

    def __init__(self, message: str = "", *, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})


class BuyerIncomplete(InvalidBuyer):
    """Complete the buyer's details first; `errors` names the fields that are missing."""

    code = "buyer_incomplete"


class ShippingNotOffered(CheckoutError):
    """Choose one of the shipping methods that are offered now."""

    code = "shipping_method_not_offered"


class QuoteRequired(CheckoutError):
    """Ask for a quote first, so that the buyer knows what he accepts."""

    code = "quote_required"


class QuoteExpired(CheckoutError):
    """Ask for a new quote; the old one is no longer valid."""

    code = "quote_expired"


class QuotePending(CheckoutError):
    """Henry is still working out what this costs; repeat the call in a moment."""

    code = "quote_pending"


class AmountChanged(CheckoutError):
    """Nothing was bought: the total differs from what the buyer accepted. Show him `totals` and ask again."""

    code = "AMOUNT_CHANGED"

    def __init__(self, message: str = "", *, totals: Mapping[str, Money | None] | None = None) -> None:
        super().__init__(message)
        self.totals = dict(totals or {})


class CardRequired(CheckoutError):
    """Collect a card first, and send its token as `cardToken`."""

    code = "card_required"


class RawCardRefused(CheckoutError):
    """Card numbers are not taken here: collect the card with Henry's modal or element, and send its token."""

    code = "raw_card_refused"


class PaymentRefused(CheckoutError):
    """Henry refused the payment and bought nothing; use another card or another way to pay."""

    code = "payment_refused"


class PurchaseUnderWay(CheckoutError):
    """A purchase of this cart was sent and its outcome is not known yet; follow the order, do not buy again."""

    code = "purchase_under_way"

    def __init__(self, message: str = "", *, order_id: UUID | None = None) -> None:
        super().__init__(message)
        self.order_id = order_id


class TooManyCalls(CheckoutError):
    """Wait as long as `Retry-After` says before you try again."""

    code = "throttled"

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class KeyRequired(CheckoutError):
    """Send an Idempotency-Key with each call that buys, so that it can be repeated safely."""

    code = "idempotency_key_required"


class PurchaseNotFound(CheckoutError):
    """There is no such purchase, or it belongs to somebody else."""

    code = "purchase_not_found"


class InvalidIdempotencyKey(CheckoutError):
    """Send an Idempotency-Key of 1 to 255 printable ASCII characters."""

    code = "invalid_idempotency_key"


class KeyReused(CheckoutError):
    """This Idempotency-Key came with another body before; use a new key for a new call."""

    code = "idempotency_key_reused"


class StillRunning(CheckoutError):
    """The first call with this Idempotency-Key has not answered yet; repeat it a little later."""

    code = "still_running"


class IllegalTransition(CheckoutError):
    """The state machine has no such move; nothing was changed."""

    code = "illegal_transition"
