"""Receipts: a short signed statement of how far a checkout got, for the back end of the shop that shows it.

The page that hands one on cannot make one, and one for another shop is refused. Like all that comes through a
browser it is a reason to look: the order itself tells more, and tells it later too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from ulid import ULID

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ReceiptInvalid
from django_henry_checkout.models import CheckoutSession, Order

ISSUER = "django-henry-checkout"
ALGORITHM = "HS256"


def make_receipt(session: CheckoutSession, order: Order, *, audience: str) -> str:
    """Sign what is known of an order now: a JWT (HS256) with RECEIPT_SECRET.

    Its claims: `sub` the order's id, `sid` the session's, `status` and `version` of the order, `aud` the origin
    of the page it is for, `iat`, `exp`, `jti`. No personal data.

    Args:
        audience: origin of the shop's page.
    """
    now = timezone.now()
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": order.ulid,
        "sid": session.ulid,
        "status": order.status,
        "version": order.event_count,
        "iat": now,
        "exp": now + app_settings.RECEIPT_LIFETIME,
        "jti": str(ULID()),
    }
    return jwt.encode(claims, next(_keys()), algorithm=ALGORITHM)


def read_receipt(receipt: str, *, audience: str) -> Mapping[str, Any]:
    """Return the claims of a receipt.

    Raises:
        ReceiptInvalid: it was not made here, is for another audience, or has lapsed.
    """
    for key in _keys():
        try:
            claims: Mapping[str, Any] = jwt.decode(
                receipt,
                key,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub", "sid", "status", "version"]},
            )
        except jwt.InvalidSignatureError:
            continue  # perhaps by a key that was replaced
        except (jwt.InvalidTokenError, TypeError, ValueError):
            raise ReceiptInvalid from None
        return claims
    raise ReceiptInvalid


def _keys() -> Iterator[bytes]:
    if app_settings.RECEIPT_SECRET:
        yield app_settings.RECEIPT_SECRET.encode()
        return
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield salted_hmac("henry_checkout.receipt", "key", secret=secret, algorithm="sha256").digest()
