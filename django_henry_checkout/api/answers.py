"""What the API answers: plain dicts in camelCase, made by hand because nested serializers cost more than the database."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from moneyed import Money

from django_henry_checkout.models import Cart, CartLine, Event, Order, OrderLine
from django_henry_checkout.types import format_public_id

JSON = dict[str, Any]


def money(value: Money | None) -> JSON | None:
    """Write an amount as text with its currency's places, so that no client reads it as a float."""
    if value is None:
        return None
    places = Decimal(1).scaleb(-get_currency_precision(value.currency.code))
    return {"value": str(value.amount.quantize(places)), "currency": value.currency.code}


def cart(shown: Cart, lines: Iterable[CartLine]) -> JSON:
    """Write a cart with its lines."""
    items = list(lines)
    return {
        "cartId": shown.ulid,
        "version": shown.version,
        "account": shown.account,
        "items": [_item(line) for line in items],
        "subtotals": [money(each) for each in _subtotals(items)],
        "metadata": shown.metadata,
        "createdAt": shown.created_at.isoformat(),
        "updatedAt": shown.updated_at.isoformat(),
    }


def _item(line: CartLine) -> JSON:
    return {**_product(line), "subtotal": money(line.subtotal)}


def _product(line: CartLine | OrderLine) -> JSON:
    return {
        "itemId": line.key,
        "link": line.link,
        "quantity": line.quantity,
        "selectedOptions": line.selected_options,
        "selectedShipping": line.selected_shipping,
        "coupons": line.coupons,
        "metadata": line.metadata,
        "title": line.title,
        "imageUrl": line.image_url,
        "unitPrice": money(line.unit_price),
    }


def _subtotals(lines: Iterable[CartLine]) -> list[Money]:
    """Add up per currency; never across."""
    sums: dict[str, Money] = {}
    for line in lines:
        if line.subtotal is not None:
            sums[line.currency] = sums.get(line.currency, Money(0, line.currency)) + line.subtotal
    return list(sums.values())


def order(shown: Order, lines: Iterable[OrderLine] | None = None) -> JSON:
    """Write an order; with its lines if they are given. No personal data."""
    content = {
        "orderId": shown.ulid,
        "orderNumber": shown.number,
        "account": shown.account,
        "status": shown.status,
        "needsReview": shown.needs_review,
        "isTerminal": shown.is_terminal,
        "version": shown.event_count,
        "totals": {
            "subtotal": money(shown.subtotal),
            "shipping": money(shown.shipping),
            "tax": money(shown.tax),
            "discount": money(shown.discount),
            "fee": money(shown.fee),
            "total": money(shown.total),
        },
        "createdAt": shown.created_at.isoformat(),
        "placedAt": shown.placed_at and shown.placed_at.isoformat(),
        "endedAt": shown.ended_at and shown.ended_at.isoformat(),
    }
    if lines is not None:
        content["items"] = [_order_item(line) for line in lines]
    return content


def _order_item(line: OrderLine) -> JSON:
    return {
        **_product(line),
        "merchant": line.merchant,
        "status": line.status,
        "confirmationNumber": line.confirmation_number or None,
        "total": money(line.total),
    }


def event(shown: Event) -> JSON:
    """Write one event of an order."""
    return {
        "eventId": format_public_id(shown.public_id),
        "sequence": shown.sequence,
        "type": shown.type,
        "source": shown.source,
        "occurredAt": shown.occurred_at.isoformat(),
        "data": shown.payload,
    }
