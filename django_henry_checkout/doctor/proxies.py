"""Cookies that must survive the way to Henry and back, and what proxies must tell Django."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap

SESSION_SAMESITE = Trap(
    "session_samesite",
    Level.ERROR,
    why="The browser does not send the cookie when a shopper comes back from Henry's page: he is logged out there, and "
    "finds neither cart nor order.",
    fix='Set SESSION_COOKIE_SAMESITE = "Lax", which is Django\'s default.',
)
CSRF_SAMESITE = Trap(
    "csrf_samesite",
    Level.WARNING,
    why="Whoever comes back from Henry's page is given a new token, and forms that he has open elsewhere are refused "
    "with 403.",
    fix='Set CSRF_COOKIE_SAMESITE = "Lax", which is Django\'s default.',
)
COOKIE_DROPPED = Trap(
    "cookie_dropped",
    Level.ERROR,
    why="Browsers throw cookies away that are SameSite=None and not Secure: no cart is kept, no form is accepted.",
    fix='Set {secure} = True, or {samesite} = "Lax": the checkout needs no cookie in frames of other sites.',
)
PROXY_TLS = Trap(
    "proxy_tls",
    Level.WARNING,
    why="Behind a proxy that ends TLS Django takes each request for plain http: return addresses and QR codes begin "
    "with http://, forms are refused with 403 for their Origin, and SECURE_SSL_REDIRECT goes round in circles.",
    fix='Set SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"), and have the proxy set that header and drop '
    'what clients send. Where Django\'s own server ends TLS, add "henry_doctor.proxy_tls" to SILENCED_SYSTEM_CHECKS.',
)
PROXY_HEADER = Trap(
    "proxy_header",
    Level.ERROR,
    why="Django looks for the header under its name in WSGI, so it never finds this one: all is plain http to it, or "
    "each request ends with an error.",
    fix='Write SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"): HTTP_, capitals, underscores.',
)
ANY_HOST = Trap(
    "any_host",
    Level.ERROR,
    why="Return addresses and links are made from the request's host. Whoever sends another one decides where shoppers "
    "are led back to, with a token in the address.",
    fix="Name the shop's hosts in ALLOWED_HOSTS.",
)
NO_HOST = Trap(
    "no_host",
    Level.ERROR,
    why="With DEBUG off Django answers 400 to every request whose host is not named.",
    fix="Name the shop's hosts in ALLOWED_HOSTS.",
)
FORWARDED_HOST = Trap(
    "forwarded_host",
    Level.WARNING,
    why="X-Forwarded-Host is believed, though nothing else says that a proxy of yours sets it: clients can send it.",
    fix="Set USE_X_FORWARDED_HOST = False; or, behind a proxy that overwrites the header, set SECURE_PROXY_SSL_HEADER too.",
)
NUM_PROXIES = Trap(
    "proxy_count",
    Level.WARNING,
    why="All shoppers seem to come from the proxy, whose address is not counted: nothing limits calls by network, such "
    "as those of card testers.",
    fix='Set HENRY_CHECKOUT["NUM_PROXIES"] to the number of your proxies that add to X-Forwarded-For.',
)
URLS = Trap(
    "urls",
    Level.ERROR,
    why="Pages, API and webhooks of the app have no address.",
    fix='Add path("henry/", include("django_henry_checkout.urls")) to the project\'s urls.py.',
)
TRAPS = (
    SESSION_SAMESITE, CSRF_SAMESITE, COOKIE_DROPPED, PROXY_TLS, PROXY_HEADER, ANY_HOST, NO_HOST, FORWARDED_HOST, NUM_PROXIES,
    URLS,
)  # fmt: skip


def cookies_survive_the_way_back() -> Iterator[Finding]:
    """Look at SameSite of the session's and the CSRF token's cookie."""
    for name, strict in (("SESSION", SESSION_SAMESITE), ("CSRF", CSRF_SAMESITE)):
        samesite, secure = f"{name}_COOKIE_SAMESITE", f"{name}_COOKIE_SECURE"
        said = str(getattr(settings, samesite)).lower()
        if name == "CSRF" and settings.CSRF_USE_SESSIONS:
            continue
        if said == "strict":
            yield strict.found(f'{samesite} is "Strict".')
        # None itself means that Django says nothing; browsers then take Lax.
        is_none = getattr(settings, samesite) is not None and said == "none"
        if is_none and not getattr(settings, secure):
            yield COOKIE_DROPPED.found(
                f'{samesite} is "None", and {secure} is off.', samesite=samesite, secure=secure
            )


def proxies_are_known() -> Iterator[Finding]:
    """Look at what Django is told about the proxies before it."""
    trusted: Any = settings.SECURE_PROXY_SSL_HEADER  # whatever somebody has written there
    if trusted:
        name = trusted[0] if isinstance(trusted, tuple | list) and len(trusted) == 2 else ""
        if not str(name).startswith("HTTP_") or str(name) != str(name).upper() or "-" in str(name):
            yield PROXY_HEADER.found(f"SECURE_PROXY_SSL_HEADER names {str(name) or 'no pair of texts'!r}.")
    elif not settings.DEBUG:
        yield PROXY_TLS.found("DEBUG is off, and SECURE_PROXY_SSL_HEADER is not set.")
    if settings.USE_X_FORWARDED_HOST and not trusted:
        yield FORWARDED_HOST.found("USE_X_FORWARDED_HOST is on, and SECURE_PROXY_SSL_HEADER is not set.")
    if (trusted or settings.USE_X_FORWARDED_HOST) and not app_settings.NUM_PROXIES:
        yield NUM_PROXIES.found(
            "A proxy stands before the shop, as Django's settings say, and NUM_PROXIES is 0."
        )


def hosts_are_named() -> Iterator[Finding]:
    """Look for a host that anybody can make up, and for none at all."""
    if not settings.ALLOWED_HOSTS and not settings.DEBUG:
        yield NO_HOST.found("ALLOWED_HOSTS is empty.")
    if "*" in settings.ALLOWED_HOSTS:
        yield ANY_HOST.found('ALLOWED_HOSTS holds "*".')


def urls_are_there() -> Iterator[Finding]:
    """Look whether the app's URLs are included."""
    try:
        reverse("henry_checkout:buy")
    except NoReverseMatch:
        yield URLS.found("The project's URLs do not include those of the app.")


LOOKS: tuple[Look, ...] = (cookies_survive_the_way_back, proxies_are_known, hosts_are_named, urls_are_there)
