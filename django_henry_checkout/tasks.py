"""Celery tasks that run the same functions as `henry_worker`. The rows in the database decide what is due.

The tasks have no arguments and use neither ETA nor countdown. They may run repeatedly and concurrently; a
killed task loses nothing, because its leases expire. Running beat twice only enqueues them more often.
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

#: A task starts nothing new after this time; the time limits below are for one that hangs.
WORK_SECONDS = 30.0
_OPTIONS: dict[str, Any] = {
    "acks_late": True,
    "ignore_result": True,
    "soft_time_limit": 50,
    "time_limit": 60,
}


def _run_until_drained(work: Callable[[float], int]) -> None:
    """Call `work` with the seconds left, until nothing is due or WORK_SECONDS are over."""
    record_heartbeat(WorkerKind.CELERY)
    ends_at = time.monotonic() + WORK_SECONDS
    while (left := ends_at - time.monotonic()) > 0 and work(left):
        pass


@shared_task(name="henry_checkout.poll_due", **_OPTIONS)
def poll_due() -> None:
    """Poll the purchases that are due."""
    _run_until_drained(lambda left: poll_batch(seconds=left))


@shared_task(name="henry_checkout.deliver_events", **_OPTIONS)
def deliver_events() -> None:
    """Run the signal deliveries that are due."""
    _run_until_drained(lambda left: deliver_due(seconds=left))


@shared_task(name="henry_checkout.process_webhooks", **_OPTIONS)
def process_webhooks() -> None:
    """Apply the webhooks that are due."""
    _run_until_drained(lambda _left: process_batch())


@shared_task(name="henry_checkout.expire_sessions", bind=True, **_OPTIONS)
def expire_sessions(self: Any) -> None:
    """Expire checkout sessions. Only beat sends this task, so it also records beat's heartbeat."""
    record_beat_heartbeat(self.request.origin)
    _run_until_drained(lambda _left: expire_batch())


@shared_task(name="henry_checkout.prune", **_OPTIONS)
def prune() -> None:
    """Delete records after their RETENTION; see `flows/operations/prune.py`."""
    _run_until_drained(lambda _left: prune_batch())


#: Backoff after a failed enqueue, so that an unavailable broker does not slow down every commit.
ENQUEUE_BACKOFF_SECONDS = 5.0
_enqueue_again_at = 0.0
_TASKS = {Work.POLLS: poll_due, Work.DELIVERIES: deliver_events, Work.WEBHOOKS: process_webhooks}


def enqueue_task(work: Work) -> None:
    """Enqueue the task for this work, without retries: beat enqueues it too.

    After a failure it does nothing for ENQUEUE_BACKOFF_SECONDS.

    Raises:
        Exception: any error of the broker's client.
    """
    global _enqueue_again_at  # noqa: PLW0603 - one for the process
    if time.monotonic() < _enqueue_again_at:
        return
    try:
        _TASKS[work].apply_async(
            queue=app_settings.CELERY_QUEUE, expires=WORK_SECONDS, retry=False, ignore_result=True
        )
    except Exception:
        _enqueue_again_at = time.monotonic() + ENQUEUE_BACKOFF_SECONDS
        raise


def beat_schedule(*, queue: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the entries to merge into CELERY_BEAT_SCHEDULE.

    Args:
        queue: queue of the tasks; None means CELERY_QUEUE.

    It cannot be called in the settings module, because models are not loaded yet: merge it in
    `app.on_after_finalize`. A task expires when the next one is due, so that tasks do not pile up.
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
