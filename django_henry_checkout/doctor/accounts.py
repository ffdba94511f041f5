"""Checks of the keys and addresses of accounts: do they match each other, and this deployment?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings

from django_henry_checkout.conf import LOOPBACK_HOSTS, Account, app_settings
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.exceptions import ConfigurationError

#: The only host that henry-api.md 2.2 names as v0's test environment.
TEST_HOST = "api.sandbox.henrylabs.ai"

SANDBOX_HOST = Check(
    "sandbox_host",
    Level.ERROR,
    why="Shoppers pay with test cards, and nothing is really bought.",
    fix="Set BASE_URL of the account {account!r} to Henry's production host, CHECKOUT_ORIGINS to its "
    "payment pages, and "
    'API_KEY to a production key. For a demo shop add "henry_doctor.sandbox_host" to SILENCED_SYSTEM_CHECKS.',
)
DEBUG_AND_HENRY = Check(
    "debug_and_henry",
    Level.WARNING,
    why="Error pages show settings and variables to visitors, every query is kept in memory, and a test may "
    "buy real goods.",
    fix="Set DEBUG = False for a live shop; for development use `manage.py henry_sandbox`.",
)
BASE_URL_PATH = Check(
    "base_url_path",
    Level.ERROR,
    why="The app adds the version to the path itself, so every call goes to a URL that does not exist.",
    fix="Remove the version from BASE_URL, and name it in API_VERSION: v1, v1-rpc or v0.",
)
ORIGINS_MISMATCH = Check(
    "origins_mismatch",
    Level.ERROR,
    why="The payment pages that Henry returns are not in CHECKOUT_ORIGINS, and shoppers are only sent to "
    "pages that are: no checkout can begin.",
    fix="Set CHECKOUT_ORIGINS of the account {account!r} to the origin of the payment pages of its "
    "BASE_URL; for a sandbox on this machine that is BASE_URL itself.",
)
KEY_ENVIRONMENT = Check(
    "key_environment",
    Level.SKIPPED,
    why="In v1 one host serves test and production, and neither a key nor a response shows which of the two "
    "it belongs to.",
    fix="Look up the key in Henry's dashboard, and make one small purchase.",
)
KEY_AGE = Check(
    "key_age",
    Level.SKIPPED,
    why="Neither the settings nor Henry show since when a key or a webhook secret has been in use.",
    fix="Write down when you renew them; give an old webhook secret a `not_after`, which the doctor checks.",
)
CHECKS = (SANDBOX_HOST, DEBUG_AND_HENRY, BASE_URL_PATH, ORIGINS_MISMATCH, KEY_ENVIRONMENT, KEY_AGE)


def get_accounts() -> Iterator[Account]:
    """Yield the accounts with valid settings; the system checks report the others."""
    for alias in app_settings.account_aliases:
        with suppress(ConfigurationError):
            yield app_settings.account(alias)


def is_local(url: str) -> bool:
    """Return whether a URL is on this machine, and therefore that of a sandbox."""
    return get_host(url) in LOOPBACK_HOSTS


def get_host(url: str) -> str:
    """Return the host of a URL; "" if it has none or cannot be parsed."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def probe_environment() -> Iterator[Finding]:
    """Find a test host in production, and a production host in development."""
    for account in get_accounts():
        is_test = is_local(account.base_url) or get_host(account.base_url) == TEST_HOST
        if is_test and not settings.DEBUG:
            where = "a sandbox on this machine" if is_local(account.base_url) else TEST_HOST
            yield SANDBOX_HOST.finding(
                f"The account {account.alias!r} uses {where}, with DEBUG off.", account=account.alias
            )
        if not is_test and settings.DEBUG:
            yield DEBUG_AND_HENRY.finding(
                f"DEBUG is on, and the account {account.alias!r} uses {get_host(account.base_url)}."
            )


def probe_addresses() -> Iterator[Finding]:
    """Check BASE_URL, and that CHECKOUT_ORIGINS match it."""
    for account in get_accounts():
        last = urlsplit(account.base_url).path.rpartition("/")[2]
        if last in {"v0", "v1"}:
            yield BASE_URL_PATH.finding(f"BASE_URL of the account {account.alias!r} ends with /{last}.")
        locations = {is_local(origin) for origin in account.checkout_origins}
        if locations and is_local(account.base_url) not in locations:
            here, there = ("on", "not on") if is_local(account.base_url) else ("not on", "on")
            yield ORIGINS_MISMATCH.finding(
                f"BASE_URL of the account {account.alias!r} is {here} this machine, its CHECKOUT_ORIGINS "
                f"are {there} it.",
                account=account.alias,
            )


def probe_keys() -> Iterator[Finding]:
    """Report what cannot be determined about keys."""
    remote = [account for account in get_accounts() if not is_local(account.base_url)]
    unclear = [account.alias for account in remote if account.api_version != "v0"]
    if unclear and not settings.DEBUG:
        aliases = ", ".join(unclear[:10])
        yield KEY_ENVIRONMENT.finding(f"Whether these accounts use a production key is unknown: {aliases}.")
    if remote:
        yield KEY_AGE.finding("The age of API keys and webhook secrets is unknown.")


PROBES: tuple[Probe, ...] = (probe_environment, probe_addresses, probe_keys)
