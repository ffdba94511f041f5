"""What Umbraco's calls answer: its names and shapes, amounts as numbers."""

from __future__ import annotations

from uuid import UUID, uuid5

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency
from django.utils.translation import get_language
from moneyed import Money

from django_henry_checkout.api.names import JSON
from django_henry_checkout.api.numbers import number, places
from django_henry_checkout.models import Order, OrderStatus, Quote
from django_henry_checkout.models.base import money_of

#: Ids that Umbraco has for things that are no records of ours: made from their names, the same everywhere.
_NAMES = UUID("6f0c8a3e-2b0c-5c52-9a2c-3f3f7a6f8e11")

_PAYMENT_WORDS = {
    OrderStatus.OPEN: "PendingExternalSystem",
    OrderStatus.PLACED: "Authorized",
    OrderStatus.PROCESSING: "Authorized",
    OrderStatus.COMPLETED: "Captured",
    OrderStatus.PARTIALLY_COMPLETED: "Captured",
    OrderStatus.FAILED: "Error",
    OrderStatus.CANCELED: "Cancelled",
}


def _id(*names: str) -> str:
    return str(uuid5(_NAMES, "/".join(names)))


def _currency(code: str) -> JSON:
    return {"id": _id("currency", code), "code": code}


def formatted(money: Money) -> str:
    """Write an amount for people, in the language of the request."""
    try:
        locale = Locale.parse(get_language() or "en", sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return format_currency(places(money), money.currency.code, locale=locale)


def amount(money: Money | None) -> JSON | None:
    """Write an amount."""
    if money is None:
        return None
    return {
        "currency": _currency(money.currency.code),
        "value": number(money),
        "formatted": {"value": formatted(money)},
    }


def price(money: Money | None) -> JSON | None:
    """Write a price. Henry does not say which part of it is tax."""
    if money is None:
        return None
    nothing = Money(0, money.currency)
    return {
        "currency": _currency(money.currency.code),
        "withoutTax": number(money),
        "tax": 0,
        "withTax": number(money),
        "formatted": {
            "withoutTax": formatted(money),
            "tax": formatted(nothing),
            "withTax": formatted(money),
        },
    }


def confirmation(order: Order, *, transaction_id: str) -> JSON:
    """Write what a confirm has led to."""
    info: JSON = {
        "paymentStatus": _PAYMENT_WORDS[OrderStatus(order.status)],
        "transactionId": transaction_id,
        "authorizedAmount": amount(order.total),
    }
    if order.fee is not None:
        info["feeAmount"] = amount(order.fee)
    return {"orderNumber": order.number, "transactionInfo": info}


def payment_methods(order: Order) -> list[JSON]:
    """Write the ways to pay: on Henry's page, and in the shop's own form."""
    methods = {"henry-hosted": "Henry checkout page", "henry-card": "Card"}
    return [
        {
            "id": _id("payment", alias),
            "alias": alias,
            "name": name,
            "store": {"id": _id("store", order.account), "alias": order.account},
            "sku": alias,
            "taxClass": None,
            "paymentProviderAlias": "henry",
            "imageUrl": None,
            "fee": price(Money(0, order.currency)) if order.currency else None,
        }
        for alias, name in methods.items()
    ]


def shipping_methods(order: Order, quote: Quote) -> list[JSON]:
    """Write each merchant with its rates; the `id` of a rate's option is what `shipping/method` takes."""
    return [
        {
            "id": _id("shipping", merchant["host"]),
            "alias": merchant["host"],
            "name": merchant["host"],
            "store": {"id": _id("store", order.account), "alias": order.account},
            "sku": merchant["host"],
            "taxClass": None,
            "imageUrl": None,
            "rates": [
                {
                    "option": {"id": str(rate["rateId"]), "name": rate["name"]},
                    "packageId": _id("package", order.ulid, merchant["host"]),
                    "value": price(money_of(rate["cost"], rate["currency"])),
                }
                for rate in merchant["rates"]
            ],
        }
        for merchant in quote.merchants
        if merchant["rates"]
    ]
