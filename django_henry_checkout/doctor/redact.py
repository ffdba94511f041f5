"""Removes the secrets of the settings from the texts of findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.broker import get_celery_app
from django_henry_checkout.exceptions import ConfigurationError

#: Replacing shorter values would black out ordinary words.
MIN_LENGTH = 6


def redact_secrets(text: str) -> str:
    """Return `text` with every secret of the settings replaced by "***"."""
    for secret in sorted(set(_secrets()), key=len, reverse=True):
        if len(secret) >= MIN_LENGTH:
            text = text.replace(secret, "***")
    return text


def _secrets() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from map(str, settings.SECRET_KEY_FALLBACKS)
    yield from (str(database.get("PASSWORD") or "") for database in settings.DATABASES.values())
    app = get_celery_app()
    if app:
        password = urlsplit(str(app.conf.broker_url)).password or ""
        yield from (password, unquote(password))
    options = getattr(settings, "HENRY_CHECKOUT", None)
    if isinstance(options, dict):
        yield from _account_secrets(options)


def _account_secrets(options: dict[str, Any]) -> Iterator[str]:
    yield app_settings.RECEIPT_SECRET
    yield str(options.get("API_KEY", ""))
    for alias in app_settings.account_aliases:
        with suppress(ConfigurationError):
            account = app_settings.account(alias)
            yield from (account.api_key, account.webhook_key)
            yield from (each.secret for each in account.webhook_secrets)
