"""A quote out of details jobs: both v1 generations work it out in the background, one job per merchant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from moneyed import Money

from django_henry_checkout.exceptions import BadResponse, GatewayTimeout, Rejected
from django_henry_checkout.types import Costs, DetailsJob, HenryQuote, ItemDetails, LineItem, MerchantQuote

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 1.0
#: More jobs than that are no answer to one cart.
MAX_JOBS = 100

#: Any other word, a new one too, says that the job goes on.
_ENDED = frozenset({"complete", "failed"})


def follow_jobs(
    jobs: Sequence[DetailsJob], read: Callable[[str], DetailsJob], *, seconds: float
) -> tuple[DetailsJob, ...]:
    """Read jobs until all have ended.

    Raises:
        GatewayTimeout: they had not after `seconds`.
        Rejected: one of them failed.
    """
    if not 0 < len(jobs) <= MAX_JOBS:
        raise BadResponse("Henry's answer holds no details job, or absurdly many.")
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    found = list(jobs)
    while not all(job.status in _ENDED for job in found):
        _refuse_if_failed(found)
        if time.monotonic() + pause > deadline:
            raise GatewayTimeout("Henry is still working out what this costs.", maybe_sent=False)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        for at, job in enumerate(found):
            if job.status not in _ENDED and time.monotonic() <= deadline:
                found[at] = read(job.ref_id)
    _refuse_if_failed(found)
    return tuple(found)


def _refuse_if_failed(jobs: Sequence[DetailsJob]) -> None:
    failed = next((job for job in jobs if job.status == "failed"), None)
    if failed is not None:
        raise Rejected(f"Henry could not work out a quote ({failed.error or 'no reason'}).")


def quote_of(jobs: Sequence[DetailsJob], items: Sequence[LineItem]) -> HenryQuote:
    """Add up jobs that have ended.

    Which merchant a job belongs to is not said (henry-api.md 3.3): one job per host, in the order of the
    cart, is inferred. Where the numbers do not agree, no shipping is offered, and only the sums count.
    """
    if not all(job.items for job in jobs):
        raise BadResponse("A part of Henry's quote holds no item.")
    details = [item for job in jobs for item in job.items]
    hosts = {urlsplit(item.link).hostname for item in items}
    if len(jobs) < len(hosts) and len(details) < len(items):
        raise BadResponse("Henry's quote leaves out a part of the cart.")
    return HenryQuote(
        costs=_added(details),
        merchants=tuple(_merchants(jobs, items)),
        coupons=_coupons(details),
    )


def _coupons(details: Sequence[ItemDetails]) -> tuple[tuple[str, bool], ...]:
    """Return each coupon once: it counts if one merchant takes it."""
    found: dict[str, bool] = {}
    for code, counts in (coupon for item in details for coupon in item.coupons):
        found[code] = found.get(code, False) or counts
    return tuple(found.items())


def _merchants(jobs: Sequence[DetailsJob], items: Sequence[LineItem]) -> Iterator[MerchantQuote]:
    links: dict[str, list[str]] = {}
    for item in items:
        links.setdefault(urlsplit(item.link).hostname or "", []).append(item.link)
    if len(jobs) != len(links):
        return
    for job, (host, own) in zip(jobs, links.items(), strict=True):
        offered = {option.option_id: option for item in job.items for option in item.shipping_options}
        yield MerchantQuote(
            host=host,
            links=tuple(own),
            shipping=_sum([item.costs.shipping for item in job.items]),
            options=tuple(offered.values()),
        )


def _added(details: Sequence[ItemDetails]) -> Costs:
    total = _sum([item.costs.total for item in details])
    if total is None:
        raise BadResponse("Henry's quote leaves the total of an item open, or mixes currencies.")
    names = ("subtotal", "tax", "shipping", "discount")
    return Costs(
        total=total, **{name: _sum([getattr(item.costs, name) for item in details]) for name in names}
    )


def _sum(parts: Sequence[Money | None]) -> Money | None:
    """Add up; None if a part is not known, or if the currencies differ."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts) or len({part.currency for part in known}) > 1:
        return None
    return sum(known[1:], known[0])
