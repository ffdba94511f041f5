"""The one setting: typed reading, and a check with a hint for each thing that cannot work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import Tags, run_checks

from django_henry_checkout.conf import known_option_names
from django_henry_checkout.conf import settings as henry
from django_henry_checkout.exceptions import ConfigurationError


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
    assert timedelta(hours=2) == henry.POLL_WINDOW


def test_the_key_is_hidden_in_repr(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": "canary-key"}
    assert "canary-key" not in repr(henry.account())


def test_accounts_inherit_what_they_do_not_say(settings: Any) -> None:
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
def test_a_missing_key_is_named(settings: Any, key: Any) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": key}
    with pytest.raises(ConfigurationError, match=r'HENRY_CHECKOUT\["API_KEY"\]'):
        henry.account()


def test_a_good_setting_has_no_findings(settings: Any) -> None:
    assert found(settings) == set()


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
        ({"POLL_WINDOW": "2 hours"}, "E006"),
        ({"STUCK_INTERVAL": timedelta(0)}, "E006"),
        ({"POLL_LEASE": timedelta(seconds=1)}, "E009"),
        ({"READ_TIMEOUT": "soon"}, "E008"),
        ({"ACCOUNTS": {"uk": {"API_KEY": "x"}}}, "E002"),
        ({"API_KEY": "line\nbreak"}, "E002"),
        ({"BASE_URL": "https://api.example.com/#x"}, "E003"),
        ({"BASE_URL": "https://api.example.com/?x"}, "E003"),
        ({"POLL_JITTER": 20}, "E008"),
        ({"DELIVERY_TRIES": 0}, "E008"),
        ({"API_KEYS": "typo"}, "W001"),
        ({"RETURN_URLS": {"completed": "no-such-url"}}, "W003"),
    ],
)
def test_each_trouble_is_found(settings: Any, changes: dict[str, Any], expected: str) -> None:
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


def test_every_finding_has_a_hint_and_hides_the_key(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {
        "API_KEY": "canary-key",
        "BASE_URL": "http://x.example",
        "TYPO": 1,
        "API_VERSION": "v7",
    }
    messages = [
        message
        for message in run_checks(tags=[Tags.compatibility])
        if (message.id or "").startswith("henry_checkout")
    ]
    assert len(messages) == 3
    assert all(message.hint for message in messages)
    assert "canary-key" not in "".join(map(str, messages))


def test_deferred_sqlite_is_warned_about(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}}
    monkeypatch.setattr(django_settings, "DATABASES", databases)
    assert found(settings) == {"henry_checkout.W002"}


def test_missing_sessions_are_found(settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.sessions"]
    assert "henry_checkout.E007" in found(settings)


def test_every_option_is_known() -> None:
    assert {"API_KEY", "POLL_WINDOW", "RETURN_URLS", "ACCOUNTS"} <= known_option_names()
