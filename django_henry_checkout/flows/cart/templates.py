"""Template carts: a cart behind a permanent link. Each checkout that begins there gets a copy of its own."""

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
    """Make a cart a template, or change how long its link is open.

    Whoever knows the cart's id may then begin a checkout of a copy: treat the id as public from here on.

    Args:
        expires_at: aware; None leaves it open for ever.
        max_uses: how many checkouts may begin; None sets no limit.
    """
    link, _is_new = TemplateLink.objects.update_or_create(
        cart=cart, defaults={"expires_at": expires_at, "max_uses": max_uses, "revoked_at": None}
    )
    return link


def revoke_link(cart: Cart) -> bool:
    """Close the link of a template; return whether it was open. Checkouts that have begun go on."""
    return bool(TemplateLink.objects.filter(cart=cart, revoked_at=None).update(revoked_at=timezone.now()))


def open_template(cart_id: UUID) -> Cart:
    """Return a template cart whose link is open. To know its id is enough.

    Raises:
        CartNotFound: there is no such template; a cart that is none looks the same.
        LinkClosed: it was revoked, has expired, or was used as often as it may be.
    """
    cart = _find_template(cart_id)
    if cart is None:
        raise CartNotFound
    _require_open(cart)
    return cart


def _find_template(cart_id: UUID) -> Cart | None:
    return Cart.objects.filter(public_id=cart_id, link__isnull=False).select_related("link").first()


def _require_open(template: Cart) -> None:
    if not template.link.is_open(timezone.now()):
        raise LinkClosed


def get_cart_to_pay(
    cart_id: UUID, *, caller: Caller, user: Any = None, customer: CustomerSession | None = None
) -> Cart:
    """Return the cart that a checkout begins from: the caller's own, or a copy of a template.

    A customer who has a copy already goes on with it, while it holds anything, even if the link was closed.

    Args:
        user: who owns a copy; None for a guest.

    Raises:
        CartNotFound: neither a template nor a cart of the caller.
        LinkClosed: as for `open_template`.
    """
    template = _find_template(cart_id)
    if template is None:
        return get_cart(cart_id, caller=caller)
    if customer is not None:
        copies = Cart.objects.filter(template=template, customer=customer, lines__isnull=False)
        known = copies.order_by("-pk").first()
        if known is not None:
            return known
    _require_open(template)
    return _copy(template, user=user, customer=customer)


def _copy(template: Cart, *, user: Any, customer: CustomerSession | None) -> Cart:
    """Copy a template, and count it, both or neither; of callers at once no more get one than may."""
    lines = list(template.lines.all())
    if not lines:
        raise CartEmpty
    with transaction.atomic():
        used = TemplateLink.objects.filter(cart=template, revoked_at=None)
        used = used.exclude(max_uses__isnull=False, uses__gte=F("max_uses"))
        if not used.update(uses=F("uses") + 1):
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
