"""System checks: one small function each. Only what cannot work is an Error; each has a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.urls import NoReverseMatch, reverse

from django_henry_checkout.conf import API_VERSIONS, Account, is_safe_origin, known_option_names, settings
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.flows.limits import read_rate

Check = Callable[[], Iterator[CheckMessage]]

DURATIONS = (
    "SESSION_LIFETIME",
    "STATUS_LINK_LIFETIME",
    "CART_TOKEN_LIFETIME",
    "CUSTOMER_TOKEN_LIFETIME",
    "QUOTE_LIFETIME",
    "IN_DOUBT_WINDOW",
    "POLL_LEASE",
    "POLL_WINDOW",
    "STUCK_INTERVAL",
    "STUCK_LIMIT",
    "HOSTED_WAIT",
    "DELIVERY_LEASE",
    "FRAME_TICKET_LIFETIME",
    "RECEIPT_LIFETIME",
)

BOUNDS = {
    "CONNECT_TIMEOUT": (0.01, 300),
    "READ_TIMEOUT": (0.01, 300),
    "TOTAL_TIMEOUT": (0.01, 300),
    "PURCHASE_TIMEOUT": (0.01, 300),
    "QUOTE_WAIT": (0.01, 120),
    "PROXY_COUNT": (0, 20),
    "FRAME_SOFT_LIMIT": (0.1, 300),
    "FRAME_HARD_LIMIT": (0.1, 300),
    "MAX_RESPONSE_BYTES": (1_000, 100_000_000),
    "READ_RETRIES": (0, 10),
    "MAX_REQUEST_BYTES": (1_000, 10_000_000),
    "MAX_CART_LINES": (1, 10_000),
    "MAX_QUANTITY": (1, 1_000_000),
    "POLL_JITTER": (0, 0.9),
    "POLL_BATCH": (1, 10_000),
    "DELIVERY_BATCH": (1, 10_000),
    "DELIVERY_TRIES": (1, 100),
}


def _check(check: Check) -> Check:
    """Register a check that needs no arguments; Django would look through `wraps`, so none is used."""

    @register(Tags.compatibility)
    def run(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
        if check is not options_is_a_dict and not _is_a_dict():
            return []  # reported there
        return list(check())

    return check


def _is_a_dict() -> bool:
    return isinstance(getattr(django_settings, "HENRY_CHECKOUT", None), dict)


def _accounts() -> Iterator[Account]:
    for alias in settings.account_aliases:
        try:
            yield settings.account(alias)
        except ConfigurationError:  # reported by accounts_have_keys
            continue


@_check
def options_is_a_dict() -> Iterator[CheckMessage]:
    if not _is_a_dict():
        yield Error(
            "The setting HENRY_CHECKOUT is missing or not a dict.",
            hint='Add HENRY_CHECKOUT = {"API_KEY": ...} to your settings.',
            id="henry_checkout.E001",
        )


@_check
def accounts_have_keys() -> Iterator[CheckMessage]:
    if "default" not in settings.account_aliases:
        yield Error(
            'HENRY_CHECKOUT["ACCOUNTS"] has no account "default".',
            hint="Carts belong to it unless another one is named: add it.",
            id="henry_checkout.E002",
        )
    for alias in settings.account_aliases:
        try:
            settings.account(alias)
        except ConfigurationError as error:
            yield Error(
                str(error),
                hint='Set HENRY_CHECKOUT["API_KEY"], best from the environment. Keys are never stored in the database.',
                id="henry_checkout.E002",
            )


@_check
def base_urls_are_safe_origins() -> Iterator[CheckMessage]:
    for account in _accounts():
        if not is_safe_origin(account.base_url) or "?" in account.base_url:
            yield Error(
                f"BASE_URL of the Henry account {account.alias!r} is not a safe address.",
                hint="Use https. Plain http is accepted for a sandbox on this very machine only.",
                id="henry_checkout.E003",
            )


@_check
def api_versions_are_known() -> Iterator[CheckMessage]:
    for account in _accounts():
        if account.api_version not in API_VERSIONS:
            yield Error(
                f"API_VERSION {account.api_version!r} of the Henry account {account.alias!r} is not known.",
                hint=f"Use one of: {', '.join(API_VERSIONS)}.",
                id="henry_checkout.E004",
            )


@_check
def checkout_pages_have_exact_origins() -> Iterator[CheckMessage]:
    for account in _accounts():
        for origin in account.checkout_origins:
            if not is_safe_origin(origin) or urlsplit(origin).path not in {"", "/"} or "*" in origin:
                yield Error(
                    f"CHECKOUT_ORIGINS holds {origin!r}, which is not an exact origin.",
                    hint="Write scheme, host and port only, for instance https://checkout.henrylabs.ai.",
                    id="henry_checkout.E005",
                )


@_check
def frame_ancestors_are_exact_origins() -> Iterator[CheckMessage]:
    for account in _accounts():
        for origin in account.frame_ancestors:
            parts = urlsplit(origin)
            is_origin = parts.scheme in {"http", "https"} and f"{parts.scheme}://{parts.netloc}" == origin
            if not is_origin or not parts.hostname or "*" in origin or "@" in origin:
                yield Error(
                    f"FRAME_ANCESTORS holds {origin!r}, which is not an exact origin.",
                    hint="Write scheme, host and port only, for instance https://store.example.",
                    id="henry_checkout.E011",
                )


@_check
def durations_are_durations() -> Iterator[CheckMessage]:
    for name in DURATIONS:
        try:
            value = getattr(settings, name)
        except ConfigurationError as error:
            yield Error(str(error), hint="Use datetime.timedelta.", id="henry_checkout.E006")
        else:
            if value.total_seconds() <= 0:
                yield Error(
                    f'HENRY_CHECKOUT["{name}"] must be longer than nothing.',
                    hint="Use a positive datetime.timedelta.",
                    id="henry_checkout.E006",
                )


@_check
def numbers_are_in_bounds() -> Iterator[CheckMessage]:
    for name, (low, high) in BOUNDS.items():
        try:
            value = getattr(settings, name)
        except (TypeError, ValueError):
            value = None
        if value is None or not low <= value <= high:
            yield Error(
                f'HENRY_CHECKOUT["{name}"] is not a number that can work.',
                hint=f"Use a number from {low} to {high}.",
                id="henry_checkout.E008",
            )


@_check
def lease_is_longer_than_an_answer() -> Iterator[CheckMessage]:
    try:
        is_short = settings.POLL_LEASE.total_seconds() <= settings.TOTAL_TIMEOUT
    except (ConfigurationError, TypeError, ValueError):  # reported by the checks above
        return
    if is_short:
        yield Error(
            'HENRY_CHECKOUT["POLL_LEASE"] is not longer than TOTAL_TIMEOUT: slow answers would be dropped.',
            hint="Make it some times TOTAL_TIMEOUT.",
            id="henry_checkout.E009",
        )


@_check
def sessions_are_installed() -> Iterator[CheckMessage]:
    if not apps.is_installed("django.contrib.sessions"):
        yield Error(
            "django.contrib.sessions is not installed.",
            hint="Guests own their carts by the Django session: add the app and its middleware.",
            id="henry_checkout.E007",
        )


@_check
def options_are_known() -> Iterator[CheckMessage]:
    for name in sorted(set(django_settings.HENRY_CHECKOUT) - known_option_names()):
        yield Warning(
            f'HENRY_CHECKOUT["{name}"] is not an option of this app.',
            hint="Check its spelling; the settings page of the docs lists all options.",
            id="henry_checkout.W001",
        )


@_check
def sqlite_begins_immediate() -> Iterator[CheckMessage]:
    for alias, database in django_settings.DATABASES.items():
        is_sqlite = database.get("ENGINE", "").endswith("sqlite3")
        if is_sqlite and database.get("OPTIONS", {}).get("transaction_mode") != "IMMEDIATE":
            yield Warning(
                f"The SQLite database {alias!r} begins its transactions deferred.",
                hint='A shop and a worker then meet "database is locked". Set '
                'OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20} for it.',
                id="henry_checkout.W002",
            )


@_check
def throttles_are_rates() -> Iterator[CheckMessage]:
    for scope, rate in settings.API_THROTTLES.items():
        try:
            read_rate(rate)
        except ConfigurationError as error:
            yield Error(
                f'HENRY_CHECKOUT["API_THROTTLES"]["{scope}"]: {error}',
                hint="Write how many calls in which time: 20/min, 5/hour, 1/s, 100/day.",
                id="henry_checkout.E010",
            )


@_check
def card_numbers_stay_away() -> Iterator[CheckMessage]:
    if settings.ALLOW_RAW_CARD:
        yield Warning(
            'HENRY_CHECKOUT["ALLOW_RAW_CARD"] lets card numbers reach this server.',
            hint="The whole server is then in the scope of PCI DSS, self-assessment questionnaire D. "
            "Collect cards with Henry's modal or card element instead, and take the setting away.",
            id="henry_checkout.W004",
        )


@_check
def return_urls_exist() -> Iterator[CheckMessage]:
    for ending, target in settings.RETURN_URLS.items():
        if "/" in target or _reverses(target):
            continue
        yield Warning(
            f'HENRY_CHECKOUT["RETURN_URLS"]["{ending}"] names {target!r}, which is no URL of this project.',
            hint="Give the name of a URL that takes the order's id or nothing, or a path.",
            id="henry_checkout.W003",
        )


def _reverses(name: str) -> bool:
    for args in (["01J00000000000000000000000"], []):
        try:
            reverse(name, args=args)
        except NoReverseMatch:
            continue
        return True
    return False
