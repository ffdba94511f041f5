"""Settings of shops that the doctor examines, and what the tests ask of findings."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from django_henry_checkout.doctor.findings import Finding, Probe

SECRET = "whsec-canary-0123456789"
HENRY = {"API_KEY": "canary-key-0123456789", "WEBHOOK_SECRETS": [SECRET], "WEBHOOK_UUID": "uuid"}
HERE = {**HENRY, "BASE_URL": "http://127.0.0.1:9", "CHECKOUT_ORIGINS": ["http://127.0.0.1:9"]}
#: A shop behind a proxy that terminates TLS, set up as it should be.
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
    """Return settings with a policy of django-csp."""
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


def names(probe: Probe) -> list[str]:
    return sorted(finding.name for finding in probe())


def is_whole(finding: Finding) -> bool:
    """Return whether all texts are there, all placeholders are filled in and no secret is shown."""
    texts = (finding.found, finding.why, finding.fix)
    return all(texts) and not any("canary" in text or "{" in text for text in texts)


def report_of(probe: Probe) -> str:
    """Return what the one finding of a probe says."""
    (finding,) = probe()
    assert is_whole(finding)
    return f"{finding.name}: {finding.found} {finding.fix}"


def urls_of(monkeypatch: pytest.MonkeyPatch, urlpatterns: list[Any]) -> str:
    """Return the name of a new module with these URL patterns."""
    module = ModuleType("urls_of_a_shop")
    module.urlpatterns = urlpatterns  # type: ignore[attr-defined]  # read by Django
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__
