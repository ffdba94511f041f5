"""Find orders by number, id, reference or e-mail address. Each lookup uses an index."""

from __future__ import annotations

from django.db.models import QuerySet

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.operations.privacy import find_orders_by_email
from django_henry_checkout.models import Order, Purchase
from django_henry_checkout.types import parse_public_id

#: A search returns this many orders at most.
MAX_RESULTS = 200


def find_orders(term: str, *, by_email: bool) -> list[int]:
    """Return the primary keys of the orders that match a term, newest first, at most `MAX_RESULTS`.

    Args:
        term: an order number or its beginning, an id, a `refId`, the id of a cart at Henry, or an e-mail address.
        by_email: whether the user may find orders by their buyers.

    Effects: four queries at most.
    """
    term = term.strip()
    if not term:
        return []
    public_id = parse_public_id(term)
    if public_id is not None:
        return _keys(Order.objects.filter(public_id=public_id))
    if "@" in term:
        return _keys(find_orders_by_email(term)) if by_email else []
    accounts = app_settings.account_aliases
    found = {
        *_keys(Order.objects.filter(number__startswith=term.upper())),
        *_keys(Order.objects.filter(account__in=accounts, henry_cart_id=term)),
        *_keys(Order.objects.filter(purchases__account__in=accounts, purchases__henry_cart_id=term)),
        *Purchase.objects.filter(account__in=accounts, ref_id=term).values_list("order_id", flat=True)[
            :MAX_RESULTS
        ],
    }
    return sorted(found, reverse=True)[:MAX_RESULTS]


def _keys(orders: QuerySet[Order]) -> list[int]:
    return list(orders.order_by("-pk").values_list("pk", flat=True)[:MAX_RESULTS])
