"""Typed access to the `HENRY_CHECKOUT` setting, through `app_settings`. No other module reads it.

Each property reads Django's settings on every access, so `override_settings` works.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django_henry_checkout.conf.accounts import Account, AccountOptions, WebhookSecret
from django_henry_checkout.conf.engine import EngineOptions
from django_henry_checkout.conf.privacy import PrivacyOptions
from django_henry_checkout.conf.storefront import StorefrontOptions

__all__ = [
    "API_VERSIONS",
    "LOOPBACK_HOSTS",
    "Account",
    "WebhookSecret",
    "app_settings",
    "is_safe_origin",
    "known_option_names",
]

API_VERSIONS = ("v1", "v1-rpc", "v0")
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(AccountOptions, StorefrontOptions, EngineOptions, PrivacyOptions):
    """The app's options and their defaults. A system check reports unknown names."""


def known_option_names() -> frozenset[str]:
    """Return every option name that HENRY_CHECKOUT accepts."""
    properties = {name for name in dir(Settings) if name.isupper()}
    return frozenset(
        properties
        | {"API_KEY", "API_VERSION", "BASE_URL", "CHECKOUT_ORIGINS", "FRAME_ANCESTORS"}
        | {"ACCOUNTS", "WEBHOOK_SECRETS", "WEBHOOK_KEY", "WEBHOOK_UUID", "WEBHOOK_EVENTS"}
    )


def is_safe_origin(url: str) -> bool:
    """Return whether `url` is https, or http to a loopback host, without credentials or a fragment."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or not host or "#" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_HOSTS)


app_settings = Settings()
