"""System checks of Celery's settings. Nothing here imports Celery: it need not be installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from django_henry_checkout.checks.base import check
from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.broker import get_celery_app, is_redis

#: The hard time limit of the app's tasks, in seconds.
TASK_LIMIT = 60
PICKLE = {"pickle", "application/x-python-serialize"}
DEFAULT_SCHEDULER = "celery.beat:PersistentScheduler"


@check
def wakeup_has_a_celery_app() -> Iterator[CheckMessage]:
    if not app_settings.CELERY_WAKEUP:
        return
    if find_spec("celery") is None:
        yield Error(
            'HENRY_CHECKOUT["CELERY_WAKEUP"] is on, and Celery is not installed.',
            hint="Run pip install 'django-henry-checkout[celery]', or remove the setting: `henry_worker` "
            "does not need it.",
            id="henry_checkout.E013",
        )
    elif get_celery_app() is None:
        yield Warning(
            'HENRY_CHECKOUT["CELERY_WAKEUP"] is on, and this process has no Celery app with a broker.',
            hint="Tasks would be sent to a broker on this machine, which may not exist. Import your Celery "
            "app in the __init__.py of your project, and set its broker.",
            id="henry_checkout.W010",
        )


@check
def pickle_is_rejected() -> Iterator[CheckMessage]:
    app = get_celery_app()
    if app and PICKLE & {str(name).lower() for name in (*app.conf.accept_content, app.conf.task_serializer)}:
        yield Error(
            "Celery accepts pickle: anyone who can write to the broker can run code in the workers.",
            hint='Set CELERY_ACCEPT_CONTENT = ["json"] and CELERY_TASK_SERIALIZER = "json".',
            id="henry_checkout.E012",
        )


@check
def tasks_are_not_eager() -> Iterator[CheckMessage]:
    app = get_celery_app()
    if app and app.conf.task_always_eager:
        yield Warning(
            "Celery runs tasks in the process that sends them: CELERY_TASK_ALWAYS_EAGER is on.",
            hint="Shoppers would wait for polls and receivers. Remove it.",
            id="henry_checkout.W005",
        )


@check
def visibility_timeout_is_long_enough() -> Iterator[CheckMessage]:
    app = get_celery_app()
    seconds = app.conf.broker_transport_options.get("visibility_timeout", TASK_LIMIT) if app else TASK_LIMIT
    if seconds < TASK_LIMIT:
        yield Warning(
            f"The broker redelivers a task after {seconds} s, while it may still be running.",
            hint="Tasks are safe to run twice, but it costs time. Set "
            'CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] '
            f"to {TASK_LIMIT} or more; several times that is usual.",
            id="henry_checkout.W006",
        )


@check
def beat_schedule_is_complete() -> Iterator[CheckMessage]:
    app = get_celery_app()
    if not app or not app_settings.CELERY_WAKEUP or app.conf.beat_scheduler != DEFAULT_SCHEDULER:
        return
    ours = {name for name in app.tasks if name.startswith("henry_checkout.")}
    missing = ours - {entry["task"] for entry in app.conf.beat_schedule.values()}
    if missing:
        yield Warning(
            f"The schedule of Celery beat lacks {', '.join(sorted(missing))}.",
            hint="Most work is scheduled, and a wake-up can be lost. Merge "
            "django_henry_checkout.tasks.beat_schedule() into the schedule; docs/howto/celery.md shows where.",
            id="henry_checkout.W007",
        )


@check
def database_supports_concurrent_writes() -> Iterator[CheckMessage]:
    engines = {database.get("ENGINE", "") for database in settings.DATABASES.values()}
    if get_celery_app() and any(engine.endswith("sqlite3") for engine in engines):
        yield Warning(
            "Celery workers share a SQLite database, which allows one writer at a time.",
            hint="Use PostgreSQL, or `henry_worker`, which does not need Celery.",
            id="henry_checkout.W008",
        )


@check
def shoppers_do_not_wait_for_the_broker() -> Iterator[CheckMessage]:
    app = get_celery_app()
    if not app or not app_settings.CELERY_WAKEUP:
        return
    needed = ["max_retries", "socket_timeout"] if is_redis(app.conf.broker_url) else ["max_retries"]
    missing = [name for name in needed if app.conf.broker_transport_options.get(name) is None]
    if missing:
        yield Warning(
            "An unreachable broker would delay shoppers, for seconds or without limit.",
            hint=f"CELERY_BROKER_TRANSPORT_OPTIONS lacks {' and '.join(missing)}. Set "
            '{"max_retries": 0, "socket_connect_timeout": 1, "socket_timeout": 2}.',
            id="henry_checkout.W011",
        )
