"""`{% load henry_checkout %}`: each tag renders HTML that works without JavaScript."""

from __future__ import annotations

from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.template import TemplateSyntaxError
from django.urls import reverse
from django.utils.translation import get_language, gettext, to_locale
from moneyed import Money
from moneyed.l10n import format_money

from django_henry_checkout.flows.links import status_token
from django_henry_checkout.models import Cart, Order

register = template.Library()

BUTTON_MODES = ("auto", "redirect")


@register.inclusion_tag("henry_checkout/includes/button.html", takes_context=True)
def henry_checkout_button(
    context: dict[str, Any], cart: Cart, *, mode: str = "auto", label: str = "", css_class: str = ""
) -> dict[str, Any]:
    """Render the button that takes a cart to Henry's page. No query.

    Args:
        cart: what is paid; it is named in the form, and checked against its owner when it comes back.
        mode: "redirect"; "auto" picks the best way there is, which is "redirect" so far.
        label: text on the button; by default "Checkout", translated.
        css_class: your own classes instead of the app's.
    """
    if mode not in BUTTON_MODES:
        raise TemplateSyntaxError(
            f"henry_checkout_button knows the modes {', '.join(BUTTON_MODES)}; not {mode!r}."
        )
    return {
        "action": reverse("henry_checkout:buy"),
        "cart_id": cart.ulid,
        "csrf_token": get_token(context["request"]),
        "label": label or gettext("Checkout"),
        "css_class": css_class or "henry-button",
    }


@register.inclusion_tag("henry_checkout/includes/live_order.html")
def henry_order_status(order: Order) -> dict[str, Any]:
    """Render what an order is doing, kept up to date. One query, for the lines, if they are not at hand."""
    return {"order": order, "lines": list(order.lines.all()), "token": status_token(order)}


@register.simple_tag
def henry_order_status_url(order: Order) -> str:
    """Return the path of the order's own status page, for links and mails."""
    return reverse("henry_checkout:status", args=[status_token(order)])


@register.inclusion_tag("henry_checkout/includes/assets.html")
def henry_checkout_assets() -> dict[str, Any]:
    """Render the links to the app's style sheet and script, for the head of a page of yours."""
    return {}


@register.filter
def henry_money(money: Money | None) -> str:
    """Format money as people write it in the active language; an empty text for None."""
    if money is None:
        return ""
    return format_money(money, locale=to_locale(get_language() or "en"))
