"""The shapes of Henry's calls: carts, sessions and orders."""

from __future__ import annotations

from rest_framework import serializers

from django_henry_checkout.api.schema.shapes.base import (
    Amount,
    Currency,
    Money,
    OrderNumber,
    PublicId,
    Shape,
    free_object,
    number,
    text,
    texts,
    timestamp,
)
from django_henry_checkout.models import ItemStatus, OrderStatus


class ShippingChoice(Shape):
    """The shipping option that a shopper selected."""

    id = text(required=False)
    value = text(required=False)


class Product(Shape):
    item_id = text()
    link = text()
    quantity = serializers.IntegerField()
    selected_options = texts()
    selected_shipping = ShippingChoice()
    coupons = texts()
    metadata = free_object()
    title = text()
    image_url = text()
    unit_price = Money(allow_null=True)


class CartItem(Product):
    """A line of a cart."""

    subtotal = Money(allow_null=True)


class Cart(Shape):
    """A cart with its items."""

    cart_id = PublicId()
    version = serializers.IntegerField(help_text="Number of changes of the cart.")
    account = text()
    items = CartItem(many=True)
    subtotals = Money(many=True, help_text="One for each currency.")
    metadata = free_object()
    created_at = timestamp()
    updated_at = timestamp()


class CreatedCart(Cart):
    """A new cart."""

    session_token = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Owns the cart; returned only once. Null or missing if the caller owns the cart by other means.",
    )


class CartLink(Shape):
    """The permanent link of a template cart."""

    cart_id = PublicId()
    url = serializers.URLField()
    uses = serializers.IntegerField()
    max_uses = serializers.IntegerField(allow_null=True)
    expires_at = timestamp(allow_null=True)
    is_open = serializers.BooleanField()


class HostedCheckout(Shape):
    """A checkout on Henry's page."""

    checkout_url = serializers.URLField(help_text="URL to redirect the shopper to.")
    session_token = serializers.CharField(help_text="Grants access to the order; returned only once.")
    order_id = PublicId()
    order_number = OrderNumber()
    expires_at = timestamp()
    session_id = PublicId()
    pay_url = serializers.URLField(help_text="A page of the shop that forwards the shopper to Henry's page.")
    qr_url = serializers.URLField(help_text="A QR code of `payUrl`, for the shopper's phone.")
    frame_url = serializers.URLField(
        allow_null=True, help_text="For an iframe in a page at `frameOrigin`; valid once, for some minutes."
    )
    payment_origins = texts()
    ignored = texts()


class ReceiptClaims(Shape):
    """The content of a receipt."""

    status = serializers.ChoiceField(
        OrderStatus.values, help_text="The order's status when the receipt was made."
    )
    version = serializers.IntegerField(min_value=0)
    session_id = PublicId()


class VerifiedReceipt(Shape):
    """A valid receipt, and the current status of its order."""

    order_id = PublicId()
    order_status = serializers.ChoiceField(OrderStatus.values)
    receipt = ReceiptClaims()


class Totals(Shape):
    """The amounts of an order; null if not known."""

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
    version = serializers.IntegerField(help_text="Number of events of the order.")
    totals = Totals()
    created_at = timestamp()
    placed_at = timestamp(allow_null=True)
    ended_at = timestamp(allow_null=True)


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
    """An event of an order."""

    event_id = PublicId()
    sequence = serializers.IntegerField()
    type = text()
    source = text()  # type: ignore[assignment]  # a field that hides DRF's attribute
    occurred_at = timestamp()
    data = free_object()  # type: ignore[assignment]  # a field that hides DRF's attribute


class OrderEventList(Shape):
    """The events of an order, oldest first."""

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
    """The amounts of a quote, as numbers."""

    total_price = number()
    tax = number(allow_null=True)
    shipping_total = number(allow_null=True)
    shipping = serializers.DictField(child=number(allow_null=True), help_text="By the merchant's host.")
    transaction_fee = number(allow_null=True)
    currency = Currency()


class Quote(Shape):
    """The price of the session's order, valid until `expiresAt`."""

    session_token = serializers.CharField(
        allow_null=True, help_text="The token of the session: a new one, or the one that was sent."
    )
    session_id = PublicId()
    order_id = PublicId()
    order_number = OrderNumber()
    expires_at = timestamp()
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
    metadata = free_object()
    selected_options = texts()
    selected_shipping = ShippingChoice()


class SessionProducts(Shape):
    """The products of a session's order."""

    products = SessionProduct(many=True)


class ShippingDetails(Shape):
    """The buyer and their address."""

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
    """The shipping details of a session, and the shipping methods on offer."""

    has_shipping = serializers.BooleanField()
    shipping_details = ShippingDetails(allow_null=True)
    shipping_methods = MerchantRates(many=True)


class CardForm(Shape):
    """How to collect the shopper's card."""

    kind = serializers.ChoiceField(["element", "modal"])
    modal_url = serializers.URLField(allow_null=True)
    settings = free_object()


class ReceiptProduct(Shape):
    product_name = text()
    product_link = text()
    quantity = serializers.IntegerField()
    product_metadata = free_object()
    status = serializers.ChoiceField(ItemStatus.values)


class Receipt(Shape):
    """A confirmed order; the amounts are text, in `currency`."""

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
