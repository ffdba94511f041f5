"""Build line items."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from moneyed import Money


def make_item(
    link: str = "https://alpine.example/products/boots", *, price: str = "10.00", **more: Any
) -> Any:
    from django_henry_checkout.types import LineItem

    return LineItem(link=link, title=link.rsplit("/", 1)[-1], unit_price=Money(Decimal(price), "USD"), **more)
