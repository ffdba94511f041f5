"""System checks of single options: known names, durations, numbers within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from django_henry_checkout.checks.base import check, has_settings
from django_henry_checkout.conf import app_settings, known_option_names
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.flows.access.throttling import parse_rate
from django_henry_checkout.models.encryption import decrypt, encrypt

DURATIONS = (
    "SESSION_LIFETIME",
    "STATUS_LINK_LIFETIME",
    "CART_TOKEN_LIFETIME",
    "CUSTOMER_TOKEN_LIFETIME",
    "QUOTE_LIFETIME",
    "IN_DOUBT_TIMEOUT",
    "POLL_LEASE",
    "POLL_TIMEOUT",
    "STUCK_INTERVAL",
    "STUCK_TIMEOUT",
    "HOSTED_PAYMENT_TIMEOUT",
    "DELIVERY_LEASE",
    "FRAME_TICKET_LIFETIME",
    "RECEIPT_LIFETIME",
    "BREAKER_PAUSE",
    "WEBHOOK_TOLERANCE",
    "WEBHOOK_LEASE",
    "WEBHOOK_MATCH_TIMEOUT",
)

BOUNDS = {
    "CONNECT_TIMEOUT": (0.01, 300),
    "READ_TIMEOUT": (0.01, 300),
    "TOTAL_TIMEOUT": (0.01, 300),
    "PURCHASE_TIMEOUT": (0.01, 300),
    "QUOTE_TIMEOUT": (0.01, 120),
    "NUM_PROXIES": (0, 20),
    "FRAME_SLOW_AFTER": (0.1, 300),
    "FRAME_TIMEOUT": (0.1, 300),
    "MAX_RESPONSE_BYTES": (1_000, 100_000_000),
    "READ_RETRIES": (0, 10),
    "MAX_REQUEST_BYTES": (1_000, 10_000_000),
    "MAX_CART_LINES": (1, 10_000),
    "MAX_QUANTITY": (1, 1_000_000),
    "POLL_JITTER": (0, 0.9),
    "POLL_BATCH": (1, 10_000),
    "DELIVERY_BATCH": (1, 10_000),
    "DELIVERY_ATTEMPTS": (1, 100),
    "DELIVERY_CRASHES": (1, 100),
    "POLL_CONCURRENCY": (1, 1_024),
    "POLL_RATE": (0.1, 10_000),
    "BULK_POLL_THRESHOLD": (0, 100_000),
    "BULK_POLL_MAX_PAGES": (1, 1_000),
    "BREAKER_FAILURES": (1, 100_000),
    "WEBHOOK_MAX_BYTES": (1_000, 10_000_000),
    "WEBHOOK_BATCH": (1, 10_000),
    "WEBHOOK_ATTEMPTS": (1, 100),
}


@register(Tags.compatibility)
def setting_is_a_dict(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if has_settings():
        return []
    hint = 'Add HENRY_CHECKOUT = {"API_KEY": ...} to your settings.'
    return [
        Error("The setting HENRY_CHECKOUT is missing or not a dict.", hint=hint, id="henry_checkout.E001")
    ]


@check
def options_are_known() -> Iterator[CheckMessage]:
    for name in sorted(set(settings.HENRY_CHECKOUT) - known_option_names()):
        yield Warning(
            f'HENRY_CHECKOUT["{name}"] is not an option of this app.',
            hint="Check its spelling; docs/reference/settings.md lists all options.",
            id="henry_checkout.W001",
        )


@check
def durations_are_positive() -> Iterator[CheckMessage]:
    for name in DURATIONS:
        try:
            value = getattr(app_settings, name)
        except ConfigurationError as error:
            yield Error(str(error), hint="Use datetime.timedelta.", id="henry_checkout.E006")
        else:
            if value.total_seconds() <= 0:
                yield Error(
                    f'HENRY_CHECKOUT["{name}"] must be positive.',
                    hint="Use a positive datetime.timedelta.",
                    id="henry_checkout.E006",
                )


@check
def retention_is_valid() -> Iterator[CheckMessage]:
    retention: Mapping[str, Any] = {}
    try:
        retention = app_settings.RETENTION
    except (ConfigurationError, TypeError) as error:
        yield Error(
            str(error),
            hint="Use only the names in the message, each with a timedelta or None.",
            id="henry_checkout.E017",
        )
    for name, time in retention.items():
        if time is not None and (not isinstance(time, timedelta) or time <= timedelta()):
            yield Error(
                f'HENRY_CHECKOUT["RETENTION"]["{name}"] is not a valid retention time.',
                hint="Use a positive datetime.timedelta, or None to keep the records.",
                id="henry_checkout.E017",
            )


@check
def encryption_works() -> Iterator[CheckMessage]:
    try:
        decrypt(encrypt("x"))
    except (ConfigurationError, TypeError) as error:
        yield Error(
            str(error),
            hint="Install the extra `encryption`, and create keys with "
            "cryptography.fernet.Fernet.generate_key().",
            id="henry_checkout.E018",
        )


@check
def numbers_are_in_bounds() -> Iterator[CheckMessage]:
    for name, (low, high) in BOUNDS.items():
        try:
            value = getattr(app_settings, name)
        except (TypeError, ValueError, OverflowError):
            value = None
        if value is None or not low <= value <= high:
            yield Error(
                f'HENRY_CHECKOUT["{name}"] is not a number within its bounds.',
                hint=f"Use a number from {low} to {high}.",
                id="henry_checkout.E008",
            )


@check
def poll_lease_is_longer_than_a_request() -> Iterator[CheckMessage]:
    try:
        is_short = app_settings.POLL_LEASE.total_seconds() <= app_settings.TOTAL_TIMEOUT
    except (ConfigurationError, TypeError, ValueError):  # reported by the checks above
        return
    if is_short:
        yield Error(
            'HENRY_CHECKOUT["POLL_LEASE"] is not longer than TOTAL_TIMEOUT: slow responses would be dropped.',
            hint="Set it to several times TOTAL_TIMEOUT.",
            id="henry_checkout.E009",
        )


@check
def throttle_rates_are_valid() -> Iterator[CheckMessage]:
    for scope, rate in app_settings.API_THROTTLES.items():
        try:
            parse_rate(rate)
        except ConfigurationError as error:
            yield Error(
                f'HENRY_CHECKOUT["API_THROTTLES"]["{scope}"]: {error}',
                hint="Write a number of calls per period: 20/min, 5/hour, 1/s, 100/day.",
                id="henry_checkout.E010",
            )


@check
def raw_cards_are_off() -> Iterator[CheckMessage]:
    if app_settings.ALLOW_RAW_CARD:
        yield Warning(
            'HENRY_CHECKOUT["ALLOW_RAW_CARD"] sends card numbers to this server.',
            hint="The whole server is then in scope of PCI DSS, self-assessment questionnaire D. "
            "Collect cards with Henry's modal or card element instead, and remove the setting.",
            id="henry_checkout.W004",
        )
