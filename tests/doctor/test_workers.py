"""Findings about workers and beat, and the heartbeats that they are based on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_henry_checkout.doctor import workers
from django_henry_checkout.flows.operations.prune import prune_batch
from django_henry_checkout.flows.queue import heartbeat
from django_henry_checkout.flows.queue.heartbeat import record_beat_heartbeat, record_heartbeat
from django_henry_checkout.models import WorkerHeartbeat
from tests.doctor.projects import is_whole, names, report_of

pytestmark = pytest.mark.django_db(transaction=True)


def write_heartbeat(
    kind: str = "worker", name: str = "host:1", *, began: float = 600, seen: float = 1, off: float = 0
) -> None:
    """Create a heartbeat. `began` and `seen` are seconds ago, `off` is the error of the worker's clock."""
    now = timezone.now()
    last_seen_at = now - timedelta(seconds=seen)
    WorkerHeartbeat.objects.create(
        kind=kind,
        name=name,
        first_seen_at=now - timedelta(seconds=began),
        last_seen_at=last_seen_at,
        worker_clock_at=last_seen_at + timedelta(seconds=off),
    )


@pytest.mark.parametrize(
    ("heartbeats", "expected"),
    [
        ([], ["no_worker"]),
        ([{"seen": 600}], ["no_worker"]),
        ([{"kind": "beat"}], ["no_worker"]),
        ([{"kind": "celery"}], ["no_beat"]),
        ([{"kind": "celery", "began": 50}], []),  # just started: no heartbeat of beat yet
        ([{"kind": "celery"}, {"kind": "beat", "seen": 600}], ["no_beat"]),
        ([{}], []),
        ([{}, {"kind": "celery"}], []),
        ([{"kind": "celery"}, {"kind": "beat"}], []),
        ([{"kind": "celery", "name": f"host:{number}"} for number in range(3)] + [{"kind": "beat"}], []),
    ],
)
def test_missing_workers_and_beats_are_reported(
    heartbeats: list[dict[str, Any]], expected: list[str]
) -> None:
    for each in heartbeats:
        write_heartbeat(**each)
    found = list(workers.probe_workers())
    assert [finding.name for finding in found] == expected
    assert all(is_whole(finding) for finding in found)


@pytest.mark.parametrize(
    ("other", "is_doubled"),
    [
        ({"began": 300, "seen": 2}, True),
        ({"began": 300, "seen": 110}, True),
        ({"began": 590, "seen": 595}, False),  # one heartbeat: the task was run by hand
        ({"began": 900, "seen": 599}, False),  # ended before the first began: a restart
        ({"began": 900, "seen": 500}, False),  # ended long ago
    ],
)
def test_beats_that_run_at_the_same_time_are_reported(other: dict[str, float], is_doubled: bool) -> None:
    write_heartbeat("beat", "gen1@host", began=598, seen=1)
    assert names(workers.probe_beats) == []
    write_heartbeat("beat", "gen2@host", **other)
    if is_doubled:
        assert "gen1@host, gen2@host" in report_of(workers.probe_beats)
        assert names(workers.probe_beats) == ["two_beats"]
    else:
        assert names(workers.probe_beats) == []


def test_a_restarted_beat_is_not_reported() -> None:
    write_heartbeat("beat", "gen1@host", began=900, seen=60)
    write_heartbeat("beat", "gen2@host", began=50, seen=1)
    assert names(workers.probe_beats) == []


@pytest.mark.parametrize(
    ("off", "expected"), [(29, []), (-29, []), (31, ["worker_clock"]), (-3600, ["worker_clock"])]
)
def test_a_worker_with_a_wrong_clock_is_reported(off: float, expected: list[str]) -> None:
    write_heartbeat(off=off, name="shop-2:77")
    write_heartbeat(name="shop-1:77")
    assert names(workers.probe_worker_clocks) == expected
    if expected:
        assert "shop-2:77" in report_of(workers.probe_worker_clocks)


# Heartbeats ---------------------------------------------------------------------------------------


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process record its next heartbeat at once."""
    monkeypatch.setattr(heartbeat, "_next_at", {})


def test_a_heartbeat_costs_one_statement_now_and_then(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with CaptureQueriesContext(connection) as queries:
        for _number in range(100):
            record_heartbeat("worker")
    assert len([query for query in queries if "INSERT" in query["sql"]]) == 1
    assert (
        len([query for query in queries if query["sql"] not in {"BEGIN", "BEGIN IMMEDIATE", "COMMIT"}]) == 1
    )
    (first,) = WorkerHeartbeat.objects.all()
    assert abs(first.worker_clock_at - first.last_seen_at) < timedelta(seconds=1)
    assert first.first_seen_at == first.last_seen_at

    monkeypatch.setattr(heartbeat, "_next_at", {})
    record_heartbeat("worker")
    (second,) = WorkerHeartbeat.objects.all()
    assert second.first_seen_at == first.first_seen_at
    assert second.last_seen_at > first.last_seen_at
    assert second.worker_clock_at > first.worker_clock_at


def test_heartbeats_different_processes_are_apart(fresh: None) -> None:
    record_heartbeat("worker")
    record_heartbeat("celery")
    record_heartbeat("worker", "shop-2:once")
    record_beat_heartbeat("gen1@shop")
    record_beat_heartbeat("gen2@shop")
    record_beat_heartbeat(None)
    assert sorted(WorkerHeartbeat.objects.values_list("kind", flat=True)) == [
        "beat",
        "beat",
        "celery",
        "worker",
        "worker",
    ]


def test_heartbeats_those_who_ended_are_deleted() -> None:
    write_heartbeat(name="gone", seen=86_500)
    write_heartbeat(name="quiet", seen=86_000)
    assert prune_batch() == 1
    assert WorkerHeartbeat.objects.get().name == "quiet"
