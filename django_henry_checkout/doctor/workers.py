"""Checks of workers and beat, by their heartbeats."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations

from django.db.models import Min, QuerySet

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.flows.queue.clock import database_now
from django_henry_checkout.flows.queue.heartbeat import ALIVE_FOR
from django_henry_checkout.models import WorkerHeartbeat, WorkerKind

MAX_SKEW = timedelta(seconds=30)
#: Beat's heartbeat comes twice a minute, so right after a start it is not known yet.
BEAT_STARTUP = timedelta(minutes=1)
#: A single heartbeat is no running beat: the task may have been run by hand.
MIN_BEAT_UPTIME = timedelta(seconds=20)
#: Number of workers whose clocks are checked.
MAX_WORKERS = 1000

NO_WORKER = Check(
    "no_worker",
    Level.ERROR,
    why="Purchases are not polled, webhooks are not applied and receivers do not run: shoppers pay, and the "
    "shop does not notice.",
    fix="Run `python manage.py henry_worker` under a supervisor that restarts it; or run Celery workers "
    "(with `--queues {queue}`) and one beat, which sends them their tasks.",
)
NO_BEAT = Check(
    "no_beat",
    Level.ERROR,
    why="Most work is scheduled by beat. Without it purchases are not polled, nothing is retried, and "
    "sessions do not expire.",
    fix="Start one `celery --app ... beat` with django_henry_checkout.tasks.beat_schedule() in its schedule "
    "(docs/howto/celery.md).",
)
TWO_BEATS = Check(
    "two_beats",
    Level.WARNING,
    why="Each task is sent once per beat. The tasks of this app are safe to run twice and only run more "
    "often; other tasks of the project may not be safe.",
    fix="Stop all beats but one.",
)
WORKER_CLOCK = Check(
    "worker_clock",
    Level.WARNING,
    why="Times that this worker sets are early or late: the expiry of sessions and tokens, and the "
    "deadlines of purchases.",
    fix="Synchronise the clock of its machine with NTP.",
)
CHECKS = (NO_WORKER, NO_BEAT, TWO_BEATS, WORKER_CLOCK)


def probe_workers() -> Iterator[Finding]:
    """Check that workers are running, and that Celery workers have a beat."""
    kinds = set(_live_heartbeats().values_list("kind", flat=True))
    if not kinds & {WorkerKind.WORKER, WorkerKind.CELERY}:
        last = WorkerHeartbeat.objects.exclude(kind=WorkerKind.BEAT).order_by("last_seen_at").last()
        when = f"the last one was at {last.last_seen_at.isoformat(timespec='seconds')}" if last else "or ever"
        found = f"No heartbeat of a worker in the last {_format_minutes(ALIVE_FOR)}, {when}."
        yield NO_WORKER.finding(found, queue=app_settings.CELERY_QUEUE)
    celery_began = (
        _live_heartbeats()
        .filter(kind=WorkerKind.CELERY)
        .aggregate(Min("first_seen_at"))["first_seen_at__min"]
    )
    has_no_beat = celery_began is not None and not kinds & {WorkerKind.BEAT, WorkerKind.WORKER}
    if has_no_beat and celery_began < database_now() - BEAT_STARTUP:
        yield NO_BEAT.finding(
            "Celery workers are running, but there was no heartbeat of beat in the last "
            f"{_format_minutes(ALIVE_FOR)}."
        )


def probe_beats() -> Iterator[Finding]:
    """Find beats that ran at the same time; a restarted beat is another process, but does not overlap."""
    beats = [
        beat
        for beat in _live_heartbeats().filter(kind=WorkerKind.BEAT)
        if beat.last_seen_at - beat.first_seen_at > MIN_BEAT_UPTIME
    ]
    overlapping = {
        beat.name
        for one, other in combinations(beats, 2)
        if min(one.last_seen_at, other.last_seen_at) > max(one.first_seen_at, other.first_seen_at)
        for beat in (one, other)
    }
    if overlapping:
        yield TWO_BEATS.finding(
            f"{len(overlapping)} beats run at the same time: {', '.join(sorted(overlapping))}."
        )


def probe_worker_clocks() -> Iterator[Finding]:
    """Compare the clock of each worker with the database's, as of its last heartbeat."""
    for heartbeat in _live_heartbeats().exclude(kind=WorkerKind.BEAT).order_by("name")[:MAX_WORKERS]:
        skew = heartbeat.worker_clock_at - heartbeat.last_seen_at
        if abs(skew) > MAX_SKEW:
            seconds = skew.total_seconds()
            yield WORKER_CLOCK.finding(
                f"The clock of the worker {heartbeat.name} differs from the database's by {seconds:+.0f} s."
            )


def _live_heartbeats() -> QuerySet[WorkerHeartbeat]:
    return WorkerHeartbeat.objects.filter(last_seen_at__gt=database_now() - ALIVE_FOR)


def _format_minutes(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 60:.0f} minutes"


PROBES: tuple[Probe, ...] = (probe_workers, probe_beats, probe_worker_clocks)
