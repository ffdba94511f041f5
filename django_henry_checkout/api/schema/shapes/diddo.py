"""The shapes of Diddo's calls."""

from __future__ import annotations

from rest_framework import serializers

from django_henry_checkout.api.schema.shapes.base import (
    Currency,
    OrderNumber,
    PublicId,
    Shape,
    text,
    texts,
    timestamp,
)


class CustomerToken(Shape):
    """A customer session token."""

    cst = serializers.CharField()


class MinorMoney(Shape):
    """An amount in minor units, with a display text."""

    value = serializers.IntegerField()
    display_value = text()
    currency = Currency()


class BuyerIdentity(Shape):
    """The buyer."""

    first_name = text(allow_null=True)
    last_name = text(allow_null=True)
    email = text(allow_null=True)
    phone = text(allow_null=True)
    address1 = text(allow_null=True)
    address2 = text(allow_null=True)
    city = text(allow_null=True)
    province_code = text(allow_null=True)
    postal_code = text(allow_null=True)
    country_code = text(allow_null=True)


class StoreProduct(Shape):
    id = text()
    title = text()
    marketplace = text()
    description = text(allow_null=True)
    is_available = serializers.BooleanField()
    price = MinorMoney(allow_null=True)


class StoreLine(Shape):
    quantity = serializers.IntegerField()
    product = StoreProduct()
    variant = StoreProduct()


class OfferedMethod(Shape):
    id = serializers.IntegerField()
    label = text()  # type: ignore[assignment]  # a field that hides DRF's attribute
    price = MinorMoney(allow_null=True)
    taxes = MinorMoney(allow_null=True)
    total = MinorMoney(allow_null=True)


class Offer(Shape):
    """The shipping prices of a store."""

    shipping = MinorMoney(allow_null=True)
    not_available_ids = texts()
    shipping_methods = OfferedMethod(many=True)
    selected_shipping_method = OfferedMethod(allow_null=True)


class CartStore(Shape):
    store = text()
    request_id = text(allow_null=True)
    cart_lines = StoreLine(many=True)
    offer = Offer(allow_null=True)
    is_submitted = serializers.BooleanField()


class CartCost(Shape):
    """The costs of a cart; estimated until there is a quote."""

    is_estimated = serializers.BooleanField()
    subtotal = MinorMoney(allow_null=True)
    tax = MinorMoney(allow_null=True)
    shipping = MinorMoney(allow_null=True)
    total = MinorMoney(allow_null=True)


class StoreCart(Shape):
    """The items of an order, by store."""

    id = PublicId(allow_null=True)
    order_id = PublicId()
    status = serializers.ChoiceField(["IN_PROGRESS", "SUBMITTED"])
    cost = CartCost()
    buyer_identity = BuyerIdentity()
    stores = CartStore(many=True)


class BegunCheckout(Shape):
    """A checkout of the caller's cart, or of a copy of a template."""

    cart_id = PublicId()
    template_cart_id = PublicId(allow_null=True)
    status = serializers.ChoiceField(["IN_PROGRESS"])
    payment_intent_id = PublicId()
    session_token = serializers.CharField(help_text="The token of the session; returned only once.")
    order_id = PublicId()
    order_number = OrderNumber()
    expires_at = timestamp()
    cart = StoreCart()
