"""Customer session tokens (CST): a signed, revocable token that identifies one customer for a day.

The token contains only ids and times; the customer's details stay in the database, under its `sub`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from ulid import ULID

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import TokenInvalid
from django_henry_checkout.flows.buyer.details import clean_buyer
from django_henry_checkout.models import Cart, CustomerSession
from django_henry_checkout.models.encryption import email_digest
from django_henry_checkout.types import Address, Buyer, Caller, parse_public_id

ISSUER = "django-henry-checkout"
AUDIENCE = "checkout"
ALGORITHM = "HS256"
LEEWAY = timedelta(seconds=60)


def create_customer_token(buyer: Buyer, *, user: Any = None, account: str = "default") -> str:
    """Start a customer session and return its token.

    Args:
        buyer: known details of the customer; their checkouts are prefilled with them.

    Raises:
        InvalidBuyer: a detail is invalid.
        ConfigurationError: the account does not exist.
    """
    return sign_customer_token(create_customer_session(buyer, user=user, account=account))


def create_customer_session(buyer: Buyer, *, user: Any = None, account: str = "default") -> CustomerSession:
    """Start a customer session; see `create_customer_token`."""
    app_settings.account(account)
    buyer = clean_buyer(buyer, strict=True)
    return CustomerSession.objects.create(
        account=account,
        user=user,
        buyer=asdict(buyer),
        email_digest=email_digest(buyer.email),
        expires_at=timezone.now() + app_settings.CUSTOMER_TOKEN_LIFETIME,
    )


def sign_customer_token(session: CustomerSession) -> str:
    """Return a signed token of a customer session; it expires with the session, which can have several."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": session.ulid,
        "org": session.account,
        "iat": timezone.now(),
        "exp": session.expires_at,
        "jti": str(ULID()),
    }
    kid, key = next(_keys())
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})


def _keys() -> Iterator[tuple[str, bytes]]:
    """Yield the signing keys with their ids: the current one first, then the replaced ones."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = salted_hmac("henry_checkout.customer_token", "key", secret=secret, algorithm="sha256").digest()
        yield hashlib.sha256(key).hexdigest()[:12], key


def get_caller_by_customer_token(token: str) -> Caller:
    """Return the caller that a CST identifies.

    Raises:
        TokenInvalid: the token is forged, expired or revoked; all look the same.
    """
    try:
        key = dict(_keys())[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "sub", "jti"]},
        )
    except (jwt.InvalidTokenError, KeyError, TypeError):
        raise TokenInvalid from None
    customer_id = parse_public_id(str(claims["sub"]))
    valid = CustomerSession.objects.valid(timezone.now() - LEEWAY)
    if customer_id is None or not valid.filter(public_id=customer_id).exists():
        raise TokenInvalid
    return Caller(customer_id=customer_id)


def revoke_customer_session(customer_id: UUID) -> bool:
    """Revoke a customer session and all its tokens; return whether this call did it."""
    sessions = CustomerSession.objects.filter(public_id=customer_id, revoked_at=None)
    return bool(sessions.update(revoked_at=timezone.now()))


def get_customer_session(caller: Caller) -> CustomerSession | None:
    """Return the customer session of a caller, or None."""
    if caller.customer_id is None:
        return None
    return CustomerSession.objects.filter(public_id=caller.customer_id).first()


def get_known_buyer(cart: Cart) -> Buyer:
    """Return the details in the customer session of a cart; empty if the cart has none."""
    content = dict(cart.customer.buyer) if cart.customer is not None else {}
    address = content.pop("shipping_address", None)
    return Buyer(**content, shipping_address=Address(**address) if address else None)
