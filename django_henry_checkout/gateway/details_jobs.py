"""Quotes of both v1 generations: Henry calculates them in details jobs, one job per merchant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from moneyed import Money

from django_henry_checkout.exceptions import BadResponse, GatewayTimeout, Rejected
from django_henry_checkout.types import Costs, DetailsJob, HenryQuote, ItemDetails, LineItem, MerchantQuote

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 1.0
#: Upper bound of jobs for one cart, as protection against a wrong answer.
MAX_JOBS = 100

#: With any other status, even an unknown one, the job is still running.
_ENDED = frozenset({"complete", "failed"})


def follow_jobs(
    jobs: Sequence[DetailsJob], read: Callable[[str], DetailsJob], *, seconds: float
) -> tuple[DetailsJob, ...]:
    """Poll jobs until all have ended.

    Raises:
        GatewayTimeout: some were still running after `seconds`.
        Rejected: one of them failed.
    """
    if not 0 < len(jobs) <= MAX_JOBS:
        raise BadResponse("Henry's answer contains no details job, or too many.")
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    found = list(jobs)
    while not all(job.status in _ENDED for job in found):
        _refuse_if_failed(found)
        if time.monotonic() + pause > deadline:
            raise GatewayTimeout("Henry is still calculating the quote.", maybe_sent=False)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        for index, job in enumerate(found):
            if job.status not in _ENDED and time.monotonic() <= deadline:
                found[index] = read(job.ref_id)
    _refuse_if_failed(found)
    return tuple(found)


def _refuse_if_failed(jobs: Sequence[DetailsJob]) -> None:
    failed = next((job for job in jobs if job.status == "failed"), None)
    if failed is not None:
        raise Rejected(f"Henry could not calculate the quote ({failed.error or 'no reason'}).")


def quote_of(jobs: Sequence[DetailsJob], items: Sequence[LineItem]) -> HenryQuote:
    """Return the sum of jobs that have ended.

    Jobs do not name their merchant (henry-api.md 3.3): one job per host, in the order of the cart, is
    inferred. If the numbers differ, no shipping options are offered, and only the sums are used.
    """
    if not all(job.items for job in jobs):
        raise BadResponse("A part of Henry's quote has no items.")
    details = [item for job in jobs for item in job.items]
    hosts = {urlsplit(item.link).hostname for item in items}
    if len(jobs) < len(hosts) and len(details) < len(items):
        raise BadResponse("Henry's quote covers only a part of the cart.")
    return HenryQuote(
        costs=_total_costs(details),
        merchants=tuple(_merchants(jobs, items)),
        coupons=_coupons(details),
    )


def _coupons(details: Sequence[ItemDetails]) -> tuple[tuple[str, bool], ...]:
    """Return each coupon once, as accepted if at least one merchant accepts it."""
    found: dict[str, bool] = {}
    for code, is_accepted in (coupon for item in details for coupon in item.coupons):
        found[code] = found.get(code, False) or is_accepted
    return tuple(found.items())


def _merchants(jobs: Sequence[DetailsJob], items: Sequence[LineItem]) -> Iterator[MerchantQuote]:
    links: dict[str, list[str]] = {}
    for item in items:
        links.setdefault(urlsplit(item.link).hostname or "", []).append(item.link)
    if len(jobs) != len(links):
        return
    for job, (host, host_links) in zip(jobs, links.items(), strict=True):
        offered = {option.option_id: option for item in job.items for option in item.shipping_options}
        yield MerchantQuote(
            host=host,
            links=tuple(host_links),
            shipping=_sum([item.costs.shipping for item in job.items]),
            options=tuple(offered.values()),
        )


def _total_costs(details: Sequence[ItemDetails]) -> Costs:
    total = _sum([item.costs.total for item in details])
    if total is None:
        raise BadResponse("Henry's quote lacks the total of an item, or mixes currencies.")
    names = ("subtotal", "tax", "shipping", "discount")
    return Costs(
        total=total, **{name: _sum([getattr(item.costs, name) for item in details]) for name in names}
    )


def _sum(parts: Sequence[Money | None]) -> Money | None:
    """Return the sum; None if a part is not known, or if the currencies differ."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts) or len({part.currency for part in known}) > 1:
        return None
    return sum(known[1:], known[0])
