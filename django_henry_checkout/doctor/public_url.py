"""Checks of the shop from outside: a page at its public URL, through the shop's proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse

from django_henry_checkout.doctor.accounts import is_local
from django_henry_checkout.doctor.csp import check_csp
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.doctor.headers import (
    COOP,
    CSP,
    FRAME_OPTIONS,
    OPENER,
    SEPARATING_POLICIES,
    X_FRAME_OPTIONS,
    check_page_headers,
)
from django_henry_checkout.doctor.probes import InterceptedError, probe_middleware
from django_henry_checkout.doctor.webhook_setup import METHOD_NOT_ALLOWED, WEBHOOK_BLOCKED, get_webhooks_path
from django_henry_checkout.exceptions import GatewayUnavailable
from django_henry_checkout.gateway.framing import read_head

SHOP_UNREACHABLE = Check(
    "shop_unreachable",
    Level.ERROR,
    why="Shoppers and Henry may not be able to reach the shop either: the cause may be DNS, the "
    "certificate, a proxy or a firewall.",
    fix="Open the URL in a browser, and read the logs of the proxy and of the web server. Some networks do "
    "not let a server reach its own public address; then run the doctor without --url.",
)
NO_TLS = Check(
    "no_tls",
    Level.ERROR,
    why="Over plain http browsers send no secure cookies and offer no payment features, and anyone on the "
    "network can read along.",
    fix="Let the proxy terminate TLS for the shop, and redirect http to https.",
)
CHECKS = (SHOP_UNREACHABLE, NO_TLS)
#: From this status on, the response is not a page.
FIRST_REDIRECT = 300


def build_probes(url: str) -> tuple[Probe, ...]:
    """Return the probes of a page that holds the checkout, and of the app's own URLs on that host."""
    return tuple(
        _bind(probe, url) for probe in (probe_public_page, probe_public_framing, probe_public_webhooks)
    )


def _bind(probe: Callable[[str], Iterator[Finding]], url: str) -> Probe:
    @wraps(probe)
    def bound() -> Iterator[Finding]:
        return probe(url)

    return bound


def probe_public_page(url: str) -> Iterator[Finding]:
    """Check the page as browsers receive it."""
    own = _get_origin(url)
    if own.startswith("http:") and not is_local(url):
        yield NO_TLS.finding(f"{own} uses plain http.")
    try:
        status, headers = read_head(url)
    except GatewayUnavailable as error:
        yield SHOP_UNREACHABLE.finding(f"{own} could not be reached ({error}).")
        return
    if status >= FIRST_REDIRECT:
        yield SHOP_UNREACHABLE.finding(
            f"The page at {own} responds with {status}; use a page that a guest may see."
        )
        return
    policy = headers.get(OPENER, "").strip().lower()
    if policy in SEPARATING_POLICIES:
        yield COOP.finding(f"The page is sent with {OPENER}: {policy}.")
    yield from check_page_headers(headers)
    yield from check_csp(headers.get(CSP, ""), own=own)


def probe_public_framing(url: str) -> Iterator[Finding]:
    """Compare X-Frame-Options of an API response as it leaves Django with what arrives."""
    try:
        inside = probe_middleware().headers.get(FRAME_OPTIONS, "")
        status, headers = read_head(f"{_get_origin(url)}{reverse('henry_checkout:api-schema')}")
    except (GatewayUnavailable, InterceptedError, NoReverseMatch):  # reported by other probes
        return
    outside = headers.get(FRAME_OPTIONS, "")
    if outside != inside and status < FIRST_REDIRECT:
        yield X_FRAME_OPTIONS.finding(
            f"A proxy changes {FRAME_OPTIONS} from {inside or 'nothing'!r} to {outside or 'nothing'!r}."
        )


def probe_public_webhooks(url: str) -> Iterator[Finding]:
    """Send a GET to the webhook URL from outside; the view responds with 405."""
    try:
        path = get_webhooks_path()
        status, _headers = read_head(f"{_get_origin(url)}{path}doctor/doctor")
    except (GatewayUnavailable, NoReverseMatch):  # reported by other probes
        return
    if status != METHOD_NOT_ALLOWED:
        found = f"From outside, the webhook URL responds with {status}; the view would respond with 405."
        yield WEBHOOK_BLOCKED.finding(found, path=path)


def _get_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
