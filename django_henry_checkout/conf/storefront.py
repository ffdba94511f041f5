"""Options of the storefront: carts, checkout, API, frames."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django_henry_checkout.conf.options import Options


class StorefrontOptions(Options):
    """Options that the pages and the API read."""

    # Carts --------------------------------------------------------------------------------

    @property
    def MAX_CART_LINES(self) -> int:
        """Maximum number of lines in one cart."""
        return int(self._get("MAX_CART_LINES", 100))

    @property
    def MAX_QUANTITY(self) -> int:
        """Maximum quantity of one line."""
        return int(self._get("MAX_QUANTITY", 999))

    # The shop's decisions -----------------------------------------------------------------

    @property
    def ADAPTER(self) -> str:
        """Dotted path of the class that makes the shop's decisions: a subclass of `adapter.DefaultAdapter`."""
        return str(self._get("ADAPTER", "django_henry_checkout.adapter.DefaultAdapter"))

    # Checkout -----------------------------------------------------------------------------

    @property
    def SESSION_LIFETIME(self) -> timedelta:
        """Time after which an unpaid checkout session expires."""
        return self._duration("SESSION_LIFETIME", timedelta(minutes=30))

    @property
    def QUOTE_LIFETIME(self) -> timedelta:
        """Time after which a quote expires."""
        return self._duration("QUOTE_LIFETIME", timedelta(minutes=15))

    @property
    def QUOTE_TIMEOUT(self) -> float:
        """Seconds to wait for Henry to calculate a quote."""
        return float(self._get("QUOTE_TIMEOUT", 20.0))

    @property
    def CUSTOMER_TOKEN_LIFETIME(self) -> timedelta:
        """Time after which a customer session token (CST) expires."""
        return self._duration("CUSTOMER_TOKEN_LIFETIME", timedelta(hours=24))

    @property
    def ALLOW_RAW_CARD(self) -> bool:
        """Whether `cart/purchase` accepts card numbers. It brings the whole server into PCI scope (SAQ D)."""
        return self._get("ALLOW_RAW_CARD", False) is True

    @property
    def CARD_ELEMENT(self) -> Mapping[str, str]:
        """Public settings of Henry's card element, passed to the shop's page unchanged.

        `url` is the page that the inline form shows in a frame.
        """
        return dict(self._get("CARD_ELEMENT", {}))

    @property
    def PREFILL_HOSTED_PAGE(self) -> bool:
        """Whether `cart/checkout` accepts a buyer. Henry then puts personal data into the page's URL."""
        return self._get("PREFILL_HOSTED_PAGE", False) is True

    @property
    def HOSTED_SIGN_IN(self) -> bool:
        """Whether v0's hosted page requires shoppers to sign in to Henry, unless a call specifies it."""
        return self._get("HOSTED_SIGN_IN", False) is True

    @property
    def CART_TOKEN_LIFETIME(self) -> timedelta:
        """Time after which the bearer token of an API client's cart expires."""
        return self._duration("CART_TOKEN_LIFETIME", timedelta(days=30))

    @property
    def MAX_REQUEST_BYTES(self) -> int:
        """Maximum size of a JSON body that the storefront API accepts, in bytes."""
        return int(self._get("MAX_REQUEST_BYTES", 65_536))

    @property
    def API_THROTTLES(self) -> Mapping[str, str]:
        """Maximum rates of API calls, by scope.

        `read` and `write` count per caller. `checkout` counts calls that lead to a call to Henry, per caller;
        `network` counts them per network. `refused` counts refused payments, per caller and per network.
        """
        default = {
            "read": "600/min",
            "write": "120/min",
            "checkout": "30/min",
            "network": "300/min",
            "refused": "20/hour",
        }
        return {**default, **self._get("API_THROTTLES", {})}

    @property
    def NUM_PROXIES(self) -> int:
        """Number of your own proxies in front of the shop that extend `X-Forwarded-For`.

        If 0, that header is ignored, and calls from private addresses are not counted.
        """
        return int(self._get("NUM_PROXIES", 0))

    @property
    def STATUS_LINK_LIFETIME(self) -> timedelta:
        """Time after which the link to an order's status page expires."""
        return self._duration("STATUS_LINK_LIFETIME", timedelta(days=90))

    @property
    def RETURN_URLS(self) -> Mapping[str, str]:
        """Where the shopper lands after `completed`, `canceled` or `errored`: URL names or paths.

        The default is the app's own page. `{order}` in a path is replaced by the order's id; a URL name that
        takes an argument is reversed with the order's id.
        """
        return dict(self._get("RETURN_URLS", {}))

    @property
    def RETURN_URL_PARAMETER(self) -> str:
        """Query parameter that passes the return URL to Henry's page; "" passes none.

        Known from the vendor's v0 demo only (henry-api.md 4.2); whether v1 supports it is unknown.
        """
        return str(self._get("RETURN_URL_PARAMETER", "returnUrl"))

    # Frames -------------------------------------------------------------------------------

    @property
    def FRAME_TICKET_LIFETIME(self) -> timedelta:
        """Time after which a frame's single-use ticket expires."""
        return self._duration("FRAME_TICKET_LIFETIME", timedelta(minutes=5))

    @property
    def FRAME_SOURCES(self) -> tuple[str, ...]:
        """Sources that the payment frame may load in addition to CHECKOUT_ORIGINS.

        `["https:"]` allows the pages of all banks.
        """
        return tuple(self._get("FRAME_SOURCES", ()))

    @property
    def FRAME_SLOW_AFTER(self) -> float:
        """Seconds without a payment page after which the shopper is offered another way to pay."""
        return float(self._get("FRAME_SLOW_AFTER", 12.0))

    @property
    def FRAME_TIMEOUT(self) -> float:
        """Seconds without a payment page after which the frame gives way to another way to pay."""
        return float(self._get("FRAME_TIMEOUT", 45.0))

    @property
    def FRAME_SANDBOX(self) -> bool:
        """Whether the payment frame is prevented from navigating the shop's page away without a click."""
        return self._get("FRAME_SANDBOX", True) is True

    @property
    def FRAME_PROBE(self) -> bool:
        """Whether the app checks from time to time that Henry's page responds and allows framing."""
        return self._get("FRAME_PROBE", True) is True

    @property
    def RECEIPT_SECRET(self) -> str:
        """Key that signs the receipts that a frame passes to the shop; "" derives one from SECRET_KEY."""
        return str(self._get("RECEIPT_SECRET", ""))

    @property
    def RECEIPT_LIFETIME(self) -> timedelta:
        """Time after which a receipt is no longer accepted."""
        return self._duration("RECEIPT_LIFETIME", timedelta(minutes=15))
