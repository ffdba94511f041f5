"""Asks Henry itself, once for each account: does the key open anything, and do the clocks agree?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from django_henry_checkout.conf import Account
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.doctor.keys import accounts, host_of
from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    GatewayError,
    GatewayTimeout,
    GatewayUnavailable,
    RateLimited,
)
from django_henry_checkout.gateway import gateway_for

MOST_SKEW = timedelta(seconds=30)
#: Most accounts that are asked; shops with more have keys that come and go the same way.
MOST_ACCOUNTS = 20

KEY_REFUSED = Trap(
    "key_refused",
    Level.ERROR,
    why="No cart can be made and no purchase followed. Keys belong to one environment: one of the test environment "
    "opens nothing in production, nor the other way round.",
    fix="Set API_KEY of the account {account!r} to a key of the environment that BASE_URL names.",
)
HENRY_AWAY = Trap(
    "henry_away",
    Level.ERROR,
    why="Shoppers cannot check out, and purchases are not followed until Henry answers again.",
    fix="Check BASE_URL of the account {account!r}, DNS, and whether this machine may reach the outside; then Henry's own "
    "status.",
)
HENRY_ODD = Trap(
    "henry_odd",
    Level.ERROR,
    why="What answers at BASE_URL does not speak the generation of Henry's API that API_VERSION names.",
    fix="Check BASE_URL and API_VERSION of the account {account!r}: v1, v1-rpc or v0.",
)
CLOCK = Trap(
    "clock",
    Level.WARNING,
    why="Webhooks that seem to be more than WEBHOOK_TOLERANCE off are refused, and sessions, quotes and tokens end early "
    "or late.",
    fix="Let NTP set the clock of this machine.",
)
CLOCK_UNSEEN = Trap(
    "clock_unseen",
    Level.UNSEEN,
    why="Henry's answers have no Date header, so its clock cannot be compared with this one.",
    fix="Compare this machine's clock with another one that you trust.",
)
TRAPS = (KEY_REFUSED, HENRY_AWAY, HENRY_ODD, CLOCK, CLOCK_UNSEEN)


def henry_answers() -> Iterator[Finding]:
    """Ask Henry for its time with each key. A host that does not answer is asked once."""
    silent: set[str] = set()
    for account in list(accounts())[:MOST_ACCOUNTS]:
        if account.base_url in silent:
            continue
        try:
            began = timezone.now()
            theirs = gateway_for(account).clock()
            ours = began + (timezone.now() - began) / 2
        except GatewayError as trouble:
            if isinstance(trouble, GatewayTimeout | GatewayUnavailable | RateLimited):
                silent.add(account.base_url)
            yield _refused(account, trouble)
        else:
            yield from _compare(account, ours, theirs)


def _refused(account: Account, trouble: GatewayError) -> Finding:
    host, alias = host_of(account.base_url), account.alias
    if isinstance(trouble, AuthenticationFailed):
        return KEY_REFUSED.found(f"Henry refuses the key of the account {alias!r} at {host}.", account=alias)
    if isinstance(trouble, GatewayTimeout | GatewayUnavailable | RateLimited):
        found = f"Henry could not be asked for the account {alias!r} at {host}: {trouble}"
        return HENRY_AWAY.found(found, account=alias)
    found = (
        f"The answer of {host} for the account {alias!r} ({account.api_version}) is not Henry's: {trouble}"
    )
    return HENRY_ODD.found(found, account=alias)


def _compare(account: Account, ours: datetime, theirs: datetime | None) -> Iterator[Finding]:
    if theirs is None:
        yield CLOCK_UNSEEN.found(f"Henry does not tell its time to the account {account.alias!r}.")
    elif abs(ours - theirs) > MOST_SKEW:
        yield CLOCK.found(
            f"The clock of this machine is {(ours - theirs).total_seconds():+.0f} s off Henry's."
        )


LOOKS: tuple[Look, ...] = (henry_answers,)
