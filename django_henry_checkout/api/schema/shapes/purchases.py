"""The shapes of purchases of Henry's early v1."""

from __future__ import annotations

from rest_framework import serializers

from django_henry_checkout.api.schema.shapes.base import (
    Currency,
    PublicId,
    Shape,
    free_object,
    number,
    text,
    texts,
)


class NumberMoney(Shape):
    """An amount as a number."""

    value = number()
    currency = Currency()


class PersonName(Shape):
    first_name = text()
    last_name = text()
    middle_name = text(required=False)


class PostalAddress(Shape):
    line1 = text()
    line2 = text(required=False)
    city = text()
    province = text()
    postal_code = text()
    country_code = text()


class PurchaseProduct(Shape):
    status = serializers.ChoiceField(["pending", "processing", "complete", "failed", "cancelled", "unknown"])
    link = text()
    quantity = serializers.IntegerField()
    merchant = text()
    host = text()
    variant = text()
    selected_options = texts()
    metadata = free_object()


class PurchaseCard(Shape):
    """The card: only the name on it and the billing address."""

    name_on_card = PersonName()
    details = serializers.DictField()
    billing_address = PostalAddress()


class PurchasePhone(Shape):
    country_code = text()
    national_number = text()
    e164 = text()
    country = text(allow_null=True)


class PurchaseSettings(Shape):
    collect_email = serializers.BooleanField()
    collect_address = serializers.BooleanField()
    collect_phone = serializers.BooleanField()


class PurchaseDetails(Shape):
    """The buyer."""

    has_account = serializers.BooleanField()
    name = PersonName()
    card = PurchaseCard()
    email = text()
    phone = PurchasePhone()
    shipping_address = PostalAddress()
    settings = PurchaseSettings()


class ItemCosts(Shape):
    total = NumberMoney(required=False, allow_null=True)
    subtotal = NumberMoney(required=False, allow_null=True)
    tax = NumberMoney(required=False, allow_null=True)
    shipping = NumberMoney(required=False, allow_null=True)
    discount = NumberMoney(required=False, allow_null=True)


class BoughtShipping(Shape):
    id = text()
    name = text()
    cost = NumberMoney(allow_null=True)
    time_estimate = text()
    min_date = text()
    max_date = text()


class AppliedCoupon(Shape):
    code = text()
    saved_amount = NumberMoney(allow_null=True)


class BoughtItem(Shape):
    product_link = text()
    confirmation_number = text()
    costs = ItemCosts()
    metadata = free_object()
    shipping_option = BoughtShipping(required=False)
    applied_coupon = AppliedCoupon(required=False)


class PurchaseCosts(Shape):
    subtotal = NumberMoney(allow_null=True)
    commission_fee = NumberMoney(allow_null=True)
    total = NumberMoney()


class PurchaseResult(Shape):
    """The bought items and their costs."""

    items = BoughtItem(many=True)
    costs = PurchaseCosts()


class PurchaseError(Shape):
    code = text()


class PurchaseJob(Shape):
    """A purchase and, once there is one, its result."""

    ref_id = serializers.CharField()
    status = serializers.ChoiceField(
        ["pending", "processing", "complete", "partially_complete", "failed", "cancelled"]
    )
    products = PurchaseProduct(many=True)
    details = PurchaseDetails()
    order_id = PublicId()
    result = PurchaseResult(required=False)
    error = PurchaseError(required=False)
