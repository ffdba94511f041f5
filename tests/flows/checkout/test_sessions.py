"""Start, pay, return, cancel, expire: over real HTTP, with Henry available and failing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.utils import timezone

from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    CartEmpty,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    OrderNotOpen,
    TokenExpired,
    TokenInvalid,
    UntrustedCheckoutUrl,
)
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.hosted import (
    ReturnOutcome,
    find_hosted_session,
    payment_url,
    resolve_return,
)
from django_henry_checkout.flows.checkout.sessions import (
    begin_checkout,
    check_checkout_url,
    expire_sessions,
    renew_session,
)
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.flows.order import status_links
from django_henry_checkout.models import Cart, CheckoutSession, Event, Order, Purchase, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.items import make_item
from tests.support.shop import shop_settings

pytestmark = pytest.mark.django_db(transaction=True)

BACK = "https://shop.example/back"


def nothing_was_written() -> bool:
    return not (Order.objects.exists() or CheckoutSession.objects.exists() or Purchase.objects.exists())


def test_an_order_is_a_snapshot_of_the_cart(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    carts.clear_cart(cart)
    carts.add_item(cart, make_item("https://alpine.example/products/tent"))

    order = Order.objects.get()
    assert [line.title for line in order.lines.all()] == ["boots", "mug"]
    assert [line.merchant for line in order.lines.all()] == ["alpine.example", "clay.example"]
    assert str(order.subtotal_amount) == "173.5000"
    sandbox.pay(order.henry_cart_id)
    (bought,) = sandbox.orders()
    assert [item["link"].rsplit("/", 1)[-1] for item in bought["items"]] == ["boots", "mug"]
    assert order == started.order


def test_starting_twice_makes_one_order_and_one_cart_at_henry(sandbox: Sandbox, cart: Cart) -> None:
    first, second = begin_checkout(cart), begin_checkout(cart)
    assert first.order == second.order
    assert Purchase.objects.count() == 1
    assert [row["path"] for row in sandbox.requests()] == ["/v1/cart", "/v1/orders"]
    assert list(CheckoutSession.objects.order_by("pk").values_list("status", flat=True)) == [
        "canceled",
        "awaiting_payment",
    ]
    assert first.token != second.token


def test_an_edited_cart_starts_another_order(sandbox: Sandbox, cart: Cart) -> None:
    first = begin_checkout(cart)
    carts.add_item(cart, make_item())
    cart.refresh_from_db()
    second = begin_checkout(cart)
    assert first.order != second.order
    assert first.order.henry_cart_id != second.order.henry_cart_id


def test_an_empty_cart_is_refused_without_a_call_to_henry(sandbox: Sandbox) -> None:
    with pytest.raises(CartEmpty):
        begin_checkout(carts.create_cart())
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 500},
        {"fault": "status", "status": 401},
        {"fault": "status", "status": 422},
        {"fault": "status", "status": 429},
        {"fault": "reset"},
        {"fault": "lost_reply"},
        {"fault": "garbage", "kind": "html"},
        {"fault": "garbage", "kind": "truncated"},
        {"fault": "garbage", "kind": "wrong_type"},
        {"fault": "redirect", "location": "https://evil.example/"},
        {"fault": "body", "status": 200, "json": {"success": False, "message": "no"}},
        {"fault": "body", "status": 200, "json": {"success": True, "data": {"checkoutUrl": "x"}}},
    ],
)
def test_an_error_at_henry_leaves_the_cart_unchanged(
    sandbox: Sandbox, cart: Cart, fault: dict[str, Any]
) -> None:
    sandbox.scenario(faults=[{**fault, "path": "/v1/cart", "method": "POST"}])
    with pytest.raises(GatewayError):
        begin_checkout(cart)
    assert nothing_was_written()
    assert cart.lines.count() == 2
    assert begin_checkout(cart).order.status == "open"


def test_a_slow_answer_times_out(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "TOTAL_TIMEOUT": 0.5}
    sandbox.scenario(faults=[{"fault": "delay", "seconds": 3, "path": "/v1/cart"}])
    with pytest.raises(GatewayTimeout):
        begin_checkout(cart)
    assert nothing_was_written()


def test_a_wrong_key_names_the_setting_and_not_the_key(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_KEY="canary-key")
    with pytest.raises(AuthenticationFailed, match=r'HENRY_CHECKOUT\["API_KEY"\]') as caught:
        begin_checkout(cart)
    assert "canary-key" not in str(caught.value)
    assert nothing_was_written()


def test_a_missing_key_names_the_setting(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, API_KEY="")
    with pytest.raises(ConfigurationError, match=r'HENRY_CHECKOUT\["API_KEY"\]'):
        begin_checkout(cart)
    assert nothing_was_written()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/cart/1",
        "http://checkout.henrylabs.ai/cart/1",
        "https://checkout.henrylabs.ai.evil.example/cart/1",
        "https://checkout.henrylabs.ai:8443/cart/1",
        "https://user:pass@checkout.henrylabs.ai/cart/1",
        "https://checkout.henrylabs.ai\\@evil.example/",
        "https://checkout.henrylabs.ai@evil.example/",
        "//checkout.henrylabs.ai/cart/1",
        "javascript:alert(1)",
        "https://[::1",
        "",
    ],
)
def test_only_exact_origins_are_accepted(settings: Any, url: str) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": "k"}
    check_checkout_url("https://checkout.henrylabs.ai/cart/1?theme=dark", account=henry.account())
    with pytest.raises(UntrustedCheckoutUrl):
        check_checkout_url(url, account=henry.account())


def test_a_checkout_page_on_another_origin_is_refused(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, CHECKOUT_ORIGINS=["https://checkout.henrylabs.ai"])
    with pytest.raises(UntrustedCheckoutUrl):
        begin_checkout(cart)
    assert nothing_was_written()


def test_the_token_is_stored_as_a_hash_and_opens_its_order_only(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    session = find_hosted_session(started.order.public_id, started.token)
    assert session == started.session
    assert started.token not in str(vars(session))
    assert started.token not in repr(started)
    other = Order.objects.create(account="default")
    for order_id, token in ((other.public_id, started.token), (started.order.public_id, started.token[:-1])):
        with pytest.raises(TokenInvalid):
            find_hosted_session(order_id, token)


def test_the_payment_url_contains_the_return_url(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    started = begin_checkout(cart)
    url = payment_url(started.session, return_url=BACK)
    assert url.startswith(sandbox.url)
    assert parse_qs(urlsplit(url).query) == {"returnUrl": [BACK]}
    settings.HENRY_CHECKOUT = shop_settings(sandbox, RETURN_URL_PARAMETER="")
    assert payment_url(started.session, return_url=BACK) == started.order.hosted_url


def test_an_expired_session_has_no_payment_url(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    CheckoutSession.objects.update(expires_at=timezone.now())
    with pytest.raises(TokenExpired):
        payment_url(find_hosted_session(started.order.public_id, started.token), return_url=BACK)
    assert expire_sessions() == 1
    assert expire_sessions() == 0
    with pytest.raises(TokenExpired):
        payment_url(find_hosted_session(started.order.public_id, started.token), return_url=BACK)
    assert Event.objects.filter(type="checkout_expired").count() == 1


def test_fault_43_a_return_opened_twenty_times_is_one_order(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    session = find_hosted_session(started.order.public_id, started.token)
    outcomes = {resolve_return(session, ReturnOutcome.COMPLETED) for _time in range(20)}
    assert outcomes == {ReturnOutcome.COMPLETED}
    assert Order.objects.get().status == "placed"
    assert Event.objects.filter(type="purchase_submitted").count() == 1
    assert len(sandbox.orders()) == 1


def test_a_claimed_payment_that_henry_does_not_confirm_changes_nothing(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    session = find_hosted_session(started.order.public_id, started.token)
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.CHECKING
    assert Order.objects.get().status == "open"


def test_a_return_while_henry_is_unavailable_is_checked_again_later(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "path": "/v1/orders"}])
    session = find_hosted_session(started.order.public_id, started.token)
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.CHECKING
    # Until the pause is over, no second call is made.
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.CHECKING
    cache.clear()
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.COMPLETED


@pytest.mark.parametrize(
    ("hint", "status", "event"),
    [
        (ReturnOutcome.CANCELED, "canceled", "checkout_canceled"),
        (ReturnOutcome.ERRORED, "errored", "checkout_errored"),
    ],
)
def test_a_canceled_or_errored_session_leaves_the_order_open_for_another(
    sandbox: Sandbox, cart: Cart, hint: ReturnOutcome, status: str, event: str
) -> None:
    started = begin_checkout(cart)
    session = find_hosted_session(started.order.public_id, started.token)
    for _time in range(3):
        assert resolve_return(session, hint) is hint
    assert Event.objects.filter(type=event).count() == 1
    session.refresh_from_db()
    assert (session.status, Order.objects.get().status) == (status, "open")
    with pytest.raises(TokenExpired):
        payment_url(session, return_url=BACK)

    again = renew_session(started.order)
    assert again.order == started.order
    assert payment_url(again.session, return_url=BACK)
    assert begin_checkout(cart).order == started.order


def test_henrys_answer_overrides_a_cancel(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    session = find_hosted_session(started.order.public_id, started.token)
    assert resolve_return(session, ReturnOutcome.CANCELED) is ReturnOutcome.COMPLETED
    assert not Event.objects.filter(type="checkout_canceled").exists()


@pytest.mark.usefixtures("polls_at_once")
def test_a_payment_after_cancel_and_expiry_is_still_found(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    resolve_return(find_hosted_session(started.order.public_id, started.token), ReturnOutcome.CANCELED)
    sandbox.pay(started.order.henry_cart_id)
    for _pass in range(8):
        sandbox.advance(2)
        run_once()
    order = Order.objects.get()
    assert order.status == "completed"
    assert order.sessions.get().status == "canceled"
    with pytest.raises(OrderNotOpen):
        renew_session(order)
    assert (
        resolve_return(find_hosted_session(order.public_id, started.token), ReturnOutcome.CANCELED)
        is ReturnOutcome.COMPLETED
    )


@pytest.mark.usefixtures("polls_at_once")
def test_a_completed_order_does_not_block_the_next_order_of_the_cart(sandbox: Sandbox, cart: Cart) -> None:
    first = begin_checkout(cart).order
    sandbox.pay(first.henry_cart_id)
    for _pass in range(8):
        sandbox.advance(2)
        run_once()
    cart.refresh_from_db()
    assert cart.lines.count() == 0
    carts.add_item(cart, make_item())
    cart.refresh_from_db()
    assert begin_checkout(cart).order != first


def test_an_order_that_another_one_has_overtaken_is_not_resumed(
    sandbox: Sandbox, cart: Cart, polls_at_once: None
) -> None:
    cart.lines.last().delete()
    single = begin_checkout(cart).order  # left open, in another tab
    carts.add_item(cart, make_item("https://clay.example/products/mug"))
    both = begin_checkout(cart).order
    sandbox.pay(both.henry_cart_id)
    for _pass in range(8):
        sandbox.advance(2)
        run_once()
    assert Order.objects.get(pk=both.pk).status == "completed"
    carts.add_item(cart, make_item("https://alpine.example/products/boots", price="149.00"))
    cart.refresh_from_db()
    again = begin_checkout(cart)
    assert again.order not in {single, both}
    assert payment_url(again.session, return_url="https://shop.example/")


def test_status_links_are_signed_expire_and_can_be_revoked(settings: Any, db: None) -> None:
    order = Order.objects.create(account="default")
    token = status_links.create_status_token(order)
    assert status_links.get_order_by_status_token(token) == order
    for forged in ("", "x", token[:-1], token.replace(":", ".", 1), f"{token}x"):
        with pytest.raises(TokenInvalid):
            status_links.get_order_by_status_token(forged)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "STATUS_LINK_LIFETIME": timedelta(seconds=-1)}
    with pytest.raises(TokenExpired):
        status_links.get_order_by_status_token(token)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "STATUS_LINK_LIFETIME": timedelta(days=1)}
    Order.objects.update(link_epoch=1)
    with pytest.raises(TokenExpired):
        status_links.get_order_by_status_token(token)


def test_a_payment_after_the_expected_payment_was_abandoned_is_found_on_return(
    sandbox: Sandbox, cart: Cart
) -> None:
    started = begin_checkout(cart)
    Purchase.objects.update(status="abandoned", ended_at=timezone.now())
    PurchasePoll.objects.all().delete()
    sandbox.pay(started.order.henry_cart_id)
    session = find_hosted_session(started.order.public_id, started.token)
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.COMPLETED


def test_a_paid_order_is_not_offered_for_payment_again(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    with pytest.raises(OrderNotOpen) as caught:
        begin_checkout(cart)
    assert caught.value.order_id == started.order.public_id
    assert Order.objects.get().status == "placed"
    with pytest.raises(OrderNotOpen):
        renew_session(started.order)


def test_a_return_hint_is_ignored_while_henry_is_unavailable(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "path": "/v1/orders"}])
    session = find_hosted_session(started.order.public_id, started.token)
    assert resolve_return(session, ReturnOutcome.ERRORED) is ReturnOutcome.CHECKING
    session.refresh_from_db()
    assert session.status == "awaiting_payment"


def test_after_a_sign_in_the_merged_cart_is_the_one_that_is_paid(
    sandbox: Sandbox, cart: Cart, django_user_model: Any
) -> None:
    own = carts.create_cart(user=django_user_model.objects.create_user("ada"))
    carts.add_item(own, make_item("https://alpine.example/products/lamp"))
    begin_checkout(cart)
    carts.merge_carts(cart, into=own)
    own.refresh_from_db()
    order = begin_checkout(own, user=own.user).order
    assert {line.title for line in order.lines.all()} == {line.title for line in own.lines.all()}


def test_a_paid_session_never_expires(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    resolve_return(find_hosted_session(started.order.public_id, started.token), ReturnOutcome.COMPLETED)
    CheckoutSession.objects.update(status="awaiting_payment", expires_at=timezone.now())
    assert expire_sessions() == 0
    assert not Event.objects.filter(type="checkout_expired").exists()


def test_a_cart_merged_meanwhile_is_not_found(
    sandbox: Sandbox, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_henry_checkout.exceptions import CartNotFound
    from django_henry_checkout.flows.checkout import sessions

    real = sessions._get_hosted_page

    def merge_meanwhile(*args: Any) -> Any:
        page = real(*args)
        Cart.objects.all().delete()
        return page

    monkeypatch.setattr(sessions, "_get_hosted_page", merge_meanwhile)
    with pytest.raises(CartNotFound):
        begin_checkout(cart)


def test_a_token_expires_when_no_payment_is_expected_any_more(sandbox: Sandbox, cart: Cart) -> None:
    started = begin_checkout(cart)
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(hours=25))
    with pytest.raises(TokenExpired):
        find_hosted_session(started.order.public_id, started.token)
