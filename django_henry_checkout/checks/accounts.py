"""What is known of Henry: keys, addresses, secrets."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning

from django_henry_checkout.checks.base import check
from django_henry_checkout.conf import API_VERSIONS, Account, app_settings, is_safe_origin
from django_henry_checkout.exceptions import ConfigurationError

SHORTEST_SECRET = 16
#: What `henry_sandbox` is started with, unless told otherwise.
SANDBOX_KEY = "sandbox-key"


def _accounts() -> Iterator[Account]:
    for alias in app_settings.account_aliases:
        try:
            yield app_settings.account(alias)
        except ConfigurationError:  # reported by one of the two checks below
            continue


def _trouble(alias: str) -> str:
    """Return why an account cannot be read, "" if it can."""
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
            hint="Carts belong to it unless another one is named: add it.",
            id="henry_checkout.E002",
        )
    for alias in app_settings.account_aliases:
        trouble = _trouble(alias)
        if trouble and "WEBHOOK_SECRETS" not in trouble:
            yield Error(
                trouble,
                hint='Set HENRY_CHECKOUT["API_KEY"], best from the environment. Keys are never stored in the database.',
                id="henry_checkout.E002",
            )


@check
def keys_are_not_those_of_the_sandbox() -> Iterator[CheckMessage]:
    for account in _accounts():
        if account.api_key == SANDBOX_KEY and urlsplit(account.base_url).scheme == "https":
            yield Error(
                f"The Henry account {account.alias!r} has the key of the local sandbox, which opens nothing at "
                f"{account.base_url}.",
                hint='Set HENRY_CHECKOUT["API_KEY"] to a key of Henry\'s, or BASE_URL to the sandbox.',
                id="henry_checkout.E016",
            )


@check
def webhook_secrets_are_secrets() -> Iterator[CheckMessage]:
    for alias in app_settings.account_aliases:
        trouble = _trouble(alias)
        if "WEBHOOK_SECRETS" in trouble:
            yield Error(
                trouble,
                hint='Write a list: ["the secret"], and while it is replaced the old one too, with its last moment.',
                id="henry_checkout.E014",
            )


@check
def webhook_secrets_are_long() -> Iterator[CheckMessage]:
    for account in _accounts():
        if any(len(each.secret) < SHORTEST_SECRET for each in account.webhook_secrets):
            yield Warning(
                f"A webhook secret of the Henry account {account.alias!r} is shorter than {SHORTEST_SECRET} characters.",
                hint="Whoever guesses it can tell the shop that anything was bought. Have Henry make a new one.",
                id="henry_checkout.W009",
            )


@check
def webhooks_can_be_believed() -> Iterator[CheckMessage]:
    for account in _accounts():
        if account.webhook_uuid and not account.webhook_secrets:
            yield Error(
                f"The Henry account {account.alias!r} asks for webhooks and would refuse each of them.",
                hint="WEBHOOK_UUID names an endpoint at Henry: add its secret to WEBHOOK_SECRETS.",
                id="henry_checkout.E015",
            )


@check
def base_urls_are_safe_origins() -> Iterator[CheckMessage]:
    for account in _accounts():
        if not is_safe_origin(account.base_url) or "?" in account.base_url:
            yield Error(
                f"BASE_URL of the Henry account {account.alias!r} is not a safe address.",
                hint="Use https. Plain http is accepted for a sandbox on this very machine only.",
                id="henry_checkout.E003",
            )


@check
def api_versions_are_known() -> Iterator[CheckMessage]:
    for account in _accounts():
        if account.api_version not in API_VERSIONS:
            yield Error(
                f"API_VERSION {account.api_version!r} of the Henry account {account.alias!r} is not known.",
                hint=f"Use one of: {', '.join(API_VERSIONS)}.",
                id="henry_checkout.E004",
            )


@check
def checkout_pages_have_exact_origins() -> Iterator[CheckMessage]:
    for account in _accounts():
        for origin in account.checkout_origins:
            if not is_safe_origin(origin) or urlsplit(origin).path not in {"", "/"} or "*" in origin:
                yield Error(
                    f"CHECKOUT_ORIGINS holds {origin!r}, which is not an exact origin.",
                    hint="Write scheme, host and port only, for instance https://checkout.henrylabs.ai.",
                    id="henry_checkout.E005",
                )


@check
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
