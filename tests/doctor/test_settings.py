"""Findings about settings, headers and addresses; none for a shop that is set up well."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_henry_checkout.doctor import accounts, csp, database, django_settings, headers, webhook_setup
from django_henry_checkout.doctor.findings import Probe
from django_henry_checkout.shop import opens_popups
from tests.doctor.projects import (
    DEVELOPING,
    HENRY,
    HERE,
    SECRET,
    is_whole,
    names,
    sending,
    urls_of,
    use,
    with_henry,
    with_policy,
)

pytestmark = pytest.mark.django_db(transaction=True)

ALL_PROBES = [
    database.probe_time_zones, *accounts.PROBES[:2], *headers.PROBES, *csp.PROBES, *django_settings.PROBES,
    webhook_setup.probe_webhook_secrets,
    webhook_setup.probe_webhook_subscription, webhook_setup.probe_webhook_endpoint,
]  # fmt: skip
LONG_AGO = "2020-01-01T00:00:00+00:00"
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
STRICT = with_policy(
    default_src=["'none'"], script_src=["'self'"], style_src=["'self'"], connect_src=["'self'"],
    frame_src=["'self'"], form_action=["'self'"],
)  # fmt: skip


@pytest.mark.parametrize("probe", ALL_PROBES, ids=lambda probe: probe.__name__)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        STRICT,
        with_policy(default_src=["'self'"]),
        with_policy(script_src=["'nonce-x'"], style_src=["https://shop.example"], frame_src=["https:"]),
        sending("permits_others"),
        {"STATIC_URL": "https://static.example/", **with_policy(default_src=["'self'", "static.example"])},
    ],
)
def test_a_shop_that_is_set_up_well_has_no_findings(
    settings: Any, probe: Probe, changes: dict[str, Any]
) -> None:
    use(settings, changes)
    assert names(probe) == []


@pytest.mark.parametrize("probe", [*ALL_PROBES, *accounts.PROBES], ids=lambda probe: probe.__name__)
def test_a_shop_in_development_has_no_findings(settings: Any, probe: Probe) -> None:
    use(settings, DEVELOPING)
    assert names(probe) == []


PROBLEMS: list[tuple[Probe, dict[str, Any], list[str]]] = [
    (database.probe_time_zones, {"USE_TZ": False}, ["use_tz"]),
    # Keys and addresses
    (accounts.probe_environment, {"HENRY_CHECKOUT": HERE}, ["sandbox_host"]),
    (
        accounts.probe_environment,
        with_henry(API_VERSION="v0", BASE_URL="https://api.sandbox.henrylabs.ai"),
        ["sandbox_host"],
    ),
    (accounts.probe_environment, {"DEBUG": True}, ["debug_and_henry"]),
    (
        accounts.probe_addresses,
        with_henry(API_VERSION="v0", BASE_URL="https://api.henrylabs.ai/v0/"),
        ["base_url_path"],
    ),
    (
        accounts.probe_addresses,
        {"HENRY_CHECKOUT": {**HENRY, "BASE_URL": "http://localhost:1"}},
        ["origins_mismatch"],
    ),
    (accounts.probe_addresses, with_henry(CHECKOUT_ORIGINS=["http://127.0.0.1:1"]), ["origins_mismatch"]),
    (accounts.probe_keys, {}, ["key_age", "key_environment"]),
    (accounts.probe_keys, with_henry(API_VERSION="v0"), ["key_age"]),
    # Windows
    (headers.probe_opener_policy, {"SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin"}, ["coop"]),
    (headers.probe_opener_policy, sending("separates_windows"), ["coop", "coop_overwritten"]),
    (headers.probe_page_headers, sending("isolates_pages"), ["coep"]),
    (headers.probe_opener_policy, sending("responds"), ["middleware_responds"]),
    # Frames
    (headers.probe_framing, sending("denies_frames"), ["x_frame_options"]),
    (headers.probe_framing, sending("overwrites_policy"), ["frame_ancestors"]),
    (headers.probe_page_headers, sending("denies_payment"), ["permissions_policy"]),
    (headers.probe_page_headers, sending("denies_passkeys"), ["permissions_policy"]),
    (headers.probe_page_headers, {"SECURE_REFERRER_POLICY": "unsafe-url"}, ["referrer_policy"]),
    (
        headers.probe_page_headers,
        {"SECURE_REFERRER_POLICY": ["origin", "no-referrer-when-downgrade"]},
        ["referrer_policy"],
    ),
    # Policies
    (csp.probe_csp, with_policy(script_src=["https://cdn.example"]), ["csp_script"]),
    (csp.probe_csp, with_policy(style_src=["'unsafe-inline'"]), ["csp_style"]),
    (csp.probe_csp, with_policy(connect_src=["'none'"]), ["csp_connect"]),
    (csp.probe_csp, with_policy(child_src=["'none'"]), ["csp_frame"]),
    (csp.probe_csp, with_policy(form_action=["https://pay.example"]), ["csp_form"]),
    (
        csp.probe_csp,
        {**STRICT, **with_henry(API_VERSION="v0")},  # the shop's own page frames its card page
        ["csp_frame"],
    ),
    (
        csp.probe_csp,
        {**STRICT, **with_henry(CARD_ELEMENT={"url": "https://cards.example/element"})},
        ["csp_frame"],
    ),
    (csp.probe_csp, {**STRICT, "STATIC_URL": "https://cdn.example/s/"}, ["csp_script", "csp_style"]),
    (
        csp.probe_csp,
        {"STORAGES": {"staticfiles": {"BACKEND": MANIFEST}}},
        ["static_files"],
    ),
    # Cookies
    (django_settings.probe_cookies, {"SESSION_COOKIE_SAMESITE": "Strict"}, ["session_samesite"]),
    (django_settings.probe_cookies, {"CSRF_COOKIE_SAMESITE": "Strict"}, ["csrf_samesite"]),
    (
        django_settings.probe_cookies,
        {"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": False},
        ["cookie_rejected"],
    ),
    (
        django_settings.probe_cookies,
        {"CSRF_COOKIE_SAMESITE": "None", "CSRF_COOKIE_SECURE": False},
        ["cookie_rejected"],
    ),
    # Proxies
    (django_settings.probe_proxies, {"SECURE_PROXY_SSL_HEADER": None}, ["proxy_tls"]),
    (
        django_settings.probe_proxies,
        {"SECURE_PROXY_SSL_HEADER": ("X-Forwarded-Proto", "https")},
        ["proxy_header"],
    ),
    (django_settings.probe_proxies, {"SECURE_PROXY_SSL_HEADER": "HTTP_X_FORWARDED_PROTO"}, ["proxy_header"]),
    (
        django_settings.probe_proxies,
        {"SECURE_PROXY_SSL_HEADER": None, "USE_X_FORWARDED_HOST": True},
        ["forwarded_host", "proxy_tls"],
    ),
    (django_settings.probe_proxies, with_henry(NUM_PROXIES=0), ["num_proxies"]),
    (django_settings.probe_hosts, {"ALLOWED_HOSTS": ["shop.example", "*"]}, ["any_host"]),
    (django_settings.probe_hosts, {"ALLOWED_HOSTS": []}, ["no_host"]),
    # Webhooks
    (
        webhook_setup.probe_webhook_secrets,
        with_henry(WEBHOOK_SECRETS=[{"secret": SECRET, "not_after": LONG_AGO}]),
        ["webhook_secret_expires"],
    ),
    (
        webhook_setup.probe_webhook_secrets,
        with_henry(WEBHOOK_SECRETS=[SECRET, {"secret": f"{SECRET}-old", "not_after": LONG_AGO}]),
        ["webhook_secret_expired"],
    ),
    (webhook_setup.probe_webhook_subscription, with_henry(WEBHOOK_UUID=""), ["webhook_subscription"]),
    (webhook_setup.probe_webhook_endpoint, sending("requires_login"), ["webhook_blocked"]),
]  # fmt: skip


@pytest.mark.parametrize(("probe", "changes", "expected"), PROBLEMS)
def test_each_problem_is_reported(
    settings: Any, probe: Probe, changes: dict[str, Any], expected: list[str]
) -> None:
    use(settings, changes)
    found = list(probe())
    assert sorted(finding.name for finding in found) == expected
    assert all(is_whole(finding) for finding in found)


def test_webhooks_need_no_login_in_a_shop_that_requires_it(settings: Any) -> None:
    use(settings, {"LOGIN_URL": "/login/"})
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert names(webhook_setup.probe_webhook_endpoint) == []


@opens_popups
def cart_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def test_a_view_with_opens_popups_is_found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(settings, {"SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin"})
    settings.ROOT_URLCONF = urls_of(monkeypatch, [path("shop/", include([path("cart", cart_page)]))])
    assert names(headers.probe_opener_policy) == []


def test_missing_urls_are_reported(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(settings, {})
    settings.ROOT_URLCONF = urls_of(monkeypatch, [path("cart", cart_page)])
    assert names(django_settings.probe_urls) == ["urls"]
    assert names(webhook_setup.probe_webhook_endpoint) == []


def test_csrf_tokens_in_sessions_need_no_cookie(settings: Any) -> None:
    use(settings, {"CSRF_USE_SESSIONS": True, "CSRF_COOKIE_SAMESITE": "Strict"})
    assert names(django_settings.probe_cookies) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001", "https://api.sandbox.henrylabs.ai"])
def test_fault_61_a_test_host_in_production_is_reported(settings: Any, url: str) -> None:
    use(settings, with_henry(BASE_URL=url))
    found = {finding.name: finding for finding in accounts.probe_environment()}
    assert set(found) == {"sandbox_host"}
    assert "Set BASE_URL of the account 'default' to Henry's production host" in found["sandbox_host"].fix
