"""Runs every look within a time limit, and the system checks of this app."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Tags
from django.core.checks import run_checks as run_system_checks
from django.db import connections

from django_henry_checkout.doctor import (
    broker,
    data,
    henry,
    keys,
    outside,
    policies,
    proxies,
    web,
    webhooks,
    work,
)
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.doctor.secrets import without_secrets
from django_henry_checkout.exceptions import ConfigurationError

logger = logging.getLogger("django_henry_checkout.doctor")

#: How long one look may take.
LOOK_SECONDS = 10.0
#: With one of these of SILENCED_SYSTEM_CHECKS, for instance "henry_doctor.coop", a finding is left out.
SILENCE_PREFIX = "henry_doctor."
CHECK_PREFIX = "henry_checkout."

LOOK_FAILED = Trap(
    "look_failed",
    Level.ERROR,
    why="What it looks at is not known to be well, and the same error may meet shoppers or workers.",
    fix="Read the error in the log of `django_henry_checkout.doctor`, correct what it names, and run the doctor again.",
)
LOOK_SLOW = Trap(
    "look_slow",
    Level.ERROR,
    why="Something that the shop depends on hangs: the database, the broker, or a middleware.",
    fix="See what `{look}` of the table in docs/doctor.md looks at, and why that does not answer.",
)
ROWS_UNSEEN = Trap(
    "rows_unseen",
    Level.UNSEEN,
    why="Workers, purchases and webhooks are known from the database.",
    fix="Correct what was found about the database first, then run the doctor again.",
)
TRAPS: tuple[Trap, ...] = (
    *data.TRAPS, *keys.TRAPS, *web.TRAPS, *policies.TRAPS, *proxies.TRAPS, *broker.TRAPS, *henry.TRAPS,
    *work.TRAPS, *webhooks.TRAPS, *outside.TRAPS, LOOK_FAILED, LOOK_SLOW, ROWS_UNSEEN,
)  # fmt: skip


def run_checks(*, url: str = "") -> list[Finding]:
    """Return what is wrong with this deployment, the worst first; empty where all is well.

    Args:
        url: a page of the shop that holds the checkout, at the address that shoppers use: it is looked at from
            outside too, through the shop's proxies. "" leaves that out.

    Findings of the level `UNSEEN` say what could not be examined from here; they are no trouble by themselves.
    What the system checks of this app find is among them, under their ids ("W011"). No finding holds a secret.
    A finding is left out where SILENCED_SYSTEM_CHECKS holds "henry_doctor." and its name.

    Effects: looks only. Some queries, none of them over whole tables; one HTTP read for each account, three with `url`; answers
    of no view of yours go through the middleware. Each look ends after LOOK_SECONDS at the latest. Looks run in
    threads of their own, and so outside the caller's transaction.
    """
    looks = (*LOOKS, *(outside.looks_at(url) if url else ()))
    first = [finding for look in data.LOOKS_AT_THE_DATABASE for finding in _look(look)]
    found = [*first, *(finding for look in looks for finding in _look(look))]
    if first:
        found.append(
            ROWS_UNSEEN.found("The tables of this app cannot be read, so what stands in them is unknown.")
        )
    else:
        found += [finding for look in LOOKS_AT_ROWS for finding in _look(look)]
    order = list(Level)
    told = [finding for finding in found if not _is_silenced(finding)]
    return [_clean(finding) for finding in sorted(told, key=lambda finding: order.index(finding.level))]


def system_checks() -> Iterator[Finding]:
    """Look at what `manage.py check` says about this app."""
    for message in run_system_checks(tags=[Tags.compatibility]):
        if (message.id or "").startswith(CHECK_PREFIX) and not message.is_silenced():
            yield _of_check(message)


def _of_check(message: CheckMessage) -> Finding:
    is_error = message.level >= ERROR
    return Finding(
        name=str(message.id).removeprefix(CHECK_PREFIX),
        level=Level.ERROR if is_error else Level.WARNING,
        found=str(message.msg),
        why="`manage.py check` says so too: "
        + ("it cannot work like this." if is_error else "it works, and will hurt."),
        fix=str(message.hint or "See the system checks in docs/reference/settings.md."),
    )


LOOKS: tuple[Look, ...] = (
    system_checks, *data.LOOKS, *keys.LOOKS, *web.LOOKS, *policies.LOOKS, *proxies.LOOKS, *broker.LOOKS,
    *henry.LOOKS,
)  # fmt: skip
#: Those that need the tables.
LOOKS_AT_ROWS: tuple[Look, ...] = (*data.LOOKS_AT_ROWS, *work.LOOKS, *webhooks.LOOKS)


def _look(look: Look) -> list[Finding]:
    """Return what a look finds within its time; that it crashes, or takes longer, is a finding too."""
    found: list[Finding] = []
    thread = Thread(target=_run, args=(look, found), name=f"henry-doctor-{look.__name__}", daemon=True)
    thread.start()
    thread.join(LOOK_SECONDS)
    if thread.is_alive():
        slow = f"The look `{look.__name__}` had not ended after {LOOK_SECONDS:.0f} s."
        return [*found, LOOK_SLOW.found(slow, look=look.__name__)]
    return found


def _run(look: Look, found: list[Finding]) -> None:
    try:
        for finding in look():
            found.append(finding)  # noqa: PERF402 - one by one, so that what was found before a crash is kept
    except ConfigurationError:  # the system checks name it
        return
    except Exception as error:  # whatever a look meets must not hide what the others find
        logger.warning("The look %s failed", look.__name__, exc_info=True)
        found.append(LOOK_FAILED.found(f"The look `{look.__name__}` ended with {type(error).__name__}."))
    finally:
        connections.close_all()


def _is_silenced(finding: Finding) -> bool:
    return f"{SILENCE_PREFIX}{finding.name}" in settings.SILENCED_SYSTEM_CHECKS


def _clean(finding: Finding) -> Finding:
    return replace(finding, found=without_secrets(finding.found), fix=without_secrets(finding.fix))
