"""What the API takes. Shapes are checked here; rules (links, bounds) are the flows' own."""

from __future__ import annotations

from typing import Any

from moneyed import CurrencyDoesNotExist, Money, get_currency
from rest_framework import serializers

from django_henry_checkout.types import LineItem


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, so that a typing error is not silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            raise serializers.ValidationError(
                {name: ["This field is not known."] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


class MoneyInput(StrictSerializer):
    value = serializers.DecimalField(max_digits=19, decimal_places=4, min_value=0)
    currency = serializers.RegexField(r"^[A-Z]{3}$")

    def validate_currency(self, code: str) -> str:
        try:
            get_currency(code)
        except CurrencyDoesNotExist:
            raise serializers.ValidationError("This is not an ISO 4217 currency code.") from None
        return code


class ShippingChoiceInput(StrictSerializer):
    id = serializers.CharField(required=False, max_length=200)
    value = serializers.CharField(required=False, max_length=200)


class ItemInput(StrictSerializer):
    link = serializers.CharField(max_length=4096)
    quantity = serializers.IntegerField(default=1)
    selected_options = serializers.ListField(child=serializers.CharField(), default=list, max_length=50)
    selected_shipping = ShippingChoiceInput(required=False)
    coupons = serializers.ListField(child=serializers.CharField(), default=list, max_length=50)
    metadata = serializers.DictField(default=dict)
    title = serializers.CharField(default="", allow_blank=True, max_length=1000)
    image_url = serializers.CharField(default="", allow_blank=True, max_length=4096)
    unit_price = MoneyInput(required=False)


class CartInput(StrictSerializer):
    items = serializers.ListField(child=ItemInput(), default=list, max_length=500)
    metadata = serializers.DictField(default=dict)
    account = serializers.CharField(default="default", max_length=64)


class AddItemInput(StrictSerializer):
    item = ItemInput()
    version = serializers.IntegerField(required=False)


class UpdatedItemInput(StrictSerializer):
    item_id = serializers.CharField(required=False, max_length=64)
    link = serializers.CharField(required=False, max_length=4096)
    quantity = serializers.IntegerField(required=False)
    selected_shipping = ShippingChoiceInput(required=False)
    coupons = serializers.ListField(child=serializers.CharField(), required=False, max_length=50)
    metadata = serializers.DictField(required=False)


class UpdateItemInput(StrictSerializer):
    item = UpdatedItemInput()
    version = serializers.IntegerField(required=False)


class RemoveItemInput(StrictSerializer):
    item_id = serializers.CharField(required=False, max_length=64)
    link = serializers.CharField(required=False, max_length=4096)
    version = serializers.IntegerField(required=False)


class MergeInput(StrictSerializer):
    cart_id = serializers.CharField(max_length=64)
    session_token = serializers.CharField(max_length=200)


class LinkInput(StrictSerializer):
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    max_uses = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1_000_000)


def as_item(content: dict[str, Any]) -> LineItem:
    """Make a plain value of a checked item."""
    price = content.pop("unit_price", None)
    return LineItem(
        **{
            **content,
            "selected_options": tuple(content["selected_options"]),
            "coupons": tuple(content["coupons"]),
            "selected_shipping": dict(content.get("selected_shipping", {})),
        },
        unit_price=None if price is None else Money(price["value"], price["currency"]),
    )


def as_money(content: dict[str, Any] | None) -> Money | None:
    """Make an amount of a checked one."""
    return None if content is None else Money(content["value"], content["currency"])
