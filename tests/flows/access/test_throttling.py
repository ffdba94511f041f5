"""Calls that cost money are all counted in the database."""

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


def test_rates_have_the_same_format_as_in_drf() -> None:
    rates = {text: parse_rate(text) for text in ("20/min", "3/s", " 5/Hour ", "1000/day", "7/m")}
    assert [(most, window.total_seconds()) for most, window in rates.values()] == [
        (20, 60),
        (3, 1),
        (5, 3600),
        (1000, 86_400),
        (7, 60),
    ]
    for text in ("", "20", "/min", "x/min", "-1/min", "20/fortnight", "1.5/min"):
        with pytest.raises(ConfigurationError):
            count_call(["ada"], rate=text)


def test_a_call_above_the_rate_is_refused_with_a_retry_after() -> None:
    for _call in range(3):
        count_call(["ada"], rate="3/min")
    for _call in range(2):
        with pytest.raises(TooManyCalls) as caught:
            count_call(["ada"], rate="3/min")
        assert 55 <= caught.value.retry_after <= 61
    count_call(["eve"], rate="3/min")
    assert dict(CallCount.objects.values_list("subject", "count")) == {"ada": 5, "eve": 1}


def test_a_rate_of_zero_refuses_every_call() -> None:
    with pytest.raises(TooManyCalls):
        count_call(["ada"], rate="0/min")


def test_a_new_window_starts_when_one_has_ended() -> None:
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


def test_every_subject_is_counted_until_one_exceeds_the_rate() -> None:
    count_call(["ada", "net"], rate="2/min")
    count_call(["eve", "net"], rate="2/min")
    with pytest.raises(TooManyCalls):
        count_call(["kim", "net"], rate="2/min")
    assert dict(CallCount.objects.values_list("subject", "count")) == {"ada": 1, "eve": 1, "kim": 1, "net": 3}


def test_long_subjects_are_counted_by_their_first_characters() -> None:
    count_call(["x" * 500], rate="1/min")
    with pytest.raises(TooManyCalls):
        count_call(["x" * 500], rate="1/min")


def test_checking_the_rate_does_not_count() -> None:
    for _check in range(3):
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


@pytest.mark.parametrize("has_expired", [None, False, True])
def test_concurrent_calls_are_all_counted(has_expired: bool | None) -> None:
    """The first calls ever, calls in a window, and the first calls after it."""
    before = 0
    if has_expired is not None:
        count_call(["ada"], rate="5/min")
        before = 0 if has_expired else 1
        age(61 if has_expired else 1)

    def call(_number: int) -> bool:
        try:
            count_call(["ada"], rate="5/min")
        except TooManyCalls:
            return False
        return True

    accepted = at_once(call, threads=12)
    assert CallCount.objects.get().count == before + 12
    assert sum(accepted) <= 5 - before
    assert before + 12 > 5  # and the others were refused
