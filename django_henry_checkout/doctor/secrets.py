"""Keeps secrets out of what the doctor says, whoever put them into a text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.celery_app import celery_app
from django_henry_checkout.exceptions import ConfigurationError

#: What is shorter would black out ordinary words.
SHORTEST = 6


def without_secrets(text: str) -> str:
    """Return a text with every secret that the settings hold blacked out."""
    for secret in sorted(set(_secrets()), key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "***")
    return text


def _secrets() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from map(str, settings.SECRET_KEY_FALLBACKS)
    yield from (str(database.get("PASSWORD") or "") for database in settings.DATABASES.values())
    app = celery_app()
    if app:
        password = urlsplit(str(app.conf.broker_url)).password or ""
        yield from (password, unquote(password))
    options = getattr(settings, "HENRY_CHECKOUT", None)
    if isinstance(options, dict):
        yield from _secrets_of_accounts(options)


def _secrets_of_accounts(options: dict[str, Any]) -> Iterator[str]:
    yield app_settings.RECEIPT_SECRET
    yield str(options.get("API_KEY", ""))
    for alias in app_settings.account_aliases:
        with suppress(ConfigurationError):
            account = app_settings.account(alias)
            yield from (account.api_key, account.webhook_key)
            yield from (each.secret for each in account.webhook_secrets)
