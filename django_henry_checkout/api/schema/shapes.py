"""The shapes of answers, as the description has them. Names are in snake_case here and in camelCase there.

Nothing is rendered by these: `answers.py` does that by hand. Tests hold the two together.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from django_henry_checkout.models import ItemStatus, OrderStatus


class Shape(serializers.Serializer[Any]):
    """Describes one object of an answer. Names that come in later versions are to be ignored by clients."""


def text(**options: Any) -> serializers.CharField:
    """Describe text, which may be empty."""
    return serializers.CharField(allow_blank=True, **options)


def texts() -> serializers.ListField:
    """Describe a list of texts."""
    return serializers.ListField(child=text())


def free() -> serializers.DictField:
    """Describe an object whose names are the shop's own."""
    return serializers.DictField()


def moment(**options: Any) -> serializers.DateTimeField:
    """Describe a time."""
    return serializers.DateTimeField(**options)


def number(**options: Any) -> serializers.FloatField:
    """Describe an amount in major units, as a number."""
    return serializers.FloatField(**options)


class PublicId(serializers.RegexField):
    """A ULID."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9A-HJKMNP-TV-Z]{26}$", **options)


class OrderNumber(serializers.RegexField):
    """An order's number, for people."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$", **options)


class Amount(serializers.RegexField):
    """An amount as text, with its currency's places."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^-?[0-9]+(\.[0-9]+)?$", **options)


class Currency(serializers.RegexField):
    """An ISO 4217 code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Z]{3}$", **options)


class Money(Shape):
    """An amount: text with its currency's places, so that no client reads it as a float."""

    value = Amount()
    currency = Currency()


class ShippingChoice(Shape):
    """The shipping that a shopper asked for."""

    id = text(required=False)
    value = text(required=False)


class Product(Shape):
    item_id = text()
    link = text()
    quantity = serializers.IntegerField()
    selected_options = texts()
    selected_shipping = ShippingChoice()
    coupons = texts()
    metadata = free()
    title = text()
    image_url = text()
    unit_price = Money(allow_null=True)


class CartItem(Product):
    """A line of a cart."""

    subtotal = Money(allow_null=True)


class Cart(Shape):
    """A cart with its items."""

    cart_id = PublicId()
    version = serializers.IntegerField(help_text="Counts the cart's changes.")
    account = text()
    items = CartItem(many=True)
    subtotals = Money(many=True, help_text="One for each currency.")
    metadata = free()
    created_at = moment()
    updated_at = moment()


class CreatedCart(Cart):
    """A cart that was just made."""

    session_token = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Owns the cart, and is shown this once. Null, or missing, for a caller who owns it otherwise.",
    )


class CartLink(Shape):
    """The permanent link of a template cart."""

    cart_id = PublicId()
    url = serializers.URLField()
    uses = serializers.IntegerField()
    max_uses = serializers.IntegerField(allow_null=True)
    expires_at = moment(allow_null=True)
    is_open = serializers.BooleanField()


class HostedCheckout(Shape):
    """A checkout on Henry's page."""

    checkout_url = serializers.URLField(help_text="Where the shopper goes.")
    session_token = serializers.CharField(help_text="Shows the order, and is shown this once.")
    order_id = PublicId()
    order_number = OrderNumber()
    expires_at = moment()
    session_id = PublicId()
    pay_url = serializers.URLField(help_text="Our page, from which the shopper goes on to Henry's.")
    qr_url = serializers.URLField(help_text="A picture of `payUrl`, for the shopper's phone.")
    frame_url = serializers.URLField(
        allow_null=True, help_text="For a frame in a page at `frameOrigin`; works once, for some minutes."
    )
    payment_origins = texts()
    ignored = texts()


class ReceiptClaims(Shape):
    """What a receipt says."""

    status = serializers.ChoiceField(OrderStatus.values, help_text="The order's, when it was made.")
    version = serializers.IntegerField(min_value=0)
    session_id = PublicId()


class VerifiedReceipt(Shape):
    """A receipt that is true, and the order now."""

    order_id = PublicId()
    order_status = serializers.ChoiceField(OrderStatus.values)
    receipt = ReceiptClaims()


class Totals(Shape):
    """What an order costs; null is not known."""

    subtotal = Money(allow_null=True)
    shipping = Money(allow_null=True)
    tax = Money(allow_null=True)
    discount = Money(allow_null=True)
    fee = Money(allow_null=True)
    total = Money(allow_null=True)


class OrderSummary(Shape):
    """An order, without its items."""

    order_id = PublicId()
    order_number = OrderNumber()
    account = text()
    status = serializers.ChoiceField(OrderStatus.values)
    needs_review = serializers.BooleanField()
    is_terminal = serializers.BooleanField()
    version = serializers.IntegerField(help_text="Counts the order's events.")
    totals = Totals()
    created_at = moment()
    placed_at = moment(allow_null=True)
    ended_at = moment(allow_null=True)


class OrderItem(Product):
    """A line of an order."""

    merchant = text()
    status = serializers.ChoiceField(ItemStatus.values)
    confirmation_number = text(allow_null=True)
    total = Money(allow_null=True)


class Order(OrderSummary):
    """An order with its items."""

    items = OrderItem(many=True)


class OrderList(Shape):
    """A page of orders, newest first."""

    orders = OrderSummary(many=True)
    next_cursor = text(allow_null=True)


class OrderEvent(Shape):
    """Something that happened to an order."""

    event_id = PublicId()
    sequence = serializers.IntegerField()
    type = text()
    source = text()  # type: ignore[assignment]  # a field, not the framework's own
    occurred_at = moment()
    data = free()  # type: ignore[assignment]  # a field, not the framework's own


class OrderEventList(Shape):
    """What happened to an order, oldest first."""

    events = OrderEvent(many=True)


class ShippingRate(Shape):
    id = serializers.IntegerField()
    name = text()
    cost = Money(allow_null=True)
    time_estimate = text()
    min_date = text(allow_null=True)
    max_date = text(allow_null=True)


class MerchantRates(Shape):
    """The shipping rates of one merchant, and the id of the chosen one."""

    merchant = text()
    chosen = serializers.IntegerField(allow_null=True)
    rates = ShippingRate(many=True)


class OrderMetadata(Shape):
    """What a quote says, in numbers."""

    total_price = number()
    tax = number(allow_null=True)
    shipping_total = number(allow_null=True)
    shipping = serializers.DictField(child=number(allow_null=True), help_text="By the merchant's host.")
    transaction_fee = number(allow_null=True)
    currency = Currency()


class Quote(Shape):
    """What the session's order costs, until `expiresAt`."""

    session_token = serializers.CharField(
        allow_null=True, help_text="The session's token: of a new session, or the one that was shown."
    )
    session_id = PublicId()
    order_id = PublicId()
    order_number = OrderNumber()
    expires_at = moment()
    order_metadata = OrderMetadata()
    totals = Totals()
    shipping_methods = MerchantRates(many=True)
    coupons = texts()
    refused_coupons = texts()


class SessionProduct(Shape):
    product_id = text()
    name = text()
    price = Amount(allow_null=True)
    currency = Currency(allow_null=True)
    quantity = serializers.IntegerField()
    product_link = text()
    product_image_link = text(allow_null=True)
    metadata = free()
    selected_options = texts()
    selected_shipping = ShippingChoice()


class SessionProducts(Shape):
    """What a session is about to buy."""

    products = SessionProduct(many=True)


class ShippingDetails(Shape):
    """Who buys, and where to."""

    full_name = text()
    email = text()
    phone_number = text()
    address_line1 = text()
    address_line2 = text(allow_null=True)
    city = text()
    state_or_province = text()
    postal_code = text()
    country_code = text()


class SessionShipping(Shape):
    """Where a session ships to, and how it may."""

    has_shipping = serializers.BooleanField()
    shipping_details = ShippingDetails(allow_null=True)
    shipping_methods = MerchantRates(many=True)


class CardForm(Shape):
    """How the shopper's card is collected."""

    kind = serializers.ChoiceField(["element", "modal"])
    modal_url = serializers.URLField(allow_null=True)
    settings = free()


class ReceiptProduct(Shape):
    product_name = text()
    product_link = text()
    quantity = serializers.IntegerField()
    product_metadata = free()
    status = serializers.ChoiceField(ItemStatus.values)


class Receipt(Shape):
    """An order that was confirmed; its amounts are text, in `currency`."""

    order_id = PublicId()
    order_number = OrderNumber()
    status = serializers.ChoiceField(OrderStatus.values)
    status_message = text()
    subtotal = Amount(allow_null=True)
    tax = Amount(allow_null=True)
    shipping = Amount(allow_null=True)
    discount = Amount(allow_null=True)
    transaction_fee = Amount(allow_null=True)
    grand_total = Amount(allow_null=True)
    currency = text()
    products = ReceiptProduct(many=True)
    shipping_details = ShippingDetails(allow_null=True)
