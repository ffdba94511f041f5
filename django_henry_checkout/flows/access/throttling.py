"""Throttle calls that cost money. The counts are in the database, so that all processes share them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, timedelta
from ipaddress import ip_address, ip_network

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ConfigurationError, TooManyCalls
from django_henry_checkout.models import CallCount
from django_henry_checkout.models.access import hash_secret

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"(\d+)/(s|m|h|d)[a-z]*")


def parse_rate(text: str) -> tuple[int, timedelta]:
    """Parse a rate such as `20/min` into a number of calls and a window."""
    found = _RATE.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigurationError(f"{text!r} is not a rate; write for example 20/min.")
    return int(found.group(1)), timedelta(seconds=_UNITS[found.group(2)])


def count_call(subjects: Iterable[str], *, rate: str) -> None:
    """Count one call for each subject.

    Raises:
        TooManyCalls: with this call, a subject exceeds the rate.

    Effects: one statement for each subject, in the caller's transaction if there is one.
    """
    limit, window = parse_rate(rate)
    for subject in subjects:
        _count(subject[:200], limit, window)


def count_checkout_request(request: HttpRequest) -> None:
    """Count a form post that costs a call to Henry: per network, and per Django session if there is one.

    Raises:
        TooManyCalls: one of them exceeds its rate.
    """
    throttles = app_settings.API_THROTTLES
    network, session_key = client_network(request), request.session.session_key
    if network:
        count_call([f"checkout:{network}"], rate=throttles["network"])
    if session_key:
        count_call([f"checkout:cookie:{hash_secret(session_key)}"], rate=throttles["checkout"])


def check_rate(subjects: Iterable[str], *, rate: str) -> None:
    """Refuse a call if a subject has used up its rate, without counting the call. One query.

    Raises:
        TooManyCalls: a subject has used up its rate.
    """
    limit, window = parse_rate(rate)
    now = timezone.now()
    names = [subject[:200] for subject in subjects]
    over = CallCount.objects.filter(subject__in=names, window_at__gt=now - window, count__gte=limit)
    window_at = over.values_list("window_at", flat=True).order_by("window_at").last()
    if window_at is not None:
        raise _throttled(window_at + window - now)


def _count(subject: str, limit: int, window: timedelta) -> None:
    """Count in one statement, so that concurrent calls are all counted; the ORM has no upsert that adds."""
    now = timezone.now()
    table = connection.ops.quote_name(CallCount._meta.db_table)  # noqa: SLF001 - Django's public name for it
    adapt = connection.ops.adapt_datetimefield_value
    is_open = f"{table}.window_at > %s"
    upsert = (
        f"INSERT INTO {table} (subject, window_at, count) VALUES (%s, %s, 1)"  # noqa: S608 - the table's own name
        f" ON CONFLICT (subject) DO UPDATE SET count = CASE WHEN {is_open} THEN {table}.count + 1 ELSE 1 END,"
        f" window_at = CASE WHEN {is_open} THEN {table}.window_at ELSE excluded.window_at END"
        " RETURNING count, window_at"
    )
    with connection.cursor() as cursor:
        cursor.execute(upsert, [subject, adapt(now), adapt(now - window), adapt(now - window)])
        count, window_at = cursor.fetchone()
    if count > limit:
        if window_at.tzinfo is None:  # SQLite returns naive UTC
            window_at = window_at.replace(tzinfo=UTC)
        raise _throttled(window_at + window - now)


def _throttled(left: timedelta) -> TooManyCalls:
    return TooManyCalls(retry_after=max(int(left.total_seconds()) + 1, 1))


def client_network(request: HttpRequest) -> str:
    """Return the network of the client, or "" if it is unknown, as behind an unknown proxy.

    NUM_PROXIES is the number of the shop's own proxies that append to `X-Forwarded-For`; without it, that header
    is ignored.
    """
    text = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if app_settings.NUM_PROXIES:
        text = hops[-app_settings.NUM_PROXIES] if len(hops) >= app_settings.NUM_PROXIES else ""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    if not address.is_global:
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))
