"""Checks of the database: reachable, migrated, suited to production, pruned, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.flows.operations.prune import has_old_rows
from django_henry_checkout.flows.queue.clock import database_now

MAX_SKEW = timedelta(seconds=30)
APP_LABEL = "henry_checkout"

DATABASE_UNREACHABLE = Check(
    "database_unreachable",
    Level.ERROR,
    why="Carts, orders and all pending work are stored in the database: nothing works without it.",
    fix="Start the database, and check DATABASES: host, port, name, user and password.",
)
MIGRATIONS = Check(
    "migrations",
    Level.ERROR,
    why="The code reads columns that do not exist: pages and workers fail with errors.",
    fix="Run `python manage.py migrate henry_checkout`, then restart the web servers and workers.",
)
SQLITE = Check(
    "sqlite",
    Level.WARNING,
    why="SQLite allows one writer at a time, so shoppers wait for workers. It cannot be shared between "
    "machines, and it is lost with its disk.",
    fix="Use PostgreSQL: set DATABASES and `pip install 'django-henry-checkout[postgres]'`.",
)
USE_TZ = Check(
    "use_tz",
    Level.ERROR,
    why="The app compares aware datetimes. Naive ones raise errors, or are wrong by the UTC offset of the "
    "server.",
    fix="Set USE_TZ = True.",
)
DATABASE_CLOCK = Check(
    "database_clock",
    Level.WARNING,
    why="Web servers schedule work by their own clock, workers by the database's: orders are updated late, "
    "and sessions and tokens expire early or late.",
    fix="Synchronise the clocks of this machine and of the database server with NTP.",
)
NOT_PRUNED = Check(
    "not_pruned",
    Level.NOTE,
    why="The tables keep growing, and webhooks and deliveries are kept longer than RETENTION allows.",
    fix="Let Celery beat run `henry_checkout.prune`; without Celery keep `henry_worker` running, or schedule "
    "`manage.py henry_prune` once a day.",
)
CHECKS = (DATABASE_UNREACHABLE, MIGRATIONS, SQLITE, USE_TZ, DATABASE_CLOCK, NOT_PRUNED)


def probe_database() -> Iterator[Finding]:
    """Check that a connection to the database can be opened."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield DATABASE_UNREACHABLE.finding(f"The database does not respond ({type(error).__name__}).")


def probe_migrations() -> Iterator[Finding]:
    """Find migrations of this app that have not been applied."""
    try:
        executor = MigrationExecutor(connection)
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == APP_LABEL]
        missing = [
            f"{migration.app_label}.{migration.name}"
            for migration, _backwards in executor.migration_plan(targets)
        ]
    except DatabaseError:  # reported by probe_database
        return
    if missing:
        yield MIGRATIONS.finding(f"Migrations have not been applied: {', '.join(missing[:10])}.")


def probe_database_engine() -> Iterator[Finding]:
    """Find SQLite in use with DEBUG off."""
    if connection.vendor == "sqlite" and not settings.DEBUG:
        yield SQLITE.finding("The shop uses SQLite, with DEBUG off.")


def probe_time_zones() -> Iterator[Finding]:
    """Check USE_TZ."""
    if not settings.USE_TZ:
        yield USE_TZ.finding("USE_TZ is off.")


def probe_database_clock() -> Iterator[Finding]:
    """Compare this machine's clock with the database's."""
    skew = (timezone.now() - database_now()).total_seconds()
    if abs(skew) > MAX_SKEW.total_seconds():
        yield DATABASE_CLOCK.finding(
            f"The clock of this machine differs from the database's by {skew:+.0f} s."
        )


def probe_old_rows() -> Iterator[Finding]:
    """Find rows that should have been pruned long ago."""
    if has_old_rows():
        yield NOT_PRUNED.finding("There are rows that exceed RETENTION by a week or more.")


#: If one of these reports something or times out, ROW_PROBES are skipped.
CONNECTION_PROBES: tuple[Probe, ...] = (probe_database, probe_migrations)
PROBES: tuple[Probe, ...] = (probe_database_engine, probe_time_zones)
ROW_PROBES: tuple[Probe, ...] = (probe_database_clock, probe_old_rows)
