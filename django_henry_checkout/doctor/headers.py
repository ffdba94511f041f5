"""Checks of response headers that affect payment windows, frames, and URLs that hold a token."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.urls import get_resolver

from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.doctor.probes import MIDDLEWARE_RESPONDS, InterceptedError, probe_middleware

OPENER = "Cross-Origin-Opener-Policy"
EMBEDDER = "Cross-Origin-Embedder-Policy"
CSP = "Content-Security-Policy"
FRAME_OPTIONS = "X-Frame-Options"
ALLOW_POPUPS = "same-origin-allow-popups"
#: Opener policies that separate a payment window from the page that opened it.
SEPARATING_POLICIES = frozenset({"same-origin", "same-origin-plus-coep", "noopener-allow-popups"})
#: A storefront on another site, as FRAME_ANCESTORS may list it.
OTHER_SITE = "https://storefront.example"
#: Referrer policies that send full URLs to other sites.
LEAKING_POLICIES = frozenset({"unsafe-url", "no-referrer-when-downgrade"})
#: URL patterns are searched to this depth.
MAX_URL_DEPTH = 12

COOP = Check(
    "coop",
    Level.WARNING,
    why="A payment window that such a page opens is cut off from it and looks closed at once: the page can "
    "neither follow nor close the window, and learns about the payment only by polling.",
    fix="Put `@shop.opens_popups` on the views whose pages hold the "
    "checkout button, or have them send Cross-Origin-Opener-Policy: same-origin-allow-popups. If this is "
    "intended, add "
    '"henry_doctor.coop" to SILENCED_SYSTEM_CHECKS.',
)
COOP_OVERWRITTEN = Check(
    "coop_overwritten",
    Level.WARNING,
    why="The header that @opens_popups and the payment pages set is lost, and payment windows are cut off "
    "from the page that opened them.",
    fix="Change the middleware that sets it to use `response.headers.setdefault`, as Django's "
    "SecurityMiddleware does.",
)
COEP = Check(
    "coep",
    Level.WARNING,
    why="A page with this header can only frame pages that opt in, and Henry's page does not.",
    fix="Do not send Cross-Origin-Embedder-Policy on pages that hold the checkout.",
)
X_FRAME_OPTIONS = Check(
    "x_frame_options",
    Level.ERROR,
    why="X-Frame-Options cannot list origins: browsers show an empty box instead of the payment frame.",
    fix="Change the middleware that adds it to skip responses whose `xframe_options_exempt` is true, as "
    "Django's XFrameOptionsMiddleware does; the app's pages that must not be framed set the header "
    "themselves. A proxy must skip /henry/frame/ and /henry/api/ (or the paths where you included them).",
)
FRAME_ANCESTORS = Check(
    "frame_ancestors",
    Level.ERROR,
    why="The wrapper page lists who may frame it, and what it may frame. If the list is changed, the "
    "payment frame stays empty, or other sites may frame it.",
    fix="Change the middleware to keep the Content-Security-Policy of responses that already have one, as "
    "Django's and django-csp's do.",
)
PERMISSIONS_POLICY = Check(
    "permissions_policy",
    Level.WARNING,
    why="A frame has no permission that its page is denied, even if the frame's `allow` lists it. Wallets "
    "and passkeys then fail in Henry's frame.",
    fix="Remove `{feature}` from the Permissions-Policy header, or list the origins of CHECKOUT_ORIGINS for "
    "it.",
)
REFERRER_POLICY = Check(
    "referrer_policy",
    Level.WARNING,
    why="URLs of orders and links may hold a token, and this policy sends full URLs to other sites. The "
    "app's own pages set a safe policy; your pages that a shopper returns to do not.",
    fix='Set SECURE_REFERRER_POLICY = "same-origin", which is Django\'s default.',
)
CHECKS = (
    COOP, COOP_OVERWRITTEN, COEP, X_FRAME_OPTIONS, FRAME_ANCESTORS, PERMISSIONS_POLICY, REFERRER_POLICY,
    MIDDLEWARE_RESPONDS,
)  # fmt: skip


def probe_opener_policy() -> Iterator[Finding]:
    """Check that a payment window stays connected to the page that opens it."""
    try:
        plain, marked = probe_middleware(), probe_middleware({OPENER: ALLOW_POPUPS})
    except InterceptedError as error:
        yield error.finding()
        return
    policy = plain.headers.get(OPENER, "").strip().lower()
    if policy in SEPARATING_POLICIES and not _has_popup_view(get_resolver().url_patterns):
        yield COOP.finding(
            f"Pages are sent with {OPENER}: {policy}, and no view of the shop is decorated with "
            "@opens_popups."
        )
    sent = marked.headers.get(OPENER, "")
    if sent != ALLOW_POPUPS:
        yield COOP_OVERWRITTEN.finding(
            f"A page that sets {OPENER}: {ALLOW_POPUPS} is sent with {sent or 'nothing'!r}."
        )


def _has_popup_view(patterns: Sequence[Any], depth: int = MAX_URL_DEPTH) -> bool:
    """Return whether any view is decorated with `@opens_popups`, which marks it."""
    return depth > 0 and any(
        getattr(getattr(pattern, "callback", None), "opens_popups", False)
        or _has_popup_view(getattr(pattern, "url_patterns", ()), depth - 1)
        for pattern in patterns
    )


def probe_framing() -> Iterator[Finding]:
    """Check that the middleware keeps the headers of the wrapper page, which list who may frame it."""
    policy = f"frame-ancestors 'self' {OTHER_SITE}"
    try:
        page = probe_middleware({CSP: policy}, is_framed=True)
    except InterceptedError:  # reported by probe_opener_policy
        return
    if FRAME_OPTIONS in page.headers:
        yield X_FRAME_OPTIONS.finding(
            f"A page that may be framed is sent with {FRAME_OPTIONS}: {page.headers[FRAME_OPTIONS]}."
        )
    if page.headers.get(CSP) != policy:
        yield FRAME_ANCESTORS.finding(f"A middleware changes the {CSP} of a page that may be framed.")


def probe_page_headers() -> Iterator[Finding]:
    """Check the headers that the middleware adds to pages."""
    try:
        page = probe_middleware()
    except InterceptedError:  # reported by probe_opener_policy
        return
    yield from check_page_headers(page.headers)


def check_page_headers(headers: Mapping[str, str]) -> Iterator[Finding]:
    """Find headers that harm a page that holds the checkout."""
    isolation = headers.get(EMBEDDER, "").strip().lower()
    if isolation not in {"", "unsafe-none"}:
        yield COEP.finding(f"Pages are sent with {EMBEDDER}: {isolation}.")
    permissions = headers.get("Permissions-Policy", "")
    for feature in ("payment", "publickey-credentials-get"):
        denied = re.search(rf"(?:^|,)\s*{feature}\s*=\s*\(\s*(?:self)?\s*\)", permissions)
        if denied:
            yield PERMISSIONS_POLICY.finding(
                f"Pages are sent with Permissions-Policy: {denied.group().strip(', ')}.", feature=feature
            )
    referrer = [each.strip().lower() for each in headers.get("Referrer-Policy", "").split(",")]
    if referrer[-1] in LEAKING_POLICIES:  # browsers use the last one that they know
        yield REFERRER_POLICY.finding(f"Pages are sent with Referrer-Policy: {referrer[-1]}.")


PROBES: tuple[Probe, ...] = (probe_opener_policy, probe_framing, probe_page_headers)
