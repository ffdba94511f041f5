"""Notes which processes are at work, so that the doctor can say what is missing or doubled."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from django_henry_checkout.models import WorkerHeartbeat, WorkerKind

#: A process is noted once in so many seconds, however much it does.
INTERVAL_SECONDS = 15.0
#: Whoever was not heard of for so long has ended, or does not work.
ALIVE_FOR = timedelta(minutes=2)

_next: dict[str, float] = {}


def record_heartbeat(kind: WorkerKind, name: str = "") -> None:
    """Note that a process works: this one, unless `name` says which. Effects: one upsert, now and then."""
    name = (name or f"{socket.gethostname()}:{os.getpid()}")[:100]
    key, now = f"{os.getpid()} {kind} {name}", time.monotonic()
    if now < _next.get(key, 0.0):
        return
    _next[key] = now + INTERVAL_SECONDS
    sign = WorkerHeartbeat(
        kind=kind, name=name, first_seen_at=Now(), last_seen_at=Now(), worker_clock_at=timezone.now()
    )
    WorkerHeartbeat.objects.bulk_create(
        [sign],
        update_conflicts=True,
        unique_fields=["kind", "name"],
        update_fields=["last_seen_at", "worker_clock_at"],
    )


def record_beat_heartbeat(origin: str | None) -> None:
    """Note that beat has sent a task that nobody else sends. `origin` is Celery's name of the sending process."""
    if origin:
        record_heartbeat(WorkerKind.BEAT, origin)
