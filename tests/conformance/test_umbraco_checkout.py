"""Hosted checkout of the Umbraco page (seed 003; umbraco-checkout.md 1 to 4): token, pay and its three endings."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from django_henry_checkout.api.umbraco import hosted, inline
from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.models import CheckoutSession, Order, SessionStatus
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import parse_public_id
from tests.support.api import BOOTS, Api, assert_problem, guest, ok
from tests.support.shop import shop_settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]

UNKNOWN = "01J00000000000000000000000"
STORE = "https://store.example"
FRAMED = {"Mode": "Framed", "Origin": STORE}
ENDINGS = ["completed", "canceled", "errored"]
CALLS = ["token", "initialize", "confirm", "paymentmethods", "shippingmethods"]


def begin() -> tuple[Api, str]:
    """Begin a hosted checkout; return the holder of the cart, and the path of the order's calls."""
    holder, cart = guest(BOOTS)
    begun = ok(holder("POST", "cart/checkout", {"cartId": cart["cartId"]}), 201)
    return holder, f"checkout/{begun['orderId']}"


def token_of(holder: Api, path: str, **headers: str) -> dict[str, Any]:
    return ok(holder("GET", f"{path}/token", **headers))


def call(holder: Api, path: str, name: str, **headers: str) -> Any:
    """Make one of the five calls of an order, with a complete body if it needs one."""
    if name != "confirm":
        return holder("GET", f"{path}/{name}", **headers)
    body = {"amount": 1, "transactionId": "INV-1", "paymentStatus": "Captured"}
    return holder("POST", f"{path}/confirm", body, **{"Idempotency-Key": "key-1", **headers})


def pay(sandbox: Sandbox, version: str = "v1") -> dict[str, str]:
    """Pay the order on Henry's page; return the query that it adds to the return URL."""
    order = Order.objects.get()
    who = {"userId": order.henry_cart_id} if version == "v0" else {"cartId": order.henry_cart_id}
    paid = sandbox.call("POST", "pay", who)
    return {"orderId": paid.get("orderId", paid["refId"])}


def message_of(page: Any) -> list[tuple[str, str]]:
    """Return the text that a page posts to the page around it, with the target origin."""
    text = page.content.decode()
    found = re.findall(r'data-henry-framed="([^"]*)" data-origin="([^"]*)"', text)
    assert bool(found) == ("framed.js" in text)
    return [message for message in found if any(message)]


# Hosted, before the gateway


def test_hosted_token(version: str) -> None:
    """Hosted: before redirecting a checkout token is generated; pay takes it for this order alone."""
    holder, path = begin()
    order = Order.objects.get()
    answer = holder("GET", f"{path}/token")
    token = ok(answer)
    assert set(token) == {"token", "orderNumber", "payUrl"}
    assert all(isinstance(value, str) and value for value in token.values())
    assert token["orderNumber"] == order.number
    pay_url = f"http://testserver/henry/api/v1/checkout/{order.ulid}/pay/{token['token']}"
    assert token["payUrl"] == pay_url
    assert answer["Cache-Control"] == "no-store"
    assert Client().get(pay_url).status_code == 200


def test_token_takes_the_uuid_spelling_of_an_order() -> None:
    holder, path = begin()
    order_id = parse_public_id(path.removeprefix("checkout/"))
    assert token_of(holder, f"checkout/{order_id}")["orderNumber"] == Order.objects.get().number


def test_each_token_is_new_and_the_newest_wins() -> None:
    holder, path = begin()
    first, second = token_of(holder, path), token_of(holder, path)
    assert first["token"] != second["token"]
    browser = Client()
    assert browser.get(first["payUrl"]).status_code == 410
    assert browser.get(f"{first['payUrl']}/canceled").status_code == 200
    assert browser.get(second["payUrl"]).status_code == 200, "an older token cancels nothing"


@pytest.mark.parametrize("mode", ["Framed", "framed", "FRAMED", "Redirect", "redirect", "rEDIRECT"])
def test_mode_in_any_case(mode: str) -> None:
    """`Mode`: Redirect or Framed."""
    holder, path = begin()
    page = Client().get(token_of(holder, path, Mode=mode, Origin=STORE)["payUrl"])
    policy = page.headers.get("Content-Security-Policy", "")
    if mode.lower() == "framed":
        assert policy == f"frame-ancestors 'self' {STORE}"
        assert not page.has_header("X-Frame-Options")
    else:
        assert STORE not in policy
        assert page["X-Frame-Options"] == "DENY"


def test_redirect_is_the_mode_where_none_is_given() -> None:
    holder, path = begin()
    page = Client().get(token_of(holder, path, Origin=STORE)["payUrl"])
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors" not in page.headers.get("Content-Security-Policy", "")


def test_token_400_for_another_mode() -> None:
    holder, path = begin()
    for mode in ("Popup", "Inline", "", "Framed, Redirect", "1"):
        assert_problem(holder("GET", f"{path}/token", Mode=mode), 400, "bad_request")


def test_token_400_for_what_is_no_origin() -> None:
    """`Origin`: base URL of the caller."""
    holder, path = begin()
    for origin in (
        "null",
        "store.example",
        "ftp://store.example",
        "javascript:alert(1)",
        "https://",
        "https://:443",
        "https://store.example/shop",
        "https://store.example?a=b",
        "https://store.example#a",
        "https://ada:secret@store.example",
        "https://store.example:99999",
        "https://*.example",
        "https://store.example;script-src",
        "https://store.example 'self'",
        "https://a.example,https://b.example",
        "https://[::1",
        f"https://{'a' * 300}.example",
    ):
        assert_problem(holder("GET", f"{path}/token", Mode="Framed", Origin=origin), 400, "bad_request")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://Store.Example", STORE),
        ("https://store.example/", STORE),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_kept_exactly(given: str, kept: str) -> None:
    holder, path = begin()
    token = token_of(holder, path, Mode="Framed", Origin=given)
    browser = Client()
    assert browser.get(token["payUrl"])["Content-Security-Policy"] == f"frame-ancestors 'self' {kept}"
    [(_text, target)] = message_of(browser.get(f"{token['payUrl']}/canceled"))
    assert target == kept


def test_token_400_for_a_paid_order(sandbox: Sandbox) -> None:
    holder, path = begin()
    pay(sandbox)
    assert_problem(holder("GET", f"{path}/token"), 400, "order_not_open")


@pytest.mark.parametrize("name", CALLS)
def test_404_for_nothing_and_for_another_callers(name: str) -> None:
    """404 on every call: an unknown order, another caller's, or a malformed id."""
    _holder, path = begin()
    for stranger in (Api(), guest(BOOTS)[0]):
        found = [call(stranger, where, name) for where in (f"checkout/{UNKNOWN}", path, "checkout/nonsense")]
        assert_problem(found[0], 404, "order_not_found")
        assert found[0].content == found[1].content == found[2].content


@pytest.mark.parametrize("name", CALLS)
def test_store_and_api_key(name: str, sandbox: Sandbox, settings: Any) -> None:
    """`Store`: id or alias; `Api-Key`: one that is wrong is 401, one of another store finds nothing."""
    settings.HENRY_CHECKOUT = shop_settings(sandbox, ACCOUNTS={"default": {}, "uk": {}})
    holder, path = begin()
    keys = {account: {"Api-Key": create_api_key(account, account=account)} for account in ("default", "uk")}
    ok(holder("GET", f"{path}/initialize"))
    for store in ("default", "DEFAULT"):
        for caller in (holder, Api(**keys["default"])):
            assert call(caller, path, name, Store=store).status_code != 404
    for caller, store in ((holder, "uk"), (Api(**keys["default"]), "uk"), (Api(**keys["uk"]), "uk")):
        assert call(caller, path, name, Store=store).status_code == 404
    answer = call(Api(), path, name, **{"Api-Key": "made-up"})
    assert_problem(answer, 401, "token_invalid")


@pytest.mark.parametrize(
    ("name", "module", "flow"),
    [
        ("token", hosted, "renew_session"),
        ("initialize", inline, "ensure_inline_session"),
        ("confirm", inline, "get_inline_session"),
        ("shippingmethods", inline, "get_inline_session"),
    ],
)
def test_500_reveals_nothing(name: str, module: Any, flow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("of ada@shop.example")

    holder, path = begin()
    monkeypatch.setattr(module, flow, break_down)
    calm = Api(Client(raise_request_exception=False), **holder._headers)
    answer = call(calm, path, name)
    assert_problem(answer, 500, "internal_error")
    shown = answer.content + answer.headers.get("Umb-Notifications", "").encode()
    for secret in (b"ada@", b"RuntimeError", b"Traceback", b".py"):
        assert secret not in shown


# Hosted, on the way to the gateway


def test_pay_leads_to_the_payment_gateway(sandbox: Sandbox, version: str) -> None:
    """Pay: an HTML page that forwards to Henry's, with a button for browsers without scripts; never a redirect."""
    holder, path = begin()
    token = token_of(holder, path)
    page = Client().get(token["payUrl"])
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = page.content.decode()
    assert re.search(rf'<meta http-equiv="refresh" content="0;url={re.escape(sandbox.url)}/', text)
    assert re.search(rf'<a class="henry-button" href="{re.escape(sandbox.url)}/', text)
    assert "no-store" in page["Cache-Control"]
    assert page["X-Robots-Tag"] == "noindex"
    assert page["Referrer-Policy"] in {"no-referrer", "same-origin"}, "the token is in the path"
    assert message_of(page) == []


def test_pay_404_for_a_token_that_is_not_the_orders() -> None:
    (holder, path), (_other, theirs) = begin(), begin()
    token = token_of(holder, path)["token"]
    for where in (
        f"{path}/pay/made-up",
        f"{theirs}/pay/{token}",
        f"checkout/{UNKNOWN}/pay/{token}",
        "checkout/x/pay/y",
    ):
        for ending in ("", "/completed", "/canceled", "/errored"):
            assert Client().get(f"/henry/api/v1/{where}{ending}").status_code == 404


def test_pay_410_for_an_expired_token() -> None:
    holder, path = begin()
    token = token_of(holder, path)
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(token["payUrl"]).status_code == 410
    assert Client().get(token_of(holder, path)["payUrl"]).status_code == 200


# Hosted, back from the gateway


def test_completed_proves_nothing(version: str) -> None:
    """Nothing was paid: no message, no status, and the order stays open."""
    holder, path = begin()
    token = token_of(holder, path, **FRAMED)
    for _time in range(2):
        page = Client().get(f"{token['payUrl']}/completed", {"orderId": "made-up", "status": "paid"})
        assert page.status_code == 200
        assert message_of(page) == []
        assert ":completed" not in page.content.decode()
    assert Order.objects.get().status == "open"
    assert Client().get(token["payUrl"]).status_code == 200


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_paid_order_is_completed_for_every_suffix(sandbox: Sandbox, version: str, ending: str) -> None:
    holder, path = begin()
    token = token_of(holder, path, **FRAMED)
    back = pay(sandbox, version)
    for _time in range(2):
        page = Client().get(f"{token['payUrl']}/{ending}", back)
        assert page.status_code == 200
        text = f"UC:{path.removeprefix('checkout/')}:{token['token']}:completed"
        assert message_of(page) == [(text, STORE)]
        assert page["Content-Security-Policy"] == f"frame-ancestors 'self' {STORE}"
    assert Order.objects.get().status != "open"
    assert_problem(holder("GET", f"{path}/token"), 400, "order_not_open")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("ending", ["canceled", "errored"])
def test_a_payment_that_was_given_up(version: str, ending: str, method: str) -> None:
    """By GET or a form's POST, without cookies, and any number of times: the order stays open for a new token."""
    holder, path = begin()
    token = token_of(holder, path, **FRAMED)
    for _time in range(2):
        browser = Client(enforce_csrf_checks=True)
        page = getattr(browser, method)(f"{token['payUrl']}/{ending}")
        assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
        text = f"UC:{path.removeprefix('checkout/')}:{token['token']}:{ending}"
        assert message_of(page) == [(text, STORE)]
        assert page["Content-Security-Policy"] == f"frame-ancestors 'self' {STORE}"
        assert not page.has_header("X-Frame-Options")
        assert "no-store" in page["Cache-Control"]
        assert page["X-Robots-Tag"] == "noindex"
    assert Order.objects.get().status == "open"
    assert Client().get(token["payUrl"]).status_code == 410
    fresh = token_of(holder, path, **FRAMED)
    assert fresh["token"] != token["token"]
    assert Client().get(fresh["payUrl"]).status_code == 200
    again = getattr(Client(), method)(f"{token['payUrl']}/{ending}")
    assert again.status_code == 200
    live = CheckoutSession.objects.live().get()
    assert live.status == SessionStatus.AWAITING_PAYMENT, "the old token does not end the new session"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("headers", [{}, {"Mode": "Framed"}, {"Mode": "Redirect", "Origin": STORE}])
def test_only_a_framed_page_posts_messages(ending: str, headers: dict[str, str]) -> None:
    """Without a frame or an `Origin`, nothing is posted, and no page may frame it."""
    holder, path = begin()
    token = token_of(holder, path, **headers)
    page = Client().get(f"{token['payUrl']}/{ending}")
    assert page.status_code == 200
    assert message_of(page) == []
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors" not in page.headers.get("Content-Security-Policy", "")


def test_return_to_payment_works_within_the_frame() -> None:
    """The button of the canceled page: a frame of another site has no cookies, and stays a frame of its origin."""
    holder, path = begin()
    token = token_of(holder, path, **FRAMED)
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(f"{token['payUrl']}/canceled").content.decode()
    [target] = re.findall(r'<form class="henry-form" method="post" action="([^"]+)"', page)
    again = Client(enforce_csrf_checks=True).post(target)
    assert again.status_code == 303
    assert Client().get(again["Location"])["Content-Security-Policy"] == f"frame-ancestors 'self' {STORE}"


def test_the_message_goes_to_the_target_origin_only() -> None:
    source = finders.find("henry_checkout/framed.js")
    assert source
    with open(source, encoding="utf-8") as script:  # noqa: PTH123 - a path that Django found
        posts = re.findall(r"postMessage\(([^)]*)\)", script.read())
    assert posts
    assert set(posts) == {"text, origin", '{ henry: "returned" }, location.origin'}
