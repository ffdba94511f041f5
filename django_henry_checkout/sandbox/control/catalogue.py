"""Control call for the catalogue: merchants and products with their pictures."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import pricing
from django_henry_checkout.sandbox.engine.catalogue import MERCHANTS, Product
from django_henry_checkout.sandbox.engine.http.api_views import control_view
from django_henry_checkout.sandbox.engine.responses import json_response
from django_henry_checkout.sandbox.engine.state import JSON


def _get_catalogue(request: HttpRequest) -> HttpResponse:
    merchants = [
        {"host": merchant.host, "name": merchant.name, "description": merchant.description}
        for merchant in MERCHANTS.values()
    ]
    products = [_product_json(request, product) for product in pricing.current_products()]
    return json_response({"merchants": merchants, "products": products})


def _product_json(request: HttpRequest, product: Product) -> JSON:
    return {
        "slug": product.slug,
        "link": product.link,
        "title": product.title,
        "description": product.description,
        "merchant": product.merchant.name,
        "host": product.merchant.host,
        "category": product.category,
        "price": {"value": product.price, "currency": "USD"},
        "originalPrice": (
            {"value": product.original_price, "currency": "USD"} if product.original_price else None
        ),
        "availability": product.availability,
        "options": [{"name": option.name, "values": list(option.values)} for option in product.options],
        "imageUrl": request.build_absolute_uri(f"/pictures/{product.slug}.svg"),
    }


catalogue = control_view(GET=_get_catalogue)
