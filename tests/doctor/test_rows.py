"""What the doctor finds in the database, and on the broker: each trap once, and nothing where all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import celery._state
import pytest
import redis
from celery import Celery
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_henry_checkout.doctor import broker, data, runner, webhooks, work
from django_henry_checkout.doctor.findings import Look
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.operations.prune import prune_batch
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.queue import heartbeat
from django_henry_checkout.flows.queue.heartbeat import record_beat_heartbeat, record_heartbeat
from django_henry_checkout.models import (
    AccountRateLimit,
    Cart,
    Delivery,
    Order,
    Purchase,
    PurchasePoll,
    WebhookMessage,
    WorkerHeartbeat,
)
from django_henry_checkout.testing.sandbox import Sandbox
from tests.doctor.test_settings import HENRY, WELL, is_whole, names, use
from tests.support.workers import Redis

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timedelta(days=60)


def sign(
    kind: str = "worker", name: str = "host:1", *, began: float = 600, seen: float = 1, off: float = 0
) -> None:
    """Write a sign of life. `began` and `seen` are seconds ago."""
    now = timezone.now()
    last_seen_at = now - timedelta(seconds=seen)
    WorkerHeartbeat.objects.create(
        kind=kind,
        name=name,
        first_seen_at=now - timedelta(seconds=began),
        last_seen_at=last_seen_at,
        worker_clock_at=last_seen_at + timedelta(seconds=off),
    )


def found_by(look: Look) -> str:
    """Return what the one finding of a look says."""
    (finding,) = look()
    assert is_whole(finding)
    return f"{finding.name}: {finding.found} {finding.fix}"


# Workers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signs_of", "expected"),
    [
        ([], ["no_worker"]),
        ([{"seen": 600}], ["no_worker"]),
        ([{"kind": "beat"}], ["no_worker"]),
        ([{"kind": "celery"}], ["no_beat"]),
        ([{"kind": "celery", "began": 50}], []),  # just started: beat has not shown itself yet
        ([{"kind": "celery"}, {"kind": "beat", "seen": 600}], ["no_beat"]),
        ([{}], []),
        ([{}, {"kind": "celery"}], []),
        ([{"kind": "celery"}, {"kind": "beat"}], []),
        ([{"kind": "celery", "name": f"host:{number}"} for number in range(3)] + [{"kind": "beat"}], []),
    ],
)
def test_who_is_not_at_work_is_named(signs_of: list[dict[str, Any]], expected: list[str]) -> None:
    for each in signs_of:
        sign(**each)
    found = list(work.workers_are_there())
    assert [finding.name for finding in found] == expected
    assert all(is_whole(finding) for finding in found)


@pytest.mark.parametrize(
    ("other", "is_doubled"),
    [
        ({"began": 300, "seen": 2}, True),
        ({"began": 300, "seen": 110}, True),
        ({"began": 590, "seen": 595}, False),  # heard of once: somebody ran the task by hand
        ({"began": 900, "seen": 599}, False),  # ended before the first began: it was started again
        ({"began": 900, "seen": 500}, False),  # ended long ago
    ],
)
def test_two_beats_are_two_at_the_same_time(other: dict[str, float], is_doubled: bool) -> None:
    sign("beat", "gen1@host", began=598, seen=1)
    assert names(work.beat_comes_once) == []
    sign("beat", "gen2@host", **other)
    if is_doubled:
        assert "gen1@host, gen2@host" in found_by(work.beat_comes_once)
        assert names(work.beat_comes_once) == ["two_beats"]
    else:
        assert names(work.beat_comes_once) == []


def test_a_beat_that_was_started_again_is_not_two() -> None:
    sign("beat", "gen1@host", began=900, seen=60)
    sign("beat", "gen2@host", began=50, seen=1)
    assert names(work.beat_comes_once) == []


@pytest.mark.parametrize(
    ("off", "expected"), [(29, []), (-29, []), (31, ["worker_clock"]), (-3600, ["worker_clock"])]
)
def test_a_worker_whose_clock_is_off_is_named(off: float, expected: list[str]) -> None:
    sign(off=off, name="shop-2:77")
    sign(name="shop-1:77")
    assert names(work.clocks_of_workers_agree) == expected
    if expected:
        assert "shop-2:77" in found_by(work.clocks_of_workers_agree)


# Signs of life ----------------------------------------------------------------------------


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has noted nothing yet."""
    monkeypatch.setattr(heartbeat, "_next", {})


def test_a_sign_costs_one_statement_now_and_then(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
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

    monkeypatch.setattr(heartbeat, "_next", {})
    record_heartbeat("worker")
    (second,) = WorkerHeartbeat.objects.all()
    assert second.first_seen_at == first.first_seen_at
    assert second.last_seen_at > first.last_seen_at
    assert second.worker_clock_at > first.worker_clock_at


def test_signs_of_different_processes_are_apart(fresh: None) -> None:
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


def test_signs_of_those_who_ended_are_deleted() -> None:
    sign(name="gone", seen=86_500)
    sign(name="quiet", seen=86_000)
    assert prune_batch() == 1
    assert WorkerHeartbeat.objects.get().name == "quiet"


# Work -------------------------------------------------------------------------------------

AT_WORK = (work.work_does_not_pile_up, work.accounts_are_still_there, work.nobody_waits_for_a_person)


@pytest.fixture
def bought(sandbox: Sandbox, cart: Cart, settings: Any) -> Order:
    """An order whose payment Henry has begun to work on; nobody was told yet."""
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    PurchasePoll.objects.update(due_at=timezone.now())
    poll_due()
    return order


def test_work_that_is_done_in_time_is_nothing(bought: Order) -> None:
    for look in (*AT_WORK, work.henry_speaks_as_known, data.old_rows_are_deleted, data.clocks_agree):
        assert names(look) == []
    deliver_due()
    assert names(work.work_does_not_pile_up) == []


def test_work_that_nobody_does_is_named(bought: Order) -> None:
    late = timezone.now() - timedelta(minutes=6)
    PurchasePoll.objects.update(due_at=late)
    assert "overdue: There are purchases that nobody asks about" in found_by(work.work_does_not_pile_up)
    PurchasePoll.objects.update(due_at=timezone.now())
    Delivery.objects.update(due_at=late)
    assert "overdue: There are events that no receiver is told" in found_by(work.work_does_not_pile_up)
    deliver_due()
    WebhookMessage.objects.create(account="default", digest="1", signed_at=late, due_at=late)
    assert "overdue: There are webhooks that nobody applies" in found_by(work.work_does_not_pile_up)


def test_an_account_that_is_paused_is_named_and_its_work_is_not_late(bought: Order) -> None:
    now = timezone.now()
    PurchasePoll.objects.update(due_at=now - timedelta(hours=1))
    AccountRateLimit.objects.update_or_create(
        account="default",
        defaults={
            "rate": 1, "tokens": 1, "refilled_at": now, "window_started_at": now, "circuit_open": True,
            "paused_until": now + timedelta(minutes=1),
        },
    )  # fmt: skip
    assert found_by(work.work_does_not_pile_up).startswith("henry_paused: ")


def test_purchases_of_an_account_that_is_gone_are_named(bought: Order, settings: Any) -> None:
    accounts = {"default": {}, "uk": {}}
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "ACCOUNTS": accounts}
    PurchasePoll.objects.update(account="uk")
    assert names(work.accounts_are_still_there) == []
    del accounts["uk"]
    assert found_by(work.accounts_are_still_there).startswith("account_gone: Purchases of the account 'uk'")


def test_what_waits_for_a_person_is_named(bought: Order) -> None:
    Delivery.objects.filter(pk=Delivery.objects.first().pk).update(status="dead")  # type: ignore[union-attr]  # there is one
    assert found_by(work.nobody_waits_for_a_person).startswith("dead_deliveries: ")
    Delivery.objects.update(status="done")
    Order.objects.update(needs_review=True)
    assert found_by(work.nobody_waits_for_a_person).startswith("review: 1 orders wait")
    Order.objects.update(needs_review=False)
    now = timezone.now()
    WebhookMessage.objects.create(account="default", digest="1", signed_at=now, status="dead")
    assert found_by(work.nobody_waits_for_a_person).startswith("dead_webhooks: 1 ")


def test_words_that_nobody_knows_are_named_and_shortened(bought: Order) -> None:
    Purchase.objects.update(drift=["awaiting_merchant", "w" * 500, "line\nbreak"])
    said = found_by(work.henry_speaks_as_known)
    assert said.startswith("drift: Unknown words in the last 7 days: awaiting_merchant, line?break, www")
    assert "w" * 61 not in said
    Purchase.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert names(work.henry_speaks_as_known) == []


def test_a_word_that_henry_really_says_is_found(sandbox: Sandbox, cart: Cart, polls_at_once: None) -> None:
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id, outcome="awaiting_merchant")
    sandbox.advance(60)
    for _round in range(3):
        PurchasePoll.objects.update(due_at=timezone.now())
        poll_due()
    assert "awaiting_merchant" in found_by(work.henry_speaks_as_known)


# The database -----------------------------------------------------------------------------


def test_sqlite_in_production_is_named(settings: Any) -> None:
    on_sqlite = connection.vendor == "sqlite"
    assert names(data.database_is_for_production) == (["sqlite"] if on_sqlite else [])
    settings.DEBUG = True
    assert names(data.database_is_for_production) == []


def test_a_database_that_is_there_and_up_to_date_is_nothing() -> None:
    assert names(data.database_answers) == names(data.migrations_are_applied) == []


@pytest.mark.parametrize(("off", "expected"), [(10, []), (40, ["database_clock"]), (-40, ["database_clock"])])
def test_a_clock_that_differs_from_the_databases_is_named(
    monkeypatch: pytest.MonkeyPatch, off: int, expected: list[str]
) -> None:
    real = data.database_now
    monkeypatch.setattr(data, "database_now", lambda: real() + timedelta(seconds=off))
    assert names(data.clocks_agree) == expected


@pytest.mark.parametrize("kind", ["webhook", "delivery"])
def test_rows_that_nobody_deletes_are_named(bought: Order, kind: str) -> None:
    then = timezone.now() - LONG_AGO
    if kind == "webhook":
        WebhookMessage.objects.create(
            account="x", digest="1", signed_at=then, received_at=then, status="done"
        )
    else:
        Delivery.objects.update(status="done", done_at=then)
    assert names(data.old_rows_are_deleted) == ["not_pruned"]
    prune_batch()
    assert names(data.old_rows_are_deleted) == []


# Webhooks ---------------------------------------------------------------------------------


def heard(age: timedelta, account: str = "default") -> None:
    moment = timezone.now() - age
    WebhookMessage.objects.create(
        account=account, digest="1", signed_at=moment, received_at=moment, status="done"
    )


def ended(order: Order, age: timedelta) -> None:
    Purchase.objects.filter(order=order).update(status="complete", ended_at=timezone.now() - age)


HOUR, TWO_DAYS = timedelta(hours=1), timedelta(days=2)


@pytest.mark.parametrize(
    ("heard_ago", "ended_ago", "expected"),
    [
        (HOUR, HOUR, []),
        (HOUR, TWO_DAYS, []),
        (TWO_DAYS, HOUR, ["webhooks_silent"]),
        (None, HOUR, ["webhooks_silent"]),
        (TWO_DAYS, TWO_DAYS, ["webhooks_unproven"]),
        (None, None, ["webhooks_unproven"]),
    ],
)
def test_webhooks_that_do_not_come_are_named(
    bought: Order,
    settings: Any,
    heard_ago: timedelta | None,
    ended_ago: timedelta | None,
    expected: list[str],
) -> None:
    use(settings, WELL)
    heard(HOUR, account="another")
    if heard_ago:
        heard(heard_ago)
    if ended_ago:
        ended(bought, ended_ago)
    assert names(webhooks.webhooks_arrive) == expected
    settings.HENRY_CHECKOUT = {**HENRY, "WEBHOOK_SECRETS": []}
    assert names(webhooks.webhooks_arrive) == []


# The broker -------------------------------------------------------------------------------

Project = Callable[..., None]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Make a Celery app that the tasks of this process go to."""
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


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


LOOKS_AT_THE_BROKER = (broker.celery_is_set_well, broker.redis_keeps_tasks)


def test_a_shop_without_celery_has_no_broker_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery._state, "default_app", None)
    assert [names(look) for look in LOOKS_AT_THE_BROKER] == [[], []]


def test_a_broker_that_is_not_redis_is_left_alone(project: Project) -> None:
    project("amqp://127.0.0.1:9//")
    assert [names(look) for look in LOOKS_AT_THE_BROKER] == [[], []]


@pytest.mark.parametrize(
    ("transport", "expected"),
    [
        ({"visibility_timeout": 5, "max_retries": 0, "socket_timeout": 2}, "W006"),
        ({"visibility_timeout": 300}, "W011"),
    ],
)
def test_what_the_checks_say_of_the_broker_is_listed(
    project: Project, settings: Any, transport: dict[str, Any], expected: str
) -> None:
    settings.HENRY_CHECKOUT = {**HENRY, "CELERY_WAKEUP": True}
    project("redis://127.0.0.1:9/0", broker_transport_options=transport)
    found = {finding.name: finding for finding in runner.system_checks()}
    assert {"W006", "W011"} & set(found) == {expected}
    assert "CELERY_BROKER_TRANSPORT_OPTIONS" in found[expected].fix


def test_a_redis_as_it_comes_is_well(project: Project, own_redis: Redis) -> None:
    project(own_redis.url)
    assert [names(look) for look in LOOKS_AT_THE_BROKER] == [[], []]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_redis_that_throws_keys_away_is_named(project: Project, own_redis: Redis, policy: str) -> None:
    project(own_redis.url)
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory-policy", policy)
    assert f"is {policy}." in found_by(broker.redis_keeps_tasks)
    assert names(broker.redis_keeps_tasks) == ["redis_eviction"]


def test_a_redis_that_does_not_tell_is_not_seen(project: Project, own_redis: Redis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.acl_setuser(
            "shop", enabled=True, passwords=["+canary-password"], keys="*", commands=["+@all", "-config"]
        )
    project(own_redis.url.replace("//", "//shop:canary-password@"))
    assert found_by(broker.redis_keeps_tasks).startswith("redis_unseen: ")


def test_a_redis_behind_sentinels_is_not_asked(project: Project) -> None:
    project("sentinel://127.0.0.1:9;sentinel://127.0.0.1:10")
    assert found_by(broker.redis_keeps_tasks).startswith("redis_unseen: ")


@pytest.mark.parametrize("trouble", ["stopped", "frozen", "locked"])
def test_a_redis_that_does_not_answer_is_named(
    project: Project, own_redis: Redis, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(broker, "REDIS_SECONDS", 0.3)
    url = own_redis.url
    if trouble == "locked":
        url = url.replace("//", "//nobody:canary-password@")
    project(url)
    if trouble == "stopped":
        own_redis.stop()
    elif trouble == "frozen":
        own_redis.freeze()
    assert found_by(broker.redis_keeps_tasks).startswith("redis_away: ")


def test_a_queue_that_nobody_reads_is_named(project: Project, own_redis: Redis, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**HENRY, "CELERY_QUEUE": "henry"}
    project(own_redis.url, broker_transport_options={"global_keyprefix": "shop:"})
    with redis.Redis.from_url(own_redis.url) as client:
        client.rpush("shop:henry", *["a task"] * 500)
        assert names(broker.redis_keeps_tasks) == []
        client.rpush("shop:henry", "one more")
    assert "--queues henry" in found_by(broker.redis_keeps_tasks)
    assert names(broker.redis_keeps_tasks) == ["queue_unread"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"task_reject_on_worker_lost": True}, ["celery_reject"]),
        ({"worker_prefetch_multiplier": 4}, ["celery_prefetch"]),
    ],
)
def test_settings_of_celery_that_hurt_are_named(
    monkeypatch: pytest.MonkeyPatch, project: Project, options: dict[str, Any], expected: list[str]
) -> None:
    project("redis://127.0.0.1:9/0")
    celery._state.default_app.conf.update(options)
    assert names(broker.celery_is_set_well) == expected
