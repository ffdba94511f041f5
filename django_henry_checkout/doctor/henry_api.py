"""Checks that call Henry's API once per account: the key, the host, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from django_henry_checkout.conf import Account
from django_henry_checkout.doctor.accounts import get_accounts, get_host
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    GatewayError,
    GatewayTimeout,
    GatewayUnavailable,
    RateLimited,
)
from django_henry_checkout.gateway import gateway_for

MAX_SKEW = timedelta(seconds=30)
#: Number of accounts that are checked; it bounds the run time of shops with very many.
MAX_ACCOUNTS = 20

KEY_REJECTED = Check(
    "key_rejected",
    Level.ERROR,
    why="No cart can be created and no purchase can be followed. A key belongs to one environment: a test "
    "key does not work in production, nor a production key in the test environment.",
    fix="Set API_KEY of the account {account!r} to a key of the environment that BASE_URL points to.",
)
HENRY_UNREACHABLE = Check(
    "henry_unreachable",
    Level.ERROR,
    why="Shoppers cannot check out, and purchases are not followed until Henry responds again.",
    fix="Check BASE_URL of the account {account!r}, DNS, and whether this machine may connect to the "
    "Internet; then whether Henry itself is up.",
)
HENRY_UNEXPECTED_RESPONSE = Check(
    "henry_unexpected_response",
    Level.ERROR,
    why="The server at BASE_URL does not speak the version of Henry's API that API_VERSION names.",
    fix="Check BASE_URL and API_VERSION of the account {account!r}: v1, v1-rpc or v0.",
)
CLOCK = Check(
    "clock",
    Level.WARNING,
    why="Webhooks whose timestamp seems to be off by more than WEBHOOK_TOLERANCE are rejected, and "
    "sessions, quotes and tokens expire early or late.",
    fix="Synchronise the clock of this machine with NTP.",
)
CLOCK_SKIPPED = Check(
    "clock_skipped",
    Level.SKIPPED,
    why="Henry's responses have no Date header, so its clock cannot be compared with this machine's.",
    fix="Compare this machine's clock with another clock that you trust.",
)
CHECKS = (KEY_REJECTED, HENRY_UNREACHABLE, HENRY_UNEXPECTED_RESPONSE, CLOCK, CLOCK_SKIPPED)


def probe_henry() -> Iterator[Finding]:
    """Read Henry's clock with the key of each account. A host that does not respond is called once."""
    unreachable: set[str] = set()
    for account in list(get_accounts())[:MAX_ACCOUNTS]:
        if account.base_url in unreachable:
            continue
        try:
            began = timezone.now()
            theirs = gateway_for(account).clock()
            ours = began + (timezone.now() - began) / 2
        except GatewayError as error:
            if isinstance(error, GatewayTimeout | GatewayUnavailable | RateLimited):
                unreachable.add(account.base_url)
            yield _error_finding(account, error)
        else:
            yield from _compare_clocks(account, ours, theirs)


def _error_finding(account: Account, error: GatewayError) -> Finding:
    host, alias = get_host(account.base_url), account.alias
    if isinstance(error, AuthenticationFailed):
        return KEY_REJECTED.finding(
            f"Henry rejects the key of the account {alias!r} at {host}.", account=alias
        )
    if isinstance(error, GatewayTimeout | GatewayUnavailable | RateLimited):
        found = f"Henry could not be reached for the account {alias!r} at {host}: {error}"
        return HENRY_UNREACHABLE.finding(found, account=alias)
    found = (
        f"The response of {host} for the account {alias!r} ({account.api_version}) is not Henry's: {error}"
    )
    return HENRY_UNEXPECTED_RESPONSE.finding(found, account=alias)


def _compare_clocks(account: Account, ours: datetime, theirs: datetime | None) -> Iterator[Finding]:
    if theirs is None:
        yield CLOCK_SKIPPED.finding(f"Henry sends no time to the account {account.alias!r}.")
    elif abs(ours - theirs) > MAX_SKEW:
        skew = (ours - theirs).total_seconds()
        yield CLOCK.finding(f"The clock of this machine differs from Henry's by {skew:+.0f} s.")


PROBES: tuple[Probe, ...] = (probe_henry,)
