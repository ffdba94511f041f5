"""System checks of accounts: keys, addresses and webhook secrets."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning

from django_henry_checkout.checks.base import check
from django_henry_checkout.conf import API_VERSIONS, Account, app_settings, is_safe_origin
from django_henry_checkout.exceptions import ConfigurationError

MIN_SECRET_LENGTH = 16
#: The default key of `henry_sandbox`.
SANDBOX_KEY = "sandbox-key"


def _accounts() -> Iterator[Account]:
    for alias in app_settings.account_aliases:
        try:
            yield app_settings.account(alias)
        except ConfigurationError:  # reported by accounts_have_keys or webhook_secrets_are_valid
            continue


def _read_error(alias: str) -> str:
    """Return why the settings of an account are invalid; "" if they are valid."""
    try:
        app_settings.account(alias)
    except ConfigurationError as error:
        return str(error)
    return ""


@check
def accounts_have_keys() -> Iterator[CheckMessage]:
    if "default" not in app_settings.account_aliases:
        yield Error(
            'HENRY_CHECKOUT["ACCOUNTS"] has no account "default".',
            hint="Add it: carts use it unless another account is named.",
            id="henry_checkout.E002",
        )
    for alias in app_settings.account_aliases:
        error = _read_error(alias)
        if error and "WEBHOOK_SECRETS" not in error:
            yield Error(
                error,
                hint='Set HENRY_CHECKOUT["API_KEY"], preferably from the environment. Keys are never stored '
                "in the database.",
                id="henry_checkout.E002",
            )


@check
def sandbox_key_is_only_used_with_the_sandbox() -> Iterator[CheckMessage]:
    for account in _accounts():
        if account.api_key == SANDBOX_KEY and urlsplit(account.base_url).scheme == "https":
            yield Error(
                f"The Henry account {account.alias!r} has the key of the local sandbox, which is not valid "
                f"at {account.base_url}.",
                hint='Set HENRY_CHECKOUT["API_KEY"] to a key from Henry, or BASE_URL to the sandbox.',
                id="henry_checkout.E016",
            )


@check
def webhook_secrets_are_valid() -> Iterator[CheckMessage]:
    for alias in app_settings.account_aliases:
        error = _read_error(alias)
        if "WEBHOOK_SECRETS" in error:
            yield Error(
                error,
                hint='Write a list: ["the secret"]. During a rotation add the old one: '
                '{"secret": "...", "not_after": "..."}.',
                id="henry_checkout.E014",
            )


@check
def webhook_secrets_are_long() -> Iterator[CheckMessage]:
    for account in _accounts():
        if any(len(each.secret) < MIN_SECRET_LENGTH for each in account.webhook_secrets):
            yield Warning(
                f"A webhook secret of the Henry account {account.alias!r} is shorter than "
                f"{MIN_SECRET_LENGTH} characters.",
                hint="A guessed secret lets an attacker send forged webhooks. Create a new one in Henry's "
                "dashboard.",
                id="henry_checkout.W009",
            )


@check
def webhook_endpoints_have_secrets() -> Iterator[CheckMessage]:
    for account in _accounts():
        if account.webhook_uuid and not account.webhook_secrets:
            yield Error(
                f"The Henry account {account.alias!r} subscribes to webhooks, but has no secret to verify "
                "them with.",
                hint="Add the secret of the endpoint that WEBHOOK_UUID names to WEBHOOK_SECRETS; without it "
                "every webhook is rejected.",
                id="henry_checkout.E015",
            )


@check
def base_urls_are_safe() -> Iterator[CheckMessage]:
    for account in _accounts():
        if not is_safe_origin(account.base_url) or "?" in account.base_url:
            yield Error(
                f"BASE_URL of the Henry account {account.alias!r} is not a safe address.",
                hint="Use https. Plain http is accepted only for a sandbox on this machine.",
                id="henry_checkout.E003",
            )


@check
def api_versions_are_known() -> Iterator[CheckMessage]:
    for account in _accounts():
        if account.api_version not in API_VERSIONS:
            yield Error(
                f"API_VERSION {account.api_version!r} of the Henry account {account.alias!r} is unknown.",
                hint=f"Use one of: {', '.join(API_VERSIONS)}.",
                id="henry_checkout.E004",
            )


@check
def checkout_origins_are_exact() -> Iterator[CheckMessage]:
    for account in _accounts():
        for origin in account.checkout_origins:
            if not is_safe_origin(origin) or urlsplit(origin).path not in {"", "/"} or "*" in origin:
                yield Error(
                    f"CHECKOUT_ORIGINS contains {origin!r}, which is not an exact origin.",
                    hint="Write scheme, host and port only, for example https://checkout.henrylabs.ai.",
                    id="henry_checkout.E005",
                )


@check
def frame_ancestors_are_exact() -> Iterator[CheckMessage]:
    for account in _accounts():
        for origin in account.frame_ancestors:
            parts = urlsplit(origin)
            is_origin = parts.scheme in {"http", "https"} and f"{parts.scheme}://{parts.netloc}" == origin
            if not is_origin or not parts.hostname or "*" in origin or "@" in origin:
                yield Error(
                    f"FRAME_ANCESTORS contains {origin!r}, which is not an exact origin.",
                    hint="Write scheme, host and port only, for example https://store.example.",
                    id="henry_checkout.E011",
                )
