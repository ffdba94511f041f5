"""System checks of the rest of the project: sessions, SQLite, return URLs."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.urls import NoReverseMatch, reverse

from django_henry_checkout.checks.base import check
from django_henry_checkout.conf import app_settings


@check
def sessions_are_installed() -> Iterator[CheckMessage]:
    if not apps.is_installed("django.contrib.sessions"):
        yield Error(
            "django.contrib.sessions is not installed.",
            hint="Guests own their carts through the Django session: add the app and its middleware.",
            id="henry_checkout.E007",
        )


@check
def sqlite_transactions_are_immediate() -> Iterator[CheckMessage]:
    for alias, database in settings.DATABASES.items():
        is_sqlite = database.get("ENGINE", "").endswith("sqlite3")
        if is_sqlite and database.get("OPTIONS", {}).get("transaction_mode") != "IMMEDIATE":
            yield Warning(
                f"The SQLite database {alias!r} uses deferred transactions.",
                hint='Web servers and workers then fail with "database is locked". Set '
                'OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20} for it.',
                id="henry_checkout.W002",
            )


@check
def return_urls_exist() -> Iterator[CheckMessage]:
    for outcome, target in app_settings.RETURN_URLS.items():
        if "/" in target or _can_reverse(target):
            continue
        yield Warning(
            f'HENRY_CHECKOUT["RETURN_URLS"]["{outcome}"] names {target!r}, which is not a URL of this '
            "project.",
            hint="Use a path, or the name of a URL that takes the order's id or no arguments.",
            id="henry_checkout.W003",
        )


def _can_reverse(name: str) -> bool:
    for args in (["01J00000000000000000000000"], []):
        try:
            reverse(name, args=args)
        except NoReverseMatch:
            continue
        return True
    return False
