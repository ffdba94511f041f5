"""Quotes from details jobs: waiting for them, adding them up, and never guessing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moneyed import Money

from django_henry_checkout.exceptions import BadResponse, GatewayTimeout, GatewayUnavailable, Rejected
from django_henry_checkout.gateway import details_jobs
from django_henry_checkout.gateway.details_jobs import follow_jobs, quote_of
from django_henry_checkout.types import (
    Costs,
    DetailsJob,
    ItemDetails,
    LineItem,
    MerchantQuote,
    ShippingOption,
)

BOOTS = LineItem(link="https://fernhill.example/boots")
BEANIE = LineItem(link="https://fernhill.example/beanie")
MUG = LineItem(link="https://kiln.example/mug")
STANDARD = ShippingOption(option_id="standard", name="Standard", cost=Money("6.00", "USD"))
EXPRESS = ShippingOption(option_id="express", name="Express", cost=Money("14.00", "USD"))


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def details(total: Money | None, *options: ShippingOption, **costs: Any) -> ItemDetails:
    coupons = costs.pop("coupons", ())
    return ItemDetails(shipping_options=options, costs=Costs(total=total, **costs), coupons=coupons)


def job(
    *items: ItemDetails, ref_id: str = "ckd-ref_1", status: str = "complete", error: str = ""
) -> DetailsJob:
    return DetailsJob(ref_id=ref_id, status=status, items=items, error=error)


# Polling jobs ------------------------------------------------------------------------------------


class Clock:
    """A clock that moves only by `sleep()`, or when a test advances it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(details_jobs, "time", SimpleNamespace(monotonic=found.monotonic, sleep=found.sleep))
    return found


def answers(script: dict[str, list[str]], read: list[str]) -> Callable[[str], DetailsJob]:
    """Return a reader that answers with the next status of a job; the last one is repeated."""

    def answer(ref_id: str) -> DetailsJob:
        read.append(ref_id)
        left = script[ref_id]
        return job(ref_id=ref_id, status=left.pop(0) if len(left) > 1 else left[0])

    return answer


def never(_ref_id: str) -> DetailsJob:
    raise AssertionError("a job that had ended was read")


@pytest.mark.parametrize("number", [0, details_jobs.MAX_JOBS + 1])
@pytest.mark.parametrize("status", ["complete", "pending", "failed"])
def test_no_jobs_or_too_many_jobs_are_a_bad_response(clock: Clock, number: int, status: str) -> None:
    with pytest.raises(BadResponse):
        follow_jobs([job(status=status)] * number, never, seconds=20)
    assert clock.slept == []


def test_the_maximum_number_of_jobs_is_polled(clock: Clock) -> None:
    jobs = [job(ref_id=str(number)) for number in range(details_jobs.MAX_JOBS)]
    assert follow_jobs(jobs, never, seconds=0) == tuple(jobs)
    assert clock.slept == []


def test_only_running_jobs_are_read_and_their_order_is_kept(clock: Clock) -> None:
    read: list[str] = []
    script = {"b": ["pending", "processing", "complete"], "c": ["processing", "complete"]}
    jobs = [job(ref_id="a"), job(ref_id="b", status="pending"), job(ref_id="c", status="processing")]
    ended = follow_jobs(jobs, answers(script, read), seconds=20)
    assert [(each.ref_id, each.status) for each in ended] == [(name, "complete") for name in "abc"]
    assert read == ["b", "c", "b", "c", "b"]
    assert len(clock.slept) == 3


def test_pauses_grow_up_to_a_maximum(clock: Clock) -> None:
    script = {"a": ["pending"] * 9 + ["complete"]}
    follow_jobs([job(ref_id="a", status="pending")], answers(script, []), seconds=60)
    assert len(clock.slept) == 10
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[0] == details_jobs.FIRST_PAUSE
    assert clock.slept[-1] == details_jobs.LONGEST_PAUSE
    assert clock.slept[1] < details_jobs.LONGEST_PAUSE


@pytest.mark.parametrize("seconds", [0, 0.1, 0.2, 0.49, 0.51, 3, 20])
def test_a_job_that_does_not_end_times_out(clock: Clock, seconds: float) -> None:
    read: list[str] = []
    with pytest.raises(GatewayTimeout) as caught:
        follow_jobs(
            [job(ref_id="a", status="pending")], answers({"a": ["processing"]}, read), seconds=seconds
        )
    assert not caught.value.maybe_sent
    assert sum(clock.slept) <= seconds < sum(clock.slept) + details_jobs.LONGEST_PAUSE
    assert len(read) == len(clock.slept)


def test_many_slow_reads_do_not_exceed_the_timeout(clock: Clock) -> None:
    def slow(ref_id: str) -> DetailsJob:
        clock.now += 10
        return job(ref_id=ref_id, status="pending")

    jobs = [job(ref_id=str(number), status="pending") for number in range(details_jobs.MAX_JOBS)]
    with pytest.raises(GatewayTimeout):
        follow_jobs(jobs, slow, seconds=20)
    assert clock.now - 1000 <= 40


def test_the_time_of_reads_counts_towards_the_timeout(clock: Clock) -> None:
    read: list[str] = []

    def slow(ref_id: str) -> DetailsJob:
        clock.now += 3
        read.append(ref_id)
        return job(ref_id=ref_id, status="pending")

    with pytest.raises(GatewayTimeout):
        follow_jobs([job(ref_id="a", status="pending")], slow, seconds=5)
    assert read == ["a", "a"]


@pytest.mark.parametrize(("error", "reason"), [("not_shippable", "not_shippable"), ("", "no reason")])
def test_a_failed_job_is_a_refusal_with_its_code(clock: Clock, error: str, reason: str) -> None:
    jobs = [job(details(usd("1"))), job(status="failed", error=error)]
    with pytest.raises(Rejected, match=reason):
        follow_jobs(jobs, never, seconds=20)


def test_a_job_that_fails_later_is_a_refusal_too(clock: Clock) -> None:
    with pytest.raises(Rejected):
        follow_jobs(
            [job(ref_id="a", status="pending")], answers({"a": ["processing", "failed"]}, []), seconds=20
        )


def test_a_gateway_error_of_a_read_is_raised(clock: Clock) -> None:
    def broken(_ref_id: str) -> DetailsJob:
        raise GatewayUnavailable("Henry could not be reached.")

    with pytest.raises(GatewayUnavailable):
        follow_jobs([job(status="pending")], broken, seconds=20)


# Adding up ---------------------------------------------------------------------------------------


def test_all_parts_of_all_items_of_all_jobs_are_added() -> None:
    def item(number: int) -> ItemDetails:
        parts = {"subtotal": 10, "tax": 3, "shipping": 2, "discount": 1}
        return details(
            usd(str(14 * number)), **{name: usd(str(part * number)) for name, part in parts.items()}
        )

    quote = quote_of([job(item(1), item(100)), job(item(10_000))], [BOOTS, BEANIE, MUG])
    assert quote.costs == Costs(
        total=usd("141414"),
        subtotal=usd("101010"),
        tax=usd("30303"),
        shipping=usd("20202"),
        discount=usd("10101"),
    )
    assert quote.token == ""


@given(st.lists(st.decimals(min_value=0, max_value=10**6, places=4), min_size=1, max_size=20))
def test_no_part_of_a_cent_is_lost(amounts: list[Decimal]) -> None:
    quote = quote_of([job(*(details(Money(amount, "USD")) for amount in amounts))], [BOOTS])
    assert quote.costs.total == Money(sum(amounts, Decimal(0)), "USD")


@pytest.mark.parametrize("totals", [(None,), (usd("1"), None), (None, usd("1"))])
def test_an_unknown_total_is_a_bad_response(totals: Sequence[Money | None]) -> None:
    with pytest.raises(BadResponse):
        quote_of([job(*(details(total) for total in totals))], [BOOTS])
    with pytest.raises(BadResponse):
        quote_of([job(details(total)) for total in totals], [BOOTS, MUG])


def test_totals_in_two_currencies_are_a_bad_response() -> None:
    with pytest.raises(BadResponse, match="currencies"):
        quote_of([job(details(usd("1"))), job(details(Money(1, "EUR")))], [BOOTS, MUG])


@pytest.mark.parametrize("tax", [None, Money(1, "EUR")])
def test_a_part_that_one_item_lacks_is_none(tax: Money | None) -> None:
    items = [
        details(usd("5"), tax=usd("1"), shipping=usd("2")),
        details(usd("5"), tax=tax, shipping=usd("2")),
    ]
    costs = quote_of([job(*items)], [BOOTS, BEANIE]).costs
    assert (costs.total, costs.tax, costs.shipping) == (usd("10"), None, usd("4"))


@pytest.mark.parametrize("jobs", [[], [job()], [job(), job()]])
def test_jobs_without_items_are_a_bad_response(jobs: Sequence[DetailsJob]) -> None:
    with pytest.raises(BadResponse):
        quote_of(jobs, [BOOTS])


def test_one_job_without_items_is_a_bad_response() -> None:
    with pytest.raises(BadResponse):
        quote_of([job(details(usd("5"))), job()], [BOOTS, MUG])


def test_each_coupon_is_returned_once() -> None:
    coupons = (("SAVE10", True), ("NONSENSE", False))
    quote = quote_of(
        [job(details(usd("1"), coupons=coupons), details(usd("1"), coupons=coupons)), job(details(usd("1")))],
        [BOOTS, BEANIE, MUG],
    )
    assert quote.coupons == coupons


# Merchants of jobs -------------------------------------------------------------------------------


def test_jobs_belong_to_hosts_in_the_order_of_the_cart() -> None:
    jobs = [
        job(details(usd("1"), STANDARD, EXPRESS, shipping=usd("2")), details(usd("1"), shipping=usd("3"))),
        job(details(usd("1"), EXPRESS, shipping=usd("14"))),
    ]
    assert quote_of(jobs, [BOOTS, MUG, BEANIE]).merchants == (
        MerchantQuote(
            host="fernhill.example",
            links=(BOOTS.link, BEANIE.link),
            shipping=usd("5"),
            options=(STANDARD, EXPRESS),
        ),
        MerchantQuote(host="kiln.example", links=(MUG.link,), shipping=usd("14"), options=(EXPRESS,)),
    )


@pytest.mark.parametrize(("number", "items"), [(3, [BOOTS, MUG]), (2, [BOOTS, BEANIE]), (1, [])])
def test_if_the_numbers_differ_only_the_sums_are_used(number: int, items: Sequence[LineItem]) -> None:
    quote = quote_of([job(details(usd("5"), STANDARD, shipping=usd("6")))] * number, items)
    assert quote.merchants == ()
    assert quote.costs.total == usd(str(5 * number))
    assert quote.costs.shipping == usd(str(6 * number))


def test_a_quote_without_one_merchant_is_a_bad_response() -> None:
    with pytest.raises(BadResponse):
        quote_of([job(details(usd("5"), STANDARD, shipping=usd("6")))], [BOOTS, MUG])
    whole = quote_of([job(details(usd("5")), details(usd("7")))], [BOOTS, MUG])
    assert whole.costs.total == usd("12")


def test_one_host_in_two_spellings_is_one_merchant() -> None:
    shouted = LineItem(link="https://FERNHILL.example:443/flask")
    (merchant,) = quote_of([job(details(usd("1"), STANDARD))], [BOOTS, shouted]).merchants
    assert (merchant.host, merchant.links) == ("fernhill.example", (BOOTS.link, shouted.link))


def test_an_option_that_several_items_have_is_offered_once() -> None:
    jobs = [job(details(usd("1"), STANDARD, EXPRESS), details(usd("1"), EXPRESS, STANDARD))]
    (merchant,) = quote_of(jobs, [BOOTS, BEANIE]).merchants
    assert merchant.options == (STANDARD, EXPRESS)


def test_unknown_shipping_is_not_free() -> None:
    (merchant,) = quote_of([job(details(usd("1"), STANDARD))], [BOOTS]).merchants
    assert merchant.shipping is None
