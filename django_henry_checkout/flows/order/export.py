"""Export orders as CSV for spreadsheets. No cell can run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from django_henry_checkout.models import Order, OrderBuyer
from django_henry_checkout.models.orders import AMOUNTS

#: Larger exports are read from the API.
MAX_ROWS = 50_000
BATCH_SIZE = 500
COLUMNS = (
    "number", "id", "status", "account", "created_at", "placed_at", "ended_at", "needs_review", "currency", *AMOUNTS,
)  # fmt: skip
BUYER_COLUMNS = ("first_name", "last_name", "email", "phone")
#: A spreadsheet treats a cell that starts with one of these as a formula.
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file-like object that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def orders_as_csv(orders: QuerySet[Order], *, with_buyers: bool) -> Iterator[str]:
    """Yield the lines of a CSV file: a header, then the orders, newest first.

    Args:
        with_buyers: add the personal data of the buyers.

    Effects: one query for each `BATCH_SIZE` orders; `MAX_ROWS` orders at most.
    """
    writer = csv.writer(_Echo())
    columns = (*COLUMNS, *BUYER_COLUMNS) if with_buyers else COLUMNS
    yield "\ufeff" + writer.writerow(columns)  # spreadsheets recognise UTF-8 by the byte order mark
    if with_buyers:
        orders = orders.select_related("buyer")
    for order in _in_batches(orders):
        yield writer.writerow([_escape(_cell(order, name)) for name in columns])


def _in_batches(orders: QuerySet[Order]) -> Iterator[Order]:
    """Iterate from the newest order to the oldest, without a cursor that stays open."""
    left, last = MAX_ROWS, None
    while left > 0:
        batch = list(
            (orders if last is None else orders.filter(pk__lt=last)).order_by("-pk")[: min(BATCH_SIZE, left)]
        )
        yield from batch
        if len(batch) < BATCH_SIZE:
            return
        left, last = left - len(batch), batch[-1].pk


def _cell(order: Order, name: str) -> Any:
    if name in BUYER_COLUMNS:
        buyer: OrderBuyer | None = getattr(order, "buyer", None)
        return getattr(buyer, name, "")
    if name in AMOUNTS:
        amount = getattr(order, f"{name}_amount")
        return "" if amount is None else f"{amount:f}"
    value = order.ulid if name == "id" else getattr(order, name)
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value


def _escape(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_PREFIXES) else text
