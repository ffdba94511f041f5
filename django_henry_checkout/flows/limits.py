"""Counts calls that cost money, in the database, so that every process counts in the same place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from django_henry_checkout.conf import settings
from django_henry_checkout.exceptions import ConfigurationError, TooManyCalls
from django_henry_checkout.models import CallCount
from django_henry_checkout.models.tokens import hash_secret

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"(\d+)/(s|m|h|d)[a-z]*")


def read_rate(text: str) -> tuple[int, timedelta]:
    """Read a rate such as `20/min`: how many calls in which window."""
    found = _RATE.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigurationError(f"{text!r} is no rate; write for instance 20/min.")
    return int(found.group(1)), timedelta(seconds=_UNITS[found.group(2)])


def count_call(subjects: Iterable[str], *, rate: str) -> None:
    """Count one call for each subject.

    Raises:
        TooManyCalls: one of them has made more calls than the rate allows, this one included.

    Effects: two or three statements for each subject, outside the caller's transaction if there is none.
    """
    most, window = read_rate(rate)
    for subject in subjects:
        _count(subject[:200], most, window)


def count_page(request: HttpRequest) -> None:
    """Count a form of ours that costs a call to Henry: per network, and per Django session if there is one.

    Raises:
        TooManyCalls: one of them has sent too many.
    """
    throttles = settings.API_THROTTLES
    network, session_key = client_network(request), request.session.session_key
    if network:
        count_call([f"checkout:{network}"], rate=throttles["network"])
    if session_key:
        count_call([f"checkout:cookie:{hash_secret(session_key)}"], rate=throttles["checkout"])


def refuse_if_over(subjects: Iterable[str], *, rate: str) -> None:
    """Refuse a call of somebody who has used up his rate, without counting it. One query.

    Raises:
        TooManyCalls: he has.
    """
    most, window = read_rate(rate)
    now = timezone.now()
    names = [subject[:200] for subject in subjects]
    over = CallCount.objects.filter(subject__in=names, window_at__gt=now - window, count__gte=most)
    window_at = over.values_list("window_at", flat=True).order_by("window_at").last()
    if window_at is not None:
        raise _too_many(window_at + window - now)


def _count(subject: str, most: int, window: timedelta) -> None:
    now = timezone.now()
    rows = CallCount.objects.filter(subject=subject)
    # Each statement decides by itself, so that callers at once are all counted.
    if not rows.filter(window_at__gt=now - window).update(count=F("count") + 1):
        renewed = rows.filter(window_at__lte=now - window).update(window_at=now, count=1)
        if not renewed and not _is_first(subject, now):
            rows.update(count=F("count") + 1)
    # Read back, because callers at once may have counted too; gone if it was pruned in this very moment.
    window_at, count = rows.values_list("window_at", "count").first() or (now, 1)
    if count > most:
        raise _too_many(window_at + window - now)


def _too_many(left: timedelta) -> TooManyCalls:
    return TooManyCalls(retry_after=max(int(left.total_seconds()) + 1, 1))


def _is_first(subject: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            CallCount.objects.create(subject=subject, window_at=now, count=1)
    except IntegrityError:
        return False
    return True


def client_network(request: HttpRequest) -> str:
    """Return the network that a call comes from, or "" where it cannot be told: behind an unknown proxy.

    PROXY_COUNT says how many proxies of the shop's own add themselves to `X-Forwarded-For`; without it that
    header is not believed.
    """
    text = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if settings.PROXY_COUNT:
        text = hops[-settings.PROXY_COUNT] if len(hops) >= settings.PROXY_COUNT else ""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    if not address.is_global:
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))
