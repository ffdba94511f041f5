"""Checks of Django's settings for cookies, proxies, hosts and URLs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from django_henry_checkout.conf import app_settings
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe

SESSION_SAMESITE = Check(
    "session_samesite",
    Level.ERROR,
    why="The browser does not send the cookie when a shopper returns from Henry's page: they are logged out "
    "there, and see neither cart nor order.",
    fix='Set SESSION_COOKIE_SAMESITE = "Lax", which is Django\'s default.',
)
CSRF_SAMESITE = Check(
    "csrf_samesite",
    Level.WARNING,
    why="A shopper who returns from Henry's page gets a new token, and forms that they have open in other "
    "tabs are rejected with 403.",
    fix='Set CSRF_COOKIE_SAMESITE = "Lax", which is Django\'s default.',
)
COOKIE_REJECTED = Check(
    "cookie_rejected",
    Level.ERROR,
    why="Browsers reject cookies that are SameSite=None and not Secure: carts are lost and forms are "
    "rejected.",
    fix='Set {secure} = True, or {samesite} = "Lax": the checkout needs no cookie in frames on other sites.',
)
PROXY_TLS = Check(
    "proxy_tls",
    Level.WARNING,
    why="Behind a proxy that terminates TLS, Django treats every request as plain http: return URLs and QR "
    "codes start with http://, forms are rejected with 403 for their Origin, and SECURE_SSL_REDIRECT loops.",
    fix='Set SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"), and have the proxy set that '
    "header and remove it from what clients send. If Django's own server terminates TLS, add "
    '"henry_doctor.proxy_tls" to '
    "SILENCED_SYSTEM_CHECKS.",
)
PROXY_HEADER = Check(
    "proxy_header",
    Level.ERROR,
    why="Django looks up the header by its WSGI name and never finds this one: every request counts as "
    "plain http, or fails with an error.",
    fix='Write SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"): HTTP_, capitals, underscores.',
)
ANY_HOST = Check(
    "any_host",
    Level.ERROR,
    why="Return URLs and links are built from the request's host. An attacker who sends another host "
    "decides where shoppers return to, with a token in the URL.",
    fix="List the shop's hosts in ALLOWED_HOSTS.",
)
NO_HOST = Check(
    "no_host",
    Level.ERROR,
    why="With DEBUG off, Django responds with 400 to every request whose host is not listed.",
    fix="List the shop's hosts in ALLOWED_HOSTS.",
)
FORWARDED_HOST = Check(
    "forwarded_host",
    Level.WARNING,
    why="Django trusts X-Forwarded-Host, but no other setting indicates a proxy that sets it: clients can "
    "send it.",
    fix="Set USE_X_FORWARDED_HOST = False; or, behind a proxy that overwrites the header, also set "
    "SECURE_PROXY_SSL_HEADER.",
)
NUM_PROXIES = Check(
    "num_proxies",
    Level.WARNING,
    why="All shoppers seem to have the proxy's address, which is exempt from rate limits: calls are not "
    "limited by network, so card testers are not slowed down.",
    fix='Set HENRY_CHECKOUT["NUM_PROXIES"] to the number of your proxies that add to X-Forwarded-For.',
)
URLS = Check(
    "urls",
    Level.ERROR,
    why="The app's pages, API and webhooks have no URL.",
    fix='Add path("henry/", include("django_henry_checkout.urls")) to the project\'s urls.py.',
)
CHECKS = (
    SESSION_SAMESITE, CSRF_SAMESITE, COOKIE_REJECTED, PROXY_TLS, PROXY_HEADER, ANY_HOST, NO_HOST,
    FORWARDED_HOST, NUM_PROXIES, URLS,
)  # fmt: skip


def probe_cookies() -> Iterator[Finding]:
    """Check SameSite and Secure of the session cookie and the CSRF cookie."""
    for name, strict in (("SESSION", SESSION_SAMESITE), ("CSRF", CSRF_SAMESITE)):
        samesite, secure = f"{name}_COOKIE_SAMESITE", f"{name}_COOKIE_SECURE"
        value = str(getattr(settings, samesite)).lower()
        if name == "CSRF" and settings.CSRF_USE_SESSIONS:
            continue
        if value == "strict":
            yield strict.finding(f'{samesite} is "Strict".')
        # With the value None Django sends no attribute, and browsers default to Lax.
        is_none = getattr(settings, samesite) is not None and value == "none"
        if is_none and not getattr(settings, secure):
            yield COOKIE_REJECTED.finding(
                f'{samesite} is "None", and {secure} is off.', samesite=samesite, secure=secure
            )


def probe_proxies() -> Iterator[Finding]:
    """Check the settings that describe the proxies in front of Django."""
    trusted: Any = settings.SECURE_PROXY_SSL_HEADER  # not validated by Django
    if trusted:
        name = trusted[0] if isinstance(trusted, tuple | list) and len(trusted) == 2 else ""
        if not str(name).startswith("HTTP_") or str(name) != str(name).upper() or "-" in str(name):
            problem = f"names {str(name)!r}" if name else "is not a pair of strings"
            yield PROXY_HEADER.finding(f"SECURE_PROXY_SSL_HEADER {problem}.")
    elif not settings.DEBUG:
        yield PROXY_TLS.finding("DEBUG is off, and SECURE_PROXY_SSL_HEADER is not set.")
    if settings.USE_X_FORWARDED_HOST and not trusted:
        yield FORWARDED_HOST.finding("USE_X_FORWARDED_HOST is on, and SECURE_PROXY_SSL_HEADER is not set.")
    if (trusted or settings.USE_X_FORWARDED_HOST) and not app_settings.NUM_PROXIES:
        yield NUM_PROXIES.finding(
            "Django's settings say that there is a proxy in front of the shop, and NUM_PROXIES is 0."
        )


def probe_hosts() -> Iterator[Finding]:
    """Check that ALLOWED_HOSTS lists hosts, and not all of them."""
    if not settings.ALLOWED_HOSTS and not settings.DEBUG:
        yield NO_HOST.finding("ALLOWED_HOSTS is empty.")
    if "*" in settings.ALLOWED_HOSTS:
        yield ANY_HOST.finding('ALLOWED_HOSTS contains "*".')


def probe_urls() -> Iterator[Finding]:
    """Check that the app's URLs are included."""
    try:
        reverse("henry_checkout:buy")
    except NoReverseMatch:
        yield URLS.finding("The project's URLs do not include the app's.")


PROBES: tuple[Probe, ...] = (probe_cookies, probe_proxies, probe_hosts, probe_urls)
