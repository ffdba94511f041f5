"""Response bodies of Umbraco's calls: its names and shapes, amounts as numbers."""

from __future__ import annotations

from uuid import UUID, uuid5

from moneyed import Money

from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.money import format_amount, to_number
from django_henry_checkout.models import Order, OrderStatus, Quote
from django_henry_checkout.models.base import money_of

#: Namespace of ids for objects that have an id in Umbraco but no row here: derived from their names.
_NAMESPACE = UUID("6f0c8a3e-2b0c-5c52-9a2c-3f3f7a6f8e11")

_PAYMENT_STATUSES = {
    OrderStatus.OPEN: "PendingExternalSystem",
    OrderStatus.PLACED: "Authorized",
    OrderStatus.PROCESSING: "Authorized",
    OrderStatus.COMPLETED: "Captured",
    OrderStatus.PARTIALLY_COMPLETED: "Captured",
    OrderStatus.FAILED: "Error",
    OrderStatus.CANCELED: "Cancelled",
}


def _derive_id(*names: str) -> str:
    return str(uuid5(_NAMESPACE, "/".join(names)))


def _serialize_currency(code: str) -> JSON:
    return {"id": _derive_id("currency", code), "code": code}


def serialize_amount(money: Money | None) -> JSON | None:
    """Return an amount with its display text."""
    if money is None:
        return None
    return {
        "currency": _serialize_currency(money.currency.code),
        "value": to_number(money),
        "formatted": {"value": format_amount(money)},
    }


def serialize_price(money: Money | None) -> JSON | None:
    """Return a price; the tax is 0, because Henry does not report it separately."""
    if money is None:
        return None
    zero = Money(0, money.currency)
    return {
        "currency": _serialize_currency(money.currency.code),
        "withoutTax": to_number(money),
        "tax": 0,
        "withTax": to_number(money),
        "formatted": {
            "withoutTax": format_amount(money),
            "tax": format_amount(zero),
            "withTax": format_amount(money),
        },
    }


def serialize_confirmation(order: Order, *, transaction_id: str) -> JSON:
    """Return the result of a confirm."""
    info: JSON = {
        "paymentStatus": _PAYMENT_STATUSES[OrderStatus(order.status)],
        "transactionId": transaction_id,
        "authorizedAmount": serialize_amount(order.total),
    }
    if order.fee is not None:
        info["feeAmount"] = serialize_amount(order.fee)
    return {"orderNumber": order.number, "transactionInfo": info}


def serialize_payment_methods(order: Order) -> list[JSON]:
    """Return the payment methods: Henry's page, and the shop's own form."""
    methods = {"henry-hosted": "Henry checkout page", "henry-card": "Card"}
    return [
        {
            "id": _derive_id("payment", alias),
            "alias": alias,
            "name": name,
            "store": {"id": _derive_id("store", order.account), "alias": order.account},
            "sku": alias,
            "taxClass": None,
            "paymentProviderAlias": "henry",
            "imageUrl": None,
            "fee": serialize_price(Money(0, order.currency)) if order.currency else None,
        }
        for alias, name in methods.items()
    ]


def serialize_shipping_methods(order: Order, quote: Quote) -> list[JSON]:
    """Return each merchant's rates; `shipping/method` takes the `id` of a rate's option."""
    return [
        {
            "id": _derive_id("shipping", merchant["host"]),
            "alias": merchant["host"],
            "name": merchant["host"],
            "store": {"id": _derive_id("store", order.account), "alias": order.account},
            "sku": merchant["host"],
            "taxClass": None,
            "imageUrl": None,
            "rates": [
                {
                    "option": {"id": str(rate["rateId"]), "name": rate["name"]},
                    "packageId": _derive_id("package", order.ulid, merchant["host"]),
                    "value": serialize_price(money_of(rate["cost"], rate["currency"])),
                }
                for rate in merchant["rates"]
            ],
        }
        for merchant in quote.merchants
        if merchant["rates"]
    ]
