"""Template carts: a cart behind a permanent link. Each checkout that starts there gets its own copy."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from django_henry_checkout.exceptions import CartEmpty, CartNotFound, LinkClosed
from django_henry_checkout.flows.cart.carts import get_cart
from django_henry_checkout.models import Cart, CartLine, CustomerSession, TemplateLink
from django_henry_checkout.models.base import LINE_FIELDS
from django_henry_checkout.types import Caller


def make_template(
    cart: Cart, *, expires_at: datetime | None = None, max_uses: int | None = None
) -> TemplateLink:
    """Make a cart a template, or change the limits of its link.

    Anyone who knows the cart's id can then start a checkout of a copy: treat the id as public from here on.

    Args:
        expires_at: aware; None sets no limit.
        max_uses: number of checkouts that may start; None sets no limit.
    """
    link, _is_new = TemplateLink.objects.update_or_create(
        cart=cart, defaults={"expires_at": expires_at, "max_uses": max_uses, "revoked_at": None}
    )
    return link


def revoke_link(cart: Cart) -> bool:
    """Close the link of a template; return whether it was open. Started checkouts continue."""
    return bool(TemplateLink.objects.filter(cart=cart, revoked_at=None).update(revoked_at=timezone.now()))


def open_template(cart_id: UUID) -> Cart:
    """Return a template cart whose link is open. Its id gives access.

    Raises:
        CartNotFound: there is no such template; a cart that is not a template looks the same.
        LinkClosed: the link was revoked, has expired, or has reached its number of uses.
    """
    cart = _find_template(cart_id)
    if cart is None:
        raise CartNotFound
    _ensure_open(cart)
    return cart


def _find_template(cart_id: UUID) -> Cart | None:
    return Cart.objects.filter(public_id=cart_id, link__isnull=False).select_related("link").first()


def _ensure_open(template: Cart) -> None:
    if not template.link.is_open(timezone.now()):
        raise LinkClosed


def get_cart_to_pay(
    cart_id: UUID, *, caller: Caller, user: Any = None, customer: CustomerSession | None = None
) -> Cart:
    """Return the cart that a checkout starts from: the caller's own, or a copy of a template.

    A customer who already has a copy with items in it continues with that copy, even if the link was closed.

    Args:
        user: owner of a new copy; None for a guest.

    Raises:
        CartNotFound: neither a template nor a cart of the caller.
        LinkClosed: as for `open_template`.
    """
    template = _find_template(cart_id)
    if template is None:
        return get_cart(cart_id, caller=caller)
    if customer is not None:
        copies = Cart.objects.filter(template=template, customer=customer, lines__isnull=False)
        existing = copies.order_by("-pk").first()
        if existing is not None:
            return existing
    _ensure_open(template)
    return _copy(template, user=user, customer=customer)


def _copy(template: Cart, *, user: Any, customer: CustomerSession | None) -> Cart:
    """Copy a template and count the use, atomically: concurrent callers cannot exceed `max_uses`."""
    lines = list(template.lines.all())
    if not lines:
        raise CartEmpty
    with transaction.atomic():
        usable = TemplateLink.objects.filter(cart=template, revoked_at=None)
        usable = usable.exclude(max_uses__isnull=False, uses__gte=F("max_uses"))
        if not usable.update(uses=F("uses") + 1):
            raise LinkClosed
        cart = Cart.objects.create(
            account=template.account,
            user=user,
            customer=customer,
            template=template,
            version=1,
            metadata=template.metadata,
        )
        CartLine.objects.bulk_create(
            CartLine(cart=cart, **{name: getattr(line, name) for name in LINE_FIELDS}) for line in lines
        )
    return cart
