"""Who is asking? Turns a request into a `Caller`, and finds the cart that the shopper is filling.

A guest owns what his Django session remembers; nothing but ids is kept there.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from django_henry_checkout.flows.access.adapter import get_adapter
from django_henry_checkout.flows.cart.carts import adopt_cart, create_cart, merge_carts
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Caller, format_public_id, parse_public_id

SESSION_KEY = "henry_checkout"
MAX_REMEMBERED = 50


def get_caller(request: HttpRequest) -> Caller:
    """Return on whose behalf a page of the shop asks."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return Caller(
        user_pk=user.pk if user is not None and signed_in else None,
        cart_ids=frozenset(_remembered(request, "carts")),
        order_ids=frozenset(_remembered(request, "orders")),
    )


def current_cart(request: HttpRequest) -> Cart | None:
    """Return the cart that the shopper is filling, or None if there is none yet.

    After a sign-in, the first call takes over what was put together as a guest: the guest's cart
    becomes the shopper's, or is merged into the one he already has.
    """
    caller, account = get_caller(request), get_adapter().account_for(request)
    own: Cart | None = None
    if caller.user_pk is not None:
        own = Cart.objects.filter(user_id=caller.user_pk, account=account).order_by("-updated_at").first()
    if not caller.cart_ids:
        return own
    guests = Cart.objects.filter(public_id__in=caller.cart_ids, user=None, account=account)
    if caller.user_pk is None:
        return guests.order_by("-updated_at").first()
    for guest in guests.order_by("updated_at"):
        if own is None:
            adopt_cart(guest, user=request.user)
            own = guest
        else:
            merge_carts(guest, into=own)
            own.refresh_from_db()
        _forget_cart(request, guest)
    return own


def current_cart_or_new(request: HttpRequest) -> Cart:
    """Return the cart that the shopper is filling; make one, and remember it, if there is none."""
    cart = current_cart(request)
    if cart is None:
        user = request.user if request.user.is_authenticated else None
        cart = create_cart(user=user, account=get_adapter().account_for(request))
        if user is None:
            remember_cart(request, cart)
    return cart


def remember_cart(request: HttpRequest, cart: Cart) -> None:
    """Let a guest keep a cart by his Django session."""
    _remember(request, "carts", cart.public_id)


def remember_order(request: HttpRequest, order: Order) -> None:
    """Let a guest see an order that he began; a signed-in shopper owns it by his account."""
    if order.user_id is None:
        _remember(request, "orders", order.public_id)


def _remembered(request: HttpRequest, kind: str) -> list[UUID]:
    texts = request.session.get(SESSION_KEY, {}).get(kind, [])
    return [found for text in texts if (found := parse_public_id(text)) is not None]


def _remember(request: HttpRequest, kind: str, public_id: UUID) -> None:
    memory = request.session.get(SESSION_KEY, {})
    text = format_public_id(public_id)
    kept = [known for known in memory.get(kind, []) if known != text]
    request.session[SESSION_KEY] = {**memory, kind: [*kept, text][-MAX_REMEMBERED:]}


def _forget_cart(request: HttpRequest, cart: Cart) -> None:
    memory = request.session.get(SESSION_KEY, {})
    kept = [known for known in memory.get("carts", []) if known != cart.ulid]
    request.session[SESSION_KEY] = {**memory, "carts": kept}
