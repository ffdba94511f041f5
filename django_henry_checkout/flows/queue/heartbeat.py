"""Worker heartbeats, read by `henry_doctor`."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from django_henry_checkout.models import WorkerHeartbeat, WorkerKind

#: Minimum time between two heartbeats of a process.
INTERVAL_SECONDS = 15.0
#: A process without a heartbeat for this long has ended or hangs.
ALIVE_FOR = timedelta(minutes=2)

_next_at: dict[str, float] = {}


def record_heartbeat(kind: WorkerKind, name: str = "") -> None:
    """Record that a process is running: this one by default.

    Effects: one upsert, at most every INTERVAL_SECONDS.
    """
    name = (name or f"{socket.gethostname()}:{os.getpid()}")[:100]
    key, now = f"{os.getpid()} {kind} {name}", time.monotonic()
    if now < _next_at.get(key, 0.0):
        return
    _next_at[key] = now + INTERVAL_SECONDS
    heartbeat = WorkerHeartbeat(
        kind=kind, name=name, first_seen_at=Now(), last_seen_at=Now(), worker_clock_at=timezone.now()
    )
    WorkerHeartbeat.objects.bulk_create(
        [heartbeat],
        update_conflicts=True,
        unique_fields=["kind", "name"],
        update_fields=["last_seen_at", "worker_clock_at"],
    )


def record_beat_heartbeat(origin: str | None) -> None:
    """Record that beat is running. `origin` is the sender of a task that only beat sends."""
    if origin:
        record_heartbeat(WorkerKind.BEAT, origin)
