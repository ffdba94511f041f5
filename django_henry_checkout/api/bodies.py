"""What the calls that check out take."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from django_henry_checkout.api.inputs import MoneyInput, ShippingChoiceInput, StrictSerializer
from django_henry_checkout.api.people import (
    AddressInput,
    BuyerInfoInput,
    NameInput,
    PurchaseBuyerInput,
    ShippingDetailsInput,
)
from django_henry_checkout.flows.cart.items import MAX_COUPONS, MAX_TEXT_LENGTH


class IdField(serializers.CharField):
    """A public id in either spelling."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, **options)


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
    """Names a checkout session, for callers who do not show its token."""

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


_ASKED = ("off", "required", "optional")


class CollectInput(StrictSerializer):
    """Which details Henry is to collect: `options` of its cart settings (henry-api.md 3.2)."""

    allow_partial_purchase = serializers.BooleanField(required=False)
    collect_buyer_email = serializers.ChoiceField(_ASKED, required=False)
    collect_buyer_address = serializers.ChoiceField(_ASKED, required=False)
    collect_buyer_phone = serializers.ChoiceField(_ASKED, required=False)


class SettingsInput(StrictSerializer):
    """Settings of one purchase. Fees are not among them: they are the shop's, and callers are shoppers."""

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


class ShippingInput(StrictSerializer):
    cart_id = IdField(required=False)
    payment_intent_id = IdField(required=False)
    buyer_info = BuyerInfoInput(default=dict)


class ShippingMethodInput(StrictSerializer):
    cart_id = IdField()
    shipping_method_id = serializers.IntegerField(min_value=1)


class LinkConfirmInput(StrictSerializer):
    """The body of Umbraco's confirm (umbraco-checkout.md 3); `meta_data.cardToken` is the card."""

    amount = serializers.DecimalField(max_digits=19, decimal_places=4, min_value=0)
    fee = serializers.DecimalField(
        max_digits=19, decimal_places=4, min_value=0, required=False, allow_null=True
    )
    transaction_id = serializers.CharField(max_length=255)
    payment_status = serializers.CharField(max_length=40)
    meta_data = serializers.DictField(
        child=serializers.CharField(max_length=500, allow_blank=True), required=False, allow_null=True
    )
