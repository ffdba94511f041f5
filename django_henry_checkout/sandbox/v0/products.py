"""Henry's v0: product search and details. Both answer at once."""

from __future__ import annotations

import zlib
from decimal import Decimal

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import pricing
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import BY_SLUG, Axis, Product
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import answer, envelope
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import RefusedError

_PRICES = (("greaterThanPrice", 1), ("minPrice", 1), ("lowerThanPrice", -1), ("maxPrice", -1))


def search(request: HttpRequest) -> HttpResponse:
    """Search by words and filters, those of the SDK and those of the newer page.

    Taken without effect, for the catalogue knows nothing of it: gender, region, country, freeShipping,
    smallBusiness, filter, enrichTopK.
    """
    body = checking.read_json(request.body)
    words = checking.text(body, "query").lower().split()
    limit = checking.whole(body.get("limit", 10), "limit", low=1, high=100)
    cursor = checking.whole(body.get("cursor") or 0, "cursor", low=0, high=1_000_000)
    found = [each for each in pricing.goods() if _has_words(each, words) and _fits(each, body)]
    order = checking.one_of(body, "sortBy", ("", "lowToHigh", "highToLow"), default="")
    if order:
        found.sort(key=_price, reverse=order == "highToLow")
    shown = [_found_json(request, each) for each in found[cursor : cursor + limit]]
    pages = {
        "nextCursor": cursor + limit if cursor + limit < len(found) else None,
        "previousCursor": max(0, cursor - limit) if cursor else None,
    }
    answered: JSON = {"success": True, "status": "success", "message": "Products retrieved successfully"}
    return answer({**answered, "data": shown, "pagination": pages})


def _has_words(product: Product, words: list[str]) -> bool:
    text = f"{product.title} {product.description} {product.merchant.name} {product.category}".lower()
    return all(word in text for word in words)


def _fits(product: Product, body: JSON) -> bool:
    for key in ("manufacturer", "brand", "merchant"):
        wanted = checking.text(body, key, required=False).lower()
        if wanted and wanted not in (product.merchant.host, product.merchant.name.lower()):
            return False
    for name in ("color", "size"):
        wanted = checking.text(body, name, required=False).lower()
        values = [
            value.lower() for axis in product.options if axis.name.lower() == name for value in axis.values
        ]
        if wanted and wanted not in values:
            return False
    if checking.switch(body, "onSale") and product.original_price is None:
        return False
    return _has_price(product, body)


def _has_price(product: Product, body: JSON) -> bool:
    for key, sign in _PRICES:
        bound = body.get(key)
        if bound is not None and (product.price - checking.amount(bound, key)) * sign < 0:
            return False
    return True


def _price(product: Product) -> Decimal:
    return product.price


def _image(request: HttpRequest, product: Product) -> str:
    return request.build_absolute_uri(f"/pictures/{product.slug}.svg")


def _found_json(request: HttpRequest, product: Product) -> JSON:
    body: JSON = {
        "id": product.slug,
        "name": product.title,
        "description": product.description,
        "price": product.price,
        "currency": "USD",
        "imageUrl": _image(request, product),
        "source": product.merchant.name,
        # Gone from the later SDK, but the guide lists it and a cart needs it.
        "productLink": product.link,
    }
    return {**body, "originalPrice": str(product.original_price)} if product.original_price else body


def details(request: HttpRequest) -> HttpResponse:
    product_id = request.GET.get("productId", "")
    if not product_id:
        raise RefusedError("productId is required.")
    product = BY_SLUG.get(product_id)
    if product is None:
        raise RefusedError("Product not found", status=404)
    data = {
        "productResults": _results_json(request, pricing.as_sold(product)),
        "relatedSearches": [
            {
                "query": product.category,
                "link": f"https://{product.merchant.host}/search?q={product.category}",
                "image": _image(request, product),
            }
        ],
    }
    return envelope("Product details retrieved successfully", data)


def _results_json(request: HttpRequest, product: Product) -> JSON:
    """Ratings are invented, and always the same for the same product."""
    seed = zlib.crc32(product.slug.encode())
    rating = Decimal(38 + seed % 12) / 10
    cost = product.merchant.shipping[0].cost
    store = {
        "name": product.merchant.name,
        "link": product.link,
        "price": f"${product.price}",
        "shipping": f"${cost}" if cost else "Free",
        "total": f"${product.price + cost}",
    }
    review = {
        "userName": "A sandbox shopper",
        "title": "As described",
        "text": product.description,
        "source": product.merchant.host,
        "rating": rating,
    }
    return {
        "title": product.title,
        "brand": product.merchant.name,
        "rating": rating,
        "reviews": 12 + seed % 400,
        "stores": [store],
        "thumbnails": [_image(request, product)],
        "userReviews": [review],
        "variants": [_variant_json(product, axis) for axis in product.options],
    }


def _variant_json(product: Product, axis: Axis) -> JSON:
    items = [
        {"name": value, "selected": at == 0, "available": product.is_in_stock}
        for at, value in enumerate(axis.values)
    ]
    return {"title": axis.name, "items": items}


find = api(POST=search)
show = api(GET=details)
