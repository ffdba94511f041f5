"""Signed links to an order's status page. They expire, and a new `Order.link_epoch` revokes them."""

from __future__ import annotations

from django.core import signing

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import TokenExpired, TokenInvalid
from django_henry_checkout.models import Order
from django_henry_checkout.types import parse_public_id

_SALT = "henry_checkout.status"


def create_status_token(order: Order) -> str:
    """Return a token whose holder may view the order, and do nothing else."""
    return signing.dumps([order.ulid, order.link_epoch], salt=_SALT)


def get_order_by_status_token(token: str) -> Order:
    """Return the order of a status token.

    Raises:
        TokenInvalid: the token is forged.
        TokenExpired: the token is older than STATUS_LINK_LIFETIME, or was revoked.
    """
    try:
        ulid, epoch = signing.loads(token, salt=_SALT, max_age=app_settings.STATUS_LINK_LIFETIME)
    except signing.SignatureExpired:
        raise TokenExpired from None
    except (signing.BadSignature, ValueError):
        raise TokenInvalid from None
    public_id = parse_public_id(ulid)
    order = None if public_id is None else Order.objects.filter(public_id=public_id).first()
    if order is None:
        raise TokenInvalid
    if order.link_epoch != epoch:
        raise TokenExpired
    return order
