"""The floor of P9 to P11: views of Django REST framework without anything around them, and an empty inclusion tag.

They answer the same JSON from the same rows as the storefront API. Nobody is throttled, nothing is checked but
the shape of the body, and a call cannot be repeated.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID

from django import template
from django.db import transaction
from django.http import Http404
from django.urls import include, path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_henry_checkout.models import Cart, CartLine, CartToken
from django_henry_checkout.models.access import hash_secret

register = template.Library()


@register.inclusion_tag("bare/empty.html", takes_context=True)
def empty(context: dict[str, Any], cart: Cart) -> dict[str, Any]:
    """Render a template with nothing in it."""
    return {}


class AmountSerializer(serializers.Serializer[Any]):
    value = serializers.DecimalField(source="amount", max_digits=19, decimal_places=2)
    currency = serializers.CharField(source="currency.code")


class LineSerializer(serializers.Serializer[CartLine]):
    itemId = serializers.CharField(source="key")
    link = serializers.CharField()
    quantity = serializers.IntegerField()
    selectedOptions = serializers.JSONField(source="selected_options")
    selectedShipping = serializers.JSONField(source="selected_shipping")
    coupons = serializers.JSONField()
    metadata = serializers.JSONField()
    title = serializers.CharField()
    imageUrl = serializers.CharField(source="image_url")
    unitPrice = AmountSerializer(source="unit_price")
    subtotal = AmountSerializer()


class CartSerializer(serializers.Serializer[Cart]):
    cartId = serializers.CharField(source="ulid")
    version = serializers.IntegerField()
    account = serializers.CharField()
    items = LineSerializer(many=True, source="shown")
    subtotals = serializers.SerializerMethodField()
    metadata = serializers.JSONField()
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    def get_subtotals(self, cart: Any) -> list[dict[str, str]]:
        """Add up; all lines of the benchmark have one currency."""
        total = sum(line.unit_price_amount * line.quantity for line in cart.shown)
        return [{"value": f"{total:.2f}", "currency": cart.shown[0].currency}] if cart.shown else []


class PriceInput(serializers.Serializer[Any]):
    value = serializers.DecimalField(max_digits=19, decimal_places=4)
    currency = serializers.CharField(max_length=3)


class ItemInput(serializers.Serializer[Any]):
    link = serializers.CharField(max_length=2048)
    quantity = serializers.IntegerField(min_value=1, max_value=99)
    selectedOptions = serializers.ListField(child=serializers.CharField(max_length=200))
    title = serializers.CharField(max_length=300)
    imageUrl = serializers.CharField(max_length=2048)
    unitPrice = PriceInput()
    metadata = serializers.JSONField()


class AddInput(serializers.Serializer[Any]):
    item = ItemInput()


class BareView(APIView):
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]

    def owned(self, request: Request, cart_id: UUID) -> UUID:
        """Return the cart's id if the token that is shown is its own: one statement, as the app's."""
        shown = hash_secret(request.headers["X-Session-Token"])
        tokens = CartToken.objects.valid(timezone.now()).filter(token_hash=shown)
        if tokens.values_list("cart__public_id", flat=True).first() != cart_id:
            raise Http404
        return cart_id


class BareCart(BareView):
    def get(self, request: Request, cart_id: UUID) -> Response:
        """Read a cart: token, cart, lines."""
        cart: Any = Cart.objects.get(public_id=self.owned(request, cart_id))
        cart.shown = list(cart.lines.all())
        return Response(CartSerializer(cart).data)


class BareItem(BareView):
    def post(self, request: Request, cart_id: UUID) -> Response:
        """Add an item with the least statements that can do it: token, lock, lines, the line, the version."""
        body = AddInput(data=request.data)
        body.is_valid(raise_exception=True)
        item = body.validated_data["item"]
        key = hashlib.sha256(json.dumps([item["link"], *item["selectedOptions"]]).encode()).hexdigest()
        public_id = self.owned(request, cart_id)
        with transaction.atomic():
            cart: Any = Cart.objects.select_for_update().get(public_id=public_id)
            cart.shown = list(cart.lines.all())
            line = next((each for each in cart.shown if each.key == key), None)
            if line is None:
                line = CartLine(cart=cart, key=key, quantity=0)
                cart.shown.append(line)
            _fill(line, item)
            line.save()
            cart.version += 1
            cart.save(update_fields=["version", "updated_at"])
        return Response(CartSerializer(cart).data)


def _fill(line: CartLine, item: dict[str, Any]) -> None:
    line.link, line.title, line.image_url = item["link"], item["title"], item["imageUrl"]
    line.quantity += item["quantity"]
    line.selected_options, line.metadata = item["selectedOptions"], item["metadata"]
    line.unit_price_amount, line.currency = item["unitPrice"]["value"], item["unitPrice"]["currency"]


urlpatterns = [
    path("henry/", include("django_henry_checkout.urls")),
    path("bare/cart/<uuid:cart_id>", BareCart.as_view()),
    path("bare/cart/<uuid:cart_id>/item", BareItem.as_view()),
]
