"""Henry gave no usable answer."""

from __future__ import annotations

from django_henry_checkout.exceptions.base import HenryCheckoutError


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
