"""Regressions of the frames found in a security review."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.memcached import BaseMemcachedCache
from django.test import Client

from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.checkout.sessions import SessionOptions, begin_checkout
from django_henry_checkout.models import Cart, SessionMode
from django_henry_checkout.testing.sandbox import Sandbox
from tests.views.test_frames import STORE, address, post_state
from tests.views.test_headers import policy_of

pytestmark = pytest.mark.django_db(transaction=True)


class StrictKeyCache(LocMemCache):
    """Accept only keys that memcached accepts."""

    validate_key = BaseMemcachedCache.validate_key


def test_leaving_one_tab_ends_nothing_in_another(sandbox: Sandbox, cart: Cart) -> None:
    first, second = begin_checkout(cart), begin_checkout(cart)
    assert post_state(second, action="cancel")["outcome"] == "cancelled"
    assert Client().get(address(first)).json()["outcome"] == ""
    sandbox.pay(first.order.henry_cart_id)
    cache.clear()
    assert [post_state(each)["outcome"] for each in (first, second)] == ["completed", "completed"]


def test_an_inline_checkout_of_the_same_cart_ends_nothing(sandbox: Sandbox, cart: Cart) -> None:
    first = begin_checkout(cart)
    begin_inline(cart)
    assert post_state(first)["outcome"] == ""


def test_a_receipt_is_for_the_page_that_holds_the_session(sandbox: Sandbox, cart: Cart) -> None:
    ours = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=STORE))
    theirs = begin_checkout(
        cart, options=SessionOptions(mode=SessionMode.FRAMED, origin="https://other.example")
    )
    sandbox.pay(theirs.order.henry_cart_id)
    claims = jwt.decode(post_state(ours)["receipt"], options={"verify_signature": False})
    assert (claims["aud"], claims["sid"]) == (STORE, ours.session.ulid)


def test_a_report_only_site_still_sends_frame_ancestors(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "csp.middleware.CSPMiddleware"]
    settings.CONTENT_SECURITY_POLICY_REPORT_ONLY = {"DIRECTIVES": {"default-src": ["'self'"]}}
    started = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=STORE))
    assert policy_of(Client().get(address(started, "pay")))["frame-ancestors"] == f"'self' {STORE}"


@pytest.mark.parametrize("claimed", ["a b", "x" * 240, "ä", "x\x00y"])
def test_invalid_claims_are_no_cache_keys(sandbox: Sandbox, cart: Cart, settings: Any, claimed: str) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.views.test_frames_regressions.StrictKeyCache"}}
    started = begin_checkout(cart)
    assert post_state(started, claimedOrderId=claimed)["outcome"] == ""
    assert post_state(started)["outcome"] == ""
    assert Client().get(address(started, "completed")).status_code == 200


def test_forged_claims_do_not_repeat_calls(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    before = len(sandbox.requests())
    for number in range(10):
        post_state(started, claimedOrderId=f"order-{number}")
    assert len(sandbox.requests()) - before == 1


def test_henry_is_not_called_repeatedly_while_down(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.scenario(faults=[{"fault": "status", "status": 500, "times": 0}])
    before = len(sandbox.requests())
    post_state(started)
    attempts = len(sandbox.requests()) - before  # reads are retried
    for _time in range(4):
        post_state(started)
    assert len(sandbox.requests()) - before == attempts


def test_an_expired_page_is_shown_in_its_frame(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=STORE))
    post_state(started, action="cancel")
    page = Client().get(address(started, "pay"))
    assert page.status_code == 410
    assert "X-Frame-Options" not in page
    assert policy_of(page)["frame-ancestors"] == f"'self' {STORE}"


def test_a_nested_body_is_rejected(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    response = Client().post(address(started), "[" * 4000, "application/json")
    assert (response.status_code, json.loads(response.content)["code"]) == (400, "parse_error")
