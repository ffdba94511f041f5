"""The workers: is one there, does beat come once, does work pile up, does somebody wait for a person?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations

from django.db.models import Min, QuerySet

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.flows.queue.clock import database_now
from django_henry_checkout.flows.queue.heartbeat import ALIVE_FOR
from django_henry_checkout.models import (
    AccountRateLimit,
    Delivery,
    DeliveryStatus,
    Order,
    Purchase,
    PurchasePoll,
    WebhookMessage,
    WebhookStatus,
    WorkerHeartbeat,
    WorkerKind,
)

MOST_SKEW = timedelta(seconds=30)
#: Work that is overdue by more than this is not being done.
OVERDUE = timedelta(minutes=5)
#: Beat shows itself every half minute, so right after a start nothing is known of it.
BEAT_SHOWS = timedelta(minutes=1)
#: A beat is one that was heard of at least twice.
TWICE = timedelta(seconds=20)
#: How many of the newest purchases are looked at for words that nobody knows, and how old they may be.
NEWEST = 1000
RECENT = timedelta(days=7)
MOST_WORDS, LONGEST_WORD = 10, 60

NO_WORKER = Trap(
    "no_worker",
    Level.ERROR,
    why="Nobody follows purchases, applies webhooks or runs receivers: shoppers pay, and the shop does not hear of it.",
    fix="Start `python manage.py henry_worker` under something that starts it again; or Celery's workers (with `--queues "
    "{queue}`) and one beat, without which they have nothing to do.",
)
NO_BEAT = Trap(
    "no_beat",
    Level.ERROR,
    why="Most work is due at a time, and beat is who says so: nothing is polled, nothing retried, no session ends.",
    fix="Start one `celery --app ... beat` with django_henry_checkout.tasks.beat_schedule() in its schedule (docs/howto/celery.md).",
)
TWO_BEATS = Trap(
    "two_beats",
    Level.WARNING,
    why="Each task is sent that many times. Ours do no harm, they only ask more often; others of the project may.",
    fix="Stop all beats but one.",
)
WORKER_CLOCK = Trap(
    "worker_clock",
    Level.WARNING,
    why="What it dates by its own clock is early or late: sessions, tokens and deadlines of purchases.",
    fix="Let NTP set the clock of its machine.",
)
OVERDUE_WORK = Trap(
    "overdue",
    Level.ERROR,
    why="Nobody does it, or too few do: orders stay as they are, and the shop is told late.",
    fix="See that workers run, and what their log says; a receiver that never returns holds up all others of its worker. "
    "If they are busy, start more.",
)
ACCOUNT_GONE = Trap(
    "account_gone",
    Level.ERROR,
    why="Purchases are followed by the account that made them; nobody can ask about these any more.",
    fix='Put the account back into HENRY_CHECKOUT["ACCOUNTS"] until they have ended.',
)
PAUSED = Trap(
    "henry_paused",
    Level.WARNING,
    why="Too many calls failed, or Henry asked for a pause; until it is over no purchase of the account is asked for.",
    fix="See the log of the workers and Henry's status. It goes on by itself.",
)
DEAD = Trap(
    "dead_deliveries",
    Level.WARNING,
    why="A receiver failed, or killed its worker, too often for an event. It is not run again, nor for later events of "
    "that order.",
    fix="Read its error in the admin's list of deliveries, correct the receiver, and let them run again there.",
)
DEAD_WEBHOOKS = Trap(
    "dead_webhooks",
    Level.NOTE,
    why="Webhooks could not be applied, or named a purchase that never appeared. Polls may have told the same.",
    fix='See what became of them in the admin\'s list of webhooks; "Apply again" is there.',
)
REVIEW = Trap(
    "review",
    Level.NOTE,
    why="These orders go no further, or not surely right, before a person has looked.",
    fix="Open the orders that need review in the admin; each says why.",
)
DRIFT = Trap(
    "drift",
    Level.WARNING,
    why="Henry has said words that this version does not know. It guesses nothing: such purchases stay open and turn "
    "`stuck`.",
    fix="Look at these purchases in the admin, ask Henry what the words mean, and look for a newer version of this app.",
)
TRAPS = (
    NO_WORKER, NO_BEAT, TWO_BEATS, WORKER_CLOCK, OVERDUE_WORK, ACCOUNT_GONE, PAUSED, DEAD, DEAD_WEBHOOKS, REVIEW, DRIFT,
)  # fmt: skip


def workers_are_there() -> Iterator[Finding]:
    """Look who was heard of lately."""
    seen = set(_living().values_list("kind", flat=True))
    if not seen & {WorkerKind.WORKER, WorkerKind.CELERY}:
        last = WorkerHeartbeat.objects.exclude(kind=WorkerKind.BEAT).order_by("last_seen_at").last()
        when = (
            f"the last one at {last.last_seen_at.isoformat(timespec='seconds')}"
            if last
            else "and none ever before"
        )
        found = f"No worker was heard of in the last {_minutes(ALIVE_FOR)}, {when}."
        yield NO_WORKER.found(found, queue=app_settings.CELERY_QUEUE)
    celery_began = (
        _living().filter(kind=WorkerKind.CELERY).aggregate(Min("first_seen_at"))["first_seen_at__min"]
    )
    is_alone = celery_began is not None and not seen & {WorkerKind.BEAT, WorkerKind.WORKER}
    if is_alone and celery_began < database_now() - BEAT_SHOWS:
        yield NO_BEAT.found(
            f"Celery workers are there, and no beat was heard of in the last {_minutes(ALIVE_FOR)}."
        )


def beat_comes_once() -> Iterator[Finding]:
    """Look for beats beside each other; one that was started again is another process, but not at the same time."""
    beats = [
        beat
        for beat in _living().filter(kind=WorkerKind.BEAT)
        if beat.last_seen_at - beat.first_seen_at > TWICE
    ]
    doubled = {
        beat.name
        for one, other in combinations(beats, 2)
        if min(one.last_seen_at, other.last_seen_at) > max(one.first_seen_at, other.first_seen_at)
        for beat in (one, other)
    }
    if doubled:
        yield TWO_BEATS.found(f"{len(doubled)} beats run beside each other: {', '.join(sorted(doubled))}.")


def clocks_of_workers_agree() -> Iterator[Finding]:
    """Compare what workers took for the time with what the database did."""
    for sign in _living().exclude(kind=WorkerKind.BEAT).order_by("name")[:NEWEST]:
        skew = sign.worker_clock_at - sign.last_seen_at
        if abs(skew) > MOST_SKEW:
            yield WORKER_CLOCK.found(
                f"The clock of the worker {sign.name} is {skew.total_seconds():+.0f} s off the database's."
            )


def _living() -> QuerySet[WorkerHeartbeat]:
    return WorkerHeartbeat.objects.filter(last_seen_at__gt=database_now() - ALIVE_FOR)


def work_does_not_pile_up() -> Iterator[Finding]:
    """Look for work that should have been done minutes ago."""
    now = database_now()
    paused = set(AccountRateLimit.objects.filter(paused_until__gt=now).values_list("account", flat=True))
    late = now - OVERDUE
    asked = [alias for alias in app_settings.account_aliases if alias not in paused]
    piles = {
        "purchases that nobody asks about": any(PurchasePoll.objects.due(alias, late)[:1] for alias in asked),
        "events that no receiver is told": bool(Delivery.objects.runnable(late)[:1]),
        "webhooks that nobody applies": bool(WebhookMessage.objects.due(late)[:1]),
    }
    for what, is_there in piles.items():
        if is_there:
            yield OVERDUE_WORK.found(f"There are {what}, overdue by more than {_minutes(OVERDUE)}.")
    if paused:
        yield PAUSED.found(f"Henry is not asked at present for: {', '.join(sorted(paused)[:10])}.")


def accounts_are_still_there() -> Iterator[Finding]:
    """Look for open purchases of accounts that the settings no longer have."""
    strangers = PurchasePoll.objects.exclude(account__in=app_settings.account_aliases)
    gone = strangers.values_list("account", flat=True).first()
    if gone is not None:
        yield ACCOUNT_GONE.found(
            f"Purchases of the account {gone!r} are open, which HENRY_CHECKOUT does not have."
        )


def nobody_waits_for_a_person() -> Iterator[Finding]:
    """Look for what goes on only when somebody has looked."""
    # `exclude` as well, so that the index of unfinished ones serves.
    unfinished = Delivery.objects.exclude(status=DeliveryStatus.DONE)
    receiver = unfinished.filter(status=DeliveryStatus.DEAD).values_list("receiver", flat=True).first()
    if receiver is not None:
        yield DEAD.found(f"Some deliveries failed for good; one of them is for the receiver {receiver}.")
    newest = WebhookMessage.objects.order_by("-pk").values_list("status", flat=True)[:NEWEST]
    dead = list(newest).count(WebhookStatus.DEAD)
    if dead:
        yield DEAD_WEBHOOKS.found(f"{dead} of the newest webhooks could not be applied.")
    waiting = Order.objects.filter(needs_review=True)[:NEWEST].count()
    if waiting:
        more = " or more" if waiting == NEWEST else ""
        yield REVIEW.found(f"{waiting}{more} orders wait for a person.")


def henry_speaks_as_known() -> Iterator[Finding]:
    """Look for words of Henry's that were recorded as unknown."""
    since = database_now() - RECENT
    newest = Purchase.objects.order_by("-pk").values_list("created_at", "drift")[:NEWEST]
    words = sorted({str(word) for created_at, drift in newest if created_at > since for word in drift})
    if words:
        shown = ", ".join(_printable(word) for word in words[:MOST_WORDS])
        yield DRIFT.found(f"Unknown words in the last {RECENT.days} days: {shown}.")


def _printable(word: str) -> str:
    """Henry's words may be anything."""
    return "".join(each if each.isprintable() else "?" for each in word[:LONGEST_WORD])


def _minutes(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 60:.0f} minutes"


LOOKS: tuple[Look, ...] = (
    workers_are_there,
    beat_comes_once,
    clocks_of_workers_agree,
    work_does_not_pile_up,
    accounts_are_still_there,
    nobody_waits_for_a_person,
    henry_speaks_as_known,
)
