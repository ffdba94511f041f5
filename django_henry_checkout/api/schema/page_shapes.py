"""The shapes of answers that follow other pages: Umbraco's, Diddo's, and a purchase of Henry's early v1."""

from __future__ import annotations

from rest_framework import serializers

from django_henry_checkout.api.schema.shapes import (
    Currency,
    OrderNumber,
    PublicId,
    Shape,
    free,
    moment,
    number,
    text,
    texts,
)

# Umbraco ---------------------------------------------------------------------------------------------


class PaymentToken(Shape):
    """A fresh token for Henry's page; the newest wins."""

    token = serializers.CharField()
    order_number = OrderNumber()
    pay_url = serializers.URLField()


class PaymentUrls(Shape):
    """Where to go on."""

    locals().update({"continue": serializers.URLField()})  # no name that Python allows
    cancel = serializers.URLField()
    error = serializers.URLField()
    callback = serializers.URLField()


class PreparedMethod(Shape):
    settings = serializers.DictField(child=text())
    meta_data_definitions = serializers.DictField(child=text())
    urls = PaymentUrls()


class PreparedPayment(Shape):
    """How an order is paid in the shop's own form."""

    order_number = OrderNumber()
    payment_method = PreparedMethod()


class NamedCurrency(Shape):
    id = serializers.UUIDField()
    code = Currency()


class FormattedValue(Shape):
    value = text()


class FormattedAmount(Shape):
    """An amount as a number, with its currency and a text for people."""

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
    """What a confirm has led to."""

    order_number = OrderNumber()
    transaction_info = TransactionInfo()


class FormattedPriceTexts(Shape):
    without_tax = text()
    tax = text()
    with_tax = text()


class Price(Shape):
    """A price as numbers, with a text of each for people."""

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
    """A way to pay."""

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


# Diddo -----------------------------------------------------------------------------------------------


class CustomerToken(Shape):
    """A customer session token."""

    cst = serializers.CharField()


class MinorMoney(Shape):
    """An amount in minor units, beside a text for people."""

    value = serializers.IntegerField()
    display_value = text()
    currency = Currency()


class BuyerIdentity(Shape):
    """Who buys."""

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
    label = text()  # type: ignore[assignment]  # a field, not the framework's own
    price = MinorMoney(allow_null=True)
    taxes = MinorMoney(allow_null=True)
    total = MinorMoney(allow_null=True)


class Offer(Shape):
    """What a store asks for shipping."""

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
    """What a cart costs; estimated until there is a quote."""

    is_estimated = serializers.BooleanField()
    subtotal = MinorMoney(allow_null=True)
    tax = MinorMoney(allow_null=True)
    shipping = MinorMoney(allow_null=True)
    total = MinorMoney(allow_null=True)


class StoreCart(Shape):
    """What an order is about to buy, store by store."""

    id = PublicId(allow_null=True)
    order_id = PublicId()
    status = serializers.ChoiceField(["IN_PROGRESS", "SUBMITTED"])
    cost = CartCost()
    buyer_identity = BuyerIdentity()
    stores = CartStore(many=True)


class BegunCheckout(Shape):
    """A checkout of a template's copy, or of the caller's own cart."""

    cart_id = PublicId()
    template_cart_id = PublicId(allow_null=True)
    status = serializers.ChoiceField(["IN_PROGRESS"])
    payment_intent_id = PublicId()
    session_token = serializers.CharField(help_text="The session's token; it is shown this once.")
    order_id = PublicId()
    order_number = OrderNumber()
    expires_at = moment()
    cart = StoreCart()


# A purchase ------------------------------------------------------------------------------------------


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
    metadata = free()


class PurchaseCard(Shape):
    """The card, of which only the name on it and the address are shown."""

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
    """Who buys."""

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
    metadata = free()
    shipping_option = BoughtShipping(required=False)
    applied_coupon = AppliedCoupon(required=False)


class PurchaseCosts(Shape):
    subtotal = NumberMoney(allow_null=True)
    commission_fee = NumberMoney(allow_null=True)
    total = NumberMoney()


class PurchaseResult(Shape):
    """What was bought, and what it cost."""

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


class Description(Shape):
    """This description, as OpenAPI 3.1 has it."""

    openapi = text()
    info = free()
    servers = serializers.ListField(child=free())
    tags = serializers.ListField(child=free())
    paths = free()
    components = free()
