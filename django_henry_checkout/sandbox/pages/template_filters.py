"""Template filters of the sandbox pages."""

from __future__ import annotations

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def dollars(value: Decimal) -> str:
    return f"${value:,.2f}"


@register.filter
def dollars_or_free(value: Decimal) -> str:
    return dollars(value) if value else "Free"


@register.filter
def in_cents(value: Decimal) -> int:
    return int(value * 100)
