from __future__ import annotations

from django.db.models import Sum
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from django_henry_checkout import shop


def cart_count(request: HttpRequest) -> dict[str, object]:
    """Add `cart_count`, for the header of every page. Lazy: a page that does not show it makes no query."""
    return {"cart_count": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    cart = shop.get_cart(request)
    counted = cart.lines.aggregate(items=Sum("quantity"))["items"] if cart else 0
    return counted or 0
