"""The live status page of an order: a script updates it; without scripts `meta refresh` reloads it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from django_henry_checkout.flows.order.status_links import get_order_by_status_token
from django_henry_checkout.views.pages import checkout_page


@require_safe
@checkout_page
def order_status(request: HttpRequest, token: str) -> HttpResponse:
    """Show an order to the holder of its link. `?part=1` returns the panel alone, or 304 if nothing changed."""
    order = get_order_by_status_token(token)
    etag = f'"{order.ulid}-{order.updated_at.timestamp()}-{get_language()}"'
    is_partial = "part" in request.GET
    if is_partial and request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    template = "henry_checkout/includes/order_panel.html" if is_partial else "henry_checkout/status.html"
    context = {"order": order, "lines": list(order.lines.all()), "token": token}
    response = render(request, template, context)
    if is_partial:
        response.headers["ETag"] = etag
    return response
