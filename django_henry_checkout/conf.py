"""Typed reader of the one setting, `HENRY_CHECKOUT`. No other module reads our options.

Each property reads `django.conf.settings` when it is asked, so `override_settings` just works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from django_henry_checkout.exceptions import ConfigurationError

API_VERSIONS = ("v1", "v1-rpc", "v0")
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class Account:
    """One set of Henry credentials. `repr` hides the key."""

    alias: str
    api_key: str = field(repr=False)
    api_version: str
    base_url: str
    checkout_origins: tuple[str, ...]
    frame_ancestors: tuple[str, ...] = ()


class Settings:
    """The options of the app, with their defaults. Unknown names are reported by a system check."""

    @property
    def _options(self) -> Mapping[str, Any]:
        options = getattr(django_settings, "HENRY_CHECKOUT", {})
        if not isinstance(options, Mapping):
            raise ConfigurationError("HENRY_CHECKOUT must be a dict.")
        return options

    def _get(self, name: str, default: Any) -> Any:
        return self._options.get(name, default)

    # Accounts -----------------------------------------------------------------------------

    def account(self, alias: str = "default") -> Account:
        """Return the credentials named `alias`.

        Raises:
            ConfigurationError: there is no such account, or it has no API_KEY.
        """
        own: Mapping[str, Any] = {}
        if "ACCOUNTS" in self._options:
            try:
                own = self._options["ACCOUNTS"][alias]
            except KeyError:
                raise ConfigurationError(
                    f'HENRY_CHECKOUT["ACCOUNTS"] has no account {alias!r}. Add it, or use one of: '
                    f"{', '.join(sorted(self._options['ACCOUNTS']))}."
                ) from None
        elif alias != "default":
            raise ConfigurationError(f'HENRY_CHECKOUT has no "ACCOUNTS", so there is no account {alias!r}.')

        def option(name: str, default: Any) -> Any:
            return own.get(name, self._get(name, default))

        key = option("API_KEY", "")
        if not isinstance(key, str) or not key.strip():
            raise ConfigurationError(
                f'The Henry account {alias!r} has no key. Set HENRY_CHECKOUT["API_KEY"] '
                "(for the local sandbox any value it was started with, by default sandbox-key)."
            )
        if not key.strip().isascii() or not key.strip().isprintable():
            raise ConfigurationError(
                f"The key of the Henry account {alias!r} holds characters that no header can hold. Correct "
                'HENRY_CHECKOUT["API_KEY"]; often a line break was copied along.'
            )
        return Account(
            alias=alias,
            api_key=key.strip(),
            api_version=option("API_VERSION", "v1"),
            base_url=str(option("BASE_URL", "https://api.henrylabs.ai")).rstrip("/"),
            checkout_origins=tuple(option("CHECKOUT_ORIGINS", ["https://checkout.henrylabs.ai"])),
            frame_ancestors=tuple(origin.rstrip("/").lower() for origin in option("FRAME_ANCESTORS", [])),
        )

    @property
    def account_aliases(self) -> tuple[str, ...]:
        """The names of all accounts."""
        return tuple(self._get("ACCOUNTS", {"default": {}}))

    # HTTP ---------------------------------------------------------------------------------

    @property
    def CONNECT_TIMEOUT(self) -> float:
        """Seconds to reach Henry."""
        return float(self._get("CONNECT_TIMEOUT", 5.0))

    @property
    def READ_TIMEOUT(self) -> float:
        """Seconds that Henry may be silent within one answer."""
        return float(self._get("READ_TIMEOUT", 10.0))

    @property
    def TOTAL_TIMEOUT(self) -> float:
        """Seconds for one whole answer, however slowly it drips."""
        return float(self._get("TOTAL_TIMEOUT", 15.0))

    @property
    def PURCHASE_TIMEOUT(self) -> float:
        """Seconds for the answer to a call that buys."""
        return float(self._get("PURCHASE_TIMEOUT", 30.0))

    @property
    def MAX_RESPONSE_BYTES(self) -> int:
        """Longest answer that is read, after decompression."""
        return int(self._get("MAX_RESPONSE_BYTES", 2_000_000))

    @property
    def READ_RETRIES(self) -> int:
        """How often a read is repeated after trouble. Calls that can buy are never repeated."""
        return int(self._get("READ_RETRIES", 2))

    # Carts --------------------------------------------------------------------------------

    @property
    def MAX_CART_LINES(self) -> int:
        """Most lines in one cart."""
        return int(self._get("MAX_CART_LINES", 100))

    @property
    def MAX_QUANTITY(self) -> int:
        """Largest quantity of one line."""
        return int(self._get("MAX_QUANTITY", 999))

    # Checkout -----------------------------------------------------------------------------

    @property
    def SESSION_LIFETIME(self) -> timedelta:
        """How long a shopper may take to pay before the session expires."""
        return _duration("SESSION_LIFETIME", self._get("SESSION_LIFETIME", timedelta(minutes=30)))

    @property
    def QUOTE_LIFETIME(self) -> timedelta:
        """How long a buyer may take to accept a quote."""
        return _duration("QUOTE_LIFETIME", self._get("QUOTE_LIFETIME", timedelta(minutes=15)))

    @property
    def QUOTE_WAIT(self) -> float:
        """Seconds that a call may wait for Henry to work out a quote."""
        return float(self._get("QUOTE_WAIT", 20.0))

    @property
    def CUSTOMER_TOKEN_LIFETIME(self) -> timedelta:
        """How long a customer session token (CST) works."""
        return _duration("CUSTOMER_TOKEN_LIFETIME", self._get("CUSTOMER_TOKEN_LIFETIME", timedelta(hours=24)))

    @property
    def ALLOW_RAW_CARD(self) -> bool:
        """Whether `cart/purchase` takes card numbers. It brings the whole server into PCI scope (SAQ D)."""
        return self._get("ALLOW_RAW_CARD", False) is True

    @property
    def CARD_ELEMENT(self) -> Mapping[str, str]:
        """Public settings of Henry's card element, handed to the shop's page as they are."""
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
        return _duration("CART_TOKEN_LIFETIME", self._get("CART_TOKEN_LIFETIME", timedelta(days=30)))

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
    def PROXY_COUNT(self) -> int:
        """How many proxies of your own stand before the shop and extend `X-Forwarded-For`."""
        return int(self._get("PROXY_COUNT", 0))

    @property
    def STATUS_LINK_LIFETIME(self) -> timedelta:
        """How long the link to an order's status page works."""
        return _duration("STATUS_LINK_LIFETIME", self._get("STATUS_LINK_LIFETIME", timedelta(days=90)))

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
        return _duration("FRAME_TICKET_LIFETIME", self._get("FRAME_TICKET_LIFETIME", timedelta(minutes=5)))

    @property
    def FRAME_SOURCES(self) -> tuple[str, ...]:
        """What the payment frame may navigate to besides CHECKOUT_ORIGINS: `["https:"]` lets banks in."""
        return tuple(self._get("FRAME_SOURCES", ()))

    @property
    def FRAME_SOFT_LIMIT(self) -> float:
        """Seconds after which a shopper who waits for the payment page is offered another way."""
        return float(self._get("FRAME_SOFT_LIMIT", 12.0))

    @property
    def FRAME_HARD_LIMIT(self) -> float:
        """Seconds after which a payment page that has not come is given up for another way."""
        return float(self._get("FRAME_HARD_LIMIT", 45.0))

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
        return _duration("RECEIPT_LIFETIME", self._get("RECEIPT_LIFETIME", timedelta(minutes=15)))

    # Polling ------------------------------------------------------------------------------

    @property
    def POLL_SCHEDULE(self) -> tuple[tuple[float, float], ...]:
        """Pairs (age in seconds, interval in seconds): the last pair whose age is reached counts."""
        default = ((0, 2), (60, 5), (180, 10), (600, 30), (1800, 60), (3600, 300))
        return tuple(sorted((float(age), float(step)) for age, step in self._get("POLL_SCHEDULE", default)))

    @property
    def POLL_JITTER(self) -> float:
        """Part of the interval by which it varies, so that polls spread out: 0.2 is +-20 %."""
        return float(self._get("POLL_JITTER", 0.2))

    @property
    def POLL_LEASE(self) -> timedelta:
        """How long one worker keeps a purchase to itself; after a crash another one takes over."""
        lease = self._get("POLL_LEASE", timedelta(seconds=3 * self.TOTAL_TIMEOUT))
        return _duration("POLL_LEASE", lease)

    @property
    def POLL_BATCH(self) -> int:
        """How many purchases one claim takes."""
        return int(self._get("POLL_BATCH", 10))

    @property
    def POLL_WINDOW(self) -> timedelta:
        """How long a purchase may stay unfinished before staff are told (it turns `stuck`)."""
        return _duration("POLL_WINDOW", self._get("POLL_WINDOW", timedelta(hours=2)))

    @property
    def STUCK_INTERVAL(self) -> timedelta:
        """How often a stuck purchase is still polled: a late "complete" is still money."""
        return _duration("STUCK_INTERVAL", self._get("STUCK_INTERVAL", timedelta(hours=1)))

    @property
    def STUCK_LIMIT(self) -> timedelta:
        """How long a stuck purchase is polled at all."""
        return _duration("STUCK_LIMIT", self._get("STUCK_LIMIT", timedelta(days=14)))

    @property
    def IN_DOUBT_WINDOW(self) -> timedelta:
        """How long a purchase in doubt is looked for at Henry before staff are told."""
        return _duration("IN_DOUBT_WINDOW", self._get("IN_DOUBT_WINDOW", timedelta(minutes=15)))

    @property
    def HOSTED_WAIT(self) -> timedelta:
        """How long Henry is asked for the order of a hosted page after the shopper was sent there."""
        return _duration("HOSTED_WAIT", self._get("HOSTED_WAIT", timedelta(hours=24)))

    # Signals ------------------------------------------------------------------------------

    @property
    def DELIVERY_LEASE(self) -> timedelta:
        """How long a claim of deliveries lasts: after a crash another worker takes them over.

        A receiver that runs longer is not run twice on PostgreSQL, whose row it holds; its worker is kept busy.
        """
        return _duration("DELIVERY_LEASE", self._get("DELIVERY_LEASE", timedelta(minutes=5)))

    @property
    def DELIVERY_TRIES(self) -> int:
        """How often a failing receiver is run for one event before it is parked for staff."""
        return int(self._get("DELIVERY_TRIES", 8))

    @property
    def DELIVERY_BATCH(self) -> int:
        """How many deliveries one claim takes."""
        return int(self._get("DELIVERY_BATCH", 20))


def _duration(name: str, value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value)
    raise ConfigurationError(f'HENRY_CHECKOUT["{name}"] must be a timedelta or a number of seconds.')


def known_option_names() -> frozenset[str]:
    """Return every name that HENRY_CHECKOUT may hold."""
    properties = {name for name in vars(Settings) if name.isupper()}
    return frozenset(
        properties
        | {"API_KEY", "API_VERSION", "BASE_URL", "CHECKOUT_ORIGINS", "FRAME_ANCESTORS"}
        | {"ACCOUNTS", "WEBHOOK_SECRETS"}
    )


def is_safe_origin(url: str) -> bool:
    """Tell whether `url` is https, or http to this very machine (the sandbox), without credentials or fragment."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or not host or "#" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_HOSTS)


settings = Settings()
