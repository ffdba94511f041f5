"""Celery's settings, and the Redis that carries its tasks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.celery_app import celery_app, is_redis
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap

REDIS_SECONDS = 2.0
#: Tasks expire, so that more than this are waiting only where nobody takes them.
MANY_TASKS = 500

REJECTS = Trap(
    "celery_reject",
    Level.ERROR,
    why="A task that kills its worker is handed out again for ever, and takes one worker after the other with it. "
    "Without the setting such a receiver is parked after DELIVERY_CRASHES.",
    fix="Take CELERY_TASK_REJECT_ON_WORKER_LOST away.",
)
PREFETCH = Trap(
    "celery_prefetch",
    Level.NOTE,
    why="A process that is busy with a slow receiver holds tasks that another one could run.",
    fix="Set CELERY_WORKER_PREFETCH_MULTIPLIER = 1.",
)
REDIS_AWAY = Trap(
    "redis_away",
    Level.ERROR,
    why="No task reaches a worker: nothing is polled, and receivers wait. Nothing is lost.",
    fix="Start Redis, and check CELERY_BROKER_URL: host, port, database and password.",
)
EVICTION = Trap(
    "redis_eviction",
    Level.WARNING,
    why="When its memory is full, Redis throws keys away, and tasks and queues with them: work comes late.",
    fix="Set `maxmemory-policy noeviction` in redis.conf, or give the broker a Redis of its own.",
)
QUEUE = Trap(
    "queue_unread",
    Level.ERROR,
    why="Nobody takes the tasks, and Redis fills up with them.",
    fix='Start workers with `--queues {queue}`, or set HENRY_CHECKOUT["CELERY_QUEUE"] to the queue that they read. '
    "`celery --app ... purge --queues {queue}` throws the old tasks away, which loses nothing.",
)
REDIS_UNSEEN = Trap(
    "redis_unseen",
    Level.UNSEEN,
    why="This Redis does not show its settings, as hosted ones often do not; or it is reached through sentinels.",
    fix="See in its own console that its maxmemory-policy is noeviction.",
)
TRAPS = (REJECTS, PREFETCH, REDIS_AWAY, EVICTION, QUEUE, REDIS_UNSEEN)


def celery_is_set_well() -> Iterator[Finding]:
    """Look at settings of Celery; the system checks look at others."""
    app = celery_app()
    if app is None:
        return
    if app.conf.task_reject_on_worker_lost:
        yield REJECTS.found("CELERY_TASK_REJECT_ON_WORKER_LOST is on.")
    if app.conf.worker_prefetch_multiplier != 1:
        yield PREFETCH.found(f"CELERY_WORKER_PREFETCH_MULTIPLIER is {app.conf.worker_prefetch_multiplier}.")


def redis_keeps_tasks() -> Iterator[Finding]:
    """Ask the broker's Redis what it does when its memory is full, and whether tasks pile up."""
    app = celery_app()
    if app is None or not is_redis(_address(app)):
        return
    if not _address(app).startswith(("redis://", "rediss://")):
        yield REDIS_UNSEEN.found("The broker is reached through sentinels, which are not asked.")
        return
    errors = import_module("redis.exceptions")
    client = import_module("redis").Redis.from_url(
        _address(app),
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        decode_responses=True,
    )
    with client:
        try:
            client.ping()
        except errors.RedisError as error:
            yield REDIS_AWAY.found(f"The broker's Redis does not answer ({type(error).__name__}).")
            return
        yield from _queue(client, app)
        try:
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "")
        except errors.RedisError as error:
            yield REDIS_UNSEEN.found(
                f"The broker's Redis does not tell its settings ({type(error).__name__})."
            )
            return
    if policy != "noeviction":
        yield EVICTION.found(f"The maxmemory-policy of the broker's Redis is {policy}.")


def _queue(client: Any, app: Any) -> Iterator[Finding]:
    prefix = app.conf.broker_transport_options.get("global_keyprefix", "")
    key = f"{prefix}{app_settings.CELERY_QUEUE}"
    waiting = client.llen(key) if client.type(key) == "list" else 0
    if waiting > MANY_TASKS:
        found = f"{waiting} tasks wait in the queue {app_settings.CELERY_QUEUE!r}."
        yield QUEUE.found(found, queue=app_settings.CELERY_QUEUE)


def _address(app: Any) -> str:
    """Return the broker's address, the first where others stand in for it."""
    url = app.conf.broker_url
    return str(url[0] if isinstance(url, list | tuple) else url).partition(";")[0]


LOOKS: tuple[Look, ...] = (celery_is_set_well, redis_keeps_tasks)
