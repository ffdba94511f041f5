"""Headers about frames and windows, together with each kind of site policy."""

from __future__ import annotations

from typing import Any

import django
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from django_henry_checkout.components.csp import csp_nonce
from django_henry_checkout.flows.checkout.sessions import SessionOptions, begin_checkout
from django_henry_checkout.models import Cart, SessionMode
from django_henry_checkout.shop import opens_popups
from django_henry_checkout.testing.sandbox import Sandbox
from tests.views.test_frames import STORE, address, framed

pytestmark = pytest.mark.django_db(transaction=True)

SITE = {"default-src": ["'self'"], "frame-ancestors": ["'none'"], "img-src": ["'self'", "data:"]}


def use_django_csp(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "csp.middleware.CSPMiddleware"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": SITE}


def use_django_own(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]
    settings.SECURE_CSP = SITE


#: Django has its own policy since 6.0.
POLICIES = [use_django_csp, *([use_django_own] if django.VERSION >= (6, 0) else [])]


def policy_of(page: Any) -> dict[str, str]:
    parts = page["Content-Security-Policy"].split(";")
    return {name: value for name, _space, value in (part.strip().partition(" ") for part in parts)}


@pytest.mark.parametrize("use", POLICIES)
def test_a_framed_page_changes_one_directive_of_the_sites_policy(
    sandbox: Sandbox, cart: Cart, settings: Any, use: Any
) -> None:
    use(settings)
    started = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=STORE))
    page = Client().get(address(started, "pay"))
    assert policy_of(page) == {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "frame-ancestors": f"'self' {STORE}",
    }
    assert "X-Frame-Options" not in page


@pytest.mark.parametrize("use", POLICIES)
def test_the_wrapper_has_its_own_policy_and_others_keep_the_sites(
    sandbox: Sandbox, cart: Cart, settings: Any, use: Any
) -> None:
    use(settings)
    started, url = framed(cart)
    assert policy_of(Client().get(url))["default-src"] == "'none'"
    assert policy_of(Client().get(address(started, "phone")))["frame-ancestors"] == "'none'"


def test_pages_of_a_payment_window_keep_their_opener(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    names = ("pay", "completed", "canceled")
    for name in names:
        assert Client().get(address(started, name))["Cross-Origin-Opener-Policy"] == "unsafe-none", name
    sandbox.pay(started.order.henry_cart_id)
    for name in names:  # redirects count as well
        response = Client().get(address(started, name))
        assert response["Cross-Origin-Opener-Policy"] == "unsafe-none", name
    assert Client().get(address(started, "phone"))["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_view_that_opens_windows() -> None:
    @opens_popups
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    response = view(RequestFactory().get("/"))
    assert response["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"


def test_nonces() -> None:
    request = RequestFactory().get("/")
    assert csp_nonce(request) == ""
    assert csp_nonce(None) == ""
    request.csp_nonce = "abc"  # as django-csp sets it
    assert csp_nonce(request) == "abc"
