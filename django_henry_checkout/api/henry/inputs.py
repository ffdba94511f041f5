"""Inputs of the calls by Henry's names. Rules beyond the shape (links, bounds) are checked by flows."""

from __future__ import annotations

from typing import Any

from moneyed import CurrencyDoesNotExist, Money, get_currency
from rest_framework import serializers

from django_henry_checkout.api.common.inputs import IdField, StrictSerializer, TextField
from django_henry_checkout.flows.cart.items import MAX_COUPONS, MAX_TEXT_LENGTH
from django_henry_checkout.types import LineItem

# Carts -----------------------------------------------------------------------------------------------


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


def parse_item(content: dict[str, Any]) -> LineItem:
    """Return the line item of a validated input."""
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


def parse_money(content: dict[str, Any] | None) -> Money | None:
    """Return the amount of a validated input."""
    return None if content is None else Money(content["value"], content["currency"])


# Buyers and cards ------------------------------------------------------------------------------------


def _optional_text() -> serializers.CharField:
    return TextField(required=False, default="", allow_blank=True)


class NameInput(StrictSerializer):
    first_name = _optional_text()
    last_name = _optional_text()
    middle_name = _optional_text()


class AddressInput(StrictSerializer):
    """An address in the shape of Henry's v1."""

    line1 = TextField()
    line2 = _optional_text()
    city = _optional_text()
    province = _optional_text()
    postal_code = _optional_text()
    country_code = serializers.CharField(max_length=2)


class ShippingDetailsInput(StrictSerializer):
    """A buyer with an address in the shape of Henry's v0 (henry-api.md 3.1)."""

    full_name = TextField()
    email = TextField()
    phone_number = TextField()
    address_line1 = TextField()
    address_line2 = TextField(required=False, default="", allow_blank=True, allow_null=True)
    city = TextField()
    state_or_province = _optional_text()
    postal_code = _optional_text()
    country_code = serializers.CharField(max_length=2)


class CardDetailsInput(StrictSerializer):
    """A card token; or, with ALLOW_RAW_CARD, the card fields of Henry's early v1."""

    card_token = serializers.RegexField(r"^[A-Za-z0-9_-]{1,200}$", required=False)
    card_number = serializers.RegexField(r"^[0-9 -]{12,30}$", required=False, write_only=True)
    expiry_month = serializers.RegexField(r"^[0-9]{1,2}$", required=False, write_only=True)
    expiry_year = serializers.RegexField(r"^[0-9]{2,4}$", required=False, write_only=True)
    cvv = serializers.RegexField(r"^[0-9]{3,4}$", required=False, write_only=True)


class CardInput(StrictSerializer):
    name_on_card = NameInput(required=False)
    details = CardDetailsInput()
    billing_address = AddressInput(required=False)


class PurchaseBuyerInput(StrictSerializer):
    """A buyer in the shape of Henry's early v1 (henry-api.md 3.3)."""

    name = NameInput()
    email = TextField()
    phone = TextField()
    shipping_address = AddressInput()
    card = CardInput(required=False)


# Checkout --------------------------------------------------------------------------------------------


class CouponsField(serializers.ListField):
    child = serializers.CharField(max_length=MAX_TEXT_LENGTH)

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_COUPONS, **options)


class PrefillInput(StrictSerializer):
    name = NameInput(required=False)
    email = serializers.CharField(max_length=254)
    phone = serializers.CharField(max_length=50)
    shipping_address = AddressInput()


class CheckoutInput(StrictSerializer):
    cart_id = IdField()
    auth = serializers.BooleanField(required=False)
    region = serializers.RegexField(r"^[A-Za-z]{2}$", required=False)
    theme = serializers.ChoiceField(["light", "dark"], required=False)
    frame_origin = serializers.CharField(max_length=255, required=False)
    buyer = PrefillInput(required=False)


class ReceiptInput(StrictSerializer):
    receipt = serializers.CharField(max_length=4_000)
    origin = serializers.CharField(max_length=255)


class SessionInput(StrictSerializer):
    """Identifies a checkout session, for callers without its token."""

    session_id = IdField(required=False)
    cart_id = IdField(required=False)


class QuoteInput(StrictSerializer):
    cart_id = IdField(required=False)
    shipping_details = ShippingDetailsInput()
    region = serializers.CharField(required=False, max_length=100)
    coupons = CouponsField(required=False)


class ConfirmInput(SessionInput):
    shipping_details = ShippingDetailsInput(required=False)
    card_token = serializers.RegexField(r"^[A-Za-z0-9_-]{1,200}$", required=False)
    name_on_card = NameInput(required=False)
    billing_address = AddressInput(required=False)
    accepted_total = MoneyInput(required=False)
    metadata = serializers.DictField(default=dict)


_COLLECT = ("off", "required", "optional")


class CollectInput(StrictSerializer):
    """The buyer details that Henry collects: `options` of its cart settings (henry-api.md 3.2)."""

    allow_partial_purchase = serializers.BooleanField(required=False)
    collect_buyer_email = serializers.ChoiceField(_COLLECT, required=False)
    collect_buyer_address = serializers.ChoiceField(_COLLECT, required=False)
    collect_buyer_phone = serializers.ChoiceField(_COLLECT, required=False)


class SettingsInput(StrictSerializer):
    """Settings of one purchase. Callers are shoppers, so they cannot set the shop's fees."""

    options = CollectInput(required=False)
    collect_email = serializers.BooleanField(required=False)
    collect_address = serializers.BooleanField(required=False)
    collect_phone = serializers.BooleanField(required=False)


class PurchaseInput(StrictSerializer):
    cart_id = IdField()
    buyer = PurchaseBuyerInput()
    override_products = serializers.DictField(
        child=serializers.IntegerField(min_value=1, allow_null=True), default=dict
    )
    settings = SettingsInput(default=dict)
    metadata = serializers.DictField(default=dict)
    selected_shipping_option = ShippingChoiceInput(default=dict)
    coupons = CouponsField(default=list)
    accepted_total = MoneyInput(required=False)
