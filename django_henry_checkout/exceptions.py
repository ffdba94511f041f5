"""The error tree. The first line of each docstring says what the caller should do; `code` is stable."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ImproperlyConfigured


class ConfigurationError(ImproperlyConfigured):
    """Correct the HENRY_CHECKOUT setting.

    Outside the tree on purpose: code that tolerates trouble at Henry must not hide a broken set-up.
    """


class HenryCheckoutError(Exception):
    """Base of all errors that a running shop can meet."""

    code = "error"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])
        if code is not None:
            self.code = code


class GatewayError(HenryCheckoutError):
    """Henry gave no usable answer; tell the shopper kindly and let him try again.

    Attributes:
        status: HTTP status, or None when there was no answer.
        request_id: the id that we sent along as `X-Request-Id`.
        retryable: the same read may work a little later.
        maybe_sent: Henry may have received, and acted on, the call.
        retry_after: seconds that Henry asked to wait, or None.
        detail: Henry's own words, for people: they may hold personal data, so they are not in the message.
    """

    code = "henry_error"
    retryable = False

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        request_id: str = "",
        maybe_sent: bool = True,
        retry_after: float | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.maybe_sent = maybe_sent
        self.retry_after = retry_after
        self.detail = detail


class GatewayTimeout(GatewayError):
    """Henry did not answer in time; a read may be repeated, a purchase must be looked up first."""

    code = "henry_timeout"
    retryable = True


class GatewayUnavailable(GatewayError):
    """Henry could not be reached or answered 5xx; a read may be repeated later."""

    code = "henry_unavailable"
    retryable = True


class RateLimited(GatewayError):
    """Henry asked for a pause; wait `retry_after` seconds (None: no hint was given)."""

    code = "henry_rate_limited"
    retryable = True


class BadResponse(GatewayError):
    """Henry's answer could not be understood; nothing was changed by it."""

    code = "henry_bad_response"


class Rejected(GatewayError):
    """Henry refused the request; repeating it unchanged will not help."""

    code = "henry_rejected"


class NotFound(Rejected):
    """Henry does not know this id; it may belong to another account."""

    code = "henry_not_found"


class AuthenticationFailed(Rejected):
    """Henry refused the API key; set HENRY_CHECKOUT["API_KEY"] to a key of this environment."""

    code = "henry_authentication_failed"


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


class TokenLapsed(CheckoutError):
    """This link has lapsed or was replaced by a newer one; start again from the shop."""

    code = "token_lapsed"


class UntrustedCheckoutUrl(CheckoutError):
    """Henry named a checkout address outside CHECKOUT_ORIGINS; the shopper was not sent there."""

    code = "untrusted_checkout_url"


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


class ReceiverMissing(HenryCheckoutError):
    """Connect the receiver in an AppConfig.ready(), so that each process knows it."""

    code = "receiver_missing"
