"""The shop as browsers get it: through its proxies, at an address that is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse

from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.doctor.keys import is_here
from django_henry_checkout.doctor.policies import judge_policy
from django_henry_checkout.doctor.probes import UnseenError, after_middleware
from django_henry_checkout.doctor.web import (
    COOP,
    CUTTING,
    FRAME_OPTIONS,
    FRAME_OPTIONS_ADDED,
    OPENER,
    POLICY,
    judge_page,
)
from django_henry_checkout.doctor.webhooks import BLOCKED, METHOD_NOT_ALLOWED, webhooks_path
from django_henry_checkout.exceptions import GatewayUnavailable
from django_henry_checkout.gateway.framing import read_head

SHOP_AWAY = Trap(
    "shop_away",
    Level.ERROR,
    why="What this machine cannot reach, shoppers and Henry may not reach either: DNS, certificate, proxy or firewall.",
    fix="Open the address in a browser, and see the log of the proxy and of the web server. Some networks do not let a "
    "server reach its own outer address; then run the doctor without --url.",
)
NO_TLS = Trap(
    "no_tls",
    Level.ERROR,
    why="Browsers keep secure cookies and payment to themselves on plain http, and whoever listens reads along.",
    fix="Let the proxy end TLS for the shop, and lead http to https.",
)
TRAPS = (SHOP_AWAY, NO_TLS)
#: Statuses from here on are no page.
REDIRECTS = 300


def looks_at(url: str) -> tuple[Look, ...]:
    """Return the looks at a page that holds the checkout, and at our own addresses beside it."""
    return tuple(_at(look, url) for look in (page_is_sent_well, frames_pass_proxies, webhooks_are_let_in))


def _at(look: Callable[[str], Iterator[Finding]], url: str) -> Look:
    @wraps(look)
    def bound() -> Iterator[Finding]:
        return look(url)

    return bound


def page_is_sent_well(url: str) -> Iterator[Finding]:
    """Look at the page as it arrives."""
    own = _origin(url)
    if own.startswith("http:") and not is_here(url):
        yield NO_TLS.found(f"{own} is plain http.")
    try:
        status, headers = read_head(url)
    except GatewayUnavailable as trouble:
        yield SHOP_AWAY.found(f"{own} could not be asked ({trouble}).")
        return
    if status >= REDIRECTS:
        yield SHOP_AWAY.found(f"The page at {own} answers {status}; name one that a guest may see.")
        return
    said = headers.get(OPENER, "").strip().lower()
    if said in CUTTING:
        yield COOP.found(f"The page is sent with {OPENER}: {said}.")
    yield from judge_page(headers)
    yield from judge_policy(headers.get(POLICY, ""), own=own)


def frames_pass_proxies(url: str) -> Iterator[Finding]:
    """Compare a header of an answer of ours, as it leaves Django, with what arrives."""
    try:
        inside = after_middleware().headers.get(FRAME_OPTIONS, "")
        status, headers = read_head(f"{_origin(url)}{reverse('henry_checkout:api-schema')}")
    except (GatewayUnavailable, UnseenError, NoReverseMatch):  # other looks say so
        return
    outside = headers.get(FRAME_OPTIONS, "")
    if outside != inside and status < REDIRECTS:
        yield FRAME_OPTIONS_ADDED.found(
            f"A proxy changes {FRAME_OPTIONS} from {inside or 'nothing'!r} to {outside or 'nothing'!r}."
        )


def webhooks_are_let_in(url: str) -> Iterator[Finding]:
    """Send a GET to the address of webhooks from outside; our view answers 405."""
    try:
        path = webhooks_path()
        status, _headers = read_head(f"{_origin(url)}{path}doctor/doctor")
    except (GatewayUnavailable, NoReverseMatch):  # other looks say so
        return
    if status != METHOD_NOT_ALLOWED:
        found = f"From outside the address of webhooks answers {status}, where the view says 405."
        yield BLOCKED.found(found, path=path)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
