"""Whether the shop's Content-Security-Policy lets the checkout work on the shop's pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.doctor.keys import accounts
from django_henry_checkout.doctor.probes import UnseenError, after_middleware, own_host
from django_henry_checkout.doctor.web import POLICY
from django_henry_checkout.gateway.framing import covers

Policy = Mapping[str, Sequence[str]]
STATIC_FILES = ("henry_checkout/henry-checkout.js", "henry_checkout/checkout.css")
_FIX = "Add {sources} to `{directive}`; docs/reference/embedding.md shows a policy that is strict and enough."

SCRIPT = Trap(
    "csp_script",
    Level.WARNING,
    why="The browser does not load the checkout's scripts: shoppers get plain forms and pages without a dialog.",
    fix=_FIX,
)
STYLE = Trap("csp_style", Level.WARNING, why="The checkout's parts appear without their style.", fix=_FIX)
CONNECT = Trap(
    "csp_connect",
    Level.WARNING,
    why="The checkout's scripts cannot ask the shop's server how a payment stands, and wait for ever.",
    fix=_FIX,
)
FRAME = Trap(
    "csp_frame",
    Level.WARNING,
    why="The payment frame stays empty, and the checkout steps down to a window or leaves the page.",
    fix=_FIX,
)
FORM = Trap(
    "csp_form",
    Level.ERROR,
    why="The browser does not send the checkout's forms: without scripts nobody can pay.",
    fix=_FIX,
)
STATIC = Trap(
    "static_files",
    Level.ERROR,
    why="Pages with the checkout's tags end with an error, or come without script and style.",
    fix="Add django.contrib.staticfiles to INSTALLED_APPS and run `python manage.py collectstatic`.",
)
TRAPS = (SCRIPT, STYLE, CONNECT, FRAME, FORM, STATIC)
_FALLBACKS = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "style-src": ("style-src-elem", "style-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
    "form-action": ("form-action",),
}


def policy_lets_the_checkout_work() -> Iterator[Finding]:
    """Look at the policy that a page of the shop gets where its view sets none."""
    try:
        said = after_middleware().headers.get(POLICY, "")
    except UnseenError:  # another look says so
        return
    yield from judge_policy(said, own=f"https://{own_host()}")


def judge_policy(said: str, *, own: str) -> Iterator[Finding]:
    """Look at the policy of a page that holds the checkout; `own` is the origin of that page."""
    try:
        script, style = [_origin(static(name)) or own for name in STATIC_FILES]
    except (ValueError, ImproperlyConfigured) as error:  # a manifest that lacks them, or no place for one
        yield STATIC.found(f"Static files of this app are not known to the storage ({type(error).__name__}).")
        return
    needs = (
        (SCRIPT, "script-src", {script}),
        (STYLE, "style-src", {style}),
        (CONNECT, "connect-src", {own}),
        (FRAME, "frame-src", {own, *_frames()}),
        (FORM, "form-action", {own}),
    )
    for trap, directive, origins in needs:
        missing = sorted(
            {
                origin
                for policy in _policies(said)
                for origin in origins
                if not _allows(policy, directive, origin, own)
            }
        )
        if missing:
            sources = " ".join("'self'" if origin == own else origin for origin in missing)
            yield trap.found(
                f"The {POLICY} of the shop's pages does not let {directive} go to {sources}.",
                sources=sources,
                directive=directive,
            )


def _frames() -> Iterator[str]:
    """Yield the origins that the inline form frames directly: a card page of Henry's."""
    card_page = _origin(app_settings.CARD_ELEMENT.get("url", ""))
    if card_page:
        yield card_page
    for account in accounts():
        if account.api_version == "v0":  # the one generation with a page that collects a card
            yield from account.checkout_origins


def _policies(said: str) -> Iterator[Policy]:
    """Read the header: several policies are separated by commas, and each must be kept."""
    for text in said.split(","):
        parts = [directive.split() for directive in text.split(";")]
        yield {name.lower(): sources for name, *sources in filter(None, parts)}


def _allows(policy: Policy, directive: str, origin: str, own: str) -> bool:
    sources = next((policy[name] for name in _FALLBACKS[directive] if name in policy), None)
    if sources is None:
        return True
    if directive in {"script-src", "style-src"} and any(source.startswith("'nonce-") for source in sources):
        return True  # the tags carry it
    return any(covers(_without_path(source.lower()), origin, own=own) for source in sources)


def _without_path(source: str) -> str:
    scheme, separator, rest = source.rpartition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}"


def _origin(url: str) -> str:
    """Return the origin of an address, "" for one on the shop itself."""
    parts = urlsplit(url)
    return f"{parts.scheme or 'https'}://{parts.netloc}".lower() if parts.netloc else ""


LOOKS: tuple[Look, ...] = (policy_lets_the_checkout_work,)
