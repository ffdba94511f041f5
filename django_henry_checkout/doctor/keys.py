"""Keys and addresses: do they fit each other, and this deployment?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings

from django_henry_checkout.conf import LOOPBACK_HOSTS, Account, app_settings
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.exceptions import ConfigurationError

#: The one host of which henry-api.md 2.2 says that it is v0's test environment.
TEST_HOST = "api.sandbox.henrylabs.ai"

SANDBOX_HOST = Trap(
    "sandbox_host",
    Level.ERROR,
    why="Shoppers pay with test cards, and nothing is ever bought.",
    fix="Set BASE_URL of the account {account!r} to Henry's production host, CHECKOUT_ORIGINS to its pages, and "
    'API_KEY to a production key. A shop that is there for trying adds "henry_doctor.sandbox_host" to '
    "SILENCED_SYSTEM_CHECKS.",
)
DEBUG_AND_HENRY = Trap(
    "debug_and_henry",
    Level.WARNING,
    why="Error pages show settings and variables to strangers, each query is kept in memory, and real goods may be "
    "bought while somebody tries things out.",
    fix="Set DEBUG = False for a shop that sells; for development use `manage.py henry_sandbox`.",
)
BASE_URL_PATH = Trap(
    "base_url_path",
    Level.ERROR,
    why="The app adds the generation to the path by itself, so each call goes to an address that does not exist.",
    fix="Write BASE_URL without it, and name the generation in API_VERSION: one of v1, v1-rpc, v0.",
)
ORIGINS_MIXED = Trap(
    "origins_mixed",
    Level.ERROR,
    why="Henry's answers name a payment page that CHECKOUT_ORIGINS does not hold, and shoppers are sent to no page "
    "that is not in it: no checkout can begin.",
    fix="Set CHECKOUT_ORIGINS of the account {account!r} to the origin of the payment pages of its BASE_URL; for a "
    "sandbox on this machine that is BASE_URL itself.",
)
KEY_KIND = Trap(
    "key_kind",
    Level.UNSEEN,
    why="In v1 one host serves test and production, keys show no difference, and no answer says which one a key is.",
    fix="Look the key up in Henry's dashboard, and buy something small once.",
)
KEY_AGE = Trap(
    "key_age",
    Level.UNSEEN,
    why="Neither the settings nor Henry say since when a key or a webhook secret has been used.",
    fix="Note when you renew them; give an old webhook secret a `not_after`, which the doctor watches.",
)
TRAPS = (SANDBOX_HOST, DEBUG_AND_HENRY, BASE_URL_PATH, ORIGINS_MIXED, KEY_KIND, KEY_AGE)


def accounts() -> Iterator[Account]:
    """Yield the accounts that can be read; the system checks name the others."""
    for alias in app_settings.account_aliases:
        with suppress(ConfigurationError):
            yield app_settings.account(alias)


def is_here(url: str) -> bool:
    """Tell whether an address is of this machine: then a sandbox answers there."""
    return host_of(url) in LOOPBACK_HOSTS


def host_of(url: str) -> str:
    """Return the host of an address, "" where there is none that can be read."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def keys_fit_the_deployment() -> Iterator[Finding]:
    """Look for a test host in production, and for production in development."""
    for account in accounts():
        is_test = is_here(account.base_url) or host_of(account.base_url) == TEST_HOST
        if is_test and not settings.DEBUG:
            where = "a sandbox on this machine" if is_here(account.base_url) else TEST_HOST
            yield SANDBOX_HOST.found(
                f"The account {account.alias!r} buys at {where}, with DEBUG off.", account=account.alias
            )
        if not is_test and settings.DEBUG:
            yield DEBUG_AND_HENRY.found(
                f"DEBUG is on, and the account {account.alias!r} buys at {host_of(account.base_url)}."
            )


def addresses_fit_each_other() -> Iterator[Finding]:
    """Look at BASE_URL, and whether the payment pages are where it is."""
    for account in accounts():
        last = urlsplit(account.base_url).path.rpartition("/")[2]
        if last in {"v0", "v1"}:
            yield BASE_URL_PATH.found(f"BASE_URL of the account {account.alias!r} ends with /{last}.")
        places = {is_here(origin) for origin in account.checkout_origins}
        if places and is_here(account.base_url) not in places:
            here, there = ("on", "not on") if is_here(account.base_url) else ("not on", "on")
            yield ORIGINS_MIXED.found(
                f"BASE_URL of the account {account.alias!r} is {here} this machine, its CHECKOUT_ORIGINS are {there} it.",
                account=account.alias,
            )


def what_keys_do_not_tell() -> Iterator[Finding]:
    """Say what nobody can see of a key."""
    real = [account for account in accounts() if not is_here(account.base_url)]
    unclear = [account.alias for account in real if account.api_version != "v0"]
    if unclear and not settings.DEBUG:
        yield KEY_KIND.found(f"Whether the key is for production cannot be told: {', '.join(unclear[:10])}.")
    if real:
        yield KEY_AGE.found("How old API keys and webhook secrets are cannot be told.")


LOOKS: tuple[Look, ...] = (keys_fit_the_deployment, addresses_fit_each_other, what_keys_do_not_tell)
