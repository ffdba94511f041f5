"""The door for your shop: everything that views, receivers and commands of a shop call.

`from django_henry_checkout import shop`, then `shop.get_or_create_cart(request)`. What is listed in `__all__` is
documented and stable; the modules behind it are private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    CartChanged,
    CartEmpty,
    CartFull,
    CheckoutError,
    CheckoutRefused,
    ConfigurationError,
    GatewayError,
    InvalidBuyer,
    InvalidItem,
    OrderNotFound,
    OrderNotOpen,
    PurchaseUnderWay,
    TokenInvalid,
)
from django_henry_checkout.flows.access import callers, customer_tokens, tokens
from django_henry_checkout.flows.buyer.details import clean_buyer, save_buyer
from django_henry_checkout.flows.cart import carts, templates
from django_henry_checkout.flows.checkout import embedded, inline, sessions
from django_henry_checkout.flows.operations.metrics import QueueMetrics, collect_metrics
from django_henry_checkout.flows.operations.privacy import find_orders_by_email
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.flows.webhooks.inbox import endpoint_key
from django_henry_checkout.formatting import format_money
from django_henry_checkout.models import Cart, CartLine, Order, SessionMode, TemplateLink
from django_henry_checkout.models.orders import OrderQuerySet
from django_henry_checkout.types import Address, Buyer, LineItem, parse_public_id

__all__ = [
    "Address",
    "Buyer",
    "CartChanged",
    "CartEmpty",
    "CartFull",
    "CartLink",
    "CartUpdate",
    "Checkout",
    "CheckoutError",
    "CheckoutRefused",
    "ConfigurationError",
    "GatewayError",
    "InvalidBuyer",
    "InvalidItem",
    "LineItem",
    "OrderNotFound",
    "OrderNotOpen",
    "PurchaseUnderWay",
    "QueueMetrics",
    "add_item",
    "begin_checkout",
    "begin_inline",
    "change_quantity",
    "clear_cart",
    "close_link",
    "collect_metrics",
    "create_api_key",
    "create_cart",
    "create_customer_token",
    "create_link",
    "find_orders_by_email",
    "format_money",
    "get_cart",
    "get_or_create_cart",
    "get_order",
    "is_valid_api_key",
    "opens_popups",
    "orders_for",
    "remove_item",
    "set_items",
    "status_url",
    "webhook_path",
]

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

CartUpdate = carts.CartUpdate

create_api_key = tokens.create_api_key
create_customer_token = customer_tokens.create_customer_token
add_item = carts.add_item
set_items = carts.set_items
clear_cart = carts.clear_cart


def __dir__() -> list[str]:
    """Return the documented names only."""
    return __all__


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout that has begun.

    Attributes:
        url: where to send the shopper: a page of this app, which leads a browser on to Henry's page or shows the
            form. Absolute if `request` was given, else a path.
        order: the order that is being paid, status `open`.
        token: the session's secret, a part of `url`; it is shown once, so keep it out of logs.
    """

    url: str = field(repr=False)
    order: Order
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class CartLink:
    """The permanent link of a template cart: `url` opens a page with a button; `template` is its record."""

    url: str
    template: TemplateLink


# Carts ----------------------------------------------------------------------------------------


def get_cart(request: HttpRequest) -> Cart | None:
    """Return the cart that the shopper is filling, or None.

    A guest's cart is found through the Django session. The first call after a sign-in hands it over to the user,
    or merges it into the cart that the user already has.
    """
    return callers.current_cart(request)


def get_or_create_cart(request: HttpRequest) -> Cart:
    """Return the cart that the shopper is filling; create one if there is none."""
    return callers.current_cart_or_new(request)


def create_cart(
    items: Sequence[LineItem] = (),
    *,
    user: Any = None,
    account: str = "default",
    metadata: Mapping[str, Any] | None = None,
) -> Cart:
    """Create a cart that is not tied to a request, for example to make a template of it.

    Args:
        user: its owner; None for a cart that only its id gives access to.
        account: alias of the Henry account that buys.

    Raises:
        InvalidItem, CartFull: nothing was written.
        ConfigurationError: the account is not configured.
    """
    return carts.create_filled_cart(items, user=user, account=account, metadata=metadata or {})


def change_quantity(cart: Cart, line: CartLine | int, quantity: int) -> None:
    """Set the quantity of a line, given as the line or its primary key; 0 removes it.

    Raises:
        InvalidItem: the quantity is out of bounds, or the line is not in this cart.
    """
    carts.change_quantity(cart, _line_pk(line), quantity)


def remove_item(cart: Cart, line: CartLine | int) -> None:
    """Remove a line, given as the line or its primary key.

    Raises:
        InvalidItem: the line is not in this cart.
    """
    carts.remove_line(cart, _line_pk(line))


def _line_pk(line: CartLine | int) -> int:
    return line if isinstance(line, int) else line.pk


# Checkout -------------------------------------------------------------------------------------


def begin_checkout(
    cart: Cart,
    *,
    request: HttpRequest | None = None,
    buyer: Buyer | None = None,
    metadata: Mapping[str, Any] | None = None,
    mode: Literal["redirect", "popup", "iframe", "phone"] = "redirect",
) -> Checkout:
    """Begin to pay a cart on Henry's page.

    A cart that has not changed since its last open order continues with that order, so two clicks never buy twice.

    Args:
        request: makes `url` absolute, and lets a guest see the order later.
        buyer: contact details to store with the order; Henry's page collects its own and overrides them.
        metadata: stored with a new order, for example the id of your own order.
        mode: "redirect" and "popup" return the address of the payment page, "iframe" that of a page for an
            `<iframe>` on your site, "phone" that of a QR code.

    Returns:
        Checkout: `url` is where to send the shopper.

    Raises:
        CartEmpty, CartChanged, InvalidBuyer: the cart or the buyer must be corrected.
        CheckoutRefused: the adapter refused.
        OrderNotOpen, PurchaseUnderWay: these lines were paid already, or may have been; `error.order_id` says where.
        GatewayError: no usable answer from Henry. Nothing was written.

    Effects: one or two HTTP calls, then one transaction.
    """
    if mode not in {"redirect", "popup", "iframe", "phone"}:
        raise ValueError(f"begin_checkout knows no mode {mode!r}.")
    options = sessions.HOSTED
    if mode == "iframe":
        origin = "" if request is None else f"{request.scheme}://{request.get_host()}"
        options = sessions.SessionOptions(mode=SessionMode.FRAMED, origin=origin)
    cleaned = None if buyer is None else clean_buyer(buyer, strict=False)
    started = sessions.begin_checkout(
        cart, user=_user(request), options=options, metadata=metadata, request=request
    )
    if cleaned is not None:
        save_buyer(started.order, cleaned)
    if mode == "iframe":
        path = reverse("henry_checkout:frame", args=[embedded.issue_ticket(started.session)])
    else:
        name = "phone" if mode == "phone" else "pay"
        path = reverse(f"henry_checkout:{name}", args=[started.order.ulid, started.token])
    return _checkout(started, path, request)


def begin_inline(
    cart: Cart,
    *,
    request: HttpRequest | None = None,
    buyer: Buyer | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Checkout:
    """Begin to pay a cart in your own form: render `{% henry_inline_checkout order %}`, or send the shopper to `url`.

    Args:
        buyer: fills in the form; None asks the adapter's `buyer_for`.

    Raises:
        As `begin_checkout`.
    """
    cleaned = None if buyer is None else clean_buyer(buyer, strict=False)
    started = inline.begin_inline(
        cart, user=_user(request), metadata=metadata, request=request, buyer=cleaned
    )
    return _checkout(started, reverse("henry_checkout:inline", args=[started.order.ulid]), request)


def _user(request: HttpRequest | None) -> Any:
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def _checkout(started: sessions.StartedCheckout, path: str, request: HttpRequest | None) -> Checkout:
    if request is not None:
        callers.remember_order(request, started.order)
    return Checkout(url=_absolute(path, request), order=started.order, token=started.token)


def _absolute(path: str, request: HttpRequest | None) -> str:
    return path if request is None else request.build_absolute_uri(path)


# Orders ---------------------------------------------------------------------------------------


def orders_for(request: HttpRequest) -> OrderQuerySet:
    """Return the orders of the shopper, newest first, including those that are not paid yet (status `open`)."""
    return Order.objects.owned_by(callers.get_caller(request))


def get_order(order_id: str | UUID, *, request: HttpRequest | None = None) -> Order:
    """Return an order by its public id.

    Args:
        order_id: ULID or UUID.
        request: pass it in every view: the order must then belong to the shopper. Without it any order is
            returned, for receivers and commands.

    Raises:
        OrderNotFound: it does not exist, or belongs to somebody else; the two look the same.
    """
    public_id = order_id if isinstance(order_id, UUID) else parse_public_id(order_id)
    orders = Order.objects.all() if request is None else orders_for(request)
    order = None if public_id is None else orders.filter(public_id=public_id).first()
    if order is None:
        raise OrderNotFound
    return order


def status_url(order: Order, *, request: HttpRequest | None = None) -> str:
    """Return the link to the order's status page, for pages and mails: absolute if `request` is given, else a path.

    Anyone with the link can see the order; it expires after STATUS_LINK_LIFETIME.
    """
    return _absolute(reverse("henry_checkout:status", args=[create_status_token(order)]), request)


# Links ----------------------------------------------------------------------------------------


def create_link(
    cart: Cart,
    *,
    request: HttpRequest | None = None,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
) -> CartLink:
    """Make a cart a template behind a permanent link, or change how long its link is open.

    Anyone with the link can begin a checkout of a copy. `{% henry_checkout_qr cart %}` renders its QR code.

    Args:
        request: makes the URL absolute; otherwise it is a path.
        expires_at: aware; None never expires.
        max_uses: how many checkouts may begin; None is unlimited.
    """
    template = templates.make_template(cart, expires_at=expires_at, max_uses=max_uses)
    return CartLink(
        url=_absolute(reverse("henry_checkout:link", args=[cart.ulid]), request), template=template
    )


def close_link(cart: Cart) -> bool:
    """Close the link of a template; return whether it was open. Checkouts that have begun continue."""
    return templates.revoke_link(cart)


# Set-up ---------------------------------------------------------------------------------------


def opens_popups(view: View) -> View:
    """Let the pages of a view communicate with the payment window that they open.

    Django sends `Cross-Origin-Opener-Policy: same-origin` by default: the window that a page opens then looks
    closed to it immediately. The checkout still works, but less smoothly. Use this decorator on the views whose
    templates contain `{% henry_checkout_button %}`.
    """

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
        return response

    wrapped.opens_popups = True  # type: ignore[attr-defined]  # `henry_doctor` looks for it
    return cast("View", wrapped)


def is_valid_api_key(key: str) -> bool:
    """Return whether an API key exists and was not revoked."""
    try:
        tokens.get_caller_by_api_key(key)
    except TokenInvalid:
        return False
    return True


def webhook_path(account: str = "default") -> str:
    """Return the path that receives the webhooks of an account: enter it, with your domain, in Henry's dashboard.

    Raises:
        ConfigurationError: the account is not configured.
    """
    return reverse("henry_checkout:webhook", args=[account, endpoint_key(app_settings.account(account))])
