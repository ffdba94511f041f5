"""Messages of the inline checkout for errors, in words for the shopper."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.exceptions import (
    AmountChanged,
    BuyerChanged,
    CardRequired,
    CartChanged,
    CartNotFound,
    CheckoutError,
    CheckoutRefused,
    ConfigurationError,
    GatewayError,
    HenryCheckoutError,
    PaymentRefused,
    QuoteExpired,
    QuotePending,
    QuoteRequired,
    RawCardRefused,
    ShippingNotOffered,
    TooManyCalls,
    UntrustedCheckoutUrl,
)
from django_henry_checkout.views.pages import error_text, status_of

logger = logging.getLogger("django_henry_checkout.pages")

_STATUS: dict[type[Exception], int] = {
    AmountChanged: 409,
    BuyerChanged: 409,
    CardRequired: 422,
    CartChanged: 409,
    CartNotFound: 409,
    CheckoutRefused: 409,
    PaymentRefused: 402,
    QuoteExpired: 409,
    QuotePending: 503,
    QuoteRequired: 409,
    RawCardRefused: 422,
    ShippingNotOffered: 422,
    TooManyCalls: 429,
}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One message above the form.

    Args:
        code: the error's stable code, for scripts.
        tone: "warn" or "bad", which selects the colour.
        before: the total that the shopper had accepted, where it has changed.
    """

    code: str
    tone: str
    title: str
    text: str
    before: Money | None = None


def http_status(error: Exception) -> int:
    """Return the HTTP status that goes with an error."""
    if is_unavailable(error):
        return 503
    return status_of(error, _STATUS)


def is_unavailable(error: Exception) -> bool:
    """Whether the checkout itself is unavailable, so that the shopper can only try again."""
    return isinstance(error, GatewayError | ConfigurationError | UntrustedCheckoutUrl)


def build_notice(error: HenryCheckoutError | ConfigurationError, *, before: Money | None = None) -> Notice:
    """Return the message for an error. If the checkout is unavailable, the details go to the log only."""
    if is_unavailable(error):
        logger.error("Checkout is not available: %s %s", error, getattr(error, "request_id", ""))
    title, text = _notice_text(error)
    tone = "bad" if isinstance(error, PaymentRefused) else "warn"
    return Notice(code=getattr(error, "code", "error"), tone=tone, title=title, text=text, before=before)


_NOTICE_TEXTS: tuple[tuple[tuple[type[Exception], ...], Any, Any], ...] = (
    (
        (PaymentRefused,),
        _("Your card was not accepted"),
        _("Nothing was charged. Please check the card, or use another one; the rest is as you left it."),
    ),
    (
        (AmountChanged,),
        _("The price has changed"),
        _("Nothing was charged. Please have a look at the new total before you pay."),
    ),
    (
        (BuyerChanged,),
        _("Your details were changed elsewhere"),
        _("Perhaps in another tab. Nothing was charged; please have a look at them before you pay."),
    ),
    (
        (QuoteExpired, QuoteRequired),
        _("We have checked the price again"),
        _("The last one was some minutes old. Nothing was charged; please have a look before you pay."),
    ),
    (
        (QuotePending,),
        _("Still working it out"),
        _("The shops need a moment longer for delivery and tax. Please try again."),
    ),
    (
        (ShippingNotOffered,),
        _("Please choose again"),
        _("Pick how each parcel is sent; what is offered may have changed."),
    ),
    (
        (CardRequired, RawCardRefused),
        _("Your card is still missing"),
        _("Please enter it below; nothing was charged."),
    ),
    (
        (CartChanged, CartNotFound),
        _("Your cart has changed meanwhile"),
        _(
            "It was changed or paid for elsewhere. Nothing was charged here; please start again from the cart."
        ),
    ),
)


def _notice_text(error: Exception) -> tuple[str, str]:
    if is_unavailable(error) or not isinstance(error, CheckoutError):
        return (
            gettext("Checkout is taking a short break"),
            gettext("Nothing was charged, and what you entered is kept. Please try again in a moment."),
        )
    return error_text(error, _NOTICE_TEXTS)
