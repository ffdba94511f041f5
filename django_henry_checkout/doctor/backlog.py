"""Checks of pending work: overdue, paused, failed for good, waiting for review, and Henry's unknown words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.flows.queue.clock import database_now
from django_henry_checkout.models import (
    AccountRateLimit,
    Delivery,
    DeliveryStatus,
    Order,
    Purchase,
    PurchasePoll,
    WebhookMessage,
    WebhookStatus,
)

#: Work that is overdue by more than this is reported.
OVERDUE_AFTER = timedelta(minutes=5)
#: Number of the newest rows that are checked.
NEWEST_ROWS = 1000
#: Unknown words of purchases that are older than this are not reported.
DRIFT_WINDOW = timedelta(days=7)
MAX_WORDS, MAX_WORD_LENGTH = 10, 60

OVERDUE = Check(
    "overdue",
    Level.ERROR,
    why="There are no workers, or too few: orders keep an old status, and the shop is notified late.",
    fix="Check that workers are running, and read their log. A receiver that does not return blocks all "
    "others of its worker. If all workers are busy, start more.",
)
ACCOUNT_REMOVED = Check(
    "account_removed",
    Level.ERROR,
    why="A purchase can only be followed with the account that made it; these purchases are no longer "
    "polled.",
    fix='Put the account back into HENRY_CHECKOUT["ACCOUNTS"] until they have ended.',
)
HENRY_PAUSED = Check(
    "henry_paused",
    Level.WARNING,
    why="Too many calls failed, or Henry requested a pause. Until it ends, purchases of the account are not "
    "polled.",
    fix="Read the log of the workers, and check whether Henry is up. Polling resumes automatically.",
)
DEAD_DELIVERIES = Check(
    "dead_deliveries",
    Level.WARNING,
    why="A receiver failed, or killed its worker, too often for an event. It no longer runs for this event, "
    "nor for later events of that order.",
    fix="Read its error in the admin's list of deliveries, fix the receiver, and run the deliveries again "
    "there.",
)
DEAD_WEBHOOKS = Check(
    "dead_webhooks",
    Level.NOTE,
    why="Webhooks could not be applied, or named a purchase that never appeared. Polling may have reported "
    "the same.",
    fix='See their outcome in the admin\'s list of webhooks, and use "Apply again" there.',
)
NEEDS_REVIEW = Check(
    "needs_review",
    Level.NOTE,
    why="These orders do not continue, or not reliably, until staff have reviewed them.",
    fix="Open the orders that need review in the admin; each shows the reason.",
)
DRIFT = Check(
    "drift",
    Level.WARNING,
    why="Henry sent statuses or codes that this version does not know. They are not guessed: such purchases "
    "stay open and become `stuck`.",
    fix="Open these purchases in the admin, ask Henry's support what the words mean, and look for a newer "
    "version of this app.",
)
CHECKS = (OVERDUE, ACCOUNT_REMOVED, HENRY_PAUSED, DEAD_DELIVERIES, DEAD_WEBHOOKS, NEEDS_REVIEW, DRIFT)


def probe_overdue_work() -> Iterator[Finding]:
    """Find work that should have been done minutes ago, and accounts that are paused."""
    now = database_now()
    paused = set(AccountRateLimit.objects.filter(paused_until__gt=now).values_list("account", flat=True))
    late = now - OVERDUE_AFTER
    active = [alias for alias in app_settings.account_aliases if alias not in paused]
    overdue = {
        "Purchases have not been polled": any(PurchasePoll.objects.due(alias, late)[:1] for alias in active),
        "Receivers have not run": bool(Delivery.objects.runnable(late)[:1]),
        "Webhooks have not been applied": bool(WebhookMessage.objects.due(late)[:1]),
    }
    for found, is_overdue in overdue.items():
        if is_overdue:
            minutes = OVERDUE_AFTER.total_seconds() / 60
            yield OVERDUE.finding(f"{found}: they are overdue by more than {minutes:.0f} minutes.")
    if paused:
        yield HENRY_PAUSED.finding(f"Polling is paused for: {', '.join(sorted(paused)[:10])}.")


def probe_removed_accounts() -> Iterator[Finding]:
    """Find open purchases of accounts that are no longer in the settings."""
    removed = PurchasePoll.objects.exclude(account__in=app_settings.account_aliases)
    alias = removed.values_list("account", flat=True).first()
    if alias is not None:
        yield ACCOUNT_REMOVED.finding(
            f"Purchases of the account {alias!r} are open, which HENRY_CHECKOUT does not contain."
        )


def probe_manual_work() -> Iterator[Finding]:
    """Find dead deliveries, dead webhooks and orders that need review: they wait for staff."""
    # `exclude` as well, so that the index of unfinished deliveries is used.
    unfinished = Delivery.objects.exclude(status=DeliveryStatus.DONE)
    receiver = unfinished.filter(status=DeliveryStatus.DEAD).values_list("receiver", flat=True).first()
    if receiver is not None:
        yield DEAD_DELIVERIES.finding(
            f"Some deliveries failed for good; one of them is for the receiver {receiver}."
        )
    newest = WebhookMessage.objects.order_by("-pk").values_list("status", flat=True)[:NEWEST_ROWS]
    dead = list(newest).count(WebhookStatus.DEAD)
    if dead:
        yield DEAD_WEBHOOKS.finding(f"{dead} of the newest webhooks could not be applied.")
    waiting = Order.objects.filter(needs_review=True)[:NEWEST_ROWS].count()
    if waiting:
        more = " or more" if waiting == NEWEST_ROWS else ""
        yield NEEDS_REVIEW.finding(f"{waiting}{more} orders need review.")


def probe_drift() -> Iterator[Finding]:
    """Find words of Henry's that were recorded as unknown."""
    since = database_now() - DRIFT_WINDOW
    newest = Purchase.objects.order_by("-pk").values_list("created_at", "drift")[:NEWEST_ROWS]
    words = sorted({str(word) for created_at, drift in newest if created_at > since for word in drift})
    if words:
        shown = ", ".join(_make_printable(word) for word in words[:MAX_WORDS])
        yield DRIFT.finding(f"Unknown words in the last {DRIFT_WINDOW.days} days: {shown}.")


def _make_printable(word: str) -> str:
    """Shorten a word and replace control characters: it comes from Henry unchecked."""
    return "".join(each if each.isprintable() else "?" for each in word[:MAX_WORD_LENGTH])


PROBES: tuple[Probe, ...] = (probe_overdue_work, probe_removed_accounts, probe_manual_work, probe_drift)
