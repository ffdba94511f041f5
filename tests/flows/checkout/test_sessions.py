"""Begin, pay, come back, cancel, expire: over real HTTP, with Henry in good and bad health."""

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
    begun = begin_checkout(cart)
    carts.clear_cart(cart)
    carts.add_item(cart, make_item("https://alpine.example/products/tent"))

    order = Order.objects.get()
    assert [line.title for line in order.lines.all()] == ["boots", "mug"]
    assert [line.merchant for line in order.lines.all()] == ["alpine.example", "clay.example"]
    assert str(order.subtotal_amount) == "173.5000"
    sandbox.pay(order.henry_cart_id)
    (bought,) = sandbox.orders()
    assert [item["link"].rsplit("/", 1)[-1] for item in bought["items"]] == ["boots", "mug"]
    assert order == begun.order


def test_beginning_twice_is_one_order_and_one_cart_at_henry(sandbox: Sandbox, cart: Cart) -> None:
    first, second = begin_checkout(cart), begin_checkout(cart)
    assert first.order == second.order
    assert Purchase.objects.count() == 1
    assert [row["path"] for row in sandbox.requests()] == ["/v1/cart", "/v1/orders"]
    assert list(CheckoutSession.objects.order_by("pk").values_list("status", flat=True)) == [
        "canceled",
        "awaiting_payment",
    ]
    assert first.token != second.token


def test_an_edited_cart_begins_another_order(sandbox: Sandbox, cart: Cart) -> None:
    first = begin_checkout(cart)
    carts.add_item(cart, make_item())
    cart.refresh_from_db()
    second = begin_checkout(cart)
    assert first.order != second.order
    assert first.order.henry_cart_id != second.order.henry_cart_id


def test_an_empty_cart_is_refused_before_henry_is_asked(sandbox: Sandbox) -> None:
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
def test_trouble_at_henry_leaves_the_cart_intact(sandbox: Sandbox, cart: Cart, fault: dict[str, Any]) -> None:
    sandbox.scenario(faults=[{**fault, "path": "/v1/cart", "method": "POST"}])
    with pytest.raises(GatewayError):
        begin_checkout(cart)
    assert nothing_was_written()
    assert cart.lines.count() == 2
    assert begin_checkout(cart).order.status == "open"


def test_a_slow_henry_is_not_waited_for_for_ever(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
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
def test_only_exact_origins_are_followed(settings: Any, url: str) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": "k"}
    check_checkout_url("https://checkout.henrylabs.ai/cart/1?theme=dark", account=henry.account())
    with pytest.raises(UntrustedCheckoutUrl):
        check_checkout_url(url, account=henry.account())


def test_a_page_elsewhere_is_not_sold_from(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    settings.HENRY_CHECKOUT = shop_settings(sandbox, CHECKOUT_ORIGINS=["https://checkout.henrylabs.ai"])
    with pytest.raises(UntrustedCheckoutUrl):
        begin_checkout(cart)
    assert nothing_was_written()


def test_the_token_is_kept_as_a_hash_and_opens_its_order_only(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    session = find_hosted_session(begun.order.public_id, begun.token)
    assert session == begun.session
    assert begun.token not in str(vars(session))
    assert begun.token not in repr(begun)
    other = Order.objects.create(account="default")
    for order_id, token in ((other.public_id, begun.token), (begun.order.public_id, begun.token[:-1])):
        with pytest.raises(TokenInvalid):
            find_hosted_session(order_id, token)


def test_the_way_to_henry_carries_the_way_back(sandbox: Sandbox, cart: Cart, settings: Any) -> None:
    begun = begin_checkout(cart)
    url = payment_url(begun.session, return_url=BACK)
    assert url.startswith(sandbox.url)
    assert parse_qs(urlsplit(url).query) == {"returnUrl": [BACK]}
    settings.HENRY_CHECKOUT = shop_settings(sandbox, RETURN_URL_PARAMETER="")
    assert payment_url(begun.session, return_url=BACK) == begun.order.hosted_url


def test_a_session_that_is_over_leads_nowhere(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    CheckoutSession.objects.update(expires_at=timezone.now())
    with pytest.raises(TokenExpired):
        payment_url(find_hosted_session(begun.order.public_id, begun.token), return_url=BACK)
    assert expire_sessions() == 1
    assert expire_sessions() == 0
    with pytest.raises(TokenExpired):
        payment_url(find_hosted_session(begun.order.public_id, begun.token), return_url=BACK)
    assert Event.objects.filter(type="checkout_expired").count() == 1


def test_fault_43_a_return_opened_twenty_times_is_one_order(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    session = find_hosted_session(begun.order.public_id, begun.token)
    endings = {resolve_return(session, ReturnOutcome.COMPLETED) for _time in range(20)}
    assert endings == {ReturnOutcome.COMPLETED}
    assert Order.objects.get().status == "placed"
    assert Event.objects.filter(type="purchase_submitted").count() == 1
    assert len(sandbox.orders()) == 1


def test_a_claimed_payment_that_henry_has_not_seen_moves_nothing(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    session = find_hosted_session(begun.order.public_id, begun.token)
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.CHECKING
    assert Order.objects.get().status == "open"


def test_henry_down_on_the_way_back_is_taken_calmly(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "path": "/v1/orders"}])
    session = find_hosted_session(begun.order.public_id, begun.token)
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.CHECKING
    assert (
        resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.CHECKING
    )  # not asked again at once
    cache.clear()
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.COMPLETED


@pytest.mark.parametrize(
    ("hint", "status", "event"),
    [
        (ReturnOutcome.CANCELED, "canceled", "checkout_canceled"),
        (ReturnOutcome.ERRORED, "errored", "checkout_errored"),
    ],
)
def test_giving_up_leaves_the_order_open_and_a_new_session_works(
    sandbox: Sandbox, cart: Cart, hint: ReturnOutcome, status: str, event: str
) -> None:
    begun = begin_checkout(cart)
    session = find_hosted_session(begun.order.public_id, begun.token)
    for _time in range(3):
        assert resolve_return(session, hint) is hint
    assert Event.objects.filter(type=event).count() == 1
    session.refresh_from_db()
    assert (session.status, Order.objects.get().status) == (status, "open")
    with pytest.raises(TokenExpired):
        payment_url(session, return_url=BACK)

    again = renew_session(begun.order)
    assert again.order == begun.order
    assert payment_url(again.session, return_url=BACK)
    assert begin_checkout(cart).order == begun.order


def test_what_henry_says_beats_a_cancel(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    session = find_hosted_session(begun.order.public_id, begun.token)
    assert resolve_return(session, ReturnOutcome.CANCELED) is ReturnOutcome.COMPLETED
    assert not Event.objects.filter(type="checkout_canceled").exists()


@pytest.mark.usefixtures("polls_at_once")
def test_a_payment_after_cancel_and_expiry_is_still_found(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    resolve_return(find_hosted_session(begun.order.public_id, begun.token), ReturnOutcome.CANCELED)
    sandbox.pay(begun.order.henry_cart_id)
    for _round in range(8):
        sandbox.advance(2)
        run_once()
    order = Order.objects.get()
    assert order.status == "completed"
    assert order.sessions.get().status == "canceled"
    with pytest.raises(OrderNotOpen):
        renew_session(order)
    assert (
        resolve_return(find_hosted_session(order.public_id, begun.token), ReturnOutcome.CANCELED)
        is ReturnOutcome.COMPLETED
    )


@pytest.mark.usefixtures("polls_at_once")
def test_a_shopper_who_paid_nothing_is_never_in_the_way_of_the_next_order(
    sandbox: Sandbox, cart: Cart
) -> None:
    first = begin_checkout(cart).order
    sandbox.pay(first.henry_cart_id)
    for _round in range(8):
        sandbox.advance(2)
        run_once()
    cart.refresh_from_db()
    assert cart.lines.count() == 0
    carts.add_item(cart, make_item())
    cart.refresh_from_db()
    assert begin_checkout(cart).order != first


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


def test_a_payment_after_the_wait_was_given_up_is_found_on_return(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    Purchase.objects.update(status="abandoned", ended_at=timezone.now())
    PurchasePoll.objects.all().delete()
    sandbox.pay(begun.order.henry_cart_id)
    session = find_hosted_session(begun.order.public_id, begun.token)
    assert resolve_return(session, ReturnOutcome.COMPLETED) is ReturnOutcome.COMPLETED


def test_nobody_is_sent_to_pay_what_is_paid(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    with pytest.raises(OrderNotOpen) as caught:
        begin_checkout(cart)
    assert caught.value.order_id == begun.order.public_id
    assert Order.objects.get().status == "placed"
    with pytest.raises(OrderNotOpen):
        renew_session(begun.order)


def test_a_hint_is_not_believed_while_henry_cannot_be_asked(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "path": "/v1/orders"}])
    session = find_hosted_session(begun.order.public_id, begun.token)
    assert resolve_return(session, ReturnOutcome.ERRORED) is ReturnOutcome.CHECKING
    session.refresh_from_db()
    assert session.status == "awaiting_payment"


def test_after_a_sign_in_the_cart_that_is_shown_is_the_one_that_is_paid(
    sandbox: Sandbox, cart: Cart, django_user_model: Any
) -> None:
    own = carts.create_cart(user=django_user_model.objects.create_user("ada"))
    carts.add_item(own, make_item("https://alpine.example/products/lamp"))
    begin_checkout(cart)
    carts.merge_carts(cart, into=own)
    own.refresh_from_db()
    order = begin_checkout(own, user=own.user).order
    assert {line.title for line in order.lines.all()} == {line.title for line in own.lines.all()}


def test_an_expiry_never_ends_what_is_paid(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    sandbox.pay(begun.order.henry_cart_id)
    resolve_return(find_hosted_session(begun.order.public_id, begun.token), ReturnOutcome.COMPLETED)
    CheckoutSession.objects.update(status="awaiting_payment", expires_at=timezone.now())
    assert expire_sessions() == 0
    assert not Event.objects.filter(type="checkout_expired").exists()


def test_a_cart_that_is_merged_away_meanwhile_is_told(
    sandbox: Sandbox, cart: Cart, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_henry_checkout.exceptions import CartNotFound
    from django_henry_checkout.flows.checkout import sessions

    real = sessions._get_hosted_page

    def merged_away(*args: Any) -> Any:
        page = real(*args)
        Cart.objects.all().delete()
        return page

    monkeypatch.setattr(sessions, "_get_hosted_page", merged_away)
    with pytest.raises(CartNotFound):
        begin_checkout(cart)


def test_a_token_ends_for_good_with_the_wait(sandbox: Sandbox, cart: Cart) -> None:
    begun = begin_checkout(cart)
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(hours=25))
    with pytest.raises(TokenExpired):
        find_hosted_session(begun.order.public_id, begun.token)
