"""Template filters of the sandbox pages."""

from __future__ import annotations

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def dollars(value: Decimal) -> str:
    """Format an amount in dollars."""
    return f"${value:,.2f}"


@register.filter
def dollars_or_free(value: Decimal) -> str:
    """Format an amount in dollars, and zero as "Free"."""
    return dollars(value) if value else "Free"


@register.filter
def in_cents(value: Decimal) -> int:
    """Return an amount in cents, for the script of the page."""
    return int(value * 100)
