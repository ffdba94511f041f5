"""What strangers write into requests, and what may stand in Henry's answers: neither leads away, neither runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from django_henry_checkout.flows.access.tokens import issue_cart_token
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.flows.checkout.embedded import issue_ticket
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.flows.checkout.sessions import SessionOptions, begin_checkout
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Cart, CheckoutSession, Order, Purchase, SessionMode
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.wire import options, settle
from tests.support.api import Api
from tests.support.inline import buys, world
from tests.views.test_inline import TYPED, Shopper
from tests.views.test_pages import BUY, give

__all__ = ["options"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

EVIL = "evil.example"
AWAY = {
    name: f"https://{EVIL}/?{name}"
    for name in ("next", "returnUrl", "return_url", "redirect", "redirect_uri", "url", "continue", "origin")
}
FORWARDED: list[dict[str, str]] = [
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Proto": "javascript"},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"},
    {"Forwarded": f"host={EVIL};proto=https"},
    {"X-Host": EVIL, "X-Original-Host": EVIL, "X-HTTP-Host-Override": EVIL},
    {"X-Original-URL": f"https://{EVIL}/", "X-Rewrite-URL": f"https://{EVIL}/"},
    {"Referer": f"https://{EVIL}/", "Origin": "null"},
]


def stays(answer: Any) -> bool:
    """Whether an answer leads to no other place, in its headers as in its body."""
    said = f"{answer.headers!r} {answer.content.decode()}"
    return EVIL not in said and "javascript:" not in said


# 55: strangers' wishes where to go -----------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, *FORWARDED], ids=lambda each: ",".join(each) or "parameters")
def test_fault_55_no_parameter_and_no_forwarded_header_leads_away(
    sandbox: Sandbox, cart: Cart, headers: dict[str, str]
) -> None:
    client = Client(headers=headers)
    give(client, cart)
    begun = client.post(BUY, AWAY)
    assert begun.status_code == 303
    assert re.match(r"/henry/api/v1/checkout/", begun["Location"])
    page = client.get(begun["Location"], AWAY)
    assert stays(begun)
    assert stays(page)
    assert "returnUrl=http%3A%2F%2Ftestserver%2F" in page.content.decode()
    order = Order.objects.get()
    for ending in ("canceled", "errored", "completed"):
        assert stays(client.get(f"{begun['Location']}/{ending}", AWAY))
    sandbox.pay(order.henry_cart_id)
    cache.clear()
    back = client.get(f"{begun['Location']}/completed", {**AWAY, "status": "x", "orderId": f"//{EVIL}"})
    assert (back.status_code, back["Location"][:14]) == (302, "/henry/status/")
    assert stays(client.get(back["Location"], AWAY))
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize("headers", FORWARDED, ids=",".join)
def test_fault_55_links_that_are_handed_out_name_the_shops_own_host(
    sandbox: Sandbox, cart: Cart, headers: dict[str, str]
) -> None:
    make_template(cart)
    plain, hostile = Api(), Api(**headers)
    token = {"X-Session-Token": issue_cart_token(cart)}
    path = f"checkout/{cart.ulid}/qr.svg"
    assert hostile("GET", path, **token).content == plain("GET", path, **token).content
    landing = Client(headers=headers).get(reverse("henry_checkout:link", args=[cart.ulid]), AWAY)
    assert landing.status_code == 200
    assert stays(landing)


@pytest.mark.parametrize(
    "host", [EVIL, f"shop.test.{EVIL}", f"{EVIL}:80", "shop.test@evil.example", "shop.test/x"]
)
def test_fault_55_a_host_that_is_not_the_shops_begins_nothing(
    sandbox: Sandbox, cart: Cart, settings: Any, host: str
) -> None:
    settings.ALLOWED_HOSTS = ["shop.test"]
    client = Client()
    give(client, cart)
    token = {"X-Session-Token": issue_cart_token(cart)}
    begun = begin_checkout(cart)
    order, sessions = begun.order, CheckoutSession.objects.count()
    pay = reverse("henry_checkout:pay", args=[order.ulid, begun.token])
    answers = [
        client.post(BUY, {"mode": "iframe"}, headers={"Host": host}),
        client.get(pay, headers={"Host": host}),
        Api(**token)("GET", f"checkout/{order.ulid}/token", Host=host),
        Api(**token)("POST", "cart/checkout", {"cartId": cart.ulid}, Host=host),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert all(stays(answer) for answer in answers)
    assert CheckoutSession.objects.count() == sessions
    assert client.get(pay, headers={"Host": "shop.test"}).status_code == 200


# 57: markup in what Henry says ---------------------------------------------------------------------

MARKUP = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7|add:7 }}javascript:alert(1)"
RUNS = ("<script>alert", "<img src=x", "</script><script", "onerror=alert(1)>", ">14javascript")


def is_harmless(answer: Any) -> None:
    text = answer.content.decode()
    if "html" in answer["Content-Type"]:
        assert [mark for mark in RUNS if mark in text] == [], text
        assert 'href="javascript:' not in text
    else:
        assert answer["Content-Type"].partition(";")[0] in {"application/json", "image/svg+xml"}
        assert answer["X-Content-Type-Options"] == "nosniff"


def marked(path: str, **more: Any) -> dict[str, Any]:
    """Henry says markup in every text that it may say, ids and links apart."""
    texts = ["products.*.merchant", "products.*.host", "products.*.selectedOptions.0"]
    texts += ["result.items.*.confirmationNumber", "result.items.*.shippingOption.name", "error.message"]
    texts += ["result.items.*.shippingOption.timeEstimate", "details.name.firstName", "details.email"]
    texts += ["details.shippingAddress.line1", "result.items.*.metadata.note"]
    known = {"products.1.status": MARKUP, "error.code": MARKUP, "status": "complete", **more}
    return {"fault": "rewrite", "path": path, "times": 0, "set": {**dict.fromkeys(texts, MARKUP), **known}}


def admin_pages() -> list[str]:
    """Each list of the app in the admin, each row of each, and a search for markup."""
    found = []
    for model in apps.get_app_config("henry_checkout").get_models():
        name = f"admin:henry_checkout_{model._meta.model_name}"
        try:
            found.append(reverse(f"{name}_changelist"))
        except NoReverseMatch:
            continue
        found += [reverse(f"{name}_change", args=[row.pk]) for row in model._default_manager.all()]
        found += [reverse(f"{name}_history", args=[row.pk]) for row in model._default_manager.all()]
    return found


def test_fault_57_markup_in_an_order_runs_on_no_page(sandbox: Sandbox, cart: Cart) -> None:
    client = Client()
    give(client, cart)
    cart.lines.update(title=MARKUP, metadata={"note": MARKUP})
    begun = begin_checkout(
        Cart.objects.get(), options=SessionOptions(mode=SessionMode.FRAMED, origin="http://testserver")
    )
    sandbox.pay(begun.order.henry_cart_id)
    faults = [marked("/v1/cart/purchase/status"), marked("/v1/orders")]
    in_list = {f"data.*.{path}": value for path, value in faults[1]["set"].items()}
    faults[1]["set"] = in_list
    sandbox.scenario(faults=faults)
    settle(sandbox, seconds=60)
    while deliver_due():
        pass
    order, purchase = Order.objects.get(), Purchase.objects.get()
    assert order.status in {"completed", "partially_completed"}
    assert MARKUP in {line.merchant for line in order.lines.all()}
    assert "<script>alert" in str(purchase.answer)

    token = {"X-Session-Token": issue_cart_token(Cart.objects.get())}
    ticket = issue_ticket(begun.session)
    names = [order.ulid, begun.token]
    pages = [
        client.get(reverse("henry_checkout:status", args=[create_status_token(order)])),
        client.get(reverse("henry_checkout:status", args=[create_status_token(order)]) + "?part=1"),
        client.get(reverse("henry_checkout:frame", args=[ticket])),
        client.get(reverse("henry_checkout:state", args=names)),
        client.get(reverse("henry_checkout:phone", args=names)),
        client.get(reverse("henry_checkout:phone-qr", args=names)),
        client.get(reverse("henry_checkout:inline", args=[order.ulid])),
        Api(**token)("GET", f"orders/{order.ulid}"),
        Api(**token)("GET", f"orders/{order.ulid}/events"),
        Api(**token)("GET", f"cart/purchase/status?refId={purchase.ref_id}"),
    ]
    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser("staff"))
    pages += [staff.get(path) for path in admin_pages()]
    assert {page.status_code for page in pages} <= {200, 302, 404, 410}
    shown = [page for page in pages if b"alert(1)" in page.content]
    assert len(shown) >= 6  # it is there, as text
    for page in pages:
        is_harmless(page)


def test_fault_57_markup_in_a_quote_and_in_a_refusal(sandbox: Sandbox, cart: Cart) -> None:
    cart.lines.update(title=MARKUP)
    shopper = Shopper(begin_inline(Cart.objects.get()).order)
    options = {f"result.items.*.shippingOptions.*.{name}": MARKUP for name in ("name", "timeEstimate")}
    offers = {"fault": "rewrite", "path": "*/status", "times": 0, "set": options}
    no = {"success": False, "message": MARKUP, "error": {"code": MARKUP, "message": MARKUP}}
    world(sandbox, faults=[offers, buys("v1", "body", status=402, json=no)])
    shown = [shopper.post("address", **{**TYPED, "first_name": MARKUP})]
    assert b"alert(1)" in shown[0].content
    review = shopper.to_review(sandbox, "v1")
    shown += [review, shopper.buy(review)]
    assert shown[-1].status_code in {402, 422, 409}
    for page in shown:
        is_harmless(page)
    assert sandbox.orders() == []
