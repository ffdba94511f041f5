"""The pages of the shop. The cart and the orders are the app's: views call its Python API and render."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from moneyed import Money

from django_henry_checkout import shop
from django_henry_checkout.models import CartLine, Order, OrderStatus
from example_project.shop.forms import AddToCartForm
from example_project.shop.models import Product

MAX_ORDERS = 50


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    merchant, words = request.GET.get("merchant", ""), request.GET.get("q", "").strip()
    context = {
        "products": Product.objects.matching(merchant=merchant, words=words),
        "merchants": Product.objects.order_by("merchant").values_list("merchant", flat=True).distinct(),
        "merchant": merchant,
        "words": words,
    }
    return render(request, "shop/catalogue.html", context)


def product(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Product, slug=slug)
    form = AddToCartForm(shown, request.POST or None)
    if request.method == "POST" and shown.is_available and form.is_valid():
        try:
            shop.add_item(shop.get_or_create_cart(request), form.as_item())
        except shop.CheckoutError as error:  # the cart is full, for example; its text is made for shoppers
            messages.error(request, str(error))
        else:
            messages.success(request, f"{shown.name} is in your cart.")
            return redirect("shop:cart")
    others = Product.objects.filter(merchant=shown.merchant).exclude(pk=shown.pk)[:4]
    return render(request, "shop/product.html", {"product": shown, "form": form, "others": others})


@require_safe
def cart(request: HttpRequest) -> HttpResponse:
    mine = shop.get_cart(request)
    lines = list(mine.lines.all()) if mine else []
    products = Product.objects.in_bulk([line.link for line in lines], field_name="link")
    context = {
        "cart": mine,
        "rows": [(line, products.get(line.link)) for line in lines],
        "subtotals": subtotals(lines),
        "merchant_count": len({found.merchant for found in products.values()}),
    }
    return render(request, "shop/cart.html", context)


def subtotals(lines: Iterable[CartLine]) -> list[Money]:
    """Add up the lines, each currency for itself."""
    sums: dict[str, Money] = {}
    for line in lines:
        if line.subtotal is not None:
            sums[line.currency] = sums.get(line.currency, Money(0, line.currency)) + line.subtotal
    return list(sums.values())


@require_POST
def change_line(request: HttpRequest, line_pk: int) -> HttpResponse:
    asked = request.POST.get("quantity", "")
    quantity = int(asked) if asked.isdecimal() and len(asked) < 6 else -1  # which the cart refuses
    try:
        shop.change_quantity(shop.get_or_create_cart(request), line_pk, quantity)
    except shop.CheckoutError as error:
        messages.error(request, str(error))
    return redirect("shop:cart")


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    mine = shop.orders_for(request).prefetch_related("lines")
    mine = mine.exclude(status=OrderStatus.OPEN)  # a checkout that was begun, and not paid so far
    return render(request, "shop/orders.html", {"orders": mine[:MAX_ORDERS]})


@require_safe
def order(request: HttpRequest, order_id: str) -> HttpResponse:
    mine = own_order(request, order_id)
    receipt = mine.receipts.first()
    return render(request, "shop/order.html", {"order": mine, "receipt": receipt})


def own_order(request: HttpRequest, order_id: str) -> Order:
    """Return the order that an address names, if it is the shopper's own."""
    try:
        return shop.get_order(order_id, request=request)
    except shop.OrderNotFound:
        raise Http404 from None
