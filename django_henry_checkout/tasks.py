"""Celery tasks: thin nudges that run the same functions as `henry_worker`. Rows decide what there is to do.

They carry no arguments, use neither ETA nor countdown, and may run any number of times at once, or twice. One
that is killed loses nothing: its leases run out. Beat may be started twice; it then only asks more often.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from celery import shared_task

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.checkout.sessions import expire_sessions as expire_batch
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.operations.prune import prune_batch
from django_henry_checkout.flows.polling.poller import poll_due as poll_batch
from django_henry_checkout.flows.queue.heartbeat import record_beat_heartbeat, record_heartbeat
from django_henry_checkout.flows.queue.wakeup import Work
from django_henry_checkout.flows.webhooks.inbox import process_webhooks as process_batch
from django_henry_checkout.models import WorkerKind

#: After so many seconds a task begins nothing more; the limits below are for one that hangs.
WORK_SECONDS = 30.0
_OPTIONS: dict[str, Any] = {
    "acks_late": True,
    "ignore_result": True,
    "soft_time_limit": 50,
    "time_limit": 60,
}


def _until_idle(work: Callable[[float], int]) -> None:
    """Work until nothing is due, or the time is over; `work` is told how many seconds are left."""
    record_heartbeat(WorkerKind.CELERY)
    ends_at = time.monotonic() + WORK_SECONDS
    while (left := ends_at - time.monotonic()) > 0 and work(left):
        pass


@shared_task(name="henry_checkout.poll_due", **_OPTIONS)
def poll_due() -> None:
    """Ask Henry about the purchases that are due."""
    _until_idle(lambda left: poll_batch(seconds=left))


@shared_task(name="henry_checkout.deliver_events", **_OPTIONS)
def deliver_events() -> None:
    """Run the receivers that are due."""
    _until_idle(lambda left: deliver_due(seconds=left))


@shared_task(name="henry_checkout.process_webhooks", **_OPTIONS)
def process_webhooks() -> None:
    """Apply the webhooks that wait."""
    _until_idle(lambda _left: process_batch())


@shared_task(name="henry_checkout.expire_sessions", bind=True, **_OPTIONS)
def expire_sessions(self: Any) -> None:
    """End the checkout sessions whose time is over. Only beat sends it, so it also shows which beats there are."""
    record_beat_heartbeat(self.request.origin)
    _until_idle(lambda _left: expire_batch())


@shared_task(name="henry_checkout.prune", **_OPTIONS)
def prune() -> None:
    """Delete what is not needed any more; see `flows.pruning`."""
    _until_idle(lambda _left: prune_batch())


#: For so long no nudge is sent after one has failed.
SILENCE_SECONDS = 5.0
_silent_until = 0.0
_TASKS = {Work.POLLS: poll_due, Work.DELIVERIES: deliver_events, Work.WEBHOOKS: process_webhooks}


def enqueue_task(work: Work) -> None:
    """Have a worker look at once. It is tried once: beat comes anyway.

    After a failure nothing is sent for a while, so that a broker that is away does not slow down every commit.

    Raises:
        Exception: whatever the broker's client raises.
    """
    global _silent_until  # noqa: PLW0603 - one for the process
    if time.monotonic() < _silent_until:
        return
    try:
        _TASKS[work].apply_async(
            queue=app_settings.CELERY_QUEUE, expires=WORK_SECONDS, retry=False, ignore_result=True
        )
    except Exception:
        _silent_until = time.monotonic() + SILENCE_SECONDS
        raise


def beat_schedule(*, queue: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the entries to merge into CELERY_BEAT_SCHEDULE.

    Args:
        queue: where the tasks go; None means CELERY_QUEUE.

    Settings are read before there are models, so it cannot be called there: merge it in `app.on_after_finalize`.
    An entry that no worker has taken up when the next one comes expires, so that none pile up.
    """
    seconds = {
        poll_due: 1.0, deliver_events: 2.0, process_webhooks: 2.0, expire_sessions: 30.0, prune: 3600.0,
    }  # fmt: skip
    return {
        task.name: {
            "task": task.name,
            "schedule": interval,
            "options": {"expires": max(interval, 2.0), "queue": queue or app_settings.CELERY_QUEUE},
        }
        for task, interval in seconds.items()
    }
