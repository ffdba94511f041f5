"""What a hostile reading of the frames has found once, and must not come back."""

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
from tests.views.test_frames import STORE, address, look
from tests.views.test_headers import policy_of

pytestmark = pytest.mark.django_db(transaction=True)


class Picky(LocMemCache):
    """Takes only the keys that memcached takes."""

    validate_key = BaseMemcachedCache.validate_key


def test_leaving_one_tab_ends_nothing_in_another(sandbox: Sandbox, cart: Cart) -> None:
    first, second = begin_checkout(cart), begin_checkout(cart)
    assert look(second, action="cancel")["outcome"] == "cancelled"
    assert Client().get(address(first)).json()["outcome"] == ""
    sandbox.pay(first.order.henry_cart_id)
    cache.clear()
    assert [look(each)["outcome"] for each in (first, second)] == ["completed", "completed"]


def test_an_inline_form_beside_it_ends_nothing(sandbox: Sandbox, cart: Cart) -> None:
    first = begin_checkout(cart)
    begin_inline(cart)
    assert look(first)["outcome"] == ""


def test_a_receipt_is_for_the_page_that_holds_the_session(sandbox: Sandbox, cart: Cart) -> None:
    ours = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=STORE))
    theirs = begin_checkout(
        cart, options=SessionOptions(mode=SessionMode.FRAMED, origin="https://other.example")
    )
    sandbox.pay(theirs.order.henry_cart_id)
    claims = jwt.decode(look(ours)["receipt"], options={"verify_signature": False})
    assert (claims["aud"], claims["sid"]) == (STORE, ours.session.ulid)


def test_a_site_that_only_reports_still_says_who_may_frame(
    sandbox: Sandbox, cart: Cart, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "csp.middleware.CSPMiddleware"]
    settings.CONTENT_SECURITY_POLICY_REPORT_ONLY = {"DIRECTIVES": {"default-src": ["'self'"]}}
    begun = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=STORE))
    assert policy_of(Client().get(address(begun, "pay")))["frame-ancestors"] == f"'self' {STORE}"


@pytest.mark.parametrize("claimed", ["a b", "x" * 240, "ä", "x\x00y"])
def test_odd_claims_are_no_cache_keys(sandbox: Sandbox, cart: Cart, settings: Any, claimed: str) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.views.test_frames_regressions.Picky"}}
    begun = begin_checkout(cart)
    assert look(begun, claimedOrderId=claimed)["outcome"] == ""
    assert look(begun)["outcome"] == ""
    assert Client().get(address(begun, "completed")).status_code == 200


def test_made_up_claims_do_not_make_us_ask_without_end(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    before = len(sandbox.requests())
    for number in range(10):
        look(begun, claimedOrderId=f"order-{number}")
    assert len(sandbox.requests()) - before == 1


def test_henry_is_given_a_rest_while_he_is_down(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.scenario(faults=[{"fault": "status", "status": 500, "times": 0}])
    before = len(sandbox.requests())
    look(begun)
    attempts = len(sandbox.requests()) - before  # a read is repeated now and then
    for _time in range(4):
        look(begun)
    assert len(sandbox.requests()) - before == attempts


def test_a_lapsed_page_can_be_seen_in_its_frame(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=STORE))
    look(begun, action="cancel")
    page = Client().get(address(begun, "pay"))
    assert page.status_code == 410
    assert "X-Frame-Options" not in page
    assert policy_of(page)["frame-ancestors"] == f"'self' {STORE}"


def test_a_nested_body_is_refused(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    answer = Client().post(address(begun), "[" * 4000, "application/json")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (400, "parse_error")
