"""Findings about Celery's settings and the broker's Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import celery._state
import pytest
import redis
from celery import Celery

from django_henry_checkout.doctor import broker, runner
from tests.doctor.projects import HENRY, names, report_of
from tests.support.workers import Redis

pytestmark = pytest.mark.django_db(transaction=True)

Project = Callable[..., None]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Create the Celery app that this process sends tasks to."""
    monkeypatch.setattr(celery._state, "default_app", None)
    made: list[Celery] = []

    def make(broker_url: str, **options: Any) -> None:
        app = Celery("shop", fixups=[], set_as_current=False)
        app.conf.update(broker_url=broker_url, worker_prefetch_multiplier=1, **options)
        made.append(app)
        monkeypatch.setattr(celery._state, "default_app", app)

    yield make
    for app in made:
        app.close()


BROKER_PROBES = (broker.probe_celery_settings, broker.probe_redis)


def test_a_shop_without_celery_has_no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery._state, "default_app", None)
    assert [names(probe) for probe in BROKER_PROBES] == [[], []]


def test_a_broker_that_is_not_redis_has_no_findings(project: Project) -> None:
    project("amqp://127.0.0.1:9//")
    assert [names(probe) for probe in BROKER_PROBES] == [[], []]


@pytest.mark.parametrize(
    ("transport", "expected"),
    [
        ({"visibility_timeout": 5, "max_retries": 0, "socket_timeout": 2}, "W006"),
        ({"visibility_timeout": 300}, "W011"),
    ],
)
def test_system_checks_of_the_broker_are_included(
    project: Project, settings: Any, transport: dict[str, Any], expected: str
) -> None:
    settings.HENRY_CHECKOUT = {**HENRY, "CELERY_WAKEUP": True}
    project("redis://127.0.0.1:9/0", broker_transport_options=transport)
    found = {finding.name: finding for finding in runner.probe_system_checks()}
    assert {"W006", "W011"} & set(found) == {expected}
    assert "CELERY_BROKER_TRANSPORT_OPTIONS" in found[expected].fix


def test_a_redis_with_default_settings_has_no_findings(project: Project, own_redis: Redis) -> None:
    project(own_redis.url)
    assert [names(probe) for probe in BROKER_PROBES] == [[], []]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_redis_that_evicts_keys_is_reported(project: Project, own_redis: Redis, policy: str) -> None:
    project(own_redis.url)
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory-policy", policy)
    assert f"is {policy}." in report_of(broker.probe_redis)
    assert names(broker.probe_redis) == ["redis_eviction"]


def test_a_redis_without_readable_settings_is_skipped(project: Project, own_redis: Redis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.acl_setuser(
            "shop", enabled=True, passwords=["+canary-password"], keys="*", commands=["+@all", "-config"]
        )
    project(own_redis.url.replace("//", "//shop:canary-password@"))
    assert report_of(broker.probe_redis).startswith("redis_skipped: ")


def test_a_redis_behind_sentinels_is_skipped(project: Project) -> None:
    project("sentinel://127.0.0.1:9;sentinel://127.0.0.1:10")
    assert report_of(broker.probe_redis).startswith("redis_skipped: ")


@pytest.mark.parametrize("problem", ["stopped", "frozen", "locked"])
def test_an_unreachable_redis_is_reported(
    project: Project, own_redis: Redis, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    monkeypatch.setattr(broker, "REDIS_TIMEOUT_SECONDS", 0.3)
    url = own_redis.url
    if problem == "locked":
        url = url.replace("//", "//unknown:canary-password@")
    project(url)
    if problem == "stopped":
        own_redis.stop()
    elif problem == "frozen":
        own_redis.freeze()
    assert report_of(broker.probe_redis).startswith("redis_unreachable: ")


def test_a_queue_that_no_worker_reads_is_reported(project: Project, own_redis: Redis, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**HENRY, "CELERY_QUEUE": "henry"}
    project(own_redis.url, broker_transport_options={"global_keyprefix": "shop:"})
    with redis.Redis.from_url(own_redis.url) as client:
        client.rpush("shop:henry", *["a task"] * 500)
        assert names(broker.probe_redis) == []
        client.rpush("shop:henry", "one more")
    assert "--queues henry" in report_of(broker.probe_redis)
    assert names(broker.probe_redis) == ["queue_backlog"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"task_reject_on_worker_lost": True}, ["celery_reject"]),
        ({"worker_prefetch_multiplier": 4}, ["celery_prefetch"]),
    ],
)
def test_harmful_settings_of_celery_are_reported(
    monkeypatch: pytest.MonkeyPatch, project: Project, options: dict[str, Any], expected: list[str]
) -> None:
    project("redis://127.0.0.1:9/0")
    celery._state.default_app.conf.update(options)
    assert names(broker.probe_celery_settings) == expected
