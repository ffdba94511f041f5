"""Typed reader of the one setting, `HENRY_CHECKOUT`. No other module reads our options.

Each property reads `django.conf.app_settings` when it is asked, so `override_settings` just works.
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
    """The options of the app, with their defaults. Unknown names are reported by a system check."""


def known_option_names() -> frozenset[str]:
    """Return every name that HENRY_CHECKOUT may hold."""
    properties = {name for name in dir(Settings) if name.isupper()}
    return frozenset(
        properties
        | {"API_KEY", "API_VERSION", "BASE_URL", "CHECKOUT_ORIGINS", "FRAME_ANCESTORS"}
        | {"ACCOUNTS", "WEBHOOK_SECRETS", "WEBHOOK_KEY", "WEBHOOK_UUID", "WEBHOOK_EVENTS"}
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


app_settings = Settings()
