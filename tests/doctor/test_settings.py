"""What the doctor finds in settings, headers and addresses: each trap once, and nothing where all is well."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_henry_checkout.doctor import Finding, data, henry, keys, policies, proxies, web, webhooks
from django_henry_checkout.doctor.findings import Look
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.views.headers import opens_popups
from tests.support.shop import shop_settings

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "whsec-canary-0123456789"
HENRY = {"API_KEY": "canary-key-0123456789", "WEBHOOK_SECRETS": [SECRET], "WEBHOOK_UUID": "uuid"}
HERE = {**HENRY, "BASE_URL": "http://127.0.0.1:9", "CHECKOUT_ORIGINS": ["http://127.0.0.1:9"]}
#: A shop behind a proxy that ends TLS, set up as it should be.
WELL: dict[str, Any] = {
    "DEBUG": False,
    "ALLOWED_HOSTS": ["shop.example"],
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "SECURE_SSL_REDIRECT": True,
    "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin-allow-popups",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "HENRY_CHECKOUT": {**HENRY, "NUM_PROXIES": 1},
}
DEVELOPING = {"DEBUG": True, "SECURE_PROXY_SSL_HEADER": None, "HENRY_CHECKOUT": HERE}
MIDDLEWARE = "tests.doctor.middleware"
CSP = "csp.middleware.CSPMiddleware"


def with_policy(**directives: list[str]) -> dict[str, Any]:
    """Settings with a policy of django-csp's."""
    named = {name.replace("_", "-"): sources for name, sources in directives.items()}
    return {"more_middleware": [CSP], "CONTENT_SECURITY_POLICY": {"DIRECTIVES": named}}


def with_henry(**options: Any) -> dict[str, Any]:
    return {"HENRY_CHECKOUT": {**WELL["HENRY_CHECKOUT"], **options}}


def sending(*names: str, **more: Any) -> dict[str, Any]:
    return {"more_middleware": [f"{MIDDLEWARE}.{name}" for name in names], **more}


def use(settings: Any, changes: dict[str, Any]) -> None:
    settings.MIDDLEWARE = [*changes.get("more_middleware", []), *settings.MIDDLEWARE]
    for name, value in {**WELL, **changes}.items():
        if name != "more_middleware":
            setattr(settings, name, value)


def names(look: Look) -> list[str]:
    return sorted(finding.name for finding in look())


ALL_LOOKS = [
    data.times_are_aware, *keys.LOOKS[:2], *web.LOOKS, *policies.LOOKS, *proxies.LOOKS, webhooks.secrets_last,
    webhooks.carts_are_subscribed, webhooks.webhooks_come_through,
]  # fmt: skip
STRICT = with_policy(
    default_src=["'none'"], script_src=["'self'"], style_src=["'self'"], connect_src=["'self'"],
    frame_src=["'self'"], form_action=["'self'"],
)  # fmt: skip


@pytest.mark.parametrize("look", ALL_LOOKS, ids=lambda look: look.__name__)
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
def test_a_shop_that_is_set_up_well_has_nothing(settings: Any, look: Look, changes: dict[str, Any]) -> None:
    use(settings, changes)
    assert names(look) == []


@pytest.mark.parametrize("look", [*ALL_LOOKS, *keys.LOOKS], ids=lambda look: look.__name__)
def test_a_shop_under_development_has_nothing(settings: Any, look: Look) -> None:
    use(settings, DEVELOPING)
    assert names(look) == []


TROUBLE: list[tuple[Look, dict[str, Any], list[str]]] = [
    (data.times_are_aware, {"USE_TZ": False}, ["use_tz"]),
    # Keys and addresses
    (keys.keys_fit_the_deployment, {"HENRY_CHECKOUT": HERE}, ["sandbox_host"]),
    (
        keys.keys_fit_the_deployment,
        with_henry(API_VERSION="v0", BASE_URL="https://api.sandbox.henrylabs.ai"),
        ["sandbox_host"],
    ),
    (keys.keys_fit_the_deployment, {"DEBUG": True}, ["debug_and_henry"]),
    (
        keys.addresses_fit_each_other,
        with_henry(API_VERSION="v0", BASE_URL="https://api.henrylabs.ai/v0/"),
        ["base_url_path"],
    ),
    (keys.addresses_fit_each_other, {"HENRY_CHECKOUT": {**HENRY, "BASE_URL": "http://localhost:1"}}, ["origins_mixed"]),
    (keys.addresses_fit_each_other, with_henry(CHECKOUT_ORIGINS=["http://127.0.0.1:1"]), ["origins_mixed"]),
    (keys.what_keys_do_not_tell, {}, ["key_age", "key_kind"]),
    (keys.what_keys_do_not_tell, with_henry(API_VERSION="v0"), ["key_age"]),
    # Windows
    (web.windows_keep_touch, {"SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin"}, ["coop"]),
    (web.windows_keep_touch, sending("cuts_windows"), ["coop", "coop_overwritten"]),
    (web.frames_may_pay, sending("isolates"), ["coep"]),
    (web.windows_keep_touch, sending("answers"), ["middleware_answers"]),
    # Frames
    (web.frames_can_be_shown, sending("denies_frames"), ["x_frame_options"]),
    (web.frames_can_be_shown, sending("has_one_policy"), ["frame_ancestors"]),
    (web.frames_may_pay, sending("denies_payment"), ["permissions_policy"]),
    (web.frames_may_pay, sending("denies_passkeys"), ["permissions_policy"]),
    (web.frames_may_pay, {"SECURE_REFERRER_POLICY": "unsafe-url"}, ["referrer_policy"]),
    (web.frames_may_pay, {"SECURE_REFERRER_POLICY": ["origin", "no-referrer-when-downgrade"]}, ["referrer_policy"]),
    # Policies
    (policies.policy_lets_the_checkout_work, with_policy(script_src=["https://cdn.example"]), ["csp_script"]),
    (policies.policy_lets_the_checkout_work, with_policy(style_src=["'unsafe-inline'"]), ["csp_style"]),
    (policies.policy_lets_the_checkout_work, with_policy(connect_src=["'none'"]), ["csp_connect"]),
    (policies.policy_lets_the_checkout_work, with_policy(child_src=["'none'"]), ["csp_frame"]),
    (policies.policy_lets_the_checkout_work, with_policy(form_action=["https://pay.example"]), ["csp_form"]),
    (
        policies.policy_lets_the_checkout_work,
        {**STRICT, **with_henry(API_VERSION="v0")},  # its card page is framed by the shop's own page
        ["csp_frame"],
    ),
    (
        policies.policy_lets_the_checkout_work,
        {**STRICT, **with_henry(CARD_ELEMENT={"url": "https://cards.example/element"})},
        ["csp_frame"],
    ),
    (policies.policy_lets_the_checkout_work, {**STRICT, "STATIC_URL": "https://cdn.example/s/"}, ["csp_script", "csp_style"]),
    (
        policies.policy_lets_the_checkout_work,
        {"STORAGES": {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}},
        ["static_files"],
    ),
    # Cookies
    (proxies.cookies_survive_the_way_back, {"SESSION_COOKIE_SAMESITE": "Strict"}, ["session_samesite"]),
    (proxies.cookies_survive_the_way_back, {"CSRF_COOKIE_SAMESITE": "Strict"}, ["csrf_samesite"]),
    (
        proxies.cookies_survive_the_way_back,
        {"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": False},
        ["cookie_dropped"],
    ),
    (
        proxies.cookies_survive_the_way_back,
        {"CSRF_COOKIE_SAMESITE": "None", "CSRF_COOKIE_SECURE": False},
        ["cookie_dropped"],
    ),
    # Proxies
    (proxies.proxies_are_known, {"SECURE_PROXY_SSL_HEADER": None}, ["proxy_tls"]),
    (proxies.proxies_are_known, {"SECURE_PROXY_SSL_HEADER": ("X-Forwarded-Proto", "https")}, ["proxy_header"]),
    (proxies.proxies_are_known, {"SECURE_PROXY_SSL_HEADER": "HTTP_X_FORWARDED_PROTO"}, ["proxy_header"]),
    (
        proxies.proxies_are_known,
        {"SECURE_PROXY_SSL_HEADER": None, "USE_X_FORWARDED_HOST": True},
        ["forwarded_host", "proxy_tls"],
    ),
    (proxies.proxies_are_known, with_henry(NUM_PROXIES=0), ["proxy_count"]),
    (proxies.hosts_are_named, {"ALLOWED_HOSTS": ["shop.example", "*"]}, ["any_host"]),
    (proxies.hosts_are_named, {"ALLOWED_HOSTS": []}, ["no_host"]),
    # Webhooks
    (
        webhooks.secrets_last,
        with_henry(WEBHOOK_SECRETS=[{"secret": SECRET, "not_after": "2020-01-01T00:00:00+00:00"}]),
        ["webhook_secret_ends"],
    ),
    (
        webhooks.secrets_last,
        with_henry(WEBHOOK_SECRETS=[SECRET, {"secret": f"{SECRET}-old", "not_after": "2020-01-01T00:00:00+00:00"}]),
        ["webhook_secret_old"],
    ),
    (webhooks.carts_are_subscribed, with_henry(WEBHOOK_UUID=""), ["webhook_subscription"]),
    (webhooks.webhooks_come_through, sending("asks_to_log_in"), ["webhook_blocked"]),
]  # fmt: skip


@pytest.mark.parametrize(("look", "changes", "expected"), TROUBLE)
def test_each_trap_is_named(settings: Any, look: Look, changes: dict[str, Any], expected: list[str]) -> None:
    use(settings, changes)
    found = list(look())
    assert sorted(finding.name for finding in found) == expected
    assert all(is_whole(finding) for finding in found)


def is_whole(finding: Finding) -> bool:
    """Whether it says what there is to say, and nothing that it must not."""
    texts = (finding.found, finding.why, finding.fix)
    return all(texts) and not any("canary" in text or "{" in text for text in texts)


def test_webhooks_need_no_login_where_all_pages_do(settings: Any) -> None:
    use(settings, {"LOGIN_URL": "/login/"})
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert names(webhooks.webhooks_come_through) == []


@opens_popups
def cart_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def urls_of(monkeypatch: pytest.MonkeyPatch, urlpatterns: list[Any]) -> str:
    """The name of a module with these URLs."""
    module = ModuleType("urls_of_a_shop")
    module.urlpatterns = urlpatterns  # type: ignore[attr-defined]  # what Django looks for
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def test_a_view_that_opens_popups_is_known_by_its_mark(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, {"SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin"})
    settings.ROOT_URLCONF = urls_of(monkeypatch, [path("shop/", include([path("cart", cart_page)]))])
    assert names(web.windows_keep_touch) == []


def test_missing_urls_are_named(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(settings, {})
    settings.ROOT_URLCONF = urls_of(monkeypatch, [path("cart", cart_page)])
    assert names(proxies.urls_are_there) == ["urls"]
    assert names(webhooks.webhooks_come_through) == []


def test_csrf_tokens_in_sessions_have_no_cookie(settings: Any) -> None:
    use(settings, {"CSRF_USE_SESSIONS": True, "CSRF_COOKIE_SAMESITE": "Strict"})
    assert names(proxies.cookies_survive_the_way_back) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001", "https://api.sandbox.henrylabs.ai"])
def test_fault_61_a_test_host_in_production_is_named(settings: Any, url: str) -> None:
    use(settings, with_henry(BASE_URL=url))
    found = {finding.name: finding for finding in keys.keys_fit_the_deployment()}
    assert set(found) == {"sandbox_host"}
    assert "Set BASE_URL of the account 'default' to Henry's production host" in found["sandbox_host"].fix


# Henry itself -----------------------------------------------------------------------------

GENERATIONS = ("v1", "v1-rpc", "v0")


@pytest.mark.parametrize("version", GENERATIONS)
def test_henry_answers_and_the_clocks_agree(settings: Any, sandbox: Sandbox, version: str) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_VERSION=version)
    assert names(henry.henry_answers) == []
    assert len(sandbox.requests()) == 1


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"fault": "status", "status": 401}, "key_refused"),
        ({"fault": "status", "status": 503}, "henry_away"),
        ({"fault": "status", "status": 429}, "henry_away"),
        ({"fault": "reset"}, "henry_away"),
        ({"fault": "status", "status": 404}, "henry_odd"),
        ({"fault": "garbage", "kind": "html"}, "henry_odd"),
        ({"fault": "redirect", "location": "https://elsewhere.example/"}, "henry_odd"),
        ({"fault": "headers", "headers": {"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}}, "clock"),
        ({"fault": "headers", "headers": {"Date": "today"}}, "clock_unseen"),
    ],
)
def test_trouble_with_henry_is_named(
    settings: Any, sandbox: Sandbox, version: str, fault: dict[str, Any], expected: str
) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_VERSION=version)
    sandbox.scenario(faults=[{"path": "*", "times": 0, **fault}])
    (finding,) = henry.henry_answers()
    assert finding.name == expected
    assert is_whole(finding)
    assert len(sandbox.requests()) <= 1


def test_fault_61_a_key_of_another_environment_is_named(settings: Any, sandbox: Sandbox) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_KEY="canary-of-production")
    (finding,) = henry.henry_answers()
    assert finding.name == "key_refused"
    assert is_whole(finding)


def test_a_host_that_is_away_is_asked_once_and_others_too(settings: Any, sandbox: Sandbox) -> None:
    away = {"API_KEY": "k", "BASE_URL": "http://127.0.0.1:9"}
    accounts = {"default": away, "uk": away, "fr": {"API_KEY": "wrong-key", "BASE_URL": sandbox.url}}
    settings.HENRY_CHECKOUT = shop_settings(sandbox, ACCOUNTS=accounts)
    assert names(henry.henry_answers) == ["henry_away", "key_refused"]
