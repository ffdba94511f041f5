"""Orders as a table for spreadsheets. No cell is ever run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from django_henry_checkout.models import Order, OrderBuyer
from django_henry_checkout.models.orders import AMOUNTS

#: More rows than this make no file that a person reads; the API has them all.
MAX_ROWS = 50_000
BATCH_SIZE = 500
COLUMNS = (
    "number", "id", "status", "account", "created_at", "placed_at", "ended_at", "needs_review", "currency", *AMOUNTS,
)  # fmt: skip
BUYER_COLUMNS = ("first_name", "last_name", "email", "phone")
#: A spreadsheet takes a cell that begins so for a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def orders_as_csv(orders: QuerySet[Order], *, with_buyers: bool) -> Iterator[str]:
    """Yield the lines of a CSV file, newest order first, with a head line.

    Args:
        with_buyers: add the personal data of the buyers.

    Effects: one query for each `AT_ONCE` orders; `MOST_ROWS` orders at most.
    """
    writer = csv.writer(_Echo())
    columns = (*COLUMNS, *BUYER_COLUMNS) if with_buyers else COLUMNS
    yield "\ufeff" + writer.writerow(columns)  # the mark tells spreadsheets that it is UTF-8
    if with_buyers:
        orders = orders.select_related("buyer")
    for order in _in_batches(orders):
        yield writer.writerow([_safe(_cell(order, name)) for name in columns])


def _in_batches(orders: QuerySet[Order]) -> Iterator[Order]:
    """Go through a query from the newest to the oldest, without a cursor that would stay open."""
    left, last = MAX_ROWS, None
    while left > 0:
        part = list(
            (orders if last is None else orders.filter(pk__lt=last)).order_by("-pk")[: min(BATCH_SIZE, left)]
        )
        yield from part
        if len(part) < BATCH_SIZE:
            return
        left, last = left - len(part), part[-1].pk


def _cell(order: Order, name: str) -> Any:
    if name in BUYER_COLUMNS:
        buyer: OrderBuyer | None = getattr(order, "buyer", None)
        return getattr(buyer, name, "")
    if name in AMOUNTS:
        amount = getattr(order, f"{name}_amount")
        return "" if amount is None else f"{amount:f}"
    value = order.ulid if name == "id" else getattr(order, name)
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value


def _safe(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text
