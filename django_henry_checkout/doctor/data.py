"""The database: there, up to date, fit for a shop, and of one mind about the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.flows.operations.prune import has_old_rows
from django_henry_checkout.flows.queue.clock import database_now

MOST_SKEW = timedelta(seconds=30)
APP = "henry_checkout"

DATABASE_AWAY = Trap(
    "database_away",
    Level.ERROR,
    why="Carts, orders and all work that waits stand in the database: without it nothing goes on.",
    fix="Start the database, and check DATABASES: host, port, name, user and password.",
)
MIGRATIONS = Trap(
    "migrations",
    Level.ERROR,
    why="The code asks for columns that are not there: pages and workers end with errors.",
    fix="Run `python manage.py migrate henry_checkout`, then start the web servers and workers again.",
)
SQLITE = Trap(
    "sqlite",
    Level.WARNING,
    why="SQLite takes one writer at a time, so shoppers wait for workers; it cannot be shared by machines, and is "
    "gone with its disk.",
    fix="Use PostgreSQL: set DATABASES and `pip install 'django-henry-checkout[postgres]'`.",
)
USE_TZ = Trap(
    "use_tz",
    Level.ERROR,
    why="The app compares aware times; naive ones raise errors, or are off by the hours between here and UTC.",
    fix="Set USE_TZ = True.",
)
DATABASE_CLOCK = Trap(
    "database_clock",
    Level.WARNING,
    why="Web servers date what is due by their own clock, workers by the database's: orders are told late, and "
    "sessions and tokens end early or late.",
    fix="Let NTP set the clocks of this machine and of the database's.",
)
NOT_PRUNED = Trap(
    "not_pruned",
    Level.NOTE,
    why="The tables grow without end, and webhooks and deliveries are kept longer than RETENTION says.",
    fix="Let Celery beat run `henry_checkout.prune`; without Celery keep `henry_worker` running, or have a scheduler "
    "run `manage.py henry_prune` once a day.",
)
TRAPS = (DATABASE_AWAY, MIGRATIONS, SQLITE, USE_TZ, DATABASE_CLOCK, NOT_PRUNED)


def database_answers() -> Iterator[Finding]:
    """Look whether the database can be asked."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield DATABASE_AWAY.found(f"The database does not answer ({type(error).__name__}).")


def migrations_are_applied() -> Iterator[Finding]:
    """Look for migrations of this app that were not run."""
    try:
        executor = MigrationExecutor(connection)
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == APP]
        missing = [
            f"{migration.app_label}.{migration.name}"
            for migration, _backwards in executor.migration_plan(targets)
        ]
    except DatabaseError:  # the look above says so
        return
    if missing:
        yield MIGRATIONS.found(f"Migrations were not applied: {', '.join(missing[:10])}.")


def database_is_for_production() -> Iterator[Finding]:
    """Look for SQLite where DEBUG is off."""
    if connection.vendor == "sqlite" and not settings.DEBUG:
        yield SQLITE.found("The shop runs on SQLite, with DEBUG off.")


def times_are_aware() -> Iterator[Finding]:
    """Look at USE_TZ."""
    if not settings.USE_TZ:
        yield USE_TZ.found("USE_TZ is off.")


def clocks_agree() -> Iterator[Finding]:
    """Compare this machine's clock with the database's."""
    skew = (timezone.now() - database_now()).total_seconds()
    if abs(skew) > MOST_SKEW.total_seconds():
        yield DATABASE_CLOCK.found(f"The clock of this machine is {skew:+.0f} s off the database's.")


def old_rows_are_deleted() -> Iterator[Finding]:
    """Look for rows that should have been pruned long ago."""
    if has_old_rows():
        yield NOT_PRUNED.found("Rows that are past RETENTION by a week or more are still there.")


#: Where one of these finds something, or does not end, the tables are not looked at.
LOOKS_AT_THE_DATABASE: tuple[Look, ...] = (database_answers, migrations_are_applied)
LOOKS: tuple[Look, ...] = (database_is_for_production, times_are_aware)
LOOKS_AT_ROWS: tuple[Look, ...] = (clocks_agree, old_rows_are_deleted)
