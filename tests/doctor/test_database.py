"""Findings about the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_henry_checkout.doctor import database
from django_henry_checkout.flows.operations.prune import prune_batch
from django_henry_checkout.models import Delivery, Order, WebhookMessage
from tests.doctor.projects import names

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timedelta(days=60)


def test_sqlite_in_production_is_reported(settings: Any) -> None:
    on_sqlite = connection.vendor == "sqlite"
    assert names(database.probe_database_engine) == (["sqlite"] if on_sqlite else [])
    settings.DEBUG = True
    assert names(database.probe_database_engine) == []


def test_a_database_that_is_migrated_has_no_findings() -> None:
    assert names(database.probe_database) == names(database.probe_migrations) == []


@pytest.mark.parametrize(("off", "expected"), [(10, []), (40, ["database_clock"]), (-40, ["database_clock"])])
def test_a_clock_that_differs_from_the_databases_is_reported(
    monkeypatch: pytest.MonkeyPatch, off: int, expected: list[str]
) -> None:
    real = database.database_now
    monkeypatch.setattr(database, "database_now", lambda: real() + timedelta(seconds=off))
    assert names(database.probe_database_clock) == expected


@pytest.mark.parametrize("kind", ["webhook", "delivery"])
def test_rows_that_are_not_pruned_are_reported(bought: Order, kind: str) -> None:
    then = timezone.now() - LONG_AGO
    if kind == "webhook":
        WebhookMessage.objects.create(
            account="x", digest="1", signed_at=then, received_at=then, status="done"
        )
    else:
        Delivery.objects.update(status="done", done_at=then)
    assert names(database.probe_old_rows) == ["not_pruned"]
    prune_batch()
    assert names(database.probe_old_rows) == []
