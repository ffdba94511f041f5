"""Errors of calls to Henry."""

from __future__ import annotations

from django_henry_checkout.exceptions.base import HenryCheckoutError


class GatewayError(HenryCheckoutError):
    """Henry returned no usable response; try again in a moment.

    Attributes:
        status: HTTP status, or None if there was no response.
        request_id: the id that was sent as `X-Request-Id`.
        retryable: whether the same read may succeed later.
        maybe_sent: whether Henry may have received the call, and acted on it.
        retry_after: seconds to wait, as requested by Henry, or None.
        detail: Henry's own message. It may contain personal data, so it is not part of this error's message.
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
    """Henry did not respond in time; repeat a read later, but look up a purchase first."""

    code = "henry_timeout"
    retryable = True


class GatewayUnavailable(GatewayError):
    """Henry could not be reached or returned a server error; repeat a read later."""

    code = "henry_unavailable"
    retryable = True


class RateLimited(GatewayError):
    """Henry's rate limit was reached; wait `retry_after` seconds, if it is set."""

    code = "henry_rate_limited"
    retryable = True


class BadResponse(GatewayError):
    """Henry's response could not be read; it changed nothing."""

    code = "henry_bad_response"


class Rejected(GatewayError):
    """Henry refused the request; correct it before you repeat it."""

    code = "henry_rejected"


class NotFound(Rejected):
    """Henry does not know this id; it may belong to another account."""

    code = "henry_not_found"


class AuthenticationFailed(Rejected):
    """Henry refused the API key; set HENRY_CHECKOUT["API_KEY"] to a valid key for this environment."""

    code = "henry_authentication_failed"
