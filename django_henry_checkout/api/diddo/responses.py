"""Response bodies of Diddo's calls: a cart with its stores and their offers (diddo-checkout.md 7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from babel.numbers import get_currency_precision
from moneyed import Money

from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.money import format_amount
from django_henry_checkout.api.diddo.buyers import serialize_buyer
from django_henry_checkout.models import Order, OrderLine, OrderStatus, Quote
from django_henry_checkout.models.base import money_of
from django_henry_checkout.types import Buyer


def serialize_minor_money(money: Money | None) -> JSON | None:
    """Return an amount in minor units, with a display text."""
    if money is None:
        return None
    minor = money.amount.scaleb(get_currency_precision(money.currency.code))
    return {
        "value": int(minor.to_integral_value()),
        "displayValue": format_amount(money),
        "currency": money.currency.code,
    }


def serialize_cart(order: Order, buyer: Buyer, quote: Quote | None) -> JSON:
    """Return the items of an order by store; totals are estimated until there is a quote."""
    stores: dict[str, list[OrderLine]] = {}
    for line in order.lines.all():
        stores.setdefault(urlsplit(line.link).hostname or "", []).append(line)
    offers = {} if quote is None else {merchant["host"]: merchant for merchant in quote.merchants}
    return {
        "id": order.cart.ulid if order.cart is not None else None,
        "orderId": order.ulid,
        "status": "IN_PROGRESS" if order.status == OrderStatus.OPEN else "SUBMITTED",
        "cost": {
            "isEstimated": quote is None,
            "subtotal": serialize_minor_money(order.subtotal),
            "tax": serialize_minor_money(order.tax),
            "shipping": serialize_minor_money(order.shipping),
            "total": serialize_minor_money(order.total),
        },
        "buyerIdentity": serialize_buyer(buyer),
        "stores": [
            {
                "store": host,
                "requestId": None,
                "cartLines": [_serialize_line(line) for line in lines],
                "offer": _serialize_offer(offers[host], quote.currency)
                if quote is not None and host in offers
                else None,
                "isSubmitted": order.status != OrderStatus.OPEN,
            }
            for host, lines in stores.items()
        ],
    }


def _serialize_line(line: OrderLine) -> JSON:
    product = {
        "id": line.key,
        "title": line.title,
        "marketplace": urlsplit(line.link).hostname or "",
        "description": None,
        "isAvailable": True,
        "price": serialize_minor_money(line.unit_price),
    }
    return {
        "quantity": line.quantity,
        "product": product,
        "variant": {**product, "title": ", ".join(line.selected_options) or line.title},
    }


def _serialize_offer(merchant: JSON, currency: str) -> JSON:
    methods = [
        {
            "id": rate["rateId"],
            "label": rate["name"],
            "price": serialize_minor_money(money_of(rate["cost"], rate["currency"])),
            "taxes": None,
            "total": serialize_minor_money(money_of(rate["cost"], rate["currency"])),
        }
        for rate in merchant["rates"]
    ]
    return {
        "shipping": serialize_minor_money(money_of(merchant["shipping"], currency)),
        "notAvailableIds": [],
        "shippingMethods": methods,
        "selectedShippingMethod": next(
            (method for method in methods if method["id"] == merchant["chosen"]), None
        ),
    }
