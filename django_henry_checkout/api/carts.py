from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from ulid import ULID

from django_henry_checkout.api import answers
from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.callers import shop_request
from django_henry_checkout.api.inputs import (
    AddItemInput,
    CartInput,
    LinkInput,
    MergeInput,
    RemoveItemInput,
    UpdateItemInput,
    as_item,
)
from django_henry_checkout.api.repeating import idempotent
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import CartNotFound, InvalidItem
from django_henry_checkout.flows.access.callers import remember_cart
from django_henry_checkout.flows.access.customer_tokens import get_customer_session
from django_henry_checkout.flows.access.tokens import get_caller_by_secret, issue_cart_token
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template, revoke_link
from django_henry_checkout.models import Cart, CartLine
from django_henry_checkout.types import Caller


class CartsView(HenryView):
    def post(self, request: Request) -> Response:
        """Make a cart. A caller who has neither account nor cookie gets `sessionToken`, which owns it."""
        response = self._make(request)
        caller = self.caller
        if caller.user_pk is None and not caller.trusted_account:
            response.data["sessionToken"] = _hand_over(request, response.data["cartId"], caller)
        return response

    @idempotent
    def _make(self, request: Request) -> Response:
        """Make the cart; its token is added outside, because a replay must not keep a secret."""
        content = self.read(CartInput)
        caller = self.caller
        if content["account"] not in app_settings.account_aliases:
            raise ValidationError({"account": ["There is no such account."]})
        cart = carts.create_filled_cart(
            [as_item(item) for item in content["items"]],
            user=request.user if caller.user_pk is not None else None,
            customer=get_customer_session(caller),
            account=caller.trusted_account or content["account"],
            metadata=content["metadata"],
        )
        return Response(_show(cart), status=201)


def _hand_over(request: Request, cart_id: str, caller: Caller) -> str | None:
    """Let the guest keep his cart: in his Django session if he has one, else by a token."""
    cart = Cart.objects.get(public_id=ULID.from_str(cart_id).to_uuid())
    if shop_request(request).session.session_key and caller.token_cart_id is None:
        remember_cart(shop_request(request), cart)
        return None
    return issue_cart_token(cart)


class CartView(HenryView):
    def get(self, request: Request, cart_id: str) -> Response:
        """Read a cart."""
        return Response(_show(self.cart(cart_id)))

    @idempotent
    def delete(self, request: Request, cart_id: str) -> Response:
        """Delete a cart; its orders stay."""
        carts.delete_cart(self.cart(cart_id))
        return Response(status=204)


class CartItemView(HenryView):
    @idempotent
    def post(self, request: Request, cart_id: str) -> Response:
        """Add an item; one with the same link and options gets more."""
        content = self.read(AddItemInput)
        item, version = as_item(content["item"]), content.get("version")
        filled = carts.put_item(self.cart(cart_id), item, expected_version=version)
        return Response(answers.cart(filled.cart, filled.lines))

    @idempotent
    def put(self, request: Request, cart_id: str) -> Response:
        """Change quantity, shipping choice, coupons or metadata of an item; quantity 0 removes it."""
        content = self.read(UpdateItemInput)
        cart, version = self.cart(cart_id), content.get("version")
        changes = dict(content["item"])
        line = _line(cart, item_id=changes.pop("item_id", ""), link=changes.pop("link", ""))
        if changes.get("quantity") == 0:
            carts.remove_line(cart, line.pk, expected_version=version)
        else:
            carts.update_line(
                cart, line, replace(line.as_item(), **_changed(changes)), expected_version=version
            )
        return Response(_show(self.cart(cart_id)))

    @idempotent
    def delete(self, request: Request, cart_id: str) -> Response:
        """Remove an item, named by `itemId` or `link` in the body."""
        content = self.read(RemoveItemInput)
        cart = self.cart(cart_id)
        line = _line(cart, item_id=content.get("item_id", ""), link=content.get("link", ""))
        carts.remove_line(cart, line.pk, expected_version=content.get("version"))
        return Response(_show(self.cart(cart_id)))


class CartMergeView(HenryView):
    @idempotent
    def post(self, request: Request, cart_id: str) -> Response:
        """Move the lines of a guest's cart, proved by its token, into this one; the guest's cart is gone."""
        content = self.read(MergeInput)
        into = self.cart(cart_id)
        source = carts.get_cart(
            self.public_id(content["cart_id"], CartNotFound),
            caller=get_caller_by_secret(content["session_token"]),
        )
        carts.merge_carts(source, into=into)
        return Response(_show(self.cart(cart_id)))


class CartLinkView(HenryView):
    """Templates are made by the shop: by a trusted server, or by somebody who is signed in."""

    def _own(self, cart_id: str) -> Cart:
        if not self.caller.trusted_account and self.caller.user_pk is None:
            raise CartNotFound
        return self.cart(cart_id)

    @idempotent
    def put(self, request: Request, cart_id: str) -> Response:
        """Make a cart a template behind a permanent link, or change how long the link is open."""
        content = self.read(LinkInput)
        link = make_template(self._own(cart_id), **content)
        return Response(answers.link(link, url=_link_url(request, link.cart)))

    @idempotent
    def delete(self, request: Request, cart_id: str) -> Response:
        """Close the link of a template; checkouts that have begun go on."""
        revoke_link(self._own(cart_id))
        return Response(status=204)


def _link_url(request: Request, cart: Cart) -> str:
    return request.build_absolute_uri(reverse("henry_checkout:link", args=[cart.ulid]))


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    if "coupons" in changes:
        changes["coupons"] = tuple(changes["coupons"])
    return changes


def _line(cart: Cart, *, item_id: str, link: str) -> CartLine:
    if not item_id and not link:
        raise InvalidItem("Name the item by itemId or link.", field="itemId")
    lines = carts.find_lines(cart, item_id=item_id, link=link)
    if not lines:
        raise InvalidItem("This item is not in the cart.", field="link", code="line_not_found")
    if len(lines) > 1:
        raise InvalidItem(
            "The link stands more than once, with different options: name the item by itemId.",
            field="link",
            code="ambiguous_item",
        )
    return lines[0]


def _show(cart: Cart) -> dict[str, Any]:
    return answers.cart(cart, cart.lines.all())
