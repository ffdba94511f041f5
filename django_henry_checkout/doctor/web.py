"""What headers of the shop's pages do to payment windows, frames and addresses with a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.urls import get_resolver

from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.doctor.probes import MIDDLEWARE_ANSWERS, UnseenError, after_middleware

OPENER = "Cross-Origin-Opener-Policy"
EMBEDDER = "Cross-Origin-Embedder-Policy"
POLICY = "Content-Security-Policy"
FRAME_OPTIONS = "X-Frame-Options"
POPUPS = "same-origin-allow-popups"
CUTTING = frozenset({"same-origin", "same-origin-plus-coep", "noopener-allow-popups"})
#: A storefront of another site, as FRAME_ANCESTORS may name it.
STRANGER = "https://storefront.example"
#: Policies that send whole addresses to other sites.
LEAKY = frozenset({"unsafe-url", "no-referrer-when-downgrade"})
#: URL patterns are looked through this deep.
DEPTH = 12

COOP = Trap(
    "coop",
    Level.WARNING,
    why="A payment window that such a page opens loses touch with it and looks closed at once: the page can neither "
    "follow nor close it, and learns of the payment by asking only.",
    fix="Put `@opens_popups` (django_henry_checkout.views.headers) on the views whose pages hold the checkout button, "
    'or have them send Cross-Origin-Opener-Policy: same-origin-allow-popups. If you want it so, add "henry_doctor.coop" '
    "to SILENCED_SYSTEM_CHECKS.",
)
COOP_OVERWRITTEN = Trap(
    "coop_overwritten",
    Level.WARNING,
    why="What @opens_popups and the payment pages say about windows is lost, and payment windows lose touch with "
    "the page that opened them.",
    fix="Have the middleware that sets it use `response.headers.setdefault`, as Django's SecurityMiddleware does.",
)
COEP = Trap(
    "coep",
    Level.WARNING,
    why="An isolated page cannot show frames of others that do not opt in, as Henry's page would have to.",
    fix="Do not send Cross-Origin-Embedder-Policy on pages that hold the checkout.",
)
FRAME_OPTIONS_ADDED = Trap(
    "x_frame_options",
    Level.ERROR,
    why="X-Frame-Options knows no list of origins: browsers show an empty box in place of the payment frame.",
    fix="Have the middleware that adds it leave out answers whose `xframe_options_exempt` is true, as Django's "
    "XFrameOptionsMiddleware does; the pages of this app that must not be framed say so themselves. A proxy "
    "must leave out /henry/frame/ and /henry/api/ (or where else you have put them).",
)
FRAME_POLICY = Trap(
    "frame_ancestors",
    Level.ERROR,
    why="The wrapper page says itself who may frame it, and where its own frame may go. Changed, the payment "
    "frame stays empty, or strangers may frame it.",
    fix="Have the middleware leave answers alone that bring a Content-Security-Policy of their own, as Django's and "
    "django-csp's do.",
)
PERMISSIONS = Trap(
    "permissions_policy",
    Level.WARNING,
    why="Permissions are handed down: what the shop's page is denied, Henry's frame in it cannot use, whatever the "
    "frame's `allow` says. Wallets and passkeys then fail.",
    fix="Take `{feature}` out of the Permissions-Policy header, or list the origins of CHECKOUT_ORIGINS for it.",
)
REFERRER = Trap(
    "referrer_policy",
    Level.WARNING,
    why="Addresses of orders and links may hold a token, and this policy sends whole addresses to other sites. The "
    "pages of this app say otherwise; pages of yours that a shopper comes back to do not.",
    fix='Set SECURE_REFERRER_POLICY = "same-origin", which is Django\'s default.',
)
TRAPS = (
    COOP, COOP_OVERWRITTEN, COEP, FRAME_OPTIONS_ADDED, FRAME_POLICY, PERMISSIONS, REFERRER, MIDDLEWARE_ANSWERS,
)  # fmt: skip


def windows_keep_touch() -> Iterator[Finding]:
    """Look whether a payment window stays in touch with the page that opens it."""
    try:
        plain, marked = after_middleware(), after_middleware({OPENER: POPUPS})
    except UnseenError as unseen:
        yield unseen.finding()
        return
    said = plain.headers.get(OPENER, "").strip().lower()
    if said in CUTTING and not _opens_popups(get_resolver().url_patterns):
        yield COOP.found(
            f"Pages are sent with {OPENER}: {said}, and no view of the shop is marked with @opens_popups."
        )
    became = marked.headers.get(OPENER, "")
    if became != POPUPS:
        yield COOP_OVERWRITTEN.found(
            f"A page that says {OPENER}: {POPUPS} is sent with {became or 'nothing'!r}."
        )


def _opens_popups(patterns: Sequence[Any], depth: int = DEPTH) -> bool:
    """Whether some view was given `@opens_popups`, which marks it."""
    return depth > 0 and any(
        getattr(getattr(pattern, "callback", None), "opens_popups", False)
        or _opens_popups(getattr(pattern, "url_patterns", ()), depth - 1)
        for pattern in patterns
    )


def frames_can_be_shown() -> Iterator[Finding]:
    """Look whether the wrapper page leaves the middleware as it was made: with its own list of who may frame it."""
    policy = f"frame-ancestors 'self' {STRANGER}"
    try:
        seen = after_middleware({POLICY: policy}, is_framed=True)
    except UnseenError:  # said once
        return
    if FRAME_OPTIONS in seen.headers:
        yield FRAME_OPTIONS_ADDED.found(
            f"A page that may be framed is sent with {FRAME_OPTIONS}: {seen.headers[FRAME_OPTIONS]}."
        )
    if seen.headers.get(POLICY) != policy:
        yield FRAME_POLICY.found(f"The {POLICY} of a page that may be framed is changed by a middleware.")


def frames_may_pay() -> Iterator[Finding]:
    """Look at what pages deny the frames in them, and at addresses that leak."""
    try:
        seen = after_middleware()
    except UnseenError:  # said once
        return
    yield from judge_page(seen.headers)


def judge_page(headers: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the headers of a page that holds the checkout."""
    isolation = headers.get(EMBEDDER, "").strip().lower()
    if isolation not in {"", "unsafe-none"}:
        yield COEP.found(f"Pages are sent with {EMBEDDER}: {isolation}.")
    said = headers.get("Permissions-Policy", "")
    for feature in ("payment", "publickey-credentials-get"):
        denied = re.search(rf"(?:^|,)\s*{feature}\s*=\s*\(\s*(?:self)?\s*\)", said)
        if denied:
            yield PERMISSIONS.found(
                f"Pages are sent with Permissions-Policy: {denied.group().strip(', ')}.", feature=feature
            )
    policies = [each.strip().lower() for each in headers.get("Referrer-Policy", "").split(",")]
    if policies[-1] in LEAKY:  # browsers take the last that they know
        yield REFERRER.found(f"Pages are sent with Referrer-Policy: {policies[-1]}.")


LOOKS: tuple[Look, ...] = (windows_keep_touch, frames_can_be_shown, frames_may_pay)
