"""`{% load henry_checkout %}`: each tag renders HTML that works without JavaScript."""

from __future__ import annotations

from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.template import TemplateSyntaxError
from django.urls import reverse
from django.utils.translation import pgettext
from moneyed import Money

from django_henry_checkout.components.csp import csp_nonce
from django_henry_checkout.components.element import element_texts
from django_henry_checkout.components.inline import inline_context
from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.access.adapter import get_support_contact
from django_henry_checkout.flows.checkout.inline_steps import get_inline_state
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.formatting import format_money
from django_henry_checkout.models import Cart, Order

register = template.Library()

MODES = ("auto", "redirect", "popup", "iframe")


@register.inclusion_tag("henry_checkout/includes/button.html", takes_context=True)
def henry_checkout_button(
    context: dict[str, Any],
    cart: Cart,
    *,
    mode: str = "auto",
    label: str = "",
    css_class: str = "",
    phone: bool = False,
    theme: str = "",
) -> dict[str, Any]:
    """Render the button that pays a cart: a form, enhanced by a script where scripts run. No query.

    Args:
        cart: the cart to pay; the form names it, and its owner is checked when the form is posted.
        mode: "redirect" leads to Henry's page; "popup" opens it in a window, "iframe" in a dialog on the shop's
            page, each with fallbacks where the browser does not allow it; "auto" picks the best: the dialog.
        label: text on the button; by default "Checkout", translated.
        css_class: your own classes instead of the app's.
        phone: show a second button, which leads to a QR code for the shopper's phone.
        theme: "light" or "dark" for Henry's page; by default it follows the shopper's device.
    """
    return _element_context(
        context, cart, mode=mode, label=label, css_class=css_class, phone=phone, theme=theme
    )


@register.inclusion_tag("henry_checkout/includes/button.html", takes_context=True)
def henry_checkout_frame(
    context: dict[str, Any], cart: Cart, *, label: str = "", theme: str = ""
) -> dict[str, Any]:
    """Render Henry's page in a frame of the shop's page that opens by itself. No query.

    A checkout begins as soon as a browser with scripts shows the page; without scripts there is the button.
    """
    element = _element_context(
        context, cart, mode="iframe", label=label, css_class="", phone=False, theme=theme
    )
    return {**element, "layout": "inline", "opens": True}


def _element_context(
    context: dict[str, Any], cart: Cart, *, mode: str, label: str, css_class: str, phone: bool, theme: str
) -> dict[str, Any]:
    if mode not in MODES:
        raise TemplateSyntaxError(f"The mode of a checkout is one of {', '.join(MODES)}; not {mode!r}.")
    if theme not in {"", "light", "dark"}:
        raise TemplateSyntaxError(f'The theme of a checkout is "light" or "dark"; not {theme!r}.')
    request, token = context["request"], context.get("csrf_token")
    return {
        "action": reverse("henry_checkout:buy"),
        "cart_id": cart.ulid,
        "csrf_token": get_token(request) if token is None else token,
        "label": label or pgettext("button", "Checkout"),
        "css_class": css_class or "henry-button",
        "mode": mode,
        "phone": phone,
        "theme": theme,
        "texts": element_texts(),
        "request": request,
        "slow_after": app_settings.FRAME_SLOW_AFTER,
        "frame_timeout": app_settings.FRAME_TIMEOUT,
    }


@register.inclusion_tag("henry_checkout/includes/qr.html", takes_context=True)
def henry_checkout_qr(context: dict[str, Any], cart: Cart, *, size: int = 240) -> dict[str, Any]:
    """Render the QR code of a template cart's permanent link, and the link itself. No query.

    Args:
        cart: a template, see `shop.create_link`; the code of any other cart leads to a 404.
        size: width and height in CSS pixels.
    """
    path = reverse("henry_checkout:link", args=[cart.ulid])
    url = context["request"].build_absolute_uri(path)
    return {"url": url, "qr_url": reverse("henry_checkout:api-qr-svg", args=[cart.ulid]), "size": size}


@register.inclusion_tag("henry_checkout/includes/live_order.html", takes_context=True)
def henry_order_status(context: dict[str, Any], order: Order) -> dict[str, Any]:
    """Render the live status of an order. One query, for the lines, unless they are prefetched."""
    lines = list(order.lines.all())
    return {
        "order": order,
        "lines": lines,
        "token": create_status_token(order),
        "request": context.get("request"),
    }


@register.inclusion_tag("henry_checkout/inline/section.html", takes_context=True)
def henry_inline_checkout(context: dict[str, Any], order: Order) -> dict[str, Any]:
    """Render the checkout form of an order in the shop's page, at its current step. Four queries, no call.

    The page's visitor must own the order: pass `request` to `shop.begin_inline`, so that a guest does.
    """
    return inline_context(context.get("request"), get_inline_state(order))


@register.simple_tag
def henry_order_status_url(order: Order) -> str:
    """Return the path of an order's status page, for links and mails."""
    return reverse("henry_checkout:status", args=[create_status_token(order)])


@register.simple_tag
def henry_support_contact(order: Order) -> str:
    """Return how a shopper reaches the shop about an order: the adapter's `support_contact`, or ""."""
    return get_support_contact(order)


@register.inclusion_tag("henry_checkout/includes/assets.html", takes_context=True)
def henry_checkout_assets(context: dict[str, Any]) -> dict[str, Any]:
    """Render the links to the app's style sheet and scripts, for the head of your page."""
    return {"request": context.get("request")}


@register.simple_tag(takes_context=True)
def henry_nonce(context: dict[str, Any]) -> str:
    """Return the nonce of the page's Content-Security-Policy, or ""."""
    return csp_nonce(context.get("request"))


@register.filter
def henry_money(money: Money | None) -> str:
    """Format an amount for the active language; an empty text for None."""
    return format_money(money)


@register.filter
def henry_money_off(money: Money | None) -> str:
    """Format a discount as `henry_money` does, with a minus."""
    return format_money(money, is_taken_off=True)
