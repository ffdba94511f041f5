"""Calls that cost money are counted in the database, each of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_henry_checkout.exceptions import ConfigurationError, TooManyCalls
from django_henry_checkout.flows.access.throttling import check_rate, count_call, parse_rate
from django_henry_checkout.models import CallCount
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def age(seconds: float) -> None:
    CallCount.objects.update(window_at=timezone.now() - timedelta(seconds=seconds))


def test_rates_read_like_drfs() -> None:
    read = {text: parse_rate(text) for text in ("20/min", "3/s", " 5/Hour ", "1000/day", "7/m")}
    assert [(most, window.total_seconds()) for most, window in read.values()] == [
        (20, 60),
        (3, 1),
        (5, 3600),
        (1000, 86_400),
        (7, 60),
    ]
    for text in ("", "20", "/min", "x/min", "-1/min", "20/fortnight", "1.5/min"):
        with pytest.raises(ConfigurationError):
            count_call(["ada"], rate=text)


def test_the_call_above_the_rate_is_refused_and_told_how_long_to_wait() -> None:
    for _call in range(3):
        count_call(["ada"], rate="3/min")
    for _call in range(2):
        with pytest.raises(TooManyCalls) as caught:
            count_call(["ada"], rate="3/min")
        assert 55 <= caught.value.retry_after <= 61
    count_call(["eve"], rate="3/min")
    assert dict(CallCount.objects.values_list("subject", "count")) == {"ada": 5, "eve": 1}


def test_a_rate_of_nothing_lets_nothing_through() -> None:
    with pytest.raises(TooManyCalls):
        count_call(["ada"], rate="0/min")


def test_a_window_ends_and_begins_anew() -> None:
    count_call(["ada"], rate="1/min")
    age(59)
    with pytest.raises(TooManyCalls) as caught:
        count_call(["ada"], rate="1/min")
    assert 1 <= caught.value.retry_after <= 2
    age(60)
    count_call(["ada"], rate="1/min")
    row = CallCount.objects.get()
    assert row.count == 1
    assert row.window_at > timezone.now() - timedelta(seconds=20)
    with pytest.raises(TooManyCalls):
        count_call(["ada"], rate="1/min")


def test_every_subject_is_counted_until_one_is_over() -> None:
    count_call(["ada", "net"], rate="2/min")
    count_call(["eve", "net"], rate="2/min")
    with pytest.raises(TooManyCalls):
        count_call(["kim", "net"], rate="2/min")
    assert dict(CallCount.objects.values_list("subject", "count")) == {"ada": 1, "eve": 1, "kim": 1, "net": 3}


def test_a_long_subject_is_one_subject() -> None:
    count_call(["x" * 500], rate="1/min")
    with pytest.raises(TooManyCalls):
        count_call(["x" * 500], rate="1/min")


def test_looking_does_not_count() -> None:
    for _look in range(3):
        check_rate(["ada", "net"], rate="2/min")
    assert not CallCount.objects.exists()
    count_call(["net"], rate="2/min")
    check_rate(["ada", "net"], rate="2/min")
    count_call(["net"], rate="2/min")
    with pytest.raises(TooManyCalls) as caught:
        check_rate(["ada", "net"], rate="2/min")
    assert 55 <= caught.value.retry_after <= 61
    assert CallCount.objects.get().count == 2
    age(60)
    check_rate(["ada", "net"], rate="2/min")


@pytest.mark.parametrize("has_lapsed", [None, False, True])
def test_calls_at_once_are_all_counted(has_lapsed: bool | None) -> None:
    """The first calls ever, calls in a window, and the first calls after one."""
    before = 0
    if has_lapsed is not None:
        count_call(["ada"], rate="5/min")
        before = 0 if has_lapsed else 1
        age(61 if has_lapsed else 1)

    def call(_number: int) -> bool:
        try:
            count_call(["ada"], rate="5/min")
        except TooManyCalls:
            return False
        return True

    let_through = at_once(call, threads=12)
    assert CallCount.objects.get().count == before + 12
    assert sum(let_through) <= 5 - before
    assert before + 12 > 5  # and the others were refused
