"""The poll schedule: frequent at first, less frequent with age, with jitter, and without an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_henry_checkout.flows.purchase import schedule
from django_henry_checkout.flows.purchase.schedule import next_poll_at, retry_at
from django_henry_checkout.models import Purchase, PurchaseStatus

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def options(settings: Any) -> Any:
    def set_options(**changes: Any) -> None:
        settings.HENRY_CHECKOUT = {"API_KEY": "k", **changes}

    set_options(POLL_JITTER=0)
    return set_options


def purchase(age: float = 0, *, found: float | None = None, status: str = PurchaseStatus.PENDING) -> Purchase:
    """A purchase that was created, and perhaps found at Henry, `age` and `found` seconds ago."""
    made = Purchase(status=status, created_at=NOW - timedelta(seconds=age))
    if found is not None:
        made.found_at = NOW - timedelta(seconds=found)
    return made


def interval(of: Purchase) -> float:
    return (next_poll_at(born_at=of.followed_since, status=of.status, now=NOW) - NOW).total_seconds()


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        (0, 2),
        (59.999, 2),
        (60, 5),
        (179.999, 5),
        (180, 10),
        (599, 10),
        (600, 30),
        (1799, 30),
        (1800, 60),
        (3599, 60),
        (3600, 300),
        (30 * 86_400, 300),
    ],
)
def test_the_interval_grows_with_age(options: Any, age: float, seconds: float) -> None:
    assert interval(purchase(age)) == seconds


@pytest.mark.parametrize("status", [status for status in PurchaseStatus if status != PurchaseStatus.STUCK])
def test_only_stuck_is_special(options: Any, status: str) -> None:
    assert interval(purchase(90, status=status)) == 5


def test_age_counts_from_when_the_purchase_was_found(options: Any) -> None:
    assert interval(purchase(7200, found=10)) == 2
    assert interval(purchase(7200, found=3600)) == 300


def test_a_clock_that_is_set_back_does_no_harm(options: Any) -> None:
    assert interval(purchase(-3600)) == 2


@pytest.mark.parametrize("age", [0, 100, 1_000_000])
def test_stuck_is_polled_rarely_at_any_age(options: Any, age: float) -> None:
    stuck = purchase(age, found=age, status=PurchaseStatus.STUCK)
    assert interval(stuck) == 3600
    options(POLL_JITTER=0, STUCK_INTERVAL=timedelta(minutes=7))
    assert interval(stuck) == 420
    options(POLL_JITTER=0, STUCK_INTERVAL=90)
    assert interval(stuck) == 90


def test_the_table_is_a_setting(options: Any) -> None:
    options(POLL_JITTER=0, POLL_SCHEDULE=[(0, 0.5), (10, 7)])
    assert [interval(purchase(age)) for age in (0, 9.9, 10, 9999)] == [0.5, 0.5, 7, 7]


@pytest.mark.parametrize("status", [PurchaseStatus.PENDING, PurchaseStatus.STUCK])
def test_jitter_is_a_share_of_the_interval_both_ways(
    options: Any, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    options()  # the default, 20 %
    full = 3600 if status == PurchaseStatus.STUCK else 10
    bounds = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return low if len(bounds) == 1 else high

    monkeypatch.setattr(schedule.random, "uniform", uniform)
    assert interval(purchase(200, status=status)) == pytest.approx(full * 0.8)
    assert interval(purchase(200, status=status)) == pytest.approx(full * 1.2)
    assert bounds == [(0.8, 1.2)] * 2


def test_many_purchases_spread_out(options: Any) -> None:
    options()
    seen = [interval(purchase(0)) for _ in range(500)]
    assert all(1.6 <= seconds <= 2.4 for seconds in seen)
    assert min(seen) < 1.7
    assert max(seen) > 2.3
    assert len({round(seconds, 4) for seconds in seen}) > 200


# After errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("errors", "ceiling"),
    [(0, 1), (1, 2), (2, 4), (5, 32), (8, 256), (9, 300), (10, 300), (11, 300), (1_000_000, 300)],
)
def test_backoff_doubles_with_full_jitter_up_to_five_minutes(
    monkeypatch: pytest.MonkeyPatch, errors: int, ceiling: float
) -> None:
    for share, expected in ((0.0, 0.2), (0.5, ceiling / 2), (1.0, ceiling)):
        monkeypatch.setattr(schedule.random, "random", lambda share=share: share)
        assert retry_at(now=NOW, errors=errors) - NOW == timedelta(seconds=max(expected, 0.2))


@given(st.integers(min_value=0, max_value=10**9))
def test_backoff_is_never_zero_and_never_long(errors: int) -> None:
    pause = retry_at(now=NOW, errors=errors) - NOW
    assert timedelta(milliseconds=200) <= pause <= timedelta(minutes=5)


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [
        (0, 1),
        (0.25, 1),
        (1, 1),
        (1.5, 1.5),
        (60, 60),
        (3600, 3600),
        (3600.5, 3600),
        (86_400, 3600),
        (31_536_000, 3600),
        (1e300, 3600),
        (float("inf"), 3600),
        (-5, 1),
    ],
)
def test_retry_after_is_respected_between_a_second_and_an_hour(hint: float, seconds: float) -> None:
    for errors in (0, 1, 50):
        assert retry_at(now=NOW, errors=errors, hint=hint) - NOW == seconds * SECOND


@given(st.floats(min_value=0, allow_nan=False))
def test_the_next_attempt_is_soon_for_any_retry_after(hint: float) -> None:
    assert SECOND <= retry_at(now=NOW, errors=1, hint=hint) - NOW <= timedelta(hours=1)
