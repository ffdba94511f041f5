"""Findings about Henry's API: the key, the host and its clock."""

from __future__ import annotations

from typing import Any

import pytest

from django_henry_checkout.doctor import henry_api
from django_henry_checkout.testing.sandbox import Sandbox
from tests.doctor.projects import is_whole, names
from tests.support.shop import shop_settings

pytestmark = pytest.mark.django_db(transaction=True)

VERSIONS = ("v1", "v1-rpc", "v0")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_working_account_has_no_findings(settings: Any, sandbox: Sandbox, version: str) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_VERSION=version)
    assert names(henry_api.probe_henry) == []
    assert len(sandbox.requests()) == 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"fault": "status", "status": 401}, "key_rejected"),
        ({"fault": "status", "status": 503}, "henry_unreachable"),
        ({"fault": "status", "status": 429}, "henry_unreachable"),
        ({"fault": "reset"}, "henry_unreachable"),
        ({"fault": "status", "status": 404}, "henry_unexpected_response"),
        ({"fault": "garbage", "kind": "html"}, "henry_unexpected_response"),
        ({"fault": "redirect", "location": "https://elsewhere.example/"}, "henry_unexpected_response"),
        ({"fault": "headers", "headers": {"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}}, "clock"),
        ({"fault": "headers", "headers": {"Date": "today"}}, "clock_skipped"),
    ],
)
def test_problems_with_henry_are_reported(
    settings: Any, sandbox: Sandbox, version: str, fault: dict[str, Any], expected: str
) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_VERSION=version)
    sandbox.scenario(faults=[{"path": "*", "times": 0, **fault}])
    (finding,) = henry_api.probe_henry()
    assert finding.name == expected
    assert is_whole(finding)
    assert len(sandbox.requests()) <= 1


def test_fault_61_a_key_of_another_environment_is_reported(settings: Any, sandbox: Sandbox) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_KEY="canary-of-production")
    (finding,) = henry_api.probe_henry()
    assert finding.name == "key_rejected"
    assert is_whole(finding)


def test_an_unreachable_host_is_called_once(settings: Any, sandbox: Sandbox) -> None:
    away = {"API_KEY": "k", "BASE_URL": "http://127.0.0.1:9"}
    accounts = {"default": away, "uk": away, "fr": {"API_KEY": "wrong-key", "BASE_URL": sandbox.url}}
    settings.HENRY_CHECKOUT = shop_settings(sandbox, ACCOUNTS=accounts)
    assert names(henry_api.probe_henry) == ["henry_unreachable", "key_rejected"]
