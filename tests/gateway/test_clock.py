"""Each generation reads Henry's time with one cheap call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.exceptions import AuthenticationFailed, BadResponse, GatewayUnavailable
from django_henry_checkout.testing.sandbox import Sandbox
from tests.gateway.conftest import GatewayOf

pytestmark = pytest.mark.parametrize("version", ["v1", "v1-rpc", "v0"])


def test_the_clock_is_the_date_of_the_answer(sandbox: Sandbox, gateway_of: GatewayOf, version: str) -> None:
    theirs = gateway_of(sandbox, version).clock()
    assert theirs is not None
    assert abs(theirs - timezone.now()) < timedelta(seconds=3)
    assert len(sandbox.requests()) == 1


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37+00:00"),
        ("Sun, 06 Nov 1994 08:49:37 -0000", "1994-11-06T08:49:37+00:00"),
        ("", None),
        ("yesterday", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
    ],
)
def test_an_invalid_date_is_none(
    sandbox: Sandbox, gateway_of: GatewayOf, version: str, date: str, expected: str | None
) -> None:
    sandbox.scenario(faults=[{"fault": "headers", "path": "*", "headers": {"Date": date}}])
    theirs = gateway_of(sandbox, version).clock()
    assert (theirs and theirs.isoformat()) == expected


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"fault": "status", "status": 401}, AuthenticationFailed),
        ({"fault": "status", "status": 503}, GatewayUnavailable),
        ({"fault": "garbage", "kind": "html"}, BadResponse),
    ],
)
def test_an_error_is_raised_without_a_retry(
    sandbox: Sandbox, gateway_of: GatewayOf, version: str, fault: dict[str, Any], error: type[Exception]
) -> None:
    sandbox.scenario(faults=[{"path": "*", "times": 0, **fault}])
    with pytest.raises(error):
        gateway_of(sandbox, version).clock()
    assert len(sandbox.requests()) == 1
