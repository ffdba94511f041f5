"""Checks that the Content-Security-Policy of the shop's pages allows the checkout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.accounts import get_accounts
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.doctor.headers import CSP
from django_henry_checkout.doctor.probes import InterceptedError, get_own_host, probe_middleware
from django_henry_checkout.gateway.framing import covers

Policy = Mapping[str, Sequence[str]]
STATIC_FILES = ("henry_checkout/henry-checkout.js", "henry_checkout/checkout.css")
_FIX = "Add {sources} to `{directive}`; docs/reference/embedding.md shows a strict policy that works."

CSP_SCRIPT = Check(
    "csp_script",
    Level.WARNING,
    why="The browser does not load the checkout's scripts: shoppers get plain forms and pages without a "
    "dialog.",
    fix=_FIX,
)
CSP_STYLE = Check(
    "csp_style", Level.WARNING, why="The checkout's elements appear without their styles.", fix=_FIX
)
CSP_CONNECT = Check(
    "csp_connect",
    Level.WARNING,
    why="The checkout's scripts cannot get the state of a payment from the shop's server, and wait for it "
    "without end.",
    fix=_FIX,
)
CSP_FRAME = Check(
    "csp_frame",
    Level.WARNING,
    why="The payment frame stays empty, and the checkout falls back to a window or leaves the page.",
    fix=_FIX,
)
CSP_FORM = Check(
    "csp_form",
    Level.ERROR,
    why="The browser does not submit the checkout's forms: without scripts shoppers cannot pay.",
    fix=_FIX,
)
STATIC_FILES_MISSING = Check(
    "static_files",
    Level.ERROR,
    why="Pages with the checkout's template tags fail with an error, or have no scripts and styles.",
    fix="Add django.contrib.staticfiles to INSTALLED_APPS and run `python manage.py collectstatic`.",
)
CHECKS = (CSP_SCRIPT, CSP_STYLE, CSP_CONNECT, CSP_FRAME, CSP_FORM, STATIC_FILES_MISSING)
_FALLBACKS = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "style-src": ("style-src-elem", "style-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
    "form-action": ("form-action",),
}


def probe_csp() -> Iterator[Finding]:
    """Check the policy of a page whose view sets none."""
    try:
        header = probe_middleware().headers.get(CSP, "")
    except InterceptedError:  # reported by probe_opener_policy
        return
    yield from check_csp(header, own=f"https://{get_own_host()}")


def check_csp(header: str, *, own: str) -> Iterator[Finding]:
    """Find directives that block the checkout on a page; `own` is the origin of that page."""
    try:
        script, style = [_get_origin(static(name)) or own for name in STATIC_FILES]
    except (ValueError, ImproperlyConfigured) as error:  # not in the manifest, or no STATIC_URL
        yield STATIC_FILES_MISSING.finding(
            f"The static files storage does not have this app's files ({type(error).__name__})."
        )
        return
    needs = (
        (CSP_SCRIPT, "script-src", {script}),
        (CSP_STYLE, "style-src", {style}),
        (CSP_CONNECT, "connect-src", {own}),
        (CSP_FRAME, "frame-src", {own, *_framed_origins()}),
        (CSP_FORM, "form-action", {own}),
    )
    for check, directive, origins in needs:
        missing = sorted(
            {
                origin
                for policy in _parse_policies(header)
                for origin in origins
                if not _allows(policy, directive, origin, own)
            }
        )
        if missing:
            sources = " ".join("'self'" if origin == own else origin for origin in missing)
            yield check.finding(
                f"The {CSP} of the shop's pages does not allow {sources} in {directive}.",
                sources=sources,
                directive=directive,
            )


def _framed_origins() -> Iterator[str]:
    """Yield the origins that the inline form frames directly: those of Henry's card pages."""
    card_page = _get_origin(app_settings.CARD_ELEMENT.get("url", ""))
    if card_page:
        yield card_page
    for account in get_accounts():
        if account.api_version == "v0":  # the only version with a page that collects a card
            yield from account.checkout_origins


def _parse_policies(header: str) -> Iterator[Policy]:
    """Parse the header: it may hold several policies, separated by commas, and all of them apply."""
    for text in header.split(","):
        parts = [directive.split() for directive in text.split(";")]
        yield {name.lower(): sources for name, *sources in filter(None, parts)}


def _allows(policy: Policy, directive: str, origin: str, own: str) -> bool:
    sources = next((policy[name] for name in _FALLBACKS[directive] if name in policy), None)
    if sources is None:
        return True
    if directive in {"script-src", "style-src"} and any(source.startswith("'nonce-") for source in sources):
        return True  # the template tags add the nonce
    return any(covers(_without_path(source.lower()), origin, own=own) for source in sources)


def _without_path(source: str) -> str:
    scheme, separator, rest = source.rpartition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}"


def _get_origin(url: str) -> str:
    """Return the origin of a URL; "" for a URL of the shop itself."""
    parts = urlsplit(url)
    return f"{parts.scheme or 'https'}://{parts.netloc}".lower() if parts.netloc else ""


PROBES: tuple[Probe, ...] = (probe_csp,)
