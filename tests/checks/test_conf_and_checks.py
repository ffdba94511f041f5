"""HENRY_CHECKOUT: typed options, and a system check with a hint for each setting that cannot work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import celery._state
import pytest
from celery import Celery
from django.conf import settings as django_settings
from django.core.checks import Tags, run_checks

from django_henry_checkout.checks.celery import TASK_LIMIT
from django_henry_checkout.checks.options import BOUNDS, DURATIONS
from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout.conf import known_option_names
from django_henry_checkout.conf.engine import EngineOptions
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.tasks import beat_schedule, poll_due
from tests.support.shop import ROOT

SECRET = "whsec-0123456789"  # the shortest without a warning
FAST = {"max_retries": 0, "socket_timeout": 2}
GOOD = {"broker_url": "redis://127.0.0.1:9/0", "broker_transport_options": FAST}
AMQP = {"broker_url": "amqp://127.0.0.1:9//"}
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}}
SQLITE = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "x",
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}


def found(settings: Any, **changes: Any) -> set[str]:
    settings.HENRY_CHECKOUT = {"API_KEY": "k", **changes}
    return {
        message.id
        for message in run_checks(tags=[Tags.compatibility])
        if (message.id or "").startswith("henry_checkout")
    }


def test_defaults_point_at_henry(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": " key \n"}
    account = henry.account()
    assert account.api_key == "key"
    assert account.base_url == "https://api.henrylabs.ai"
    assert account.checkout_origins == ("https://checkout.henrylabs.ai",)
    assert timedelta(hours=2) == henry.POLL_TIMEOUT


def test_the_key_is_hidden_in_repr(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": "canary-key"}
    assert "canary-key" not in repr(henry.account())


def test_accounts_inherit_missing_options(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {
        "BASE_URL": "https://api.example.com/",
        "ACCOUNTS": {
            "default": {"API_KEY": "a"},
            "uk": {"API_KEY": "b", "BASE_URL": "https://uk.example.com"},
        },
    }
    assert henry.account().base_url == "https://api.example.com"
    assert henry.account("uk").base_url == "https://uk.example.com"
    with pytest.raises(ConfigurationError, match=r"no account 'fr'.*default, uk"):
        henry.account("fr")


@pytest.mark.parametrize("key", [None, "", "   ", 7])
def test_a_missing_key_is_reported(settings: Any, key: Any) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": key}
    with pytest.raises(ConfigurationError, match=r'HENRY_CHECKOUT\["API_KEY"\]'):
        henry.account()


def test_a_valid_setting_has_no_messages(settings: Any) -> None:
    assert found(settings) == set()
    old = {"secret": SECRET, "not_after": "2030-01-01T00:00:00Z"}
    assert found(settings, WEBHOOK_UUID="endpoint", WEBHOOK_SECRETS=[SECRET, old]) == set()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"API_KEY": ""}, "E002"),
        ({"BASE_URL": "http://api.henrylabs.ai"}, "E003"),
        ({"BASE_URL": "https://user:pass@api.henrylabs.ai"}, "E003"),
        ({"BASE_URL": "https://[::1"}, "E003"),
        ({"API_VERSION": "v7"}, "E004"),
        ({"CHECKOUT_ORIGINS": ["https://*.henrylabs.ai"]}, "E005"),
        ({"CHECKOUT_ORIGINS": ["http://checkout.henrylabs.ai"]}, "E005"),
        ({"CHECKOUT_ORIGINS": ["https://checkout.henrylabs.ai/cart"]}, "E005"),
        ({"POLL_TIMEOUT": "2 hours"}, "E006"),
        ({"STUCK_INTERVAL": timedelta(0)}, "E006"),
        ({"POLL_LEASE": timedelta(seconds=1)}, "E009"),
        ({"READ_TIMEOUT": "soon"}, "E008"),
        ({"ACCOUNTS": {"uk": {"API_KEY": "x"}}}, "E002"),
        ({"API_KEY": "line\nbreak"}, "E002"),
        ({"BASE_URL": "https://api.example.com/#x"}, "E003"),
        ({"BASE_URL": "https://api.example.com/?x"}, "E003"),
        ({"POLL_JITTER": 20}, "E008"),
        ({"DELIVERY_ATTEMPTS": 0}, "E008"),
        ({"POLL_CONCURRENCY": 0}, "E008"),
        ({"POLL_CONCURRENCY": 1025}, "E008"),
        ({"POLL_CONCURRENCY": float("inf")}, "E008"),
        ({"POLL_RATE": 0}, "E008"),
        ({"POLL_RATE": 20_000}, "E008"),
        ({"BULK_POLL_THRESHOLD": -1}, "E008"),
        ({"BULK_POLL_MAX_PAGES": 0}, "E008"),
        ({"BREAKER_FAILURES": 0}, "E008"),
        ({"WEBHOOK_MAX_BYTES": 10}, "E008"),
        ({"WEBHOOK_BATCH": 0}, "E008"),
        ({"WEBHOOK_ATTEMPTS": 0}, "E008"),
        ({"BREAKER_PAUSE": 0}, "E006"),
        ({"WEBHOOK_TOLERANCE": "5 minutes"}, "E006"),
        ({"WEBHOOK_LEASE": timedelta(0)}, "E006"),
        ({"WEBHOOK_MATCH_TIMEOUT": -1}, "E006"),
        ({"RETENTION": {"webhooks": timedelta(days=-1)}}, "E017"),
        ({"RETENTION": {"orders": timedelta(days=1)}}, "E017"),
        ({"RETENTION": 30}, "E017"),
        ({"ENCRYPTION_KEYS": ["not a key"]}, "E018"),
        ({"WEBHOOK_SECRETS": [""]}, "E014"),
        ({"WEBHOOK_SECRETS": SECRET}, "E014"),
        ({"WEBHOOK_SECRETS": 7}, "E014"),
        ({"WEBHOOK_SECRETS": [{"secret": SECRET}]}, "E014"),
        ({"WEBHOOK_SECRETS": [{"secret": SECRET, "not_after": "tomorrow"}]}, "E014"),
        ({"WEBHOOK_SECRETS": [{"secret": SECRET, "not_after": "2030-01-01T00:00:00"}]}, "E014"),
        ({"WEBHOOK_SECRETS": [SECRET, SECRET[:-1]]}, "W009"),
        ({"WEBHOOK_UUID": "endpoint"}, "E015"),
        ({"API_KEYS": "typo"}, "W001"),
        ({"RETURN_URLS": {"completed": "no-such-url"}}, "W003"),
    ],
)
def test_each_problem_is_found(settings: Any, changes: dict[str, Any], expected: str) -> None:
    assert found(settings, **changes) == {f"henry_checkout.{expected}"}


def test_a_missing_setting_is_found(settings: Any) -> None:
    settings.HENRY_CHECKOUT = None
    assert {message.id for message in run_checks(tags=[Tags.compatibility])} == {"henry_checkout.E001"}
    del settings.HENRY_CHECKOUT
    assert {
        message.id
        for message in run_checks(tags=[Tags.compatibility])
        if (message.id or "").startswith("henry")
    } == {"henry_checkout.E001"}


def test_every_message_has_a_hint_and_hides_secrets(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {
        "API_KEY": "canary-key",
        "BASE_URL": "http://x.example",
        "TYPO": 1,
        "API_VERSION": "v7",
        "WEBHOOK_SECRETS": ["canary-secret"],
    }
    messages = [
        message
        for message in run_checks(tags=[Tags.compatibility])
        if (message.id or "").startswith("henry_checkout")
    ]
    assert len(messages) == 4
    assert all(message.hint for message in messages)
    assert "canary-" not in "".join(map(str, messages))


def test_deferred_sqlite_is_found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}}
    monkeypatch.setattr(django_settings, "DATABASES", databases)
    assert found(settings) == {"henry_checkout.W002"}


def test_missing_sessions_are_found(settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.sessions"]
    assert "henry_checkout.E007" in found(settings)


def test_every_option_is_known() -> None:
    assert {"API_KEY", "POLL_TIMEOUT", "RETURN_URLS", "ACCOUNTS"} <= known_option_names()


def test_every_engine_option_is_checked() -> None:
    unchecked = {"POLL_SCHEDULE", "CELERY_WAKEUP", "CELERY_QUEUE"}
    assert {name for name in dir(EngineOptions) if name.isupper()} == unchecked | (
        {*BOUNDS, *DURATIONS} & set(dir(EngineOptions))
    )


# Celery ---------------------------------------------------------------------------------


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Create the Celery app that this process sends tasks to, with PostgreSQL as the database."""
    monkeypatch.setattr(celery._state, "default_app", None)
    monkeypatch.setattr(django_settings, "DATABASES", POSTGRES)
    made: list[Celery] = []

    def make(**options: Any) -> None:
        app = Celery("shop", fixups=[], set_as_current=False)
        app.conf.update(options)
        made.append(app)
        monkeypatch.setattr(celery._state, "default_app", app)

    yield make
    for app in made:
        app.close()


def test_a_project_without_celery_has_no_messages(settings: Any, project: Callable[..., None]) -> None:
    assert found(settings) == set()


def test_a_valid_celery_setup_has_no_messages(settings: Any, project: Callable[..., None]) -> None:
    project(**GOOD, beat_schedule=beat_schedule(), result_backend="redis://127.0.0.1:9/1")
    assert found(settings, CELERY_WAKEUP=True) == set()
    assert found(settings) == set()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"accept_content": ["json", "pickle"]}, "E012"),
        ({"accept_content": ["application/x-python-serialize"]}, "E012"),
        ({"task_serializer": "pickle"}, "E012"),
        ({"task_always_eager": True}, "W005"),
        ({"broker_transport_options": {**FAST, "visibility_timeout": TASK_LIMIT - 1}}, "W006"),
        ({"beat_schedule": {}}, "W007"),
        ({"beat_schedule": dict(list(beat_schedule().items())[1:])}, "W007"),
        ({"broker_transport_options": {"socket_timeout": 2}}, "W011"),
        ({"broker_transport_options": {"max_retries": 0}}, "W011"),
        ({**AMQP, "broker_transport_options": {}}, "W011"),
        ({"broker_url": ""}, "W010"),
    ],
)
def test_each_problem_with_celery_is_found(
    settings: Any, project: Callable[..., None], options: dict[str, Any], expected: str
) -> None:
    project(**{**GOOD, "beat_schedule": beat_schedule(), **options})
    assert found(settings, CELERY_WAKEUP=True) == {f"henry_checkout.{expected}"}


def test_other_valid_celery_setups_have_no_messages(settings: Any, project: Callable[..., None]) -> None:
    long_timeout = {**FAST, "visibility_timeout": TASK_LIMIT}
    project(**{**GOOD, "broker_transport_options": long_timeout, "beat_schedule": beat_schedule()})
    assert found(settings, CELERY_WAKEUP=True) == set()
    project(**AMQP, broker_transport_options={"max_retries": 0}, beat_schedule=beat_schedule())
    assert found(settings, CELERY_WAKEUP=True) == set()
    project(
        **GOOD, beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler"
    )  # knows its entries itself
    assert found(settings, CELERY_WAKEUP=True) == set()


def test_wakeup_without_an_app_is_found(settings: Any, project: Callable[..., None]) -> None:
    assert found(settings, CELERY_WAKEUP=True) == {"henry_checkout.W010"}


def test_wakeup_without_celery_is_found(
    settings: Any, project: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "celery"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "celery", None)
    assert found(settings, CELERY_WAKEUP=True) == {"henry_checkout.E013"}
    assert found(settings) == set()


def test_sqlite_under_celery_is_found(
    settings: Any, project: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    project(**GOOD)
    monkeypatch.setattr(django_settings, "DATABASES", SQLITE)
    assert found(settings) == {"henry_checkout.W008"}


def test_the_time_limit_of_tasks_is_the_checked_one() -> None:
    assert poll_due.time_limit == TASK_LIMIT


def test_checks_do_not_import_celery() -> None:
    code = "import django, sys; django.setup(); from django.core.checks import run_checks; run_checks(); "
    code += "print([name for name in sys.modules if name.partition('.')[0] in ('celery', 'kombu')])"
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
