"""The pages on which the shopper pays: each is a tag of the app, or one call of its Python API."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from django_henry_checkout import shop
from django_henry_checkout.models import Cart, OrderStatus
from example_project.shop.gift_set import find_gift_set
from example_project.shop.views import own_order, subtotals


def _contents(cart: Cart | None) -> dict[str, Any]:
    lines = list(cart.lines.all()) if cart else []
    return {
        "cart": cart,
        "lines": lines,
        "item_count": sum(line.quantity for line in lines),
        "subtotals": subtotals(lines),
    }


@require_safe
@shop.opens_popups
def checkout(request: HttpRequest) -> HttpResponse:
    """Offer each way to pay. Opening the page has no effect."""
    contents = _contents(shop.get_cart(request))
    if not contents["lines"]:
        return redirect("shop:cart")
    return render(request, "shop/checkout.html", contents)


@require_safe
@shop.opens_popups
def embedded(request: HttpRequest) -> HttpResponse:
    contents = _contents(shop.get_cart(request))
    if not contents["lines"]:
        return redirect("shop:cart")
    return render(request, "shop/embedded.html", contents)


@require_POST
def begin_form(request: HttpRequest) -> HttpResponse:
    """Begin to pay in the shop's own form, then show it."""
    cart = shop.get_cart(request)
    if cart is None:
        return redirect("shop:cart")
    try:
        order = shop.begin_inline(cart, request=request).order
    except (shop.OrderNotOpen, shop.PurchaseUnderWay) as error:
        if error.order_id is not None:  # already paid, perhaps in another tab
            return redirect("shop:order", order_id=shop.get_order(error.order_id).ulid)
        messages.error(request, str(error))
    except shop.CheckoutError as error:
        messages.error(request, str(error))
    except shop.GatewayError:
        messages.error(
            request, "Checkout is taking a short break. Your cart is kept; please try again in a moment."
        )
    else:
        return redirect("shop:form", order_id=order.ulid)
    return redirect("shop:cart")


@require_safe
def form(request: HttpRequest, order_id: str) -> HttpResponse:
    order = own_order(request, order_id)
    if order.status != OrderStatus.OPEN:
        return redirect("shop:order", order_id=order.ulid)
    return render(request, "shop/form.html", {"order": order})


@require_safe
def on_your_phone(request: HttpRequest) -> HttpResponse:
    """Show the gift set with the code that buys it."""
    gift_set = find_gift_set()
    if gift_set is None:
        raise Http404
    return render(request, "shop/on_your_phone.html", _contents(gift_set))
