"""Carts: create, find, edit, merge. Each edit locks the cart and increments its `version`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    CartChanged,
    CartFull,
    CartNotFound,
    InvalidItem,
    PurchaseUnderWay,
)
from django_henry_checkout.flows.cart.items import clean_item, clean_metadata, clean_quantity, line_key
from django_henry_checkout.models import Cart, CartLine, CustomerSession, Order, OrderLine
from django_henry_checkout.models.base import LINE_FIELDS
from django_henry_checkout.models.purchases import UNRESOLVED_PURCHASE
from django_henry_checkout.types import Caller, LineItem


def create_cart(*, user: Any = None, account: str = "default") -> Cart:
    """Create an empty cart, owned by `user`; without one, access is by the cart's id."""
    return Cart.objects.create(user=user, account=account)


def create_filled_cart(
    items: Sequence[LineItem],
    *,
    user: Any = None,
    customer: CustomerSession | None = None,
    account: str = "default",
    metadata: Mapping[str, Any],
) -> Cart:
    """Create a cart that contains `items`: all of them, or nothing is written.

    Args:
        customer: session whose customer also owns the cart.

    Raises:
        InvalidItem, CartFull: as for `add_item`.
        ConfigurationError: the account does not exist.
    """
    app_settings.account(account)
    wanted = _merge_equal(items)
    if len(wanted) > app_settings.MAX_CART_LINES:
        raise CartFull(f"A cart holds {app_settings.MAX_CART_LINES} lines at most.")
    cart = Cart(
        user=user,
        customer=customer,
        account=account,
        metadata=clean_metadata(metadata),
        version=1 if wanted else 0,
    )
    with transaction.atomic():
        cart.save()
        lines = [CartLine(cart=cart, key=key) for key in wanted]
        for line, item in zip(lines, wanted.values(), strict=True):
            _fill(line, item, quantity=item.quantity)
        CartLine.objects.bulk_create(lines)
    return cart


def get_cart(cart_id: UUID, *, caller: Caller) -> Cart:
    """Return a cart of the caller.

    Raises:
        CartNotFound: it does not exist or belongs to somebody else; both look the same.
    """
    cart = Cart.objects.owned_by(caller).filter(public_id=cart_id).first()
    if cart is None:
        raise CartNotFound
    return cart


def find_cart(cart_id: UUID) -> Cart:
    """Return a cart without an ownership check, for callers that have proved access; otherwise use `get_cart`.

    Raises:
        CartNotFound: it no longer exists.
    """
    cart = Cart.objects.filter(public_id=cart_id).first()
    if cart is None:
        raise CartNotFound
    return cart


@dataclass(frozen=True)
class CartUpdate:
    """A cart right after a change, with its lines. `changed` is False if nothing had to be written."""

    cart: Cart
    lines: list[CartLine]
    changed: bool = True


def add_item(cart: Cart, item: LineItem, *, expected_version: int | None = None) -> CartLine:
    """Add a product to the cart, or to the quantity of the line with the same link and options.

    Args:
        expected_version: the `cart.version` that the shopper saw; None accepts any.

    Returns:
        CartLine: the product's line as it is now.

    Raises:
        InvalidItem: the item or the resulting quantity is invalid.
        CartFull: the cart already has MAX_CART_LINES lines.
        CartChanged: the cart is no longer at `expected_version`.

    Effects: one transaction of four statements.
    """
    _update, line = _put_item(cart, item, expected_version=expected_version)
    return line


def put_item(cart: Cart, item: LineItem, *, expected_version: int | None = None) -> CartUpdate:
    """Put a product into the cart, as `add_item` does; return the whole cart."""
    update, _line = _put_item(cart, item, expected_version=expected_version)
    return update


def _put_item(cart: Cart, item: LineItem, *, expected_version: int | None) -> tuple[CartUpdate, CartLine]:
    item = clean_item(item)
    with transaction.atomic():
        cart = _lock(cart, expected_version=expected_version)
        key = line_key(item)
        lines = list(cart.lines.all())
        line = next((each for each in lines if each.key == key), None)
        if line is None:
            _ensure_not_full(len(lines))
            line = CartLine(cart=cart, key=key, quantity=0)
            lines.append(line)
        _fill(line, item, quantity=clean_quantity(line.quantity + item.quantity))
        line.save()
        _touch(cart)
    return CartUpdate(cart, lines), line


def set_items(
    cart: Cart, items: Sequence[LineItem], *, metadata: Mapping[str, Any] | None = None
) -> CartUpdate:
    """Make the cart equal to a basket of the shop's own; does nothing if nothing changed.

    Lines keep their identity as long as link and options stay the same. Items with the same link and options add up.

    Args:
        metadata: replaces the cart's; None keeps it.

    Returns:
        CartUpdate: `changed` tells whether anything was written.

    Raises:
        InvalidItem, CartFull: nothing was changed.

    Effects: one transaction; two statements if nothing changed.
    """
    wanted = _merge_equal(items)
    if len(wanted) > app_settings.MAX_CART_LINES:
        raise CartFull(f"A cart holds {app_settings.MAX_CART_LINES} lines at most.")
    metadata = None if metadata is None else clean_metadata(metadata)
    with transaction.atomic():
        cart = _lock(cart)
        present = {line.key: line for line in cart.lines.all()}
        outdated = [line for key, line in present.items() if key not in wanted]
        lines, changed = [], list[CartLine]()
        for key, item in wanted.items():
            line = present.get(key) or CartLine(cart=cart, key=key)
            before = {name: getattr(line, name) for name in LINE_FIELDS}
            _fill(line, item, quantity=item.quantity)
            if item.unit_price is None:
                line.unit_price_amount, line.currency = None, ""
            lines.append(line)
            if key not in present or before != {name: getattr(line, name) for name in LINE_FIELDS}:
                changed.append(line)
        is_new_metadata = metadata is not None and metadata != cart.metadata
        if not outdated and not changed and not is_new_metadata:
            return CartUpdate(cart, lines, changed=False)
        if outdated:
            CartLine.objects.filter(pk__in=[line.pk for line in outdated]).delete()
        CartLine.objects.bulk_create(line for line in changed if line.key not in present)
        CartLine.objects.bulk_update((line for line in changed if line.key in present), LINE_FIELDS)
        if metadata is not None and is_new_metadata:
            cart.metadata = metadata
            cart.save(update_fields=["metadata"])
        _touch(cart)
    return CartUpdate(cart, lines)


def _merge_equal(items: Sequence[LineItem]) -> dict[str, LineItem]:
    """Return checked items by line key; equal ones add up."""
    wanted: dict[str, LineItem] = {}
    for item in map(clean_item, items):
        key = line_key(item)
        before = wanted[key].quantity if key in wanted else 0
        wanted[key] = replace(item, quantity=clean_quantity(before + item.quantity))
    return wanted


def find_lines(cart: Cart, *, item_id: str = "", link: str = "") -> list[CartLine]:
    """Return the line with an id, or all lines with a link: there is one for each choice of options."""
    lines = cart.lines.filter(key=item_id) if item_id else cart.lines.filter(link=link)
    return list(lines)


def update_line(cart: Cart, line: CartLine, item: LineItem, *, expected_version: int | None = None) -> None:
    """Set quantity, shipping choice, coupons and metadata of a line to those of `item`.

    Raises:
        InvalidItem, CartChanged: as for `add_item`.
    """
    item = clean_item(item)
    columns = {
        "quantity": item.quantity,
        "selected_shipping": dict(item.selected_shipping),
        "coupons": list(item.coupons),
        "metadata": dict(item.metadata),
    }
    _edit(
        cart,
        lambda locked: locked.lines.filter(pk=line.pk).update(**columns),
        expected_version=expected_version,
    )


def delete_cart(cart: Cart) -> None:
    """Delete a cart. Its orders stay, but open ones can no longer be paid.

    Raises:
        PurchaseUnderWay: a purchase of the cart was sent, and its outcome is unknown.
    """
    with transaction.atomic():
        cart = _lock(cart)
        unresolved = Order.objects.filter(cart=cart, purchases__status__in=UNRESOLVED_PURCHASE).first()
        if unresolved is not None:
            raise PurchaseUnderWay(order_id=unresolved.public_id)
        cart.delete()


def change_quantity(cart: Cart, line_pk: int, quantity: int, *, expected_version: int | None = None) -> None:
    """Set the quantity of a line; 0 removes the line.

    Raises:
        InvalidItem: the quantity is out of bounds, or the line is not in this cart.
        CartChanged: as for `add_item`.
    """
    if quantity == 0:
        return remove_line(cart, line_pk, expected_version=expected_version)
    quantity = clean_quantity(quantity)
    return _edit(
        cart,
        lambda locked: locked.lines.filter(pk=line_pk).update(quantity=quantity),
        expected_version=expected_version,
    )


def remove_line(cart: Cart, line_pk: int, *, expected_version: int | None = None) -> None:
    """Remove a line from the cart.

    Raises:
        InvalidItem: the line is not in this cart.
        CartChanged: as for `add_item`.
    """
    _edit(cart, lambda locked: locked.lines.filter(pk=line_pk).delete()[0], expected_version=expected_version)


def clear_cart(cart: Cart) -> None:
    """Remove all lines from the cart. The version of an empty cart stays the same."""
    with transaction.atomic():
        cart = _lock(cart)
        if cart.lines.all().delete()[0]:
            _touch(cart)


def merge_carts(source: Cart, *, into: Cart) -> None:
    """Move the lines of a guest's cart into the shopper's own, and delete the guest's cart. Idempotent.

    Quantities of equal lines add up, to MAX_QUANTITY at most. Lines beyond MAX_CART_LINES are dropped,
    because a merge is part of a sign-in and must not fail. Orders of the guest's cart move along.

    Raises:
        CartNotFound: the carts belong to different Henry accounts.
    """
    with transaction.atomic():
        locked = {cart.pk: cart for cart in Cart.objects.lock().filter(pk__in=[source.pk, into.pk])}
        if source.pk not in locked or into.pk not in locked or source.pk == into.pk:
            return
        source, into = locked[source.pk], locked[into.pk]
        if source.account != into.account:
            raise CartNotFound  # the lines would be bought by another account
        present = {line.key: line for line in into.lines.all()}
        for line in source.lines.all():
            existing = present.get(line.key)
            if existing is not None:
                existing.quantity = min(existing.quantity + line.quantity, app_settings.MAX_QUANTITY)
                existing.save(update_fields=["quantity"])
            elif len(present) < app_settings.MAX_CART_LINES:
                line.cart = into
                line.save(update_fields=["cart"])
                present[line.key] = line
        Order.objects.filter(cart=source).update(cart=into, user=into.user)
        source.delete()
        _touch(into)


def adopt_cart(cart: Cart, *, user: Any) -> None:
    """Assign a guest's cart and its orders to the shopper who signed in."""
    with transaction.atomic():
        if Cart.objects.filter(pk=cart.pk, user=None).update(user=user):
            Order.objects.filter(cart=cart, user=None).update(user=user)
    cart.user = user


def remove_purchased(cart: Cart, lines: list[OrderLine]) -> None:
    """Remove an order's lines from a locked cart; quantities added since the checkout started stay."""
    bought = {line.key: line.quantity for line in lines}
    emptied = []
    for line in cart.lines.filter(key__in=bought):
        line.quantity -= bought[line.key]
        if line.quantity > 0:
            line.save(update_fields=["quantity"])
        else:
            emptied.append(line.pk)
    CartLine.objects.filter(pk__in=emptied).delete()
    _touch(cart)


def restore_lines(cart: Cart, lines: list[OrderLine]) -> None:
    """Return lines that could not be bought to a locked cart, so that the shopper can order them again."""
    present = {line.key: line for line in cart.lines.all()}
    for line in lines:
        existing = present.get(line.key)
        if existing is not None:
            existing.quantity = min(existing.quantity + line.quantity, app_settings.MAX_QUANTITY)
            existing.save(update_fields=["quantity"])
    room = max(app_settings.MAX_CART_LINES - len(present), 0)
    absent = [line for line in lines if line.key not in present][:room]
    CartLine.objects.bulk_create(
        CartLine(cart=cart, **{name: getattr(line, name) for name in LINE_FIELDS}) for line in absent
    )
    _touch(cart)


def _lock(cart: Cart, *, expected_version: int | None = None) -> Cart:
    locked = Cart.objects.lock().filter(pk=cart.pk).first()
    if locked is None:
        raise CartNotFound
    if expected_version is not None and locked.version != expected_version:
        raise CartChanged
    return locked


def _edit(cart: Cart, change: Callable[[Cart], int], *, expected_version: int | None) -> None:
    with transaction.atomic():
        locked = _lock(cart, expected_version=expected_version)
        if not change(locked):
            raise InvalidItem("This line is not in the cart.", field="line", code="line_not_found")
        _touch(locked)


def _ensure_not_full(count: int) -> None:
    if count >= app_settings.MAX_CART_LINES:
        raise CartFull(f"A cart holds {app_settings.MAX_CART_LINES} lines at most; remove one first.")


def _touch(cart: Cart) -> None:
    """Increment the version of a locked cart."""
    cart.version += 1
    cart.save(update_fields=["version", "updated_at"])


def _fill(line: CartLine, item: LineItem, *, quantity: int) -> None:
    line.link = item.link
    line.quantity = quantity
    line.selected_options = list(item.selected_options)
    line.selected_shipping = dict(item.selected_shipping)
    line.coupons = list(item.coupons)
    line.metadata = dict(item.metadata)
    line.title = item.title
    line.image_url = item.image_url
    if item.unit_price is not None:
        line.unit_price_amount = item.unit_price.amount
        line.currency = item.unit_price.currency.code
