"""Receipts: a signed statement of a checkout's progress, for the back end of the shop that embeds it.

The page that passes a receipt on cannot forge one, and a receipt for another shop is refused. Like everything that
comes through a browser, it is a hint: the order's own status is complete, and stays up to date.
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
    """Return a receipt of an order's current status: a JWT (HS256), signed with RECEIPT_SECRET.

    Its claims: `sub` is the order's id, `sid` the session's, `status` and `version` are the order's, `aud` is the
    origin of the page it is for; `iat`, `exp`, `jti`. No personal data.

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
        ReceiptInvalid: it is forged, expired, or for another audience.
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
            continue  # perhaps signed with an older key
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
