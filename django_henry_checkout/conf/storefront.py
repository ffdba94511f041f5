"""How a shopper checks out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django_henry_checkout.conf.options import Options


class StorefrontOptions(Options):
    """What the shop's pages and its API go by."""

    # Carts --------------------------------------------------------------------------------

    @property
    def MAX_CART_LINES(self) -> int:
        """Most lines in one cart."""
        return int(self._get("MAX_CART_LINES", 100))

    @property
    def MAX_QUANTITY(self) -> int:
        """Largest quantity of one line."""
        return int(self._get("MAX_QUANTITY", 999))

    # The shop's decisions -----------------------------------------------------------------

    @property
    def ADAPTER(self) -> str:
        """Dotted path of the class that makes the shop's decisions: a subclass of `adapter.DefaultAdapter`."""
        return str(self._get("ADAPTER", "django_henry_checkout.adapter.DefaultAdapter"))

    # Checkout -----------------------------------------------------------------------------

    @property
    def SESSION_LIFETIME(self) -> timedelta:
        """How long a shopper may take to pay before the session expires."""
        return self._duration("SESSION_LIFETIME", timedelta(minutes=30))

    @property
    def QUOTE_LIFETIME(self) -> timedelta:
        """How long a buyer may take to accept a quote."""
        return self._duration("QUOTE_LIFETIME", timedelta(minutes=15))

    @property
    def QUOTE_TIMEOUT(self) -> float:
        """Seconds that a call may wait for Henry to work out a quote."""
        return float(self._get("QUOTE_TIMEOUT", 20.0))

    @property
    def CUSTOMER_TOKEN_LIFETIME(self) -> timedelta:
        """How long a customer session token (CST) works."""
        return self._duration("CUSTOMER_TOKEN_LIFETIME", timedelta(hours=24))

    @property
    def ALLOW_RAW_CARD(self) -> bool:
        """Whether `cart/purchase` takes card numbers. It brings the whole server into PCI scope (SAQ D)."""
        return self._get("ALLOW_RAW_CARD", False) is True

    @property
    def CARD_ELEMENT(self) -> Mapping[str, str]:
        """Public settings of Henry's card element, handed to the shop's page as they are.

        `url` is a page that the inline form shows in a frame.
        """
        return dict(self._get("CARD_ELEMENT", {}))

    @property
    def PREFILL_HOSTED_PAGE(self) -> bool:
        """Whether `cart/checkout` takes a buyer, whose personal data Henry then puts into the page's address."""
        return self._get("PREFILL_HOSTED_PAGE", False) is True

    @property
    def HOSTED_SIGN_IN(self) -> bool:
        """Whether the hosted page of v0 asks shoppers to sign in to Henry, where a call does not say."""
        return self._get("HOSTED_SIGN_IN", False) is True

    @property
    def CART_TOKEN_LIFETIME(self) -> timedelta:
        """How long the bearer token of an API client's cart works."""
        return self._duration("CART_TOKEN_LIFETIME", timedelta(days=30))

    @property
    def MAX_REQUEST_BYTES(self) -> int:
        """Longest JSON body that the storefront API takes."""
        return int(self._get("MAX_REQUEST_BYTES", 65_536))

    @property
    def API_THROTTLES(self) -> Mapping[str, str]:
        """Most API calls, by scope.

        `read` and `write` count per caller; `checkout`, what costs a call to Henry, per caller, and `network`
        the same per network of callers; `refused` payments per caller and per network.
        """
        usual = {
            "read": "600/min",
            "write": "120/min",
            "checkout": "30/min",
            "network": "300/min",
            "refused": "20/hour",
        }
        return {**usual, **self._get("API_THROTTLES", {})}

    @property
    def NUM_PROXIES(self) -> int:
        """How many proxies of your own stand before the shop and extend `X-Forwarded-For`.

        Without it that header is not believed, and private addresses are not counted.
        """
        return int(self._get("NUM_PROXIES", 0))

    @property
    def STATUS_LINK_LIFETIME(self) -> timedelta:
        """How long the link to an order's status page works."""
        return self._duration("STATUS_LINK_LIFETIME", timedelta(days=90))

    @property
    def RETURN_URLS(self) -> Mapping[str, str]:
        """Where the shopper goes after `completed`, `canceled`, `errored`: URL names or paths.

        A missing one means the app's own page. `{order}` in a path becomes the order's id, and a URL
        name is reversed with the order's id as its only argument where it takes one.
        """
        return dict(self._get("RETURN_URLS", {}))

    @property
    def RETURN_URL_PARAMETER(self) -> str:
        """Query parameter by which Henry's page learns where to send the shopper back; "" for none.

        Seen in the vendor's v0 demo only (henry-api.md 4.2): whether v1 honours it is unknown.
        """
        return str(self._get("RETURN_URL_PARAMETER", "returnUrl"))

    # Frames -------------------------------------------------------------------------------

    @property
    def FRAME_TICKET_LIFETIME(self) -> timedelta:
        """How long the ticket of a frame can be used, once."""
        return self._duration("FRAME_TICKET_LIFETIME", timedelta(minutes=5))

    @property
    def FRAME_SOURCES(self) -> tuple[str, ...]:
        """What the payment frame may navigate to besides CHECKOUT_ORIGINS: `["https:"]` lets banks in."""
        return tuple(self._get("FRAME_SOURCES", ()))

    @property
    def FRAME_SLOW_AFTER(self) -> float:
        """Seconds after which a shopper who waits for the payment page is offered another way."""
        return float(self._get("FRAME_SLOW_AFTER", 12.0))

    @property
    def FRAME_TIMEOUT(self) -> float:
        """Seconds after which a payment page that has not come is given up for another way."""
        return float(self._get("FRAME_TIMEOUT", 45.0))

    @property
    def FRAME_SANDBOX(self) -> bool:
        """Whether the payment frame is kept from leading the shop's page away without a click."""
        return self._get("FRAME_SANDBOX", True) is True

    @property
    def FRAME_PROBE(self) -> bool:
        """Whether Henry's page is asked now and then if it may be framed, and if it answers at all."""
        return self._get("FRAME_PROBE", True) is True

    @property
    def RECEIPT_SECRET(self) -> str:
        """The key of the receipts that a frame hands to the shop; "" derives one from SECRET_KEY."""
        return str(self._get("RECEIPT_SECRET", ""))

    @property
    def RECEIPT_LIFETIME(self) -> timedelta:
        """How long a receipt is taken."""
        return self._duration("RECEIPT_LIFETIME", timedelta(minutes=15))
