"""What the doctor reports about real workers and beats, and that the example shop has no findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from django_henry_checkout.doctor import workers
from django_henry_checkout.doctor.findings import Probe
from django_henry_checkout.models import WorkerHeartbeat
from django_henry_checkout.testing.sandbox import Sandbox
from tests.processes.conftest import Starter
from tests.support.shop import ROOT
from tests.support.workers import Beat, CeleryWorker, Worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

MANAGE = [sys.executable, str(ROOT / "example_project" / "manage.py")]
#: Lets beat record heartbeats more often than every half minute.
HURRIES = """

@app.on_after_finalize.connect
def hurry(sender, **kwargs):
    from django_henry_checkout.flows.queue import heartbeat

    heartbeat.EVERY_SECONDS = 0.2
    sender.conf.beat_schedule["henry_checkout.expire_sessions"]["schedule"] = 0.5
"""


def names(probe: Probe) -> list[str]:
    return [finding.name for finding in probe()]


def test_a_worker_is_known_while_it_runs(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(workers.probe_workers) == ["no_worker"]
    worker = Worker(sandbox)
    try:
        wait_until(lambda: names(workers.probe_workers) == [], what="the worker is known")
        assert names(workers.probe_worker_clocks) == []
        assert WorkerHeartbeat.objects.get().kind == "worker"
    finally:
        worker.end()
    monkeypatch.setattr(workers, "ALIVE_FOR", timedelta(seconds=1))
    wait_until(lambda: names(workers.probe_workers) == ["no_worker"], what="it is reported as missing")


def test_two_beats_are_reported(
    sandbox: Sandbox, redis_url: str, open_shop: Starter, start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MIN_BEAT_UPTIME", timedelta(seconds=1))
    shop = open_shop(redis_url, CELERY_WAKEUP=False)
    with (shop.folder / "mysite" / "celery.py").open("a") as file:
        file.write(HURRIES)
    start(CeleryWorker, shop).wait_until_ready()
    assert names(workers.probe_workers) == ["no_worker"]  # without beat it gets no tasks

    first = start(Beat, shop)
    wait_until(
        lambda: WorkerHeartbeat.objects.filter(kind="beat").exists() and names(workers.probe_workers) == [],
        what="worker and beat are known",
    )
    second = start(Beat, shop)
    wait_until(lambda: names(workers.probe_beats) == ["two_beats"], what="the second beat is known")
    beats = WorkerHeartbeat.objects.filter(kind="beat")
    assert {name.partition("@")[0] for name in beats.values_list("name", flat=True)} == {
        f"gen{beat._process.pid}" for beat in (first, second)
    }

    second.kill()
    monkeypatch.setattr(workers, "ALIVE_FOR", timedelta(seconds=4))
    wait_until(lambda: names(workers.probe_beats) == [], what="the heartbeat of the second is too old")
    # On a busy machine the worker's own heartbeat may be late too.
    wait_until(lambda: names(workers.probe_workers) == [], what="the worker is still known")
    first.kill()
    # The worker finishes what beat had sent; then there are no heartbeats.
    wait_until(
        lambda: names(workers.probe_workers) in (["no_beat"], ["no_worker"]), what="it is reported as missing"
    )


@pytest.fixture
def demo(sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The example shop with its worker and a separate database, set up as `make demo` does."""
    env = {
        **os.environ,
        "CELERY_BROKER_URL": "",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}",
        "DEMO_FOLDER": str(tmp_path),
        "HENRY_BASE_URL": sandbox.url,
        "HENRY_WEBHOOK_KEY": "canary-endpoint-key",
        "HENRY_WEBHOOK_SECRETS": "canary-webhook-secret",
        "PYTHONPATH": str(ROOT),
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    subprocess.run([*MANAGE, "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True, timeout=60)
    worker = subprocess.Popen([*MANAGE, "henry_worker"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    yield env
    worker.terminate()
    worker.wait(20)


def doctor(env: dict[str, str]) -> dict[str, Any]:
    command = [*MANAGE, "henry_doctor", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    shown: dict[str, Any] = json.loads(done.stdout)
    assert shown["ok"] == (done.returncode == 0), done.stderr
    assert "canary" not in done.stdout + done.stderr
    return shown


def test_the_example_shop_has_no_findings(demo: dict[str, str]) -> None:
    wait_until(lambda: not lacks_worker(demo), what="the worker is known")
    shown = doctor(demo)
    assert shown["findings"] == shown["skipped"] == []
    assert shown["ok"]


def lacks_worker(env: dict[str, str]) -> bool:
    return "no_worker" in {finding["name"] for finding in doctor(env)["findings"]}


def test_fault_61_a_key_of_another_environment_is_reported_for_the_example_shop(demo: dict[str, str]) -> None:
    shown = doctor({**demo, "HENRY_API_KEY": "a-key-of-production"})
    assert "key_rejected" in {finding["name"] for finding in shown["findings"]}
