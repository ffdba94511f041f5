"""The shapes of Umbraco's calls."""

from __future__ import annotations

from rest_framework import serializers

from django_henry_checkout.api.schema.shapes.base import Currency, OrderNumber, Shape, number, text


class PaymentToken(Shape):
    """A new token for Henry's page; only the newest is valid."""

    token = serializers.CharField()
    order_number = OrderNumber()
    pay_url = serializers.URLField()


class PaymentUrls(Shape):
    """The URLs to continue at."""

    locals().update({"continue": serializers.URLField()})  # `continue` is a keyword
    cancel = serializers.URLField()
    error = serializers.URLField()
    callback = serializers.URLField()


class PreparedMethod(Shape):
    settings = serializers.DictField(child=text())
    meta_data_definitions = serializers.DictField(child=text())
    urls = PaymentUrls()


class PreparedPayment(Shape):
    """The settings to pay an order in the shop's own form."""

    order_number = OrderNumber()
    payment_method = PreparedMethod()


class NamedCurrency(Shape):
    id = serializers.UUIDField()
    code = Currency()


class FormattedValue(Shape):
    value = text()


class FormattedAmount(Shape):
    """An amount as a number, with its currency and a display text."""

    currency = NamedCurrency()
    value = number()
    formatted = FormattedValue()


class TransactionInfo(Shape):
    payment_status = serializers.ChoiceField(
        ["PendingExternalSystem", "Authorized", "Captured", "Error", "Cancelled"]
    )
    transaction_id = text()
    authorized_amount = FormattedAmount(allow_null=True)
    fee_amount = FormattedAmount(required=False)


class Confirmation(Shape):
    """The result of a confirm."""

    order_number = OrderNumber()
    transaction_info = TransactionInfo()


class FormattedPriceTexts(Shape):
    without_tax = text()
    tax = text()
    with_tax = text()


class Price(Shape):
    """A price as numbers, each with a display text."""

    currency = NamedCurrency()
    without_tax = number()
    tax = number()
    with_tax = number()
    formatted = FormattedPriceTexts()


class Store(Shape):
    id = serializers.UUIDField()
    alias = text()


class Method(Shape):
    id = serializers.UUIDField()
    alias = text()
    name = text()
    store = Store()
    sku = text()
    tax_class = text(allow_null=True)
    image_url = text(allow_null=True)


class PaymentMethod(Method):
    """A payment method."""

    payment_provider_alias = text()
    fee = Price(allow_null=True)


class RateOption(Shape):
    id = text()
    name = text()


class MethodRate(Shape):
    option = RateOption()
    package_id = serializers.UUIDField()
    value = Price(allow_null=True)


class ShippingMethod(Method):
    """A merchant and its shipping rates."""

    rates = MethodRate(many=True)
