"""Carts, their items, and the links of template carts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from ulid import ULID

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.callers import django_request
from django_henry_checkout.api.common.idempotency import idempotent
from django_henry_checkout.api.henry.inputs import (
    AddItemInput,
    CartInput,
    LinkInput,
    MergeInput,
    RemoveItemInput,
    UpdateItemInput,
    parse_item,
)
from django_henry_checkout.api.henry.responses import serialize_cart, serialize_link
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import CartNotFound, InvalidItem
from django_henry_checkout.flows.access.adapter import check_items, get_account_alias, get_adapter
from django_henry_checkout.flows.access.callers import remember_cart
from django_henry_checkout.flows.access.customer_tokens import get_customer_session
from django_henry_checkout.flows.access.tokens import get_caller_by_secret, issue_cart_token
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template, revoke_link
from django_henry_checkout.models import Cart, CartLine
from django_henry_checkout.types import Caller


class CartsView(StorefrontView):
    def post(self, request: Request) -> Response:
        """Create a cart. A caller with neither an account nor a cookie gets a `sessionToken`, which owns the cart."""
        response = self._create(request)
        caller = self.caller
        if caller.user_pk is None and not caller.trusted_account:
            response.data["sessionToken"] = _hand_over_cart(request, response.data["cartId"], caller)
        return response

    @idempotent
    def _create(self, request: Request) -> Response:
        """Create the cart; the token is added by `post`, because a stored response must not hold a secret."""
        content = self.read_body(CartInput)
        caller = self.caller
        account = content["account"]
        if "account" not in request.data:
            account = get_account_alias(django_request(request))
        if account not in app_settings.account_aliases:
            raise ValidationError({"account": ["There is no such account."]})
        cart = carts.create_filled_cart(
            check_items([parse_item(item) for item in content["items"]], caller),
            user=request.user if caller.user_pk is not None else None,
            customer=get_customer_session(caller),
            account=caller.trusted_account or account,
            metadata=content["metadata"],
        )
        return Response(_serialize(cart), status=201)


def _hand_over_cart(request: Request, cart_id: str, caller: Caller) -> str | None:
    """Remember a guest's cart in their Django session; return a token if there is no session."""
    cart = Cart.objects.get(public_id=ULID.from_str(cart_id).to_uuid())
    if django_request(request).session.session_key and caller.token_cart_id is None:
        remember_cart(django_request(request), cart)
        return None
    return issue_cart_token(cart)


class CartView(StorefrontView):
    def get(self, request: Request, cart_id: str) -> Response:
        """Read a cart."""
        return Response(_serialize(self.get_cart(cart_id)))

    @idempotent
    def delete(self, request: Request, cart_id: str) -> Response:
        """Delete a cart; its orders stay."""
        carts.delete_cart(self.get_cart(cart_id))
        return Response(status=204)


class CartItemView(StorefrontView):
    @idempotent
    def post(self, request: Request, cart_id: str) -> Response:
        """Add an item; the quantity of an item with the same link and options is increased."""
        content = self.read_body(AddItemInput)
        (item,) = check_items([parse_item(content["item"])], self.caller)
        version = content.get("version")
        update = carts.put_item(self.get_cart(cart_id), item, expected_version=version)
        return Response(serialize_cart(update.cart, update.lines))

    @idempotent
    def put(self, request: Request, cart_id: str) -> Response:
        """Change the quantity, shipping choice, coupons or metadata of an item; quantity 0 removes it."""
        content = self.read_body(UpdateItemInput)
        cart, version = self.get_cart(cart_id), content.get("version")
        changes = dict(content["item"])
        line = _find_line(cart, item_id=changes.pop("item_id", ""), link=changes.pop("link", ""))
        if changes.get("quantity") == 0:
            carts.remove_line(cart, line.pk, expected_version=version)
        else:
            item = replace(line.as_item(), **_convert_coupons(changes))
            (item,) = check_items([item], self.caller)
            carts.update_line(cart, line, item, expected_version=version)
        return Response(_serialize(self.get_cart(cart_id)))

    @idempotent
    def delete(self, request: Request, cart_id: str) -> Response:
        """Remove an item, identified by `itemId` or `link` in the body."""
        content = self.read_body(RemoveItemInput)
        cart = self.get_cart(cart_id)
        line = _find_line(cart, item_id=content.get("item_id", ""), link=content.get("link", ""))
        carts.remove_line(cart, line.pk, expected_version=content.get("version"))
        return Response(_serialize(self.get_cart(cart_id)))


class CartMergeView(StorefrontView):
    @idempotent
    def post(self, request: Request, cart_id: str) -> Response:
        """Move the items of a guest's cart, authorized by its token, into this cart; the guest's cart is deleted."""
        content = self.read_body(MergeInput)
        into = self.get_cart(cart_id)
        source = carts.get_cart(
            self.parse_id(content["cart_id"], CartNotFound),
            caller=get_caller_by_secret(content["session_token"]),
        )
        carts.merge_carts(source, into=into)
        return Response(_serialize(self.get_cart(cart_id)))


class CartLinkView(StorefrontView):
    """Links are managed by the shop: a trusted server, or a signed-in user."""

    def _get_own_cart(self, cart_id: str) -> Cart:
        if not self.caller.trusted_account and self.caller.user_pk is None:
            raise CartNotFound
        if not self.caller.trusted_account and not get_adapter().may_create_links(self.request.user):
            raise CartNotFound
        return self.get_cart(cart_id)

    @idempotent
    def put(self, request: Request, cart_id: str) -> Response:
        """Turn a cart into a template with a permanent link, or change the limits of that link."""
        content = self.read_body(LinkInput)
        link = make_template(self._get_own_cart(cart_id), **content)
        return Response(serialize_link(link, url=_link_url(request, link.cart)))

    @idempotent
    def delete(self, request: Request, cart_id: str) -> Response:
        """Close the link of a template; checkouts that have begun continue."""
        revoke_link(self._get_own_cart(cart_id))
        return Response(status=204)


def _link_url(request: Request, cart: Cart) -> str:
    return request.build_absolute_uri(reverse("henry_checkout:link", args=[cart.ulid]))


def _convert_coupons(changes: dict[str, Any]) -> dict[str, Any]:
    if "coupons" in changes:
        changes["coupons"] = tuple(changes["coupons"])
    return changes


def _find_line(cart: Cart, *, item_id: str, link: str) -> CartLine:
    if not item_id and not link:
        raise InvalidItem("Identify the item by itemId or link.", field="itemId")
    lines = carts.find_lines(cart, item_id=item_id, link=link)
    if not lines:
        raise InvalidItem("This item is not in the cart.", field="link", code="line_not_found")
    if len(lines) > 1:
        raise InvalidItem(
            "Several items have this link, with different options: identify the item by itemId.",
            field="link",
            code="ambiguous_item",
        )
    return lines[0]


def _serialize(cart: Cart) -> dict[str, Any]:
    return serialize_cart(cart, cart.lines.all())
