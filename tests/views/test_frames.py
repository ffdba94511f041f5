"""The wrapper page, the JSON state, the phone page: Django's test client over the real sandbox."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_henry_checkout.exceptions import OriginNotAllowed, ReceiptInvalid
from django_henry_checkout.flows.checkout.embedded import check_frame_origin, issue_ticket, redeem_ticket
from django_henry_checkout.flows.checkout.receipts import make_receipt, read_receipt
from django_henry_checkout.flows.checkout.sessions import (
    SessionOptions,
    StartedCheckout,
    begin_checkout,
    renew_session,
)
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import Cart, CheckoutSession, Event, SessionMode
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.shop import shop_settings
from tests.views.test_pages import give

pytestmark = pytest.mark.django_db(transaction=True)

BUY = reverse("henry_checkout:buy")
SHOP = "http://testserver"
STORE = "https://store.example"
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def shopper(client: Client, cart: Cart) -> Client:
    give(client, cart)
    return client


def framed(cart: Cart, *, origin: str = STORE) -> tuple[StartedCheckout, str]:
    started = begin_checkout(cart, options=SessionOptions(mode=SessionMode.FRAMED, origin=origin))
    return started, reverse("henry_checkout:frame", args=[issue_ticket(started.session)])


def address(started: StartedCheckout, name: str = "state") -> str:
    return reverse(f"henry_checkout:{name}", args=[started.order.ulid, started.token])


def attribute(page: Any, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]*)"', page.content.decode())
    assert found, name
    return found.group(1).replace("&amp;", "&")


def post_state(started: StartedCheckout, **body: Any) -> Any:
    return (
        Client(enforce_csrf_checks=True).post(address(started), json.dumps(body), "application/json").json()
    )


# The button -----------------------------------------------------------------------------------


def test_a_script_gets_the_urls(sandbox: Sandbox, shopper: Client) -> None:
    response = shopper.post(BUY, {"mode": "iframe"}, **JSON)
    content = response.json()
    session = CheckoutSession.objects.get()
    assert (session.mode, session.origin) == ("framed", SHOP)
    assert content["sessionId"] == session.ulid
    assert content["paymentOrigins"] == [sandbox.url]
    assert content["frameProblem"] == ""
    frame = shopper.get(content["frameUrl"])
    assert frame.status_code == 200
    assert attribute(frame, "parent-origin") == SHOP
    for name in ("payUrl", "phoneUrl", "qrUrl", "stateUrl"):
        assert shopper.get(content[name]).status_code == 200, name
    assert "Accept" in response["Vary"]


def test_a_form_is_redirected(sandbox: Sandbox, shopper: Client) -> None:
    response = shopper.post(BUY, {"mode": "iframe"}, HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert (response.status_code, urlsplit(response["Location"]).path.split("/")[-2]) == (303, "pay")
    response = shopper.post(BUY, {"mode": "phone"})
    assert (response.status_code, response["Location"].endswith("/phone")) == (303, True)
    assert CheckoutSession.objects.live().get().mode == "redirect"


def test_a_script_gets_errors_as_json(sandbox: Sandbox, client: Client, shopper: Client) -> None:
    assert Client().post(BUY, **JSON).json()["code"] == "cart_not_found"
    sandbox.scenario(faults=[{"fault": "status", "status": 500, "times": 0}])
    response = shopper.post(BUY, {"mode": "iframe"}, **JSON)
    assert (response.status_code, response.json()["code"]) == (503, "henry_unavailable")
    assert "Your cart is safe" in response.json()["detail"]


def test_a_paid_cart_leads_to_its_order(sandbox: Sandbox, shopper: Client, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    response = shopper.post(BUY, {"mode": "iframe"}, **JSON).json()
    assert list(response) == ["next"]
    assert shopper.get(response["next"]).status_code == 200


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"fault": "headers", "headers": {"X-Frame-Options": "DENY"}}, "framing_refused"),
        ({"fault": "headers", "headers": {"Content-Security-Policy": "frame-ancestors 'none'"}}, "framing_refused"),
        ({"fault": "status", "status": 500}, "page_failing"),
        ({"fault": "reset"}, "page_failing"),
        ({"fault": "delay", "seconds": 8}, "page_failing"),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_framed_is_not_tried(
    sandbox: Sandbox, shopper: Client, settings: Any, fault: dict[str, Any], problem: str
) -> None:
    sandbox.scenario(faults=[{**fault, "path": "/cart/*", "times": 1}])
    content = shopper.post(BUY, {"mode": "iframe"}, **JSON).json()
    assert (content["frameUrl"], content["frameProblem"]) == ("", problem)
    again = shopper.post(BUY, {"mode": "iframe"}, **JSON).json()
    assert again["frameProblem"] == problem  # cached: Henry is not asked for each shopper
    assert len([row for row in sandbox.requests() if row["path"].startswith("/cart/")]) == 1
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "FRAME_PROBE": False}
    assert shopper.post(BUY, {"mode": "iframe"}, **JSON).json()["frameUrl"]


# The wrapper ---------------------------------------------------------------------------------


def test_the_wrapper_and_its_headers(sandbox: Sandbox, cart: Cart) -> None:
    started, url = framed(cart)
    page = Client().get(url)
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == f"'self' {STORE}"
    assert policy["frame-src"] == f"'self' {sandbox.url}"
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'nonce-[\w-]{20,}'", policy["script-src"])
    assert policy["script-src"][1:-1].removeprefix("nonce-") in page.content.decode()
    assert "X-Frame-Options" not in page
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in page
    assert attribute(page, "parent-origin") == STORE
    url = attribute(page, "henry-url")
    assert url.startswith(started.order.hosted_url)
    assert started.token not in page.content.decode()  # the parent page must not learn the session's secret
    back = parse_qs(urlsplit(url).query)["returnUrl"][0]
    returned = Client().get(urlsplit(back).path)
    assert returned["Content-Security-Policy"] == f"frame-ancestors 'self' {STORE}"
    assert "UC:" not in returned.content.decode()
    assert Client().get(attribute(page, "state-url")).json()["sessionId"] == started.session.ulid


def test_a_ticket_is_used_once(sandbox: Sandbox, cart: Cart) -> None:
    _begun, url = framed(cart)
    assert Client().head(url).status_code == 404
    assert Client().get(url, HTTP_SEC_PURPOSE="prefetch;prerender").status_code == 404
    assert Client().get(url, HTTP_SEC_FETCH_DEST="document").status_code == 404
    first, second = Client().get(url, HTTP_SEC_FETCH_DEST="iframe"), Client().get(url)
    assert (first.status_code, second.status_code) == (200, 404)
    assert second["X-Frame-Options"] == "DENY"
    assert Client().get(reverse("henry_checkout:frame", args=["made-up"])).content == second.content


def test_a_ticket_expires_and_a_newer_one_replaces_it(sandbox: Sandbox, cart: Cart) -> None:
    started, url = framed(cart)
    newer = reverse("henry_checkout:frame", args=[issue_ticket(started.session)])
    assert Client().get(url).status_code == 404
    CheckoutSession.objects.update(created_at=timezone.now() - timedelta(minutes=5, seconds=1))
    assert Client().get(newer).status_code == 404


def test_no_ticket_opens_a_session_that_is_not_framed(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    url = reverse("henry_checkout:frame", args=[issue_ticket(started.session)])
    assert Client().get(url).status_code == 404


def test_a_late_ticket_is_reported_in_the_frame(sandbox: Sandbox, cart: Cart) -> None:
    started, url = framed(cart)
    renew_session(started.order)
    page = Client().get(url)
    assert (page.status_code, attribute(page, "problem")) == (200, "token_expired")
    assert attribute(page, "henry-url") == ""


def test_the_theme_is_passed_on(sandbox: Sandbox, cart: Cart) -> None:
    _begun, url = framed(cart)
    page = Client().get(f"{url}?theme=dark")
    assert parse_qs(urlsplit(attribute(page, "henry-url")).query)["theme"] == ["dark"]
    assert 'content="dark"' in page.content.decode()


@pytest.mark.parametrize(
    ("version", "signs_in", "is_set"),
    [
        ("v0", True, True),
        ("v0", False, False),
        ("v0", None, False),
        ("v0", "yes", False),
        ("v1", True, False),  # which has no such option
    ],
)
def test_the_wrapper_knows_whether_the_page_needs_cookies(
    sandbox: Sandbox, cart: Cart, settings: Any, version: str, signs_in: Any, is_set: bool
) -> None:
    option = {} if signs_in is None else {"HOSTED_SIGN_IN": signs_in}
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_VERSION=version, **option)
    _begun, url = framed(cart)
    page = Client().get(url).content.decode()
    assert "data-henry-wrapper" in page
    assert (" data-needs-storage" in page) is is_set


@pytest.mark.parametrize("origin", ["https://store.example", "https://STORE.example/", SHOP])
def test_origins_that_may_frame(sandbox: Sandbox, settings: Any, origin: str) -> None:
    from django_henry_checkout.conf import app_settings as ours

    settings.HENRY_CHECKOUT = shop_settings(sandbox, FRAME_ANCESTORS=["https://Store.example/"])
    account = ours.account()
    assert check_frame_origin(origin, account=account, own_origin=SHOP) in {STORE, SHOP}
    for other in ("https://evil.example", "http://store.example", "https://store.example.evil.test", "null"):
        with pytest.raises(OriginNotAllowed):
            check_frame_origin(other, account=account, own_origin=SHOP)


# The state -----------------------------------------------------------------------------------


def test_the_state_changes_only_with_what_henry_reports(sandbox: Sandbox, cart: Cart) -> None:
    started, _url = framed(cart)
    before = Client().get(address(started)).json()
    assert (before["outcome"], before["orderStatus"], before["receipt"], before["next"]) == (
        "",
        "open",
        "",
        "",
    )
    state = post_state(started, action="refresh", claimedOrderId="somebody-elses")
    assert (state["outcome"], state["version"]) == ("", before["version"])
    sandbox.pay(started.order.henry_cart_id)
    cache.clear()
    after = post_state(started)
    assert (after["outcome"], after["orderStatus"]) == ("completed", "placed")
    assert after["version"] > before["version"]
    assert after["next"].startswith("http://testserver/henry/status/")
    claims = read_receipt(after["receipt"], audience=STORE)
    assert (claims["sub"], claims["sid"], claims["status"]) == (
        started.order.ulid, started.session.ulid, "placed",
    )  # fmt: skip


def test_a_get_asks_henry_nothing(sandbox: Sandbox, cart: Cart, django_assert_num_queries: Any) -> None:
    started, _url = framed(cart)
    asked = len(sandbox.requests())
    with django_assert_num_queries(3):
        Client().get(address(started))
    assert len(sandbox.requests()) == asked


def test_leaving_ends_the_session_unless_it_was_paid(sandbox: Sandbox, cart: Cart) -> None:
    started, _url = framed(cart)
    assert post_state(started, action="cancel")["outcome"] == "cancelled"
    assert Event.objects.filter(type="checkout_canceled").count() == 1
    again = renew_session(started.order)
    assert Client().get(address(started)).json()["outcome"] == ""  # the newer session replaces the older one
    sandbox.pay(started.order.henry_cart_id)
    cache.clear()
    assert post_state(again, action="cancel")["outcome"] == "completed"


def test_leaving_while_henry_is_down_ends_nothing(sandbox: Sandbox, cart: Cart) -> None:
    started, _url = framed(cart)
    sandbox.scenario(faults=[{"fault": "status", "status": 500, "times": 0}])
    assert post_state(started, action="cancel")["outcome"] == ""
    assert CheckoutSession.objects.get().status == "awaiting_payment"


def test_more_time(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    started, _url = framed(cart)
    soon = timezone.now() + timedelta(seconds=90)
    CheckoutSession.objects.update(expires_at=soon)
    content = post_state(started, action="extend")
    assert content["extended"] is True
    assert CheckoutSession.objects.get().expires_at > soon + timedelta(minutes=20)
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert post_state(started, action="extend")["extended"] is False
    CheckoutSession.objects.update(expires_at=soon)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": "v0"}  # whose payment URLs expire
    assert post_state(started, action="extend")["extended"] is False


@pytest.mark.parametrize(
    "body",
    ["[]", "x", '{"action": "buy"}', '{"action": 1}', '{"claimedOrderId": 5}', '{"action": "refresh", "x": "%s"}' % ("y" * 5000)],
)  # fmt: skip
def test_invalid_bodies_are_rejected(sandbox: Sandbox, cart: Cart, body: str) -> None:
    started, _url = framed(cart)
    response = Client().post(address(started), body, "application/json")
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_outcomes_of_an_order(sandbox: Sandbox, cart: Cart, polls_at_once: None) -> None:
    started, _url = framed(cart)
    sandbox.pay(started.order.henry_cart_id, outcome="failed")
    sandbox.advance(60)
    for _round in range(4):
        run_once()
    assert Client().get(address(started)).json()["outcome"] == "failed"


def test_an_expired_session(sandbox: Sandbox, cart: Cart) -> None:
    started, _url = framed(cart)
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    run_once()
    assert Client().get(address(started)).json()["outcome"] == "expired"


# The phone -----------------------------------------------------------------------------------


def test_the_phone_page_redirects_once_it_is_paid(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    page = Client().get(address(started, "phone"))
    assert (page.status_code, page["X-Frame-Options"]) == (200, "DENY")
    assert b'http-equiv="refresh" content="5"' in page.content
    code = Client().get(address(started, "phone-qr"))
    assert (code["Content-Type"], b"<svg" in code.content) == ("image/svg+xml", True)
    sandbox.pay(started.order.henry_cart_id)
    cache.clear()
    post_state(started)
    assert Client().get(address(started, "phone"))["Location"].startswith("/henry/status/")


# Receipts ------------------------------------------------------------------------------------


def test_a_receipt_is_for_one_audience_and_for_a_while(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    started, _url = framed(cart)
    receipt = make_receipt(started.session, started.order, audience=STORE)
    assert read_receipt(receipt, audience=STORE)["sub"] == started.order.ulid
    head, claims, signature = receipt.split(".")
    forged = jwt.encode({"aud": STORE, "sub": started.order.ulid}, "x" * 32, algorithm="HS256")
    bare = jwt.encode({"aud": STORE, "sub": started.order.ulid}, None, algorithm="none")
    wrong = [forged, bare, f"{head}.{claims[:-2]}AA.{signature}", "", "a.b.c", receipt + "x"]
    for text, audience in [*((text, STORE) for text in wrong), (receipt, "https://other.example")]:
        with pytest.raises(ReceiptInvalid):
            read_receipt(text, audience=audience)
    settings.HENRY_CHECKOUT = {
        **settings.HENRY_CHECKOUT,
        "RECEIPT_SECRET": "a secret of thirty-two characters",
    }
    with pytest.raises(ReceiptInvalid):
        read_receipt(receipt, audience=STORE)
    own = make_receipt(started.session, started.order, audience=STORE)
    claims = jwt.decode(own, "a secret of thirty-two characters", algorithms=["HS256"], audience=STORE)
    assert claims["status"] == "open"
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "RECEIPT_LIFETIME": timedelta(seconds=-1)}
    with pytest.raises(ReceiptInvalid):
        read_receipt(make_receipt(started.session, started.order, audience=STORE), audience=STORE)


def test_a_rotated_key_still_verifies(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    started, _url = framed(cart)
    receipt = make_receipt(started.session, started.order, audience=STORE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a newer one", [settings.SECRET_KEY]
    assert read_receipt(receipt, audience=STORE)["sub"] == started.order.ulid


def test_a_ticket_is_redeemed_once(sandbox: Sandbox, cart: Cart) -> None:
    from django_henry_checkout.exceptions import TokenInvalid

    started, _url = framed(cart)
    ticket = issue_ticket(started.session)
    assert redeem_ticket(ticket).session == started.session
    with pytest.raises(TokenInvalid):
        redeem_ticket(ticket)


def test_a_listed_frame_ancestor_is_required_for_a_token(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    from django_henry_checkout.flows.access.tokens import create_api_key

    settings.HENRY_CHECKOUT = shop_settings(sandbox, FRAME_ANCESTORS=[STORE])
    started = begin_checkout(cart)
    url = reverse("henry_checkout:api-token", args=[started.order.ulid])
    key = {"HTTP_AUTHORIZATION": f"Api-Key {create_api_key('store')}", "HTTP_MODE": "Framed"}
    assert Client().get(url, HTTP_ORIGIN=STORE, **key).status_code == 200
    refused = Client().get(url, HTTP_ORIGIN="https://other.example", **key)
    assert (refused.status_code, refused.json()["code"]) == (400, "origin_not_allowed")
