"""Checks of Celery's settings, and of the Redis that carries its tasks.

Nothing here imports Celery or Redis at the top: they need not be installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe

REDIS_TIMEOUT_SECONDS = 2.0
#: Tasks expire, so more than this many are waiting only if no worker reads the queue.
MAX_WAITING_TASKS = 500

CELERY_REJECT = Check(
    "celery_reject",
    Level.ERROR,
    why="A task that kills its worker is sent to the next worker, again and again, and kills each of them. "
    "Without the setting, the delivery of such a receiver becomes dead after DELIVERY_CRASHES attempts.",
    fix="Remove CELERY_TASK_REJECT_ON_WORKER_LOST.",
)
CELERY_PREFETCH = Check(
    "celery_prefetch",
    Level.NOTE,
    why="A process that is busy with a slow receiver reserves tasks that another process could run.",
    fix="Set CELERY_WORKER_PREFETCH_MULTIPLIER = 1.",
)
REDIS_UNREACHABLE = Check(
    "redis_unreachable",
    Level.ERROR,
    why="No task reaches a worker: purchases are not polled and receivers do not run. Nothing is lost; work "
    "continues once Redis is back.",
    fix="Start Redis, and check CELERY_BROKER_URL: host, port, database and password.",
)
REDIS_EVICTION = Check(
    "redis_eviction",
    Level.WARNING,
    why="When its memory is full, Redis evicts keys, tasks and queues included, so work is delayed.",
    fix="Set `maxmemory-policy noeviction` in redis.conf, or give the broker a separate Redis.",
)
QUEUE_BACKLOG = Check(
    "queue_backlog",
    Level.ERROR,
    why="No worker reads this queue, so its tasks fill up Redis.",
    fix='Start workers with `--queues {queue}`, or set HENRY_CHECKOUT["CELERY_QUEUE"] to the queue that '
    "they read. "
    "`celery --app ... purge --queues {queue}` deletes the old tasks; nothing is lost by that.",
)
REDIS_SKIPPED = Check(
    "redis_skipped",
    Level.SKIPPED,
    why="This Redis does not allow its settings to be read, as is usual for hosted ones; or it is reached "
    "through sentinels.",
    fix="Check in its own console that maxmemory-policy is noeviction.",
)
CHECKS = (CELERY_REJECT, CELERY_PREFETCH, REDIS_UNREACHABLE, REDIS_EVICTION, QUEUE_BACKLOG, REDIS_SKIPPED)


def get_celery_app() -> Any:
    """Return the Celery app that this process sends tasks to; None if there is none with a broker."""
    module = sys.modules.get("celery.app")  # a project that has an app has imported it
    app = module.default_app if module is not None else None
    return app if app and app.conf.broker_url else None


def is_redis(url: str) -> bool:
    """Return whether a broker's URL is that of a Redis."""
    return url.startswith(("redis", "sentinel"))


def probe_celery_settings() -> Iterator[Finding]:
    """Check Celery's settings that the system checks do not cover."""
    app = get_celery_app()
    if app is None:
        return
    if app.conf.task_reject_on_worker_lost:
        yield CELERY_REJECT.finding("CELERY_TASK_REJECT_ON_WORKER_LOST is on.")
    if app.conf.worker_prefetch_multiplier != 1:
        multiplier = app.conf.worker_prefetch_multiplier
        yield CELERY_PREFETCH.finding(f"CELERY_WORKER_PREFETCH_MULTIPLIER is {multiplier}.")


def probe_redis() -> Iterator[Finding]:
    """Check the broker's Redis: reachable, no backlog of tasks, no eviction."""
    app = get_celery_app()
    if app is None or not is_redis(_broker_url(app)):
        return
    if not _broker_url(app).startswith(("redis://", "rediss://")):
        yield REDIS_SKIPPED.finding("The broker is reached through sentinels, which are not checked.")
        return
    errors = import_module("redis.exceptions")
    client = import_module("redis").Redis.from_url(
        _broker_url(app),
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        decode_responses=True,
    )
    with client:
        try:
            client.ping()
        except errors.RedisError as error:
            yield REDIS_UNREACHABLE.finding(f"The broker's Redis does not respond ({type(error).__name__}).")
            return
        yield from _check_queue(client, app)
        try:
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "")
        except errors.RedisError as error:
            yield REDIS_SKIPPED.finding(
                f"The settings of the broker's Redis cannot be read ({type(error).__name__})."
            )
            return
    if policy != "noeviction":
        yield REDIS_EVICTION.finding(f"The maxmemory-policy of the broker's Redis is {policy}.")


def _check_queue(client: Any, app: Any) -> Iterator[Finding]:
    prefix = app.conf.broker_transport_options.get("global_keyprefix", "")
    key = f"{prefix}{app_settings.CELERY_QUEUE}"
    waiting = client.llen(key) if client.type(key) == "list" else 0
    if waiting > MAX_WAITING_TASKS:
        found = f"{waiting} tasks are waiting in the queue {app_settings.CELERY_QUEUE!r}."
        yield QUEUE_BACKLOG.finding(found, queue=app_settings.CELERY_QUEUE)


def _broker_url(app: Any) -> str:
    """Return the broker's URL; the first one if there are alternates."""
    url = app.conf.broker_url
    return str(url[0] if isinstance(url, list | tuple) else url).partition(";")[0]


PROBES: tuple[Probe, ...] = (probe_celery_settings, probe_redis)
