"""Runs all probes, each within a time limit, and the system checks of this app."""

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
    accounts,
    backlog,
    broker,
    csp,
    database,
    django_settings,
    headers,
    henry_api,
    public_url,
    webhook_setup,
    workers,
)
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.doctor.redact import redact_secrets
from django_henry_checkout.exceptions import ConfigurationError

logger = logging.getLogger("django_henry_checkout.doctor")

#: Time limit of one probe, in seconds.
PROBE_TIMEOUT = 10.0
#: SILENCED_SYSTEM_CHECKS silences a finding by this prefix and its name, such as "henry_doctor.coop".
SILENCE_PREFIX = "henry_doctor."
SYSTEM_CHECK_PREFIX = "henry_checkout."

CHECK_FAILED = Check(
    "check_failed",
    Level.ERROR,
    why="What it checks may be broken, and shoppers or workers may meet the same error.",
    fix="Read the error in the log of `django_henry_checkout.doctor`, fix its cause, and run the doctor "
    "again.",
)
CHECK_TIMED_OUT = Check(
    "check_timed_out",
    Level.ERROR,
    why="Something that the shop depends on does not respond: the database, the broker, or a middleware.",
    fix="The name `{probe}` says what was checked. Find out why that does not respond, and run the doctor "
    "again.",
)
DATABASE_CHECKS_SKIPPED = Check(
    "database_checks_skipped",
    Level.SKIPPED,
    why="Workers, pending work and webhooks are checked by their rows in the database.",
    fix="Fix the problem with the database first, then run the doctor again.",
)
CHECKS: tuple[Check, ...] = (
    *database.CHECKS, *accounts.CHECKS, *headers.CHECKS, *csp.CHECKS, *django_settings.CHECKS, *broker.CHECKS,
    *henry_api.CHECKS, *workers.CHECKS, *backlog.CHECKS, *webhook_setup.CHECKS, *public_url.CHECKS, CHECK_FAILED,
    CHECK_TIMED_OUT, DATABASE_CHECKS_SKIPPED,
)  # fmt: skip


def run_checks(*, url: str = "") -> list[Finding]:
    """Return the problems of this deployment, the most severe first; an empty list if there are none.

    Args:
        url: the public URL of a page that holds the checkout. It is also checked from outside, through the
            shop's proxies. "" skips that.

    Findings of the level `SKIPPED` say what could not be checked; they are not problems. The system checks of
    this app are included under their ids ("W011"). A finding is left out if SILENCED_SYSTEM_CHECKS contains
    "henry_doctor." and its name. Findings contain no secrets.

    Effects: changes nothing. A few queries, none of which scans a table; one HTTP read per account, and three
    more with `url`; empty pages, sent through the project's middleware. Each probe is limited to
    PROBE_TIMEOUT. Probes run in separate threads, and so outside the caller's transaction.
    """
    probes = (*PROBES, *(public_url.build_probes(url) if url else ()))
    first = [finding for probe in database.CONNECTION_PROBES for finding in _run_probe(probe)]
    found = [*first, *(finding for probe in probes for finding in _run_probe(probe))]
    if first:
        found.append(
            DATABASE_CHECKS_SKIPPED.finding(
                "The tables of this app cannot be read, so their rows were not checked."
            )
        )
    else:
        found += [finding for probe in ROW_PROBES for finding in _run_probe(probe)]
    severity = list(Level)
    reported = [finding for finding in found if not _is_silenced(finding)]
    return [
        _redact(finding) for finding in sorted(reported, key=lambda finding: severity.index(finding.level))
    ]


def probe_system_checks() -> Iterator[Finding]:
    """Yield what `manage.py check` reports about this app."""
    for message in run_system_checks(tags=[Tags.compatibility]):
        if (message.id or "").startswith(SYSTEM_CHECK_PREFIX) and not message.is_silenced():
            yield _from_message(message)


def _from_message(message: CheckMessage) -> Finding:
    is_error = message.level >= ERROR
    return Finding(
        name=str(message.id).removeprefix(SYSTEM_CHECK_PREFIX),
        level=Level.ERROR if is_error else Level.WARNING,
        found=str(message.msg),
        why="`manage.py check` reports it too: "
        + ("the shop cannot work like this." if is_error else "the shop works, but will have problems."),
        fix=str(message.hint or "See the system checks in docs/reference/settings.md."),
    )


PROBES: tuple[Probe, ...] = (
    probe_system_checks, *database.PROBES, *accounts.PROBES, *headers.PROBES, *csp.PROBES,
    *django_settings.PROBES, *broker.PROBES, *henry_api.PROBES,
)  # fmt: skip
#: Probes that read the app's tables.
ROW_PROBES: tuple[Probe, ...] = (
    *database.ROW_PROBES,
    *workers.PROBES,
    *backlog.PROBES,
    *webhook_setup.PROBES,
)


def _run_probe(probe: Probe) -> list[Finding]:
    """Return the findings of a probe; that it failed or timed out is a finding too."""
    found: list[Finding] = []
    thread = Thread(target=_collect, args=(probe, found), name=f"henry-doctor-{probe.__name__}", daemon=True)
    thread.start()
    thread.join(PROBE_TIMEOUT)
    if thread.is_alive():
        text = f"The check `{probe.__name__}` did not end within {PROBE_TIMEOUT:.0f} s."
        return [*found, CHECK_TIMED_OUT.finding(text, probe=probe.__name__)]
    return found


def _collect(probe: Probe, found: list[Finding]) -> None:
    try:
        for finding in probe():
            found.append(finding)  # noqa: PERF402 - one by one, to keep what was found before an error
    except ConfigurationError:  # reported by the system checks
        return
    except Exception as error:  # the failure of one probe must not hide the findings of the others
        logger.warning("The check %s failed", probe.__name__, exc_info=True)
        found.append(
            CHECK_FAILED.finding(f"The check `{probe.__name__}` failed with {type(error).__name__}.")
        )
    finally:
        connections.close_all()


def _is_silenced(finding: Finding) -> bool:
    return f"{SILENCE_PREFIX}{finding.name}" in settings.SILENCED_SYSTEM_CHECKS


def _redact(finding: Finding) -> Finding:
    return replace(finding, found=redact_secrets(finding.found), fix=redact_secrets(finding.fix))
