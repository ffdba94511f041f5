"""Customer session tokens: content, lifetime, signature, and the access that they give."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone

from django_henry_checkout.exceptions import (
    CartNotFound,
    ConfigurationError,
    InvalidBuyer,
    OrderNotFound,
    SessionNotFound,
    SessionNotNamed,
    TokenInvalid,
)
from django_henry_checkout.flows.access import customer_tokens
from django_henry_checkout.flows.access.customer_tokens import (
    create_customer_token,
    get_caller_by_customer_token,
    get_customer_session,
    get_known_buyer,
    revoke_customer_session,
)
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.inline import begin_inline, find_inline_session
from django_henry_checkout.flows.order.transitions import get_order
from django_henry_checkout.models import Cart, CustomerSession, Order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Buyer, Caller
from tests.support.inline import BUYER, moved
from tests.support.items import make_item

pytestmark = pytest.mark.django_db(transaction=True)

CLAIMS = {"iss", "aud", "sub", "org", "iat", "exp", "jti"}


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims, unverified."""
    header, claims, _signature = token.split(".")
    found = [json.loads(base64.urlsafe_b64decode(f"{part}===")) for part in (header, claims)]
    return found[0], found[1]


def signed(claims: dict[str, Any], *, key: Any = None, algorithm: str = "HS256", **header: Any) -> str:
    kid, current = next(customer_tokens._keys())
    return jwt.encode(
        claims, current if key is None else key, algorithm=algorithm, headers={"kid": kid, **header}
    )


def cart_of(customer: CustomerSession) -> Cart:
    cart = carts.create_cart()
    carts.add_item(cart, make_item())
    Cart.objects.filter(pk=cart.pk).update(customer=customer)
    cart.refresh_from_db()
    return cart


def test_a_token_contains_ids_and_times_and_no_personal_data(db: None) -> None:
    token = create_customer_token(BUYER)
    header, claims = parts(token)
    assert set(claims) == CLAIMS
    assert set(header) == {"alg", "typ", "kid"}
    assert header["alg"] == "HS256"
    session = CustomerSession.objects.get()
    assert (claims["sub"], claims["org"]) == (session.ulid, "default")
    assert (claims["iss"], claims["aud"]) == (customer_tokens.ISSUER, customer_tokens.AUDIENCE)
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert abs(claims["iat"] - timezone.now().timestamp()) < 30
    assert claims["jti"] != parts(create_customer_token(BUYER))[1]["jti"]
    shown = f"{header}{claims}"
    for canary in ("Ada", "Lovelace", BUYER.email, "5550123", "Fifth", "10118", "New York"):
        assert canary not in shown
    assert get_customer_session(get_caller_by_customer_token(token)) == session


def test_no_token_is_issued_for_an_invalid_buyer_or_account(db: None) -> None:
    with pytest.raises(InvalidBuyer):
        create_customer_token(replace(BUYER, shipping_address=moved(province="Ontario")))
    with pytest.raises(ConfigurationError):
        create_customer_token(BUYER, account="elsewhere")
    assert not CustomerSession.objects.exists()


@pytest.mark.parametrize(("seconds", "works"), [(30, True), (-30, True), (-90, False), (-3600, False)])
def test_a_token_expires_after_its_lifetime_and_leeway(
    db: None, settings: Any, seconds: int, works: bool
) -> None:
    lifetime = timedelta(seconds=seconds)
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "CUSTOMER_TOKEN_LIFETIME": lifetime}
    token = create_customer_token(Buyer())
    if works:
        assert get_caller_by_customer_token(token).customer_id == CustomerSession.objects.get().public_id
    else:
        with pytest.raises(TokenInvalid):
            get_caller_by_customer_token(token)


def test_an_expired_or_deleted_row_invalidates_the_token(db: None) -> None:
    token = create_customer_token(Buyer())
    CustomerSession.objects.update(expires_at=timezone.now() - timedelta(seconds=90))
    with pytest.raises(TokenInvalid):
        get_caller_by_customer_token(token)
    CustomerSession.objects.all().delete()
    with pytest.raises(TokenInvalid):
        get_caller_by_customer_token(token)


def test_revoking_a_session_invalidates_all_its_tokens(db: None) -> None:
    token, other = create_customer_token(Buyer()), create_customer_token(Buyer())
    caller = get_caller_by_customer_token(token)
    again = signed({**parts(token)[1], "jti": "another"})
    assert get_caller_by_customer_token(again) == caller
    assert caller.customer_id is not None
    assert revoke_customer_session(caller.customer_id)
    assert not revoke_customer_session(caller.customer_id)
    for dead in (token, again):
        with pytest.raises(TokenInvalid):
            get_caller_by_customer_token(dead)
    assert get_caller_by_customer_token(other).customer_id != caller.customer_id


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_forged_tokens_are_refused(db: None) -> None:
    token = create_customer_token(Buyer())
    claims = parts(token)[1]
    head, body, signature = token.split(".")
    unsigned = (
        base64.urlsafe_b64encode(
            json.dumps({"alg": "none", "typ": "JWT", "kid": parts(token)[0]["kid"]}).encode()
        )
        .rstrip(b"=")
        .decode()
    )
    far = int((datetime.now(UTC) + timedelta(days=365)).timestamp())
    forged = [
        f"{unsigned}.{body}.",
        f"{unsigned}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{jwt.encode({**claims, 'exp': far}, 'k' * 32).split('.')[1]}.{signature}",
        signed(claims, key="k" * 32),
        signed(claims, algorithm="HS512"),
        signed(claims, kid="0" * 12),
        signed({**claims, "aud": "elsewhere"}),
        signed({**claims, "iss": "elsewhere"}),
        signed({**claims, "sub": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
        signed({**claims, "sub": "' OR 1=1"}),
        signed({**claims, "iat": far}),
        *(signed({key: value for key, value in claims.items() if key != name}) for name in CLAIMS - {"org"}),
        jwt.encode(claims, next(customer_tokens._keys())[1]),  # without a kid
        "",
        "x",
        "..",
        "é.é.é",
        token + "x",
        token * 100,
    ]
    for one in forged:
        with pytest.raises(TokenInvalid):
            get_caller_by_customer_token(one)
    assert signed(claims).count(".") == 2
    assert get_caller_by_customer_token(signed(claims)) == get_caller_by_customer_token(token)


def test_keys_rotate_without_invalidating_tokens(db: None, settings: Any) -> None:
    old = create_customer_token(Buyer())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-secret-for-tests", [settings.SECRET_KEY]
    new = create_customer_token(Buyer())
    assert parts(old)[0]["kid"] != parts(new)[0]["kid"]
    assert get_caller_by_customer_token(old).customer_id != get_caller_by_customer_token(new).customer_id
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(TokenInvalid):
        get_caller_by_customer_token(old)
    assert get_caller_by_customer_token(new).customer_id is not None


def test_a_customer_reaches_their_own_carts_and_orders_and_no_others(sandbox: Sandbox) -> None:
    ours = get_caller_by_customer_token(create_customer_token(BUYER))
    theirs = get_caller_by_customer_token(create_customer_token(Buyer()))
    session = get_customer_session(ours)
    assert session is not None
    cart = cart_of(session)
    started = begin_inline(cart)
    stranger = carts.create_cart()

    assert carts.get_cart(cart.public_id, caller=ours) == cart
    assert get_order(started.order.public_id, caller=ours) == started.order
    assert find_inline_session(ours, cart_id=cart.public_id) == started.session
    for caller in (theirs, Caller()):
        with pytest.raises(CartNotFound):
            carts.get_cart(cart.public_id, caller=caller)
        with pytest.raises(OrderNotFound):
            get_order(started.order.public_id, caller=caller)
        with pytest.raises(SessionNotFound):
            find_inline_session(caller, cart_id=cart.public_id)
        with pytest.raises(SessionNotFound):
            find_inline_session(caller, session_id=started.session.public_id)
    with pytest.raises(CartNotFound):
        carts.get_cart(stranger.public_id, caller=ours)
    assert find_inline_session(ours) == started.session
    with pytest.raises(SessionNotFound):
        find_inline_session(theirs)
    with pytest.raises(SessionNotNamed):
        find_inline_session(Caller())


def test_a_checkout_is_prefilled_with_the_known_details_of_its_customer(sandbox: Sandbox, cart: Cart) -> None:
    create_customer_token(BUYER)
    own = cart_of(CustomerSession.objects.get())
    assert get_known_buyer(own) == BUYER
    started = begin_inline(own)
    assert started.order.buyer.as_buyer() == BUYER
    Order.objects.get(pk=started.order.pk).buyer.delete()
    assert get_known_buyer(cart) == Buyer()
    assert not hasattr(begin_inline(cart).order, "buyer")
